//! Callers that wait for the page: `reload`, `home` and similar commands succeed when the page is shown, and fail with
//! the reason if it is not.

use std::time::Duration;

use tokio::sync::oneshot;

use super::Daemon;
use crate::machine::Refusal;
use kiosk_core::api::State;
use kiosk_core::config::masked;

/// Time limit from the call to the page: below the timeout of D-Bus callers, 25 s.
const SHOWN_TIMEOUT: Duration = Duration::from_secs(20);
/// Most waiting callers; further ones are answered at once.
const MAX_WAITING: usize = 32;

/// One caller.
pub(super) struct Waiter {
    reply: oneshot::Sender<Result<(), Refusal>>,
    /// Failures before the call.
    failures: u64,
    until: Duration,
}

impl Daemon {
    /// Adds a caller, which is answered when the page is shown or has failed.
    pub(super) fn answer_when_shown(&mut self, reply: oneshot::Sender<Result<(), Refusal>>) {
        let failures = self.status.borrow().failures;
        let until = self.clock.now() + SHOWN_TIMEOUT;
        if self.waiters.len() >= MAX_WAITING {
            let _ = reply.send(Err(self.not_yet()));
            return;
        }
        self.waiters.push(Waiter { reply, failures, until });
    }

    /// The last failure does not answer callers: what they ordered goes on.
    pub(super) fn waiters_wait_on(&mut self) {
        self.waiters.iter_mut().for_each(|waiter| waiter.failures += 1);
    }

    /// The deadline of the first caller.
    pub(super) fn waiters_deadline(&self) -> Option<Duration> {
        self.waiters.iter().map(|waiter| waiter.until).min()
    }

    fn not_yet(&self) -> Refusal {
        let reason = self.machine.waiting_for();
        Refusal::NotYet(if reason.is_empty() { "too many callers wait".into() } else { masked(&reason) })
    }

    /// Answers the callers whose result is known.
    pub(super) fn answer_waiters(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let (state, now) = (self.machine.state(), self.clock.now());
        let (failures, reason) = {
            let status = self.status.borrow();
            (status.failures, status.last_failure.0.clone())
        };
        for waiter in std::mem::take(&mut self.waiters) {
            let answer = match state {
                _ if failures > waiter.failures => Err(Refusal::Failed(reason.clone())),
                State::Ready => Ok(()),
                State::Stopped => Err(Refusal::Stopped),
                _ if now >= waiter.until => Err(self.not_yet()),
                _ => {
                    self.waiters.push(waiter);
                    continue;
                }
            };
            // The caller may be gone.
            let _ = waiter.reply.send(answer);
        }
    }
}
