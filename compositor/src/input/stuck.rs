//! Touch points that never end: water, dirt or a faulty panel. The page would treat every other finger as a second one,
//! and a jittering point would keep the screens on for ever. After a while it counts as lifted, and its events are
//! dropped until the panel reports its end.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use smithay::backend::input::{Device, Event as _, InputBackend, InputEvent, TouchEvent, TouchSlot};

use super::swallow::Act;
use crate::kiosk::Kiosk;

/// Longer touches count as stuck.
pub const LONGEST_TOUCH: Duration = Duration::from_secs(5 * 60);

/// A device's finger.
type Finger = (String, TouchSlot);

/// The fingers that are down.
#[derive(Debug, Default)]
pub struct Held {
    since: HashMap<Finger, Duration>,
    /// Stuck fingers that the panel still reports as down.
    stuck: HashSet<Finger>,
}

impl Held {
    fn down(&mut self, finger: Finger, now: Duration) {
        self.stuck.remove(&finger);
        self.since.insert(finger, now);
    }

    /// Removes a finger; returns whether it was stuck.
    fn up(&mut self, finger: &Finger) -> bool {
        self.since.remove(finger);
        self.stuck.remove(finger)
    }

    /// The device is gone or disabled: removes its fingers.
    pub(super) fn gone(&mut self, device: &str) {
        self.since.retain(|(of, _), _| of != device);
        self.stuck.retain(|(of, _)| of != device);
    }

    fn is_stuck(&self, finger: &Finger) -> bool {
        !self.stuck.is_empty() && self.stuck.contains(finger)
    }

    /// Marks fingers that have been down for too long as stuck, and returns their devices.
    fn overdue(&mut self, now: Duration) -> Vec<String> {
        let is = |since: &Duration| now.saturating_sub(*since) >= LONGEST_TOUCH;
        let late: Vec<Finger> =
            self.since.iter().filter(|(_, since)| is(since)).map(|(finger, _)| finger.clone()).collect();
        let mut devices: Vec<String> = Vec::new();
        for finger in late {
            self.since.remove(&finger);
            if !devices.contains(&finger.0) {
                devices.push(finger.0.clone());
            }
            self.stuck.insert(finger);
        }
        devices
    }

    /// Time until the next finger is overdue; `None`: no finger is down.
    fn next(&self, now: Duration) -> Option<Duration> {
        let oldest = self.since.values().min()?;
        Some((*oldest + LONGEST_TOUCH).saturating_sub(now))
    }
}

impl Kiosk {
    /// Tracks the fingers. `true`: the event is of a stuck one, and is dropped.
    pub(super) fn is_of_stuck_finger<B: InputBackend>(&mut self, event: &InputEvent<B>) -> bool {
        match event {
            InputEvent::TouchDown { event } => {
                let now = self.now();
                self.seat.held.down((event.device().id(), event.slot()), now);
                self.look_for_stuck_fingers(now);
                false
            }
            InputEvent::TouchMotion { event } => self.seat.held.is_stuck(&(event.device().id(), event.slot())),
            InputEvent::TouchUp { event } => self.seat.held.up(&(event.device().id(), event.slot())),
            InputEvent::TouchCancel { event } => {
                self.seat.held.gone(&event.device().id());
                false
            }
            InputEvent::DeviceRemoved { device } => {
                self.seat.held.gone(&device.id());
                false
            }
            _ => false,
        }
    }

    fn look_for_stuck_fingers(&mut self, now: Duration) {
        if let Some(left) = self.seat.held.next(now)
            && !std::mem::replace(&mut self.main_loop.timers.stuck_fingers, true)
        {
            self.after(left, |kiosk| {
                kiosk.main_loop.timers.stuck_fingers = false;
                let now = kiosk.now();
                kiosk.give_up_stuck_fingers(now);
                kiosk.look_for_stuck_fingers(now);
            });
        }
    }

    /// Lifts fingers that have been down for too long at this time.
    pub fn give_up_stuck_fingers(&mut self, now: Duration) {
        for device in self.seat.held.overdue(now) {
            let known = self.seat.devices.list.iter().find(|known| known.is(&device));
            let name = known.map(|known| known.facts.name.clone()).unwrap_or_default();
            let minutes = LONGEST_TOUCH.as_secs() / 60;
            tracing::warn!(name, minutes, "touch held for too long; taken for a stuck panel and lifted");
            self.touch_cancel();
            let _ = self.seat.swallow.takes(Act::FingersCancelled(device), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finger(number: u32) -> Finger {
        ("panel".to_owned(), Some(number).into())
    }

    #[test]
    fn a_lifted_finger_is_never_overdue_and_one_that_stays_is_so_once() {
        let mut held = Held::default();
        held.down(finger(0), Duration::ZERO);
        held.down(finger(1), Duration::from_secs(1));
        assert_eq!(held.next(Duration::from_secs(2)), Some(LONGEST_TOUCH - Duration::from_secs(2)));
        assert!(!held.up(&finger(1)));
        assert!(held.overdue(LONGEST_TOUCH - Duration::from_millis(1)).is_empty());
        assert_eq!(held.overdue(LONGEST_TOUCH), ["panel"]);
        assert!(held.overdue(LONGEST_TOUCH * 2).is_empty());
        assert_eq!(held.next(LONGEST_TOUCH), None);
        assert!(held.is_stuck(&finger(0)) && !held.is_stuck(&finger(1)));
        assert!(held.up(&finger(0)));
        assert!(!held.is_stuck(&finger(0)));
    }

    #[test]
    fn a_finger_that_comes_down_again_and_a_panel_that_goes_are_not_stuck() {
        let mut held = Held::default();
        held.down(finger(0), Duration::ZERO);
        held.overdue(LONGEST_TOUCH);
        held.down(finger(0), LONGEST_TOUCH);
        assert!(!held.is_stuck(&finger(0)));
        held.overdue(LONGEST_TOUCH * 2);
        held.gone("panel");
        assert!(!held.is_stuck(&finger(0)));
        assert_eq!(held.next(LONGEST_TOUCH), None);
    }
}
