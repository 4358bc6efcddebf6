//! Logs where the event loop hangs when the service manager's watchdog aborts the program (SIGABRT). A thread that
//! sleeps until then inspects the loop's thread, logs its state, and lets the program abort.
//!
//! Called by [`crate::watchdog`] alone.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{
    fs,
    io::{self, Read},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use signal_hook::consts::SIGABRT;

/// Most bytes of a file in `/proc` that are logged.
const MAX_TEXT: usize = 256;
/// Delay before the inspection, as the signal may have interrupted the inspected thread's system call.
const BACK_TO_WAITING: Duration = Duration::from_millis(20);

/// Logs the state of the calling thread on SIGABRT, then aborts.
pub fn report_on_abort() -> io::Result<()> {
    let task = fs::canonicalize("/proc/thread-self")?;
    let (mut told, tell) = UnixStream::pair()?;
    // Before the handler is installed: without the thread the program would not abort.
    thread::Builder::new().name("last-words".into()).spawn(move || {
        if told.read_exact(&mut [0]).is_ok() {
            thread::sleep(BACK_TO_WAITING);
            report(&task);
            std::process::abort();
        }
    })?;
    signal_hook::low_level::pipe::register(SIGABRT, tell).map(drop)
}

fn report(task: &Path) {
    let read = |name: &str| one_line(fs::read(task.join(name)).unwrap_or_default());
    tracing::error!(
        state = state(&read("stat")),
        waits_in = read("wchan"),
        syscall = described(&read("syscall"), &descriptors()),
        "told to abort, as the watchdog does when the event loop hangs"
    );
}

/// A thread's state, the field after its name in parentheses (proc_pid_stat(5)): R running, S sleeping, D waiting for a
/// device, T stopped.
fn state(stat: &str) -> &str {
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    after_name.split(' ').next().unwrap_or_default()
}

/// A system call as the kernel shows it (number and arguments), with the file of its first argument, if that is a
/// descriptor.
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
        io::BufRead,
        os::{fd::AsRawFd, unix::process::ExitStatusExt},
        sync::mpsc::channel,
    };

    use super::*;

    const CHILD: &str = "KIOSKD_TEST_OF_LAST_WORDS";

    /// Not a test of its own: a program that hangs in a read.
    #[test]
    fn child() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        kiosk_core::logging::start("info");
        report_on_abort().unwrap();
        let (mut reader, _writer) = UnixStream::pair().unwrap();
        eprintln!("hangs now");
        let _ = reader.read(&mut [0]);
    }

    #[test]
    fn a_program_that_is_aborted_says_what_it_hung_in_and_dies_of_it() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "stall::tests::child", "--nocapture"]).env(CHILD, "1").env_remove("JOURNAL_STREAM");
        let mut child = child.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        lines.find(|line| line == "hangs now").unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
        let said: Vec<String> = lines.collect();
        let words = said.iter().find(|line| line.contains("told to abort")).unwrap_or_else(|| panic!("{said:?}"));
        assert!(words.contains("ERROR") && words.contains("(descriptor socket:["), "{words}");
        assert_eq!(child.wait().unwrap().signal(), Some(SIGABRT));
    }

    #[test]
    fn the_kernel_function_a_thread_waits_in_is_reported() {
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
