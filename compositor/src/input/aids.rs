//! Sticky, slow and bounce keys as a state machine without I/O: physical key events go in with their time, the events
//! for the seat come out. Used for real keyboards only, before any other handling of keys ([`crate::kiosk`]'s `aids`);
//! it knows no keymap.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use kiosk_core::config::Accessibility;
use smithay::backend::input::Keycode;

/// How long a key must be held with slow keys: the desktops' default.
pub const SLOW: Duration = Duration::from_millis(300);
/// How long after its release a key is ignored with bounce keys.
pub const BOUNCE: Duration = Duration::from_millis(300);

/// A key of one keyboard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The back end's name of the keyboard.
    pub device: String,
    /// xkb's keycode.
    pub code: Keycode,
}

/// The verdict on a key event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// It counts now.
    Counts,
    /// It does not, or not yet.
    Waits,
}

/// The state of a modifier under sticky keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sticking {
    /// It is held; `used`: another key was pressed meanwhile, so it does not latch.
    Held { used: bool },
    /// It was released, and applies to the next key.
    Latched,
    /// It is held for the second time.
    Locking,
    /// It applies until it is pressed again.
    Locked,
    /// It is held for the last time, to unlock.
    Unlocking,
}

/// The state of all keys.
#[derive(Debug, Default)]
pub struct KeyAids {
    /// Pressed, but not long enough yet: when they count, monotonic.
    waiting: HashMap<Key, Duration>,
    /// Time of the last release of each key.
    released: HashMap<Key, Duration>,
    /// Keys whose press was ignored: their release is ignored too.
    void: HashSet<Key>,
    /// Modifiers that are held down on the seat.
    sticking: HashMap<Key, Sticking>,
}

impl KeyAids {
    /// A key went down or up.
    pub fn time(&mut self, key: &Key, pressed: bool, now: Duration, on: Accessibility) -> Timing {
        if !pressed {
            if self.waiting.remove(key).is_some() || self.void.remove(key) {
                return Timing::Waits;
            }
            if on.bounce_keys {
                self.released.retain(|_, at| now.saturating_sub(*at) < BOUNCE);
                self.released.insert(key.clone(), now);
            }
            return Timing::Counts;
        }
        // The release of an earlier press never came.
        self.void.remove(key);
        if on.bounce_keys && self.released.get(key).is_some_and(|at| now.saturating_sub(*at) < BOUNCE) {
            self.void.insert(key.clone());
            return Timing::Waits;
        }
        if on.slow_keys {
            self.waiting.insert(key.clone(), now + SLOW);
            return Timing::Waits;
        }
        Timing::Counts
    }

    /// When the next waiting key counts, monotonic.
    pub fn deadline(&self) -> Option<Duration> {
        self.waiting.values().min().copied()
    }

    /// The keys that have been held long enough at `now`.
    pub fn due(&mut self, now: Duration) -> Vec<Key> {
        let mut due: Vec<(Duration, Key)> =
            self.waiting.iter().filter(|(_, at)| **at <= now).map(|(key, at)| (*at, key.clone())).collect();
        due.sort_by_key(|(at, key)| (*at, key.code));
        self.waiting.retain(|_, at| *at > now);
        due.into_iter().map(|(_, key)| key).collect()
    }

    /// Whether any modifier sticks.
    pub fn sticks(&self) -> bool {
        !self.sticking.is_empty()
    }

    /// The events for the seat in place of a key event, in order, with sticky keys.
    pub fn stick(&mut self, key: Key, modifier: bool, pressed: bool) -> Vec<(Key, bool)> {
        if !modifier {
            let mut told = vec![(key, pressed)];
            if pressed {
                let latched = |(_, state): &(&Key, &mut Sticking)| **state == Sticking::Latched;
                let ended: Vec<Key> = self.sticking.iter_mut().filter(latched).map(|(key, _)| key.clone()).collect();
                for key in ended {
                    self.sticking.remove(&key);
                    told.push((key, false));
                }
                for state in self.sticking.values_mut() {
                    if let Sticking::Held { used } = state {
                        *used = true;
                    }
                }
            }
            return told;
        }
        let (next, tells) = match (self.sticking.get(&key), pressed) {
            (None, true) => (Some(Sticking::Held { used: false }), true),
            (Some(Sticking::Latched), true) => (Some(Sticking::Locking), false),
            (Some(Sticking::Locked), true) => (Some(Sticking::Unlocking), false),
            (Some(Sticking::Held { used: false }), false) => (Some(Sticking::Latched), false),
            (Some(Sticking::Locking), false) => (Some(Sticking::Locked), false),
            // Used, unlocked, or pressed before sticky keys were switched on.
            (_, false) => (None, true),
            (Some(state), true) => (Some(*state), false),
        };
        match next {
            Some(state) => self.sticking.insert(key.clone(), state),
            None => self.sticking.remove(&key),
        };
        if tells { vec![(key, pressed)] } else { Vec::new() }
    }

    /// Resets everything. Returns the latched or locked modifiers to release.
    pub fn end(&mut self) -> Vec<Key> {
        self.void.extend(self.waiting.drain().map(|(key, _)| key));
        self.released.clear();
        let sticking = std::mem::take(&mut self.sticking);
        let held = |state| matches!(state, Sticking::Held { .. } | Sticking::Locking | Sticking::Unlocking);
        sticking.into_iter().filter(|(_, state)| !held(*state)).map(|(key, _)| key).collect()
    }

    /// The keyboard is gone. Returns its latched or locked modifiers to release.
    pub fn gone(&mut self, device: &str) -> Vec<Key> {
        self.waiting.retain(|key, _| key.device != device);
        self.released.retain(|key, _| key.device != device);
        self.void.retain(|key| key.device != device);
        let mut stuck = Vec::new();
        self.sticking.retain(|key, _| {
            if key.device == device {
                stuck.push(key.clone());
            }
            key.device != device
        });
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Accessibility = Accessibility {
        sticky_keys: false,
        slow_keys: false,
        bounce_keys: false,
        magnifier: false,
        contrast: false,
        invert: false,
    };
    const BOUNCING: Accessibility = Accessibility { bounce_keys: true, ..NONE };

    fn key(code: u32) -> Key {
        Key { device: "event1".into(), code: Keycode::new(code) }
    }

    fn ms(time: u64) -> Duration {
        Duration::from_millis(1000 + time)
    }

    #[test]
    fn a_press_whose_release_was_never_heard_takes_no_later_one() {
        let mut aids = KeyAids::default();
        assert_eq!(aids.time(&key(38), true, ms(0), BOUNCING), Timing::Counts);
        assert_eq!(aids.time(&key(38), false, ms(10), BOUNCING), Timing::Counts);
        assert_eq!(aids.time(&key(38), true, ms(20), BOUNCING), Timing::Waits);
        assert_eq!(aids.time(&key(38), true, ms(5000), BOUNCING), Timing::Counts);
        assert_eq!(aids.time(&key(38), false, ms(5100), BOUNCING), Timing::Counts);
    }

    #[test]
    fn a_slow_key_counts_when_it_was_held_and_never_before() {
        let mut aids = KeyAids::default();
        let on = Accessibility { slow_keys: true, ..NONE };
        assert_eq!(aids.time(&key(38), true, ms(0), on), Timing::Waits);
        assert_eq!(aids.time(&key(38), false, ms(299), on), Timing::Waits);
        assert_eq!((aids.deadline(), aids.due(ms(1000))), (None, Vec::new()));
        assert_eq!(aids.time(&key(38), true, ms(1000), on), Timing::Waits);
        assert_eq!(aids.deadline(), Some(ms(1300)));
        assert_eq!(aids.due(ms(1299)), []);
        assert_eq!(aids.due(ms(1300)), [key(38)]);
        assert_eq!(aids.time(&key(38), false, ms(1301), on), Timing::Counts);
    }

    #[test]
    fn a_key_that_bounces_counts_once_and_another_one_at_once() {
        let mut aids = KeyAids::default();
        let mut says = |code, pressed, at| aids.time(&key(code), pressed, ms(at), BOUNCING) == Timing::Counts;
        assert!(says(38, true, 0) && says(38, false, 20));
        assert!(!says(38, true, 50) && !says(38, false, 70));
        assert!(says(39, true, 80) && says(39, false, 90));
        assert!(says(38, true, 321) && says(38, false, 330));
    }

    #[test]
    fn a_modifier_sticks_for_one_key_then_for_all_then_not() {
        let (shift, a) = (key(50), key(38));
        let mut aids = KeyAids::default();
        assert_eq!(aids.stick(shift.clone(), true, true), [(shift.clone(), true)]);
        assert_eq!(aids.stick(shift.clone(), true, false), []);
        assert_eq!(aids.stick(a.clone(), false, true), [(a.clone(), true), (shift.clone(), false)]);
        assert_eq!(aids.stick(a.clone(), false, false), [(a.clone(), false)]);
        assert!(!aids.sticks());
        for _ in 0..2 {
            aids.stick(shift.clone(), true, true);
            aids.stick(shift.clone(), true, false);
        }
        assert_eq!(aids.stick(a.clone(), false, true), [(a.clone(), true)], "locked");
        assert_eq!(aids.stick(shift.clone(), true, true), []);
        assert_eq!(aids.stick(shift.clone(), true, false), [(shift.clone(), false)]);
    }

    #[test]
    fn a_modifier_that_is_held_for_a_key_does_not_stick() {
        let (shift, a) = (key(50), key(38));
        let mut aids = KeyAids::default();
        aids.stick(shift.clone(), true, true);
        assert_eq!(aids.stick(a.clone(), false, true), [(a, true)]);
        assert_eq!(aids.stick(shift.clone(), true, false), [(shift, false)]);
    }

    #[test]
    fn stuck_keys_are_released_at_the_end_and_with_their_keyboard() {
        for ends in [KeyAids::end as fn(&mut KeyAids) -> Vec<Key>, |aids| aids.gone("event1")] {
            let mut aids = KeyAids::default();
            aids.stick(key(50), true, true);
            aids.stick(key(50), true, false);
            assert_eq!(ends(&mut aids), [key(50)]);
            assert!(!aids.sticks());
        }
    }
}
