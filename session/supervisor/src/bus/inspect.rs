//! Somebody wants to look at a shell's page by DevTools (`Session1.Inspect`): checks what they say of themselves and for how
//! long, hands it to the session, and their end of the socket back.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use kiosk_core::api::{INSPECT_TIME, MAX_INSPECTOR};

/// An order to look at the page.
#[derive(Debug)]
pub struct InspectOrder {
    /// For the screen and the journal.
    pub who: String,
    /// For how long at most.
    pub time: Duration,
    /// Takes their end of the socket; the receiver may be gone.
    pub reply: oneshot::Sender<Result<OwnedFd, InspectRefusal>>,
}

/// Why nobody may look now, one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum InspectRefusal {
    /// There is nothing to look at.
    #[error("there is no page that could be inspected at the moment: try again when it is shown")]
    NoPage,
    /// One at a time.
    #[error("{0} is looking at the page: try again when that has ended")]
    Busy(String),
    /// The browser refuses, with its reason.
    #[error("the browser lets nobody look at the page: {0}")]
    Browser(String),
    /// The browser has not answered.
    #[error("the browser does not answer: try again later")]
    NoAnswer,
    /// The system has none.
    #[error("there is no socket: {0}")]
    Socket(std::io::Error),
}

/// A wrong argument, one sentence each.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArgumentError {
    #[error("seconds is {0}, allowed is {min} to {max}", min = INSPECT_TIME.start().as_secs(), max = INSPECT_TIME.end().as_secs())]
    Time(u32),
    #[error("who must be 1 to {MAX_INSPECTOR} characters without control characters: it is shown on the screen")]
    Who,
}

/// The way to the session of one shell.
#[derive(Clone)]
pub struct Inspect(Arc<dyn Fn(InspectOrder) + Send + Sync>);

impl fmt::Debug for Inspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inspect")
    }
}

impl Inspect {
    /// `order` hands an order to the session; it does not wait.
    pub fn new(order: impl Fn(InspectOrder) + Send + Sync + 'static) -> Self {
        Inspect(Arc::new(order))
    }

    /// Orders it. `None`: the session ends.
    pub(super) async fn ask(&self, who: String, time: Duration) -> Option<Result<OwnedFd, InspectRefusal>> {
        let (reply, answer) = oneshot::channel();
        (self.0)(InspectOrder { who, time, reply });
        answer.await.ok()
    }
}

/// The arguments of a caller.
pub(super) fn checked(seconds: u32, who: &str) -> Result<(String, Duration), ArgumentError> {
    let time = Duration::from_secs(seconds.into());
    if !INSPECT_TIME.contains(&time) {
        return Err(ArgumentError::Time(seconds));
    }
    let length = who.trim().chars().count();
    if !(1..=MAX_INSPECTOR).contains(&length) || who.chars().any(char::is_control) {
        return Err(ArgumentError::Who);
    }
    Ok((who.trim().to_owned(), time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_time_are_within_bounds() {
        assert_eq!(checked(1, " Anna ").unwrap(), ("Anna".to_owned(), Duration::from_secs(1)));
        assert!(checked(3600, &"ä".repeat(64)).is_ok());
        for (seconds, who) in
            [(0, "a"), (3601, "a"), (u32::MAX, "a"), (1, ""), (1, "  "), (1, "a\nb"), (1, "\u{1b}[2J")]
        {
            assert!(checked(seconds, who).is_err(), "{seconds} {who:?}");
        }
        let error = checked(0, "a").unwrap_err().to_string();
        assert_eq!(error, "seconds is 0, allowed is 1 to 3600");
        assert!(checked(1, &"ä".repeat(65)).is_err());
    }
}
