//! Tells the service manager how the program is doing: the `sd_notify` protocol in safe Rust.
//!
//! Both `kioskd` and `kiosk-session` make one [`Notifier`] at start-up and use it from their event loops. It
//! never blocks and never fails the caller: with no service manager every call does nothing, and a manager
//! that can't be reached is logged once a call and otherwise ignored. It does not decide *when* the program
//! is ready or alive; see `sd_notify(3)` for what the manager makes of it.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Where the manager listens. Programs take it out of the environment of the children they start.
pub const SOCKET_ENV: &str = "NOTIFY_SOCKET";
/// The watchdog's period in microseconds. Programs take it out of the environment of their children.
pub const WATCHDOG_ENV: &str = "WATCHDOG_USEC";
/// Which process the watchdog is meant for. Programs take it out of the environment of their children.
pub const WATCHDOG_PID_ENV: &str = "WATCHDOG_PID";
/// All three, for `Command::env_remove`: a child that inherits them could answer in the program's name.
pub const ENV: [&str; 3] = [SOCKET_ENV, WATCHDOG_ENV, WATCHDOG_PID_ENV];

/// Retry interval of [`Notifier::alive`] after a failure: the next regular time may be too late.
pub const TELL_AGAIN: Duration = Duration::from_secs(1);

/// Why `NOTIFY_SOCKET` can't be used.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The variable holds neither a path nor an abstract name. Its text.
    #[error("{SOCKET_ENV} is \"{0}\": it must be an absolute path, or @ and an abstract name")]
    Address(String),
    /// The kernel gave no socket.
    #[error("no datagram socket for {SOCKET_ENV}: {0}")]
    Socket(#[from] std::io::Error),
}

/// The connection to the service manager, if there is one.
#[derive(Debug, Default)]
pub struct Notifier {
    manager: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Reads the environment. A bad `NOTIFY_SOCKET` is logged and gives a notifier that does nothing.
    pub fn from_env() -> Self {
        let watchdog = watchdog_period(
            std::env::var_os(WATCHDOG_ENV).as_deref(),
            std::env::var_os(WATCHDOG_PID_ENV).as_deref(),
            std::process::id(),
        );
        match std::env::var_os(SOCKET_ENV).filter(|v| !v.is_empty()) {
            None => Self::default(),
            Some(address) => Self::new(&address, watchdog).unwrap_or_else(|error| {
                tracing::warn!(%error, "no notifications to the service manager");
                Self::default()
            }),
        }
    }

    /// A notifier for the manager at `address`, in the form of `NOTIFY_SOCKET`.
    pub fn new(address: &OsStr, watchdog: Option<Duration>) -> Result<Self, NotifyError> {
        let to = match address.as_bytes() {
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            [b'@', name @ ..] if !name.is_empty() => SocketAddr::from_abstract_name(name)?,
            _ => return Err(NotifyError::Address(address.to_string_lossy().into_owned())),
        };
        let socket = UnixDatagram::unbound()?;
        // The event loop must not wait for a manager whose queue is full.
        socket.set_nonblocking(true)?;
        Ok(Self { manager: Some((socket, to)), watchdog })
    }

    /// Whether there is a manager to talk to.
    pub fn is_active(&self) -> bool {
        self.manager.is_some()
    }

    /// Start-up is complete.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// One line for `systemctl status`; line breaks become spaces.
    pub fn status(&self, text: &str) {
        self.send(&format!("STATUS={}", one_line(text)));
    }

    /// The program has begun to end by itself.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// The program is alive and can do its work. Due well within [`Notifier::watchdog`]. Returns whether it was sent:
    /// not while the manager's queue is full.
    #[must_use = "a lost message is due again"]
    pub fn alive(&self) -> bool {
        self.send("WATCHDOG=1")
    }

    /// The time after which the manager kills a program that has not called [`Notifier::alive`]; `None`: no
    /// watchdog is set. Half of it is the usual interval.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    fn send(&self, message: &str) -> bool {
        let Some((socket, to)) = &self.manager else { return true };
        let sent = socket.send_to_addr(message.as_bytes(), to);
        if let Err(error) = &sent {
            tracing::warn!(%error, message, "service manager not notified");
        }
        sent.is_ok()
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The period in `WATCHDOG_USEC`, when it is a positive number and `WATCHDOG_PID` is absent or `own_pid`.
fn watchdog_period(usec: Option<&OsStr>, pid: Option<&OsStr>, own_pid: u32) -> Option<Duration> {
    if let Some(pid) = pid
        && pid.to_str()?.parse() != Ok(own_pid)
    {
        return None;
    }
    let usec: u64 = usec?.to_str()?.parse().ok()?;
    (usec > 0).then(|| Duration::from_micros(usec))
}

/// Whether what we write to stderr goes to the journal: the variable alone is inherited by shells whose output
/// goes elsewhere (systemd.exec(5), `$JOURNAL_STREAM`).
pub fn stderr_is_the_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(own) = rustix::fs::fstat(std::io::stderr()) else { return false };
    named == format!("{}:{}", own.st_dev, own.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn every_message_reaches_a_manager_at_a_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::new(path.as_os_str(), None).unwrap();
        notifier.ready();
        assert_eq!(received(&manager), "READY=1");
        notifier.status("two\nlines");
        assert_eq!(received(&manager), "STATUS=two lines");
        assert!(notifier.alive());
        assert_eq!(received(&manager), "WATCHDOG=1");
        notifier.stopping();
        assert_eq!(received(&manager), "STOPPING=1");
    }

    #[test]
    fn a_message_reaches_a_manager_at_an_abstract_name() {
        let name = format!("kiosk-notify-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notifier::new(OsStr::new(&format!("@{name}")), None).unwrap().ready();
        assert_eq!(received(&manager), "READY=1");
    }

    #[test]
    fn an_address_that_is_no_socket_is_refused_by_name() {
        for bad in ["relative", "@", "vsock:2:1234"] {
            let error = Notifier::new(OsStr::new(bad), None).unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
        }
    }

    #[test]
    fn a_manager_that_is_gone_or_full_does_not_stop_the_caller() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::new(path.as_os_str(), None).unwrap();
        let told = (0..100_000).filter(|_| notifier.alive()).count();
        assert!((1..100_000).contains(&told), "{told} messages fit, and the caller is not told of the lost ones");
        assert_eq!(received(&manager), "WATCHDOG=1");
        drop(manager);
        assert!(!notifier.alive());
    }

    #[test]
    fn the_watchdog_is_for_the_process_it_names_only() {
        let s = OsStr::new;
        let period = |usec, pid| watchdog_period(usec, pid, 42);
        assert_eq!(period(Some(s("20000000")), None), Some(Duration::from_secs(20)));
        assert_eq!(period(Some(s("20000000")), Some(s("42"))), Some(Duration::from_secs(20)));
        assert_eq!(period(Some(s("20000000")), Some(s("43"))), None);
        assert_eq!(period(Some(s("20000000")), Some(s("x"))), None);
        assert_eq!(period(Some(s("0")), None), None);
        assert_eq!(period(Some(s("-1")), None), None);
        assert_eq!(period(None, Some(s("42"))), None);
    }
}
