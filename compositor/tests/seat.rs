//! kioskd on a seat whose manager is at fault: a seatd made for it, in front of the real libseat. There are no
//! screens; what counts is that it goes on or ends in order, with a sentence, and never by a panic.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// For whatever kioskd is to do, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// seatd's protocol: a number and a length in front of each message.
const OPEN_SEAT: u16 = 1;
const PING: u16 = 7;
const SEAT_OPENED: u16 = 0x8001;
const ENABLE_SEAT: u16 = 0x8006;
const PONG: u16 = 0x8007;
const ERROR: u16 = 0xffff;

fn message(number: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    [&number.to_ne_bytes()[..], &length.to_ne_bytes()[..], body].concat()
}

/// kioskd, and the manager's end of its connection to the seat.
struct Kiosk {
    child: Child,
    seatd: UnixStream,
    log: Receiver<String>,
    _directory: TempDir,
}

impl Kiosk {
    /// Starts it on a seat that another has in front.
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("config.toml"), "").unwrap();
        let listener = UnixListener::bind(path("seatd.sock")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kioskd"))
            .args(["--backend", "kms", "--session", "none", "--config"])
            .arg(path("config.toml"))
            .env("LIBSEAT_BACKEND", "seatd")
            .env("SEATD_SOCK", path("seatd.sock"))
            .env("RUNTIME_DIRECTORY", directory.path())
            .env("STATE_DIRECTORY", directory.path())
            .env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", path("no-bus").display()))
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let (seatd, _) = listener.accept().unwrap();
        let answering = seatd.try_clone().unwrap();
        std::thread::spawn(move || serve(answering));
        Self { child, seatd, log, _directory: directory }
    }

    /// Waits until it says this, and gives all that it said until then.
    fn says(&self, wanted: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        let mut said = String::new();
        while !said.contains(wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).unwrap_or_else(|error| panic!("{error}, not {wanted:?}: {said}"));
            assert!(!line.contains("panicked"), "{line}");
            said = said + &line + "\n";
        }
        said
    }

    /// Its exit status, with all that it said until its end.
    fn ends(mut self) -> Option<i32> {
        // The pipe closes with it.
        let rest: String = std::iter::from_fn(|| self.log.recv_timeout(LIMIT).ok()).collect();
        assert!(!rest.contains("panicked"), "{rest}");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers requests, for as long as there are any.
fn serve(mut stream: UnixStream) {
    let mut head = [0; 4];
    while stream.read_exact(&mut head).is_ok() {
        let number = u16::from_ne_bytes([head[0], head[1]]);
        let mut body = vec![0; u16::from_ne_bytes([head[2], head[3]]).into()];
        stream.read_exact(&mut body).unwrap();
        let answer = match number {
            OPEN_SEAT => message(SEAT_OPENED, &[&6_u16.to_ne_bytes()[..], b"seat0\0"].concat()),
            PING => message(PONG, &[]),
            _ => message(ERROR, &5_i32.to_ne_bytes()),
        };
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

#[test]
fn the_end_of_the_seats_manager_is_an_orderly_one_with_a_sentence() {
    let kiosk = Kiosk::start();
    kiosk.says("ready for clients");
    kiosk.seatd.shutdown(std::net::Shutdown::Both).unwrap();
    kiosk.says("connection to the seat's manager ended");
    assert_eq!(kiosk.ends(), Some(1));
}

#[test]
fn a_seat_that_another_has_at_first_is_ours_when_it_comes() {
    let mut kiosk = Kiosk::start();
    kiosk.says("waiting for its virtual terminal");
    kiosk.seatd.write_all(&message(ENABLE_SEAT, &[])).unwrap();
    kiosk.says("seat session active");
    let pid = rustix::process::Pid::from_child(&kiosk.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(kiosk.ends(), Some(0));
}
