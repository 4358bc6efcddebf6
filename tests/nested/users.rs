//! Unprivileged users of the machine that try to exhaust both daemons' memory and connections: with real processes,
//! without a window.

use std::{
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    process::Command,
    sync::mpsc,
    time::Duration,
};

use super::process::{Running, program};

/// Enough to use all connections, if each user's were not limited.
const USERS: std::ops::Range<u32> = 60001..60008;
const CONNECTIONS_EACH: usize = 20;
/// Of a daemon's 64 connections, 16 are reserved for users who may do everything.
const PLACES: usize = 48;
/// Body size of a message of which only the beginning is sent, bytes: D-Bus's limit, less a header.
const ANNOUNCED: u32 = 127 * 1024 * 1024;
/// Of signals that reach a connection while it waits, bytes.
const MOST_TOLD: usize = 64 << 10;
/// Limit of memory that a daemon may use for it, KiB; 48 times the announced size are 6 GiB.
const MOST_GROWTH: u64 = 32 * 1024;
/// A message must be complete within 5 s, or the connection is closed; with time for a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

/// A headless kioskd, and its kiosk-session, whose shell does nothing.
struct Daemons {
    kioskd: Running,
    directory: tempfile::TempDir,
}

impl Daemons {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Accessible for other users, too.
        let run = directory.path().join("run");
        std::fs::create_dir(&run).unwrap();
        for path in [directory.path(), &run] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::write(directory.path().join("config.toml"), "[shell]\ncommand = [\"sleep\", \"1000\"]\n").unwrap();
        let mut command = command("kioskd", directory.path());
        command.args(["--backend", "headless", "--config"]).arg(directory.path().join("config.toml"));
        let mut kioskd = Running::start(command);
        ["compositor.sock", "session/session.sock"].iter().for_each(|socket| kioskd.wait_for(&run.join(socket)));
        Self { kioskd, directory }
    }

    fn session(&self) -> u32 {
        let pid = self.kioskd.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.trim().parse().unwrap()
    }

    fn kioskctl(&self, arguments: &[&str]) -> String {
        let output = command("kioskctl", self.directory.path()).args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kioskctl {arguments:?}: {error}\n{}", self.kioskd.log());
        String::from_utf8(output.stdout).unwrap()
    }
}

fn command(name: &str, directory: &Path) -> Command {
    let mut command = Command::new(program(name));
    command.env("KIOSK_RUNTIME_DIR", directory.join("run")).env("KIOSK_STATE_DIR", directory.join("state"));
    command.env("XDG_RUNTIME_DIR", directory.join("run")).env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    command.env_remove("WAYLAND_DISPLAY").env_remove("DISPLAY");
    command
}

fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Connects as the calling thread's user, and begins the largest message; `None`: refused.
fn announce(socket: &Path, user: u32) -> Option<UnixStream> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    let uid: String = user.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    write!(stream, "\0AUTH EXTERNAL {uid}\r\n").ok()?;
    let mut answer = [0; 256];
    stream.read(&mut answer).ok().filter(|count| answer[..*count].starts_with(b"OK"))?;
    stream.write_all(b"BEGIN\r\n").ok()?;
    let words = [ANNOUNCED, 1, 0].map(u32::to_le_bytes).concat();
    stream.write_all(&[&b"l\x01\0\x01"[..], &words, &[0; 1000]].concat()).ok()?;
    Some(stream)
}

/// All connections to the socket that these users get at once.
fn hoard(socket: &Path) -> Vec<UnixStream> {
    let (sender, receiver) = mpsc::channel();
    for user in USERS {
        let (sender, socket) = (sender.clone(), socket.to_owned());
        std::thread::spawn(move || {
            // Applies to this thread only, which ends after it.
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(user)).unwrap();
            let held: Vec<_> = (0..CONNECTIONS_EACH).filter_map(|_| announce(&socket, user)).collect();
            sender.send(held).unwrap();
        });
    }
    drop(sender);
    receiver.into_iter().flatten().collect()
}

#[test]
fn seven_users_who_announce_gigabytes_cost_neither_daemon_memory_nor_root_a_place() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: only root can become another user");
        return;
    }
    let daemons = Daemons::start();
    daemons.kioskctl(&["status"]);
    let run = daemons.directory.path().join("run");
    let targets = [(daemons.kioskd.id(), "compositor.sock"), (daemons.session(), "session.sock")];
    let before = targets.map(|(pid, _)| memory(pid));
    let held: Vec<Vec<UnixStream>> = targets.iter().map(|(_, socket)| hoard(&run.join(socket))).collect();
    // Both serve root meanwhile.
    let status = daemons.kioskctl(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert!(status["session"]["state"].is_string() && status["compositor"]["outputs"].is_array(), "{status}");
    for (((pid, socket), before), held) in targets.iter().zip(before).zip(held) {
        assert!((PLACES / 2..=PLACES).contains(&held.len()), "{} places of {socket} were taken", held.len());
        let grown = memory(*pid) - before;
        assert!(grown < MOST_GROWTH, "{grown} KiB for {} connections to {socket}", held.len());
        // Connections with an incomplete message are closed; until then they are told what changes, as everybody is.
        for mut stream in held {
            let ended = stream.read_to_end(&mut Vec::new());
            assert!(ended.as_ref().is_ok_and(|told| *told < MOST_TOLD), "{socket}: {ended:?}");
        }
    }
    // Other users can connect again.
    let again = hoard(&run.join("compositor.sock"));
    assert!(!again.is_empty());
}
