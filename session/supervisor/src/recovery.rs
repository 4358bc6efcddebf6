//! How long to wait before the next try, and which try comes next: the back-off and the ladder of
//! [`crate::machine`]. Pure; times are of one clock that never goes back, since any fixed moment.

use std::time::Duration;

/// Before the first new try: at once for a person, and long enough for the reason of a failure (the
/// compositor's end, say) to become known.
const MIN_DELAY: Duration = Duration::from_millis(100);
/// Before the second; doubled with each one after it.
const SECOND: Duration = Duration::from_secs(1);
/// Longest wait.
const MAX_DELAY: Duration = Duration::from_secs(30);
/// Trouble again within this time was not cured by what was done about it: something stronger is tried.
const WINDOW: Duration = Duration::from_secs(60);
/// So many browsers in a row that came to nothing may be their profile's fault.
const BROWSERS_A_PROFILE: u32 = 4;
/// A profile is given up at most this often: what people have stored is worth more than a screen that comes up by
/// chance.
const PROFILE_BUDGET: Duration = Duration::from_secs(24 * 3600);

/// Waits of 0.1, 1, 2, 4, ... 30 seconds, until [`Backoff::reset`].
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure and says how long to wait for the next try.
    pub fn next_delay(&mut self) -> Duration {
        let delay = match self.failures {
            0 => MIN_DELAY,
            n => SECOND.saturating_mul(1 << (n - 1).min(8)).min(MAX_DELAY),
        };
        self.failures = self.failures.saturating_add(1);
        delay
    }

    /// It has worked for long enough: the next failure is a first one again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// What is done about a page or a browser that does not work, from the mildest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// What runs in the page is ended, and it is loaded again.
    Reload,
    /// The page's process is ended, and it is loaded again in another one.
    Renderer,
    /// The browser is started again.
    Browser,
    /// It is started again without what it has stored.
    Profile,
}

/// Remembers what was done last, and when.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    last: Option<(Rung, Duration)>,
    /// Browsers in a row of which no page stayed up.
    browsers: u32,
    profile_at: Option<Duration>,
}

impl Ladder {
    /// What to do about a page at `now`; `mildest` is what can help at all.
    pub fn page_trouble(&mut self, mildest: Rung, now: Duration) -> Rung {
        let last = self.last.filter(|(_, at)| now.saturating_sub(*at) < WINDOW);
        let rung = match last {
            None => mildest,
            Some((Rung::Reload, _)) => Rung::Renderer.max(mildest),
            Some((Rung::Renderer | Rung::Browser | Rung::Profile, _)) => Rung::Browser,
        };
        self.last = Some((rung, now));
        rung
    }

    /// What to do about a browser that ended, or had to be ended, at `now`: [`Rung::Browser`] or [`Rung::Profile`].
    pub fn browser_trouble(&mut self, now: Duration) -> Rung {
        self.browsers = self.browsers.saturating_add(1);
        let within_budget = self.profile_at.is_none_or(|at| now.saturating_sub(at) >= PROFILE_BUDGET);
        let rung = if self.browsers >= BROWSERS_A_PROFILE && within_budget { Rung::Profile } else { Rung::Browser };
        if rung == Rung::Profile {
            self.profile_at = Some(now);
        }
        self.last = Some((rung, now));
        rung
    }

    /// A page has stayed up.
    pub fn reset(&mut self) {
        self.browsers = 0;
        self.last = None;
    }
}

/// All that is remembered of failures.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Between launches.
    pub browser: Backoff,
    /// Between loads of the page.
    pub page: Backoff,
    /// How much has been tried.
    pub ladder: Ladder,
    stable_at: Option<Duration>,
}

impl Recovery {
    /// The page is up; if it still is at `at`, earlier failures are forgotten.
    pub fn up_until(&mut self, at: Duration) {
        self.stable_at = Some(at);
    }

    /// It is not.
    pub fn not_up(&mut self) {
        self.stable_at = None;
    }

    /// When [`Recovery::expire`] is due.
    pub fn stable_at(&self) -> Option<Duration> {
        self.stable_at
    }

    /// Forgets what is to be forgotten at `now`.
    pub fn expire(&mut self, now: Duration) {
        if self.stable_at.is_some_and(|at| now >= at) {
            *self = Recovery { ladder: std::mem::take(&mut self.ladder), ..Recovery::default() };
            self.ladder.reset();
        }
    }

    /// Somebody starts anew: no wait is due for what was before.
    pub fn forget_waits(&mut self) {
        self.browser.reset();
        self.page.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_start_over() {
        let mut backoff = Backoff::default();
        let delays: Vec<u128> = (0..9).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(delays, [100, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        for _ in 0..1000 {
            assert_eq!(backoff.next_delay(), MAX_DELAY);
        }
        backoff.reset();
        assert_eq!(backoff.next_delay(), MIN_DELAY);
    }

    #[test]
    fn a_page_that_hangs_again_and_again_climbs_to_the_browser_and_starts_over_when_it_was_well() {
        let at = Duration::from_secs;
        let mut ladder = Ladder::default();
        assert_eq!(ladder.page_trouble(Rung::Reload, at(100)), Rung::Reload);
        assert_eq!(ladder.page_trouble(Rung::Reload, at(159)), Rung::Renderer);
        assert_eq!(ladder.page_trouble(Rung::Reload, at(218)), Rung::Browser);
        assert_eq!(ladder.page_trouble(Rung::Reload, at(277)), Rung::Browser);
        assert_eq!(ladder.page_trouble(Rung::Reload, at(337)), Rung::Reload, "a minute without trouble");
    }

    #[test]
    fn a_page_that_dies_twice_in_a_minute_takes_the_browser_with_it() {
        let at = Duration::from_secs;
        let mut ladder = Ladder::default();
        assert_eq!(ladder.page_trouble(Rung::Renderer, at(100)), Rung::Renderer);
        assert_eq!(ladder.page_trouble(Rung::Renderer, at(159)), Rung::Browser);
        assert_eq!(ladder.page_trouble(Rung::Renderer, at(220)), Rung::Renderer);
        assert_eq!(ladder.page_trouble(Rung::Renderer, at(281)), Rung::Renderer);
    }

    #[test]
    fn a_profile_is_given_up_after_four_browsers_and_once_a_day() {
        let mut ladder = Ladder::default();
        let mut given_up = Vec::new();
        // A browser that dies every half minute, for three days.
        for second in (0..3 * 86_400).step_by(30) {
            if ladder.browser_trouble(Duration::from_secs(second)) == Rung::Profile {
                given_up.push(second);
            }
        }
        assert_eq!(given_up, [90, 86_490, 172_890]);
        let mut ladder = Ladder::default();
        for second in (0..86_400).step_by(30) {
            assert_eq!(ladder.browser_trouble(Duration::from_secs(second)), Rung::Browser);
            if second % 60 == 0 {
                ladder.reset();
            }
        }
    }

    #[test]
    fn what_has_been_well_for_long_enough_is_forgotten() {
        let at = Duration::from_secs;
        let mut recovery = Recovery::default();
        recovery.browser.next_delay();
        recovery.browser.next_delay();
        recovery.up_until(at(60));
        recovery.expire(at(59));
        assert_eq!(recovery.clone().browser.next_delay(), Duration::from_secs(2));
        recovery.expire(at(60));
        assert_eq!((recovery.browser.next_delay(), recovery.stable_at()), (MIN_DELAY, None));
    }
}
