//! The back-off and the ladder of recovery of [`crate::machine`]: how long to wait before the next attempt, and which
//! step comes next. Pure; times are of one monotonic clock.

use std::time::Duration;

/// Delay before the first retry: instant for a person, and long enough to learn the reason of a failure (such as the
/// compositor's end).
const MIN_DELAY: Duration = Duration::from_millis(100);
/// Delay before the second; doubled with each further one.
const SECOND: Duration = Duration::from_secs(1);
/// Longest wait.
const MAX_DELAY: Duration = Duration::from_secs(30);
/// A failure within this time after a step means that it did not help: the next step is stronger.
const WINDOW: Duration = Duration::from_secs(60);
/// Failed browsers in a row before a strong measure: their common parts may be at fault, the profile, then
/// kiosk-session, then the device.
const BROWSERS_A_MEASURE: u32 = 4;
/// Shortest time between two discarded profiles: stored data is worth more than a chance to bring the page up.
const PROFILE_BUDGET: Duration = Duration::from_secs(24 * 3600);
/// Shortest time between two restarts of kiosk-session, which costs no more than another browser.
const SESSION_BUDGET: Duration = Duration::from_secs(3600);
/// Shortest time between two requests to kioskd to restart the device. kioskd has a budget of its own.
const REBOOT_BUDGET: Duration = Duration::from_secs(3600);

/// Waits of 0.1, 1, 2, 4, ... 30 seconds, until [`Backoff::reset`].
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure and returns the delay before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        let delay = match self.failures {
            0 => MIN_DELAY,
            n => SECOND.saturating_mul(1 << (n - 1).min(8)).min(MAX_DELAY),
        };
        self.failures = self.failures.saturating_add(1);
        delay
    }

    /// Resets it after a stable time.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The steps for a failed page or browser, from the mildest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// The page's script is terminated, and it is reloaded.
    Reload,
    /// The page's renderer is killed, and it is reloaded in a new one.
    Renderer,
    /// The browser is restarted.
    Browser,
    /// It is restarted with an empty profile.
    Profile,
    /// The service manager restarts kiosk-session.
    Session,
    /// The device is restarted, where that is configured.
    Reboot,
}

/// The strong measures that are available at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measures {
    /// The shell is a browser with a profile.
    pub profile: bool,
    /// A service manager restarts kiosk-session, and no other shell would lose its page.
    pub session: bool,
    /// `health.reboot`, and no other shell would lose its page.
    pub reboot: bool,
}

/// How long before the state machine's start the strong measures were taken; `None`: never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastMeasures {
    /// A profile was discarded.
    pub profile: Option<Duration>,
    /// kiosk-session was restarted.
    pub session: Option<Duration>,
    /// A restart of the device was requested.
    pub reboot: Option<Duration>,
}

/// When a measure was taken last.
#[derive(Debug, Clone, Copy)]
enum Taken {
    /// This long before the clock's start.
    Before(Duration),
    At(Duration),
}

impl Taken {
    fn ago(self, now: Duration) -> Duration {
        match self {
            Taken::Before(time) => now.saturating_add(time),
            Taken::At(at) => now.saturating_sub(at),
        }
    }
}

/// Whether an available measure may be taken at `now`.
fn may(there: bool, taken: Option<Taken>, budget: Duration, now: Duration) -> bool {
    there && taken.is_none_or(|taken| taken.ago(now) >= budget)
}

/// The last steps and their times.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    last: Option<(Rung, Duration)>,
    /// Failed browsers in a row since the last strong measure.
    browsers: u32,
    profile: Option<Taken>,
    session: Option<Taken>,
    reboot: Option<Taken>,
}

impl Ladder {
    /// With the measures taken before the clock's start.
    pub fn after(before: LastMeasures) -> Self {
        let taken = |time: Option<Duration>| time.map(Taken::Before);
        let (profile, session, reboot) = (taken(before.profile), taken(before.session), taken(before.reboot));
        Ladder { profile, session, reboot, ..Ladder::default() }
    }

    /// The step for a failed page at `now`, at least `mildest`.
    pub fn page_trouble(&mut self, mildest: Rung, now: Duration) -> Rung {
        let last = self.last.filter(|(_, at)| now.saturating_sub(*at) < WINDOW);
        let rung = match last {
            None => mildest,
            Some((Rung::Reload, _)) => Rung::Renderer.max(mildest),
            Some(_) => Rung::Browser,
        };
        self.last = Some((rung, now));
        rung
    }

    /// The step for a failed browser at `now`: [`Rung::Browser`], or the mildest available strong measure within its
    /// budget. Each measure gets a few browsers to show whether it helped.
    pub fn browser_trouble(&mut self, measures: Measures, now: Duration) -> Rung {
        self.browsers = self.browsers.saturating_add(1);
        let rung = if self.browsers < BROWSERS_A_MEASURE {
            Rung::Browser
        } else if may(measures.profile, self.profile, PROFILE_BUDGET, now) {
            self.profile = Some(Taken::At(now));
            Rung::Profile
        } else {
            self.beyond_browsers(measures, now).unwrap_or(Rung::Browser)
        };
        if rung > Rung::Browser {
            self.browsers = 0;
        }
        self.last = Some((rung, now));
        rung
    }

    /// The step at `now` for a browser that cannot be killed: a measure that needs no new browser. `None`: wait.
    pub fn stuck(&mut self, measures: Measures, now: Duration) -> Option<Rung> {
        let rung = self.beyond_browsers(measures, now)?;
        self.browsers = 0;
        self.last = Some((rung, now));
        Some(rung)
    }

    fn beyond_browsers(&mut self, measures: Measures, now: Duration) -> Option<Rung> {
        if may(measures.session, self.session, SESSION_BUDGET, now) {
            self.session = Some(Taken::At(now));
            Some(Rung::Session)
        } else if may(measures.reboot, self.reboot, REBOOT_BUDGET, now) {
            self.reboot = Some(Taken::At(now));
            Some(Rung::Reboot)
        } else {
            None
        }
    }

    /// A page has stayed up.
    pub fn reset(&mut self) {
        self.browsers = 0;
        self.last = None;
    }
}

/// The state of recovery.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Between launches.
    pub browser: Backoff,
    /// Between loads of the page.
    pub page: Backoff,
    /// The steps taken.
    pub ladder: Ladder,
    stable_at: Option<Duration>,
}

impl Recovery {
    /// With the measures taken before the clock's start.
    pub fn after(before: LastMeasures) -> Self {
        Recovery { ladder: Ladder::after(before), ..Self::default() }
    }

    /// The page is up; if it still is at `at`, the state is reset.
    pub fn up_until(&mut self, at: Duration) {
        self.stable_at = Some(at);
    }

    /// The page is not up.
    pub fn not_up(&mut self) {
        self.stable_at = None;
    }

    /// When [`Recovery::expire`] is due.
    pub fn stable_at(&self) -> Option<Duration> {
        self.stable_at
    }

    /// Resets the state if the page has been stable by `now`.
    pub fn expire(&mut self, now: Duration) {
        if self.stable_at.is_some_and(|at| now >= at) {
            *self = Recovery { ladder: std::mem::take(&mut self.ladder), ..Recovery::default() };
            self.ladder.reset();
        }
    }

    /// Resets the delays, for a start by command.
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

    const PROFILE: Measures = Measures { profile: true, session: false, reboot: false };
    const ALL: Measures = Measures { profile: true, session: true, reboot: true };

    #[test]
    fn each_measure_has_four_browsers_to_show_that_it_helped_and_a_budget() {
        let mut ladder = Ladder::default();
        let mut taken = Vec::new();
        // A browser that dies every half minute, for three hours.
        for second in (0..3 * 3600).step_by(30) {
            let rung = ladder.browser_trouble(ALL, Duration::from_secs(second));
            if rung > Rung::Browser {
                taken.push((second, rung));
            }
        }
        assert_eq!(
            taken,
            [
                (90, Rung::Profile),
                (210, Rung::Session),
                (330, Rung::Reboot),
                (3810, Rung::Session),
                (3930, Rung::Reboot),
                (7410, Rung::Session),
                (7530, Rung::Reboot),
            ]
        );
        let only = |measures| (0..4).map(|second| Ladder::default().after_browsers(measures, second)).max();
        assert_eq!(only(Measures::default()), Some(Rung::Browser));
    }

    impl Ladder {
        /// What the fourth browser in a row leads to.
        fn after_browsers(mut self, measures: Measures, from: u64) -> Rung {
            (0..4).map(|number| self.browser_trouble(measures, Duration::from_secs(from + number))).last().unwrap()
        }
    }

    #[test]
    fn what_was_done_before_a_restart_counts() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        let ladder = |profile, session, reboot| Ladder::after(LastMeasures { profile, session, reboot });
        assert_eq!(ladder(None, None, None).after_browsers(ALL, 0), Rung::Profile);
        assert_eq!(ladder(hours(24), hours(0), None).after_browsers(ALL, 0), Rung::Profile);
        assert_eq!(ladder(hours(23), None, None).after_browsers(ALL, 0), Rung::Session);
        assert_eq!(ladder(hours(0), hours(0), hours(1)).after_browsers(ALL, 0), Rung::Reboot);
        assert_eq!(ladder(hours(0), hours(0), hours(0)).after_browsers(ALL, 0), Rung::Browser);
        assert_eq!(ladder(hours(0), hours(0), hours(0)).after_browsers(ALL, 3600), Rung::Session);
        let without = Measures { session: false, ..ALL };
        assert_eq!(ladder(hours(0), hours(0), hours(0)).after_browsers(without, 3600), Rung::Reboot);
    }

    /// Ten years, with troubles of all lengths and restarts at any time between them.
    #[test]
    fn in_years_no_measure_is_taken_more_often_than_its_budget() {
        let (mut ladder, mut now, mut began) = (Ladder::default(), 0, 0);
        let mut last: [Option<u64>; 3] = [None; 3];
        let (mut random, mut counts) = (1_u64, [0; 3]);
        while now < 10 * 365 * 86_400 {
            // A small generator (Knuth's): the same course each time.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            now += 5 + (random >> 33) % 60;
            match (random >> 20) % 1000 {
                0 => now += (random >> 40) % 200_000,
                1..4 => ladder.reset(),
                4 => {
                    let before = |index: usize| last[index].map(|at| Duration::from_secs(now - at));
                    let before = LastMeasures { profile: before(0), session: before(1), reboot: before(2) };
                    (ladder, began) = (Ladder::after(before), now);
                }
                _ => {}
            }
            let index = match ladder.browser_trouble(ALL, Duration::from_secs(now - began)) {
                Rung::Profile => 0,
                Rung::Session => 1,
                Rung::Reboot => 2,
                _ => continue,
            };
            let budget = [86_400, 3600, 3600][index];
            assert!(last[index].is_none_or(|at| now - at >= budget), "measure {index} at {now}, last at {last:?}");
            last[index] = Some(now);
            counts[index] += 1;
        }
        assert!(counts[0] > 2000 && counts[1] > 20_000 && counts[2] > 20_000, "{counts:?}");
    }

    #[test]
    fn a_profile_is_given_up_after_four_browsers_and_once_a_day() {
        let mut ladder = Ladder::default();
        let mut given_up = Vec::new();
        // A browser that dies every half minute, for three days.
        for second in (0..3 * 86_400).step_by(30) {
            if ladder.browser_trouble(PROFILE, Duration::from_secs(second)) == Rung::Profile {
                given_up.push(second);
            }
        }
        assert_eq!(given_up, [90, 86_490, 172_890]);
        let mut ladder = Ladder::default();
        for second in (0..86_400).step_by(30) {
            assert_eq!(ladder.browser_trouble(PROFILE, Duration::from_secs(second)), Rung::Browser);
            if second % 60 == 0 {
                ladder.reset();
            }
        }
    }

    #[test]
    fn failures_are_forgotten_after_a_healthy_period() {
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
