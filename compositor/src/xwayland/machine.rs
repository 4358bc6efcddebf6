//! Decides when Xwayland is started: by the first X client, and again by the next one after it has ended; with growing
//! delays if it fails, as the waiting client triggers the next start at once. No I/O and no clock.

use std::time::Duration;

/// Delay after the first failure, and the longest.
const MIN_REST: Duration = Duration::from_millis(300);
const MAX_REST: Duration = Duration::from_secs(10);
/// A server that ran this long counts as healthy.
const HEALTHY: Duration = Duration::from_secs(30);

/// The next action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Start the server, which accepts waiting and new clients.
    Start,
    /// Xwayland is not installed: close the waiting connections.
    TurnAway,
    /// Watch for X clients.
    Listen,
    /// Stop watching for this time, then call [`Machine::rested`].
    RestFor(Duration),
    /// Nothing.
    Nothing,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Waiting for a client.
    #[default]
    Waiting,
    Running {
        since: Duration,
    },
    /// Waiting after a failure.
    Resting,
}

/// The state of one X display.
#[derive(Debug, Default)]
pub struct Machine {
    state: State,
    failures: u32,
}

impl Machine {
    /// An X client connects. `there`: Xwayland is installed.
    pub fn called(&mut self, now: Duration, there: bool) -> Act {
        match (self.state, there) {
            (State::Waiting, true) => {
                self.state = State::Running { since: now };
                Act::Start
            }
            (State::Waiting, false) => Act::TurnAway,
            (State::Running { .. } | State::Resting, _) => Act::Nothing,
        }
    }

    /// The server has ended, or could not be started. `well`: its exit status was success.
    pub fn ended(&mut self, now: Duration, well: bool) -> Act {
        let State::Running { since } = self.state else { return Act::Nothing };
        if well || now.saturating_sub(since) >= HEALTHY {
            self.failures = 0;
        }
        if well {
            self.state = State::Waiting;
            return Act::Listen;
        }
        self.state = State::Resting;
        let rest = MIN_REST.saturating_mul(1 << self.failures.min(6)).min(MAX_REST);
        self.failures += 1;
        Act::RestFor(rest)
    }

    /// The delay is over.
    pub fn rested(&mut self) -> Act {
        if self.state != State::Resting {
            return Act::Nothing;
        }
        self.state = State::Waiting;
        Act::Listen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);

    #[test]
    fn the_first_client_starts_it_and_so_does_the_next_after_its_end() {
        let mut machine = Machine::default();
        assert_eq!(machine.called(START, true), Act::Start);
        assert_eq!(machine.called(START, true), Act::Nothing, "it takes them itself");
        assert_eq!(machine.ended(START, true), Act::Listen);
        assert_eq!(machine.ended(START, true), Act::Nothing, "once");
        assert_eq!(machine.called(START, true), Act::Start);
    }

    #[test]
    fn without_xwayland_callers_are_turned_away_until_there_is_one() {
        let mut machine = Machine::default();
        assert_eq!(machine.called(START, false), Act::TurnAway);
        assert_eq!(machine.called(START, false), Act::TurnAway);
        assert_eq!(machine.called(START, true), Act::Start);
    }

    #[test]
    fn one_that_fails_rests_longer_each_time_and_never_for_ever() {
        let mut machine = Machine::default();
        let mut rests = Vec::new();
        for _ in 0..10 {
            assert_eq!(machine.called(START, true), Act::Start);
            let Act::RestFor(rest) = machine.ended(START, false) else { panic!("no rest") };
            assert_eq!(machine.called(START, true), Act::Nothing);
            assert_eq!(machine.rested(), Act::Listen);
            rests.push(rest);
        }
        assert_eq!((rests[0], rests[9]), (MIN_REST, MAX_REST));
        assert!(rests.is_sorted());
        assert_eq!(machine.called(START, true), Act::Start);
        assert_eq!(machine.ended(START + HEALTHY, false), Act::RestFor(MIN_REST), "it was well for long");
        assert_eq!(machine.rested(), Act::Listen);
        assert_eq!(machine.rested(), Act::Nothing);
    }
}
