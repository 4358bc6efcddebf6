//! Says in the log what the event loop hangs in, before the service manager's watchdog ends it: afterwards nobody can
//! ask any more. A thread that sleeps; it is told each time the watchdog is fed, and without one it does not exist.
//!
//! Called by [`crate::watchdog`] alone. It never ends or wakes the loop.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

/// Bytes of a file of `/proc` that are logged.
const MAX_TEXT: usize = 256;

/// The loop's side: tells that it turns.
#[derive(Debug)]
pub struct StallWatch(SyncSender<()>);

impl StallWatch {
    /// Watches the calling thread from now on: one message for each time that it does not call [`Self::turned`] for
    /// `limit`. `None`, and a line in the log, where no thread can be had.
    pub fn over_this_thread(limit: Duration) -> Option<Self> {
        let task = fs::canonicalize("/proc/thread-self").ok()?;
        let (sender, receiver) = sync_channel(1);
        let thread = thread::Builder::new().name("stall-watch".into());
        match thread.spawn(move || watch(&receiver, limit, || report(&task, limit))) {
            Ok(_) => Some(Self(sender)),
            Err(error) => {
                tracing::warn!(%error, "no thread to watch the event loop");
                None
            }
        }
    }

    /// The loop turns.
    pub fn turned(&self) {
        // Full: the thread has not been scheduled since, and will see the one before.
        let _ = self.0.try_send(());
    }
}

fn watch(turned: &Receiver<()>, limit: Duration, mut stalled: impl FnMut()) {
    loop {
        match turned.recv_timeout(limit) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                stalled();
                if turned.recv().is_err() {
                    return;
                }
                tracing::info!("the event loop turns again");
            }
        }
    }
}

fn report(task: &Path, limit: Duration) {
    let read = |name: &str| one_line(fs::read(task.join(name)).unwrap_or_default());
    tracing::error!(
        seconds = limit.as_secs(),
        state = state(&read("stat")),
        waits_in = read("wchan"),
        syscall = described(&read("syscall"), &descriptors()),
        "the event loop hangs"
    );
}

/// The kernel's letter for what a thread does, the field after its name in parentheses (proc_pid_stat(5)): R runs,
/// S sleeps, D waits for a device, T is stopped.
fn state(stat: &str) -> &str {
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    after_name.split(' ').next().unwrap_or_default()
}

/// A system call as the kernel shows it (number and arguments), with what its first argument is open on, should that
/// be a file descriptor.
fn described(syscall: &str, descriptors: &Path) -> String {
    let first =
        syscall.split(' ').nth(1).and_then(|argument| u32::from_str_radix(argument.trim_start_matches("0x"), 16).ok());
    let file = first.and_then(|number| fs::read_link(descriptors.join(number.to_string())).ok());
    match file {
        Some(file) => format!("{syscall} (descriptor {})", file.display()),
        None => syscall.to_owned(),
    }
}

fn descriptors() -> PathBuf {
    PathBuf::from("/proc/self/fd")
}

fn one_line(mut bytes: Vec<u8>) -> String {
    bytes.truncate(MAX_TEXT);
    String::from_utf8_lossy(&bytes).replace(char::is_control, " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read,
        os::{fd::AsRawFd, unix::net::UnixStream},
        sync::mpsc::channel,
    };

    use super::*;

    #[test]
    fn a_thread_that_hangs_is_told_once_and_again_after_it_has_turned() {
        let (turned, receiver) = sync_channel(1);
        let (told, tells) = channel();
        let thread = thread::spawn(move || watch(&receiver, Duration::from_millis(1), || told.send(()).unwrap()));
        tells.recv().unwrap();
        turned.send(()).unwrap();
        tells.recv().unwrap();
        drop(turned);
        thread.join().unwrap();
        assert!(tells.try_recv().is_err(), "more than once for one hang");
    }

    #[test]
    fn one_that_turns_is_not_told() {
        let (turned, receiver) = sync_channel(0);
        let (told, tells) = channel::<()>();
        let thread = thread::spawn(move || watch(&receiver, Duration::from_secs(600), || told.send(()).unwrap()));
        for _ in 0..10 {
            turned.send(()).unwrap();
        }
        drop(turned);
        thread.join().unwrap();
        assert!(tells.try_recv().is_err());
    }

    #[test]
    fn what_a_thread_waits_for_is_named() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let number = reader.as_raw_fd();
        let (send, receive) = channel();
        let thread = thread::spawn(move || {
            send.send(fs::canonicalize("/proc/thread-self").unwrap()).unwrap();
            let _ = reader.read(&mut [0]);
        });
        let task = receive.recv().unwrap();
        let waiting = format!(" 0x{number:x} ");
        let read = |name: &str| fs::read_to_string(task.join(name)).unwrap();
        let asleep = loop {
            let syscall = read("syscall");
            if syscall.contains(&waiting) {
                break syscall;
            }
            thread::yield_now();
        };
        assert_eq!(state(&read("stat")), "S");
        let said = described(asleep.trim(), &descriptors());
        assert!(said.contains("(descriptor socket:["), "{said}");
        drop(writer);
        thread.join().unwrap();
    }

    #[test]
    fn a_name_with_parentheses_and_an_empty_file_are_no_state() {
        assert_eq!(state("7 (a) b) D 1 2"), "D");
        assert_eq!(state(""), "");
        assert_eq!(described("running", Path::new("/nowhere")), "running");
        assert_eq!(one_line(b"a\nb\0\n".to_vec()), "a b");
    }
}
