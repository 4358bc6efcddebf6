//! Limits the events of each input device. A broken or hostile one can make millions of events a second, which would
//! take the loop's time: a device above the limit is disabled for a while, and its queued events are dropped. Other
//! devices, clients and screens go on.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use smithay::{
    backend::input::{ButtonState, InputBackend, InputEvent},
    input::pointer::ButtonEvent,
    utils::SERIAL_COUNTER,
};

use super::{admission::source, devices::Known, swallow::Act};
use crate::kiosk::Kiosk;

/// How long a device is disabled the first time; doubled each time, up to the second value.
const REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(640);

/// A limit of events within a period.
#[derive(Debug, Clone, Copy)]
struct Most {
    /// Most events of one device.
    of_one: u32,
    /// Events are counted by device only from this total on.
    looked_at_from: u32,
}

/// Within a second. The fastest mice report 8000 times a second; ten fingers on a panel of 240 Hz make 2640.
const IN_A_SECOND: Most = Most { of_one: 20_000, looked_at_from: 5_000 };
/// Within a turn of the loop. The kernel queues some hundred events of a device: more come in one turn only if the
/// device sends faster than we read.
const IN_A_TURN: Most = Most { of_one: 4096, looked_at_from: 1024 };

/// The events of this second, or of this turn.
#[derive(Debug)]
struct Count {
    most: Most,
    window: u64,
    all: u32,
    /// The counts by device, by the back end's name.
    by_device: HashMap<String, u32>,
}

impl Count {
    fn new(most: Most) -> Self {
        Self { most, window: 0, all: 0, by_device: HashMap::new() }
    }

    /// Counts one event; `true`: count by device from now on.
    fn add(&mut self, window: u64) -> bool {
        if window != self.window {
            self.window = window;
            self.all = 0;
            self.by_device.clear();
        }
        self.all = self.all.saturating_add(1);
        self.all > self.most.looked_at_from
    }

    /// Whether this device has just exceeded its limit.
    fn is_too_much(&mut self, device: &str) -> bool {
        let count = match self.by_device.get_mut(device) {
            Some(count) => count,
            None => self.by_device.entry(device.to_owned()).or_default(),
        };
        *count = count.saturating_add(1);
        *count == self.most.of_one - self.most.looked_at_from
    }
}

/// The event rates of all devices.
#[derive(Debug)]
pub struct Rate {
    second: Count,
    turn: Count,
    turns: u64,
    /// How often a device was disabled.
    rests: u64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { second: Count::new(IN_A_SECOND), turn: Count::new(IN_A_TURN), turns: 0, rests: 0 }
    }
}

impl Rate {
    /// Called at the end of a loop turn.
    pub fn turn_ends(&mut self) {
        self.turns = self.turns.wrapping_add(1);
    }

    /// Counts one event; returns whether its device has just exceeded its limit.
    fn is_too_much(&mut self, now: Duration, device: impl Fn() -> Option<String>) -> bool {
        let (second, turn) = (self.second.add(now.as_secs()), self.turn.add(self.turns));
        if !second && !turn {
            return false;
        }
        let Some(device) = device() else { return false };
        (second && self.second.is_too_much(&device)) | (turn && self.turn.is_too_much(&device))
    }
}

impl Kiosk {
    /// Counts the event, and disables its device above the limit.
    pub(super) fn watch_rate<B: InputBackend>(&mut self, event: &InputEvent<B>) {
        let now = self.now();
        if self.seat.rate.is_too_much(now, || source(event))
            && let Some(handle) = source(event)
        {
            self.silence(&handle);
        }
    }

    /// Disables a device for a while.
    fn silence(&mut self, handle: &str) {
        let Some(known) = self.seat.devices.list.iter_mut().find(|known| known.is(handle) && !known.is_silent()) else {
            return;
        };
        self.seat.rate.rests += 1;
        let number = self.seat.rate.rests;
        let rest = known.rests.map_or(REST, |last| (last * 2).min(LONGEST_REST));
        known.rests = Some(rest);
        known.resting = Some(number);
        known.bring_into_force(false);
        let name = known.facts.name.clone();
        tracing::warn!(name, seconds = rest.as_secs(), "input device sends too many events; disabled for a while");
        self.let_go(handle);
        self.map_devices();
        let handle = handle.to_owned();
        self.after(rest, move |kiosk| kiosk.end_rest(&handle, number));
    }

    /// Ends the pause with this number. A device that was unplugged meanwhile may have returned under the same name
    /// with a pause of its own.
    pub fn end_rest(&mut self, handle: &str, number: u64) {
        let known = self.seat.devices.list.iter_mut().find(|known| known.is(handle) && known.resting == Some(number));
        if let Some(known) = known {
            known.resting = None;
            known.bring_into_force(true);
            tracing::info!(name = known.facts.name, "input device enabled again");
            self.map_devices();
        }
    }

    /// Releases everything that the device holds, as its own releases will not come.
    pub(super) fn let_go(&mut self, handle: &str) {
        if self.seat.devices.list.iter().any(|known: &Known| known.is(handle) && known.facts.keyboard) {
            self.release_keys();
        }
        // Their releases will be dropped.
        self.seat.layouts.forget(handle);
        self.seat.aids.gone(handle);
        if self.in_use(handle) {
            self.touch_cancel();
        }
        self.let_go_of_board(handle);
        self.seat.held.gone(handle);
        self.end_gesture(handle, self.now().as_millis() as u32, true);
        let _ = self.seat.swallow.takes(Act::DeviceGone(handle.to_owned()), false);
        let all = std::mem::take(&mut self.seat.buttons);
        let (held, others): (HashSet<_>, HashSet<_>) = all.into_iter().partition(|(of, _)| of == handle);
        self.seat.buttons = others;
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        for (_, button) in held {
            let (serial, time) = (SERIAL_COUNTER.next_serial(), self.now().as_millis() as u32);
            pointer.button(self, &ButtonEvent { button, state: ButtonState::Released, serial, time });
            pointer.frame(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often, and of which device, it was too much.
    fn found(rate: &mut Rate, events: impl IntoIterator<Item = (u64, &'static str)>) -> Vec<&'static str> {
        let too_much = |(millis, device): &(u64, &'static str)| {
            rate.is_too_much(Duration::from_millis(*millis), || Some((*device).to_owned()))
        };
        events.into_iter().filter(too_much).map(|(_, device)| device).collect()
    }

    #[test]
    fn events_at_a_human_rate_are_not_limited() {
        let mut rate = Rate::default();
        for second in 0..10 {
            for _ in 0..10 {
                rate.turn_ends();
                let mouse = (0..u64::from(IN_A_SECOND.of_one) / 10 - 1).map(|_| (second * 1000, "mouse"));
                assert!(found(&mut rate, mouse).is_empty());
            }
        }
        assert!(rate.second.by_device.len() <= 1 && rate.turn.by_device.len() <= 1);
    }

    #[test]
    fn a_device_with_too_many_events_in_a_turn_is_found_once_however_long_the_turn_takes() {
        let mut rate = Rate::default();
        let events = (0..100_000).map(|number| (number, if number % 100 == 0 { "mouse" } else { "flood" }));
        assert_eq!(found(&mut rate, events), ["flood"]);
    }

    #[test]
    fn a_device_with_too_many_events_in_a_second_is_found_in_any_number_of_turns() {
        let mut rate = Rate::default();
        let mut culprits = Vec::new();
        for number in 0..u64::from(IN_A_SECOND.of_one) * 2 {
            rate.turn_ends();
            culprits
                .extend(found(&mut rate, [(1000 + number / 100, if number % 100 == 0 { "mouse" } else { "flood" })]));
        }
        assert_eq!(culprits, ["flood"]);
    }
}
