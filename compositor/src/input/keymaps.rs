//! Keyboards with their own keymaps: virtual keyboards bring one, others are configured ([`super::layouts`]). The seat
//! uses the keymap of the keyboard that was used last. A change of keymap is compiled by us and by each client, which
//! takes milliseconds, and virtual keyboards' keymaps come from clients: so changes per second are limited. Keys beyond
//! the limit are lost, but never those of keyboards with the seat's own keymap.

use std::collections::HashMap;

use smithay::{
    input::keyboard::{KeyboardTarget, Layout, LedState, ModifiersState, XkbConfig},
    utils::SERIAL_COUNTER,
};

use super::SeatParts;
use crate::{kiosk::Kiosk, limits::refusal::Repeated};

/// Most changes a second to keymaps of virtual keyboards.
const CHANGES: u32 = 10;
/// Most changes a second to layouts of real keyboards: a scanned code takes one, or as many as keys are typed on
/// another keyboard meanwhile.
const LAYOUT_CHANGES: u32 = 25;

/// The result of switching to a keyboard's keymap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// The seat has its keymap.
    Done,
    /// There were too many changes lately.
    TooOften,
    /// xkb does not understand the keymap.
    Impossible,
}

/// The keymaps, by the back end's names of the keyboards.
#[derive(Debug, Default)]
pub struct Keymaps {
    own: HashMap<String, String>,
    /// The keyboard whose keymap the seat uses; `None`: the configured one.
    active: Option<String>,
    tools: Changes,
    layouts: Changes,
    /// Of the real keyboards, while a virtual keyboard's keymap is in use.
    lasting: Option<Lasting>,
}

/// What lasts of a keyboard's state when no key is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lasting {
    pub(crate) caps_lock: bool,
    pub(crate) num_lock: bool,
    /// The active layout.
    pub(crate) layout: u32,
}

impl Lasting {
    fn leds(self) -> LedState {
        LedState { num: Some(self.num_lock), caps: Some(self.caps_lock), scroll: None }
    }
}

/// The number of changes within the current second.
#[derive(Debug, Default)]
struct Changes {
    second: u64,
    count: u32,
}

impl Changes {
    /// Counts a change; `false`: the limit is reached.
    fn may(&mut self, second: u64, most: u32) -> bool {
        if self.second != second {
            (self.second, self.count) = (second, 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= most
    }
}

impl Keymaps {
    /// Sets the keyboard's keymap, used from its next key on.
    pub fn set(&mut self, handle: String, keymap: String) {
        if self.active.as_ref() == Some(&handle) {
            // Marks the seat's keymap as outdated.
            self.active = Some(String::new());
        }
        self.own.insert(handle, keymap);
    }

    /// The LEDs of real keyboards, with those of the keymap in use.
    pub(crate) fn leds(&self, seats: LedState) -> LedState {
        self.lasting.map_or(seats, Lasting::leds)
    }

    /// Whether the keyboard has a keymap of its own.
    pub fn has(&self, handle: &str) -> bool {
        self.own.contains_key(handle)
    }
}

impl Kiosk {
    /// Switches the seat to this keyboard's keymap, if it differs.
    pub(crate) fn follow_keymap(&mut self, handle: &str) -> Follow {
        let second = self.now().as_secs();
        let SeatParts { keymaps, layouts, .. } = &mut self.seat;
        let brings = keymaps.has(handle).then_some(handle);
        let wanted = brings.or_else(|| layouts.of(handle)).map(str::to_owned);
        if keymaps.active == wanted {
            return Follow::Done;
        }
        // Switching back to the seat's own keymap is never limited.
        let may = match (&wanted, brings) {
            (None, _) => true,
            (_, Some(_)) => keymaps.tools.may(second, CHANGES),
            (_, None) => keymaps.layouts.may(second, LAYOUT_CHANGES),
        };
        if !may {
            static LOG: Repeated = Repeated::new();
            if let Some(more) = LOG.count() {
                tracing::warn!(more, "keymaps change too often; keys dropped");
            }
            return Follow::TooOften;
        }
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return Follow::TooOften };
        let text = wanted.as_deref().and_then(|wanted| {
            let SeatParts { keymaps, layouts, .. } = &self.seat;
            keymaps.own.get(wanted).map(String::as_str).or_else(|| layouts.text(wanted)).map(str::to_owned)
        });
        // Held and locked keys of one real keyboard do not apply to another.
        let left = self.seat.keymaps.active.clone();
        let is_tools = |name: &Option<String>| name.as_ref().is_some_and(|name| self.seat.keymaps.has(name));
        let apart = brings.is_none() && !is_tools(&left);
        let before = self.seat.keymaps.lasting;
        if brings.is_some() {
            self.seat.keymaps.lasting = before.or(Some(self.lasting()));
        }
        let num_lock = keyboard.modifier_state().num_lock;
        if apart {
            self.leave_layout(left);
        }
        let done = match text {
            Some(text) => keyboard.set_keymap_from_string(self, text).is_ok(),
            None => self.use_configured_keymap(),
        };
        if !done {
            self.seat.keymaps.lasting = before;
            self.seat.keymaps.own.remove(handle);
            return Follow::Impossible;
        }
        self.keymap_sent();
        self.seat.keymaps.active.clone_from(&wanted);
        if apart {
            self.enter_layout(handle, wanted.as_deref(), num_lock);
        } else if brings.is_none() {
            self.restore_lasting(wanted.is_none());
        }
        Follow::Done
    }

    /// The configured keymap changed: the seat uses it at once, or, if a virtual keyboard was used last, with the next
    /// key of a real one. `false`: xkb does not know it, and the default one is used.
    pub(crate) fn keyboard_configured(&mut self) -> bool {
        let settings = self.settings.config.input.keyboard.clone();
        let (delay, rate) = (settings.repeat_delay as i32, settings.repeat_rate as i32);
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return true };
        keyboard.change_repeat_info(rate, delay);
        self.configure_grab();
        if self.seat.keymaps.active.is_some() {
            return true;
        }
        let known = keyboard.set_xkb_config(self, super::xkb_config(&settings)).is_ok();
        if !known {
            self.use_configured_keymap();
        }
        self.keymap_sent();
        known
    }

    fn use_configured_keymap(&mut self) -> bool {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return false };
        let settings = self.settings.config.input.keyboard.clone();
        let wanted = super::xkb_config(&settings);
        // As at start-up, an unknown layout is replaced by the default one.
        keyboard.set_xkb_config(self, wanted).is_ok() || keyboard.set_xkb_config(self, XkbConfig::default()).is_ok()
    }

    /// The keyboard is gone; the seat returns to the configured keymap if it used that one's.
    pub(crate) fn drop_keymap(&mut self, handle: &str) {
        self.seat.keymaps.own.remove(handle);
        if self.seat.keymaps.active.as_deref() == Some(handle) {
            self.set_modifiers(ModifiersState::default());
            self.use_configured_keymap();
            self.keymap_sent();
            self.seat.keymaps.active = None;
            self.restore_lasting(true);
        }
    }

    /// Caps Lock, Num Lock and the layout of the real keyboards.
    pub(crate) fn lasting(&self) -> Lasting {
        let seats = || {
            let now = self.seat.seat.get_keyboard().map(|keyboard| keyboard.modifier_state()).unwrap_or_default();
            Lasting { caps_lock: now.caps_lock, num_lock: now.num_lock, layout: now.serialized.layout_effective }
        };
        self.seat.keymaps.lasting.unwrap_or_else(seats)
    }

    /// Sets them, for the seat or, while a virtual keyboard's keymap is in use, for later.
    pub(crate) fn set_lasting(&mut self, lasting: Lasting) {
        if self.seat.keymaps.lasting.is_some() {
            self.seat.keymaps.lasting = Some(lasting);
            self.seat.set_leds(lasting.leds());
            return;
        }
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let Lasting { caps_lock, num_lock, layout } = lasting;
        self.set_modifiers(ModifiersState { caps_lock, num_lock, ..keyboard.modifier_state() });
        keyboard.with_xkb_state(self, |mut context| context.set_layout(Layout(layout)));
        // smithay does not report this change of LEDs.
        self.seat.set_leds(keyboard.led_state());
    }

    /// After a virtual keyboard's keymap: the seat's own, or that of a keyboard with its own layout, is in use again.
    fn restore_lasting(&mut self, seats: bool) {
        if let Some(last) = self.seat.keymaps.lasting.take() {
            let foreign = Lasting { caps_lock: false, layout: 0, ..last };
            self.set_lasting(if seats { last } else { foreign });
        }
    }

    /// Sets modifiers that are not held by a key.
    pub(crate) fn set_modifiers(&mut self, modifiers: ModifiersState) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        if keyboard.set_modifier_state(modifiers) == 0 {
            return;
        }
        if let Some(focus) = keyboard.current_focus() {
            let seat = self.seat.seat.clone();
            focus.modifiers(&seat, self, keyboard.modifier_state(), SERIAL_COUNTER.next_serial());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_changes_in_a_second() {
        let mut changes = Changes::default();
        assert_eq!((0..100).filter(|_| changes.may(5, CHANGES)).count(), CHANGES as usize);
        assert!(changes.may(6, CHANGES));
    }
}
