//! Debounces hotplug: a state machine per connector, with no I/O and no clock.
//!
//! Back ends report a connector's state with [`Hotplug::observe`] and act on the verdict. A single plug counts at once
//! and a single unplug after [`MIN_WAIT`]. Some displays in standby pulse their hotplug line all night: each change
//! soon after another one makes the wait longer, so that a pulsing display keeps its state until the pulses end.

use std::{collections::BTreeMap, time::Duration};

use super::HeadId;

/// Wait before a single unplug counts: bad contacts and displays that switch their input return sooner.
pub const MIN_WAIT: Duration = Duration::from_millis(500);
/// Changes closer than this to the one before are pulses.
const PULSE_INTERVAL: Duration = Duration::from_secs(5);
/// Longest wait; longer than [`PULSE_INTERVAL`], so that no pulse counts.
pub const MAX_WAIT: Duration = Duration::from_secs(10);
/// After this time without a change the wait is reset.
const CALM_AFTER: Duration = Duration::from_secs(60);

/// The debounced state of a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A display is connected.
    Present,
    /// No display is connected.
    Absent,
    /// The previous state is kept for now.
    Held {
        /// Whether a display was connected.
        present: bool,
        /// When to observe it again, without an event before.
        until: Duration,
    },
}

impl Verdict {
    /// Whether a display counts as connected.
    pub fn present(self) -> bool {
        match self {
            Self::Present => true,
            Self::Absent => false,
            Self::Held { present, .. } => present,
        }
    }
}

/// The state of one connector.
#[derive(Debug, Clone, Copy)]
struct Line {
    /// The debounced state.
    present: bool,
    /// The last observed state, and since when; `None`: from the start.
    said: bool,
    since: Option<Duration>,
    /// How long a change must last before it counts.
    wait: Duration,
}

/// All connectors of a back end.
#[derive(Debug, Default)]
pub struct Hotplug {
    lines: BTreeMap<HeadId, Line>,
}

impl Hotplug {
    /// Feeds an observed state of the connector. `now` is monotonic.
    pub fn observe(&mut self, head: HeadId, connected: bool, now: Duration) -> Verdict {
        let fresh = Line { present: connected, said: connected, since: None, wait: MIN_WAIT };
        self.lines.entry(head).or_insert(fresh).observe(connected, now)
    }

    /// The connector was removed with its card or dock.
    pub fn forget(&mut self, head: HeadId) {
        self.lines.remove(&head);
    }
}

impl Line {
    fn observe(&mut self, connected: bool, now: Duration) -> Verdict {
        if connected != self.said {
            match self.since.map(|since| now.saturating_sub(since)) {
                Some(quiet) if quiet < PULSE_INTERVAL => self.wait = (self.wait * 2).min(MAX_WAIT),
                Some(quiet) if quiet < CALM_AFTER => {}
                _ => self.wait = MIN_WAIT,
            }
            self.said = connected;
            self.since = Some(now);
        }
        if self.said != self.present {
            // Without pulses a plug counts at once, an unplug after the wait.
            let wait = if connected { self.wait - MIN_WAIT } else { self.wait };
            let until = self.since.unwrap_or_default() + wait;
            if now < until {
                return Verdict::Held { present: self.present, until };
            }
            self.present = self.said;
        }
        if self.present { Verdict::Present } else { Verdict::Absent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: HeadId = HeadId(1);

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    /// Feeds what a connector says and when, and looks again whenever that was asked for, until `end`; returns each
    /// change of what it is taken for.
    fn play(says: &[(Duration, bool)], end: Duration) -> Vec<(Duration, bool)> {
        let mut hotplug = Hotplug::default();
        let mut changes: Vec<(Duration, bool)> = Vec::new();
        let mut due = None;
        let mut said = false;
        let mut says = says.iter().copied().peekable();
        loop {
            let now = match (due, says.peek()) {
                (Some(due), Some((at, _))) if due <= *at => due,
                (_, Some((at, connected))) => {
                    said = *connected;
                    let at = *at;
                    says.next();
                    at
                }
                (Some(due), None) => due,
                (None, None) => break,
            };
            if now > end {
                break;
            }
            let verdict = hotplug.observe(HEAD, said, now);
            due = match verdict {
                Verdict::Held { until, .. } => {
                    assert!(until > now && until <= now + MAX_WAIT, "{verdict:?} at {now:?}");
                    Some(until)
                }
                _ => None,
            };
            if changes.last().is_none_or(|last| last.1 != verdict.present()) {
                changes.push((now, verdict.present()));
            }
        }
        changes
    }

    #[test]
    fn a_single_plug_counts_at_once_and_a_single_unplug_soon() {
        let changes = play(&[(ms(0), false), (ms(1_000), true), (ms(100_000), false)], ms(200_000));
        assert_eq!(changes, [(ms(0), false), (ms(1_000), true), (ms(100_000) + MIN_WAIT, false)]);
    }

    #[test]
    fn a_display_that_comes_back_soon_was_never_gone() {
        assert_eq!(play(&[(ms(0), true), (ms(9_000), false), (ms(9_400), true)], ms(60_000)), [(ms(0), true)]);
    }

    #[test]
    fn a_hundred_pulses_a_minute_all_night_are_one_plug() {
        let pulses: Vec<_> = (0..60_000).map(|number| (ms(300 * number), number % 2 == 1)).collect();
        let changes = play(&pulses, ms(300 * 60_000));
        assert_eq!(changes, [(ms(0), false), (ms(300), true)]);
    }

    #[test]
    fn after_a_burst_of_hotplug_events_the_final_state_is_reported() {
        let mut says: Vec<_> = (0..100).map(|number| (ms(300 * number), number % 2 == 0)).collect();
        // The last pulse was an unplug, at 29.7 s.
        let changes = play(&says, ms(80_000));
        assert_eq!(changes, [(ms(0), true), (ms(29_700) + MAX_WAIT, false)]);
        says.extend([(ms(200_000), true), (ms(300_000), false)]);
        let changes = play(&says, ms(400_000));
        assert_eq!(changes[2..], [(ms(200_000), true), (ms(300_000) + MIN_WAIT, false)]);
    }

    #[test]
    fn connectors_do_not_disturb_each_other() {
        let mut hotplug = Hotplug::default();
        let other = HeadId(2);
        hotplug.observe(other, true, ms(0));
        for number in 0..100 {
            hotplug.observe(HEAD, number % 2 == 0, ms(number * 100));
        }
        assert!(
            matches!(hotplug.observe(other, false, ms(20_000)), Verdict::Held { until, .. } if until == ms(20_000) + MIN_WAIT)
        );
        hotplug.forget(HEAD);
        assert_eq!(hotplug.observe(HEAD, false, ms(20_000)), Verdict::Absent);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        /// Whatever the parts of a pulse: with 100 a minute there is the first, and then nothing.
        #[test]
        fn pulses_change_nothing_beyond_the_first(
            starts_plugged in any::<bool>(),
            parts in prop::collection::vec(1u64..600, 50..400),
        ) {
            // Each pulse is 600 ms long and has two parts.
            let mut says = vec![(ms(0), starts_plugged)];
            for (number, part) in parts.iter().enumerate() {
                let start = 10_000 + number as u64 * 600;
                says.push((ms(start), !starts_plugged));
                says.push((ms(start + part), starts_plugged));
            }
            let end = says.last().map(|last| last.0).unwrap_or_default();
            let changes = play(&says, end);
            prop_assert!(changes.len() <= 3, "{changes:?}");
        }

        /// A connector that keeps saying the same is believed in the end.
        #[test]
        fn a_lasting_hotplug_state_is_reported(gaps in prop::collection::vec((1u64..20_000, any::<bool>()), 1..60)) {
            let mut at = 0;
            let says: Vec<_> = gaps.iter().map(|(gap, connected)| { at += gap; (ms(at), *connected) }).collect();
            let changes = play(&says, ms(at) + MAX_WAIT);
            prop_assert_eq!(changes.last().map(|last| last.1), says.last().map(|last| last.1));
        }

        /// Nothing is believed that was never said for as long as a calm connector is waited for, but plugs.
        #[test]
        fn a_short_disconnection_is_never_reported(gaps in prop::collection::vec((1u64..500, 1u64..30_000), 1..60)) {
            let mut at = 0;
            let mut says = vec![(ms(0), true)];
            for (away, there) in gaps {
                says.push((ms(at + there), false));
                says.push((ms(at + there + away), true));
                at += there + away;
            }
            prop_assert_eq!(play(&says, ms(at)), [(ms(0), true)]);
        }
    }
}
