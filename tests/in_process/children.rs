//! Programs that the compositor starts: a command in place of the session.

use kioskd::{
    child::{self, Launch, Role},
    lifecycle::Exit,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::fixture::Fixture;

#[test]
fn a_command_ends_the_kiosk_with_its_status_and_leaves_nothing_running() {
    let mut fixture = Fixture::new(&["320x200"]);
    let left = fixture.directory.path().join("left");
    let script = format!("sleep 60 </dev/null >/dev/null 2>&1 & echo $! >{}; exit 7", left.display());
    let words = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let runtime_dir = fixture.directory.path().to_owned();
    let launch = Launch { role: Role::Command(words), wayland: runtime_dir.join("wayland-0"), runtime_dir };
    child::start(&mut fixture.kiosk, launch);
    fixture.until("the end of the command", |fixture| fixture.kiosk.main_loop.lifecycle.exit().is_some());
    assert_eq!(fixture.kiosk.main_loop.lifecycle.exit(), Some(Exit(7)));
    let pid = std::fs::read_to_string(left).unwrap().trim().parse().ok().and_then(Pid::from_raw).unwrap();
    // It was terminated, and is not our child.
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).unwrap();
    assert_eq!(ended, 1, "what the command started still runs");
}
