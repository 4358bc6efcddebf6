//! Programs that the tests run: found in the test's build directory, watched by their files and exits, and never left
//! running.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify,
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};

/// Time limit for everything: software GL on a busy machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program of this workspace.
pub fn program(name: &str) -> PathBuf {
    let kioskd = std::env::var_os("KIOSKD_BIN").map(PathBuf::from);
    let directory = kioskd.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_else(|| {
        // The test itself is in target/PROFILE/deps.
        std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned()
    });
    let path = directory.join(name);
    assert!(
        path.exists(),
        "{} is not there: run `cargo build --workspace` first, or set KIOSKD_BIN to a built kioskd",
        path.display()
    );
    path
}

/// Waits until the descriptor is readable; `false` after the timeout.
pub fn readable(fd: BorrowedFd<'_>, timeout: Duration) -> bool {
    let timeout = Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: i64::from(timeout.subsec_nanos()) };
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    poll(&mut fds, Some(&timeout)).is_ok_and(|ready| ready > 0)
}

/// A running program, which is ended on drop.
pub struct Running {
    name: String,
    child: Child,
    log: File,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let log = tempfile::tempfile().unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap());
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        Self { name, child, log }
    }

    /// Its output so far.
    pub fn log(&self) -> String {
        let mut bytes = Vec::new();
        // The file offset is shared with the program, which writes at its end: it is restored.
        let mut log = &self.log;
        log.seek(SeekFrom::Start(0)).unwrap();
        log.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for its exit.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        let pidfd = pidfd_open(self.pid(), PidfdFlags::empty()).unwrap();
        assert!(readable(pidfd.as_fd(), PATIENCE), "{} does not end:\n{}", self.name, self.log());
        self.child.wait().unwrap()
    }

    /// Waits until it has created this file.
    #[track_caller]
    pub fn wait_for(&mut self, path: &Path) {
        let directory = path.parent().unwrap();
        std::fs::create_dir_all(directory).unwrap();
        let created = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
        self.watch(directory, created, &path.display().to_string(), |_| path.exists());
    }

    /// Waits until its output has this text.
    #[track_caller]
    pub fn wait_for_log(&mut self, text: &str) {
        let log = PathBuf::from(format!("/proc/self/fd/{}", self.log.as_raw_fd()));
        self.watch(&log, inotify::WatchFlags::MODIFY, text, |running| running.log().contains(text));
    }

    /// Looks whether it is `done` whenever the path changes in this way.
    #[track_caller]
    fn watch(&self, path: &Path, change: inotify::WatchFlags, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, path, change).unwrap();
        let pidfd = pidfd_open(self.pid(), PidfdFlags::empty()).unwrap();
        while !done(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&watch, PollFlags::IN), PollFd::new(&pidfd, PollFlags::IN)];
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
            let ready = poll(&mut fds, Some(&timeout)).unwrap_or(0);
            let ended = fds[1].revents().contains(PollFlags::IN);
            assert!(ready > 0 && !ended, "{}: no {what}:\n{}", self.name, self.log());
            let mut events = [0; 4096];
            let _ = rustix::io::read(&watch, &mut events);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
