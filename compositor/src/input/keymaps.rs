//! Keymaps of keyboards that have their own: virtual ones bring one, and the configuration gives others one
//! ([`super::layouts`]). The seat has that of the keyboard that was typed on last. Another keymap has to be compiled, by
//! us and by each client, which takes milliseconds each, and a virtual one is a client's text: there are so many changes
//! a second and no more. What is typed beyond that is lost, but never on the keyboard that types as the seat does.

use std::collections::HashMap;

use smithay::{
    input::keyboard::{KeyboardTarget, ModifiersState, XkbConfig},
    utils::SERIAL_COUNTER,
};

use super::SeatParts;
use crate::{kiosk::Kiosk, limits::refusal::Repeated};

/// Changes to keymaps of tools in a second.
const CHANGES: u32 = 10;
/// Changes to layouts of real keyboards in a second: a scanner's code takes one, or as many as a person types keys
/// meanwhile on another one.
const LAYOUT_CHANGES: u32 = 25;

/// What came of following a keyboard.
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
    /// Whose the seat has; `None`: the configured one.
    active: Option<String>,
    tools: Changes,
    layouts: Changes,
}

/// How often keymaps have changed in this second.
#[derive(Debug, Default)]
struct Changes {
    second: u64,
    count: u32,
}

impl Changes {
    /// Counts one; `false`: it is one too many.
    fn may(&mut self, second: u64, most: u32) -> bool {
        if self.second != second {
            (self.second, self.count) = (second, 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= most
    }
}

impl Keymaps {
    /// The keyboard has this keymap from its next key on.
    pub fn set(&mut self, handle: String, keymap: String) {
        if self.active.as_ref() == Some(&handle) {
            // Another one than the seat has.
            self.active = Some(String::new());
        }
        self.own.insert(handle, keymap);
    }

    /// Whether the keyboard has a keymap of its own.
    pub fn has(&self, handle: &str) -> bool {
        self.own.contains_key(handle)
    }
}

impl Kiosk {
    /// The seat takes this keyboard's keymap, if it has another.
    pub(crate) fn follow_keymap(&mut self, handle: &str) -> Follow {
        let second = self.now().as_secs();
        let SeatParts { keymaps, layouts, .. } = &mut self.seat;
        let brings = keymaps.has(handle).then_some(handle);
        let wanted = brings.or_else(|| layouts.of(handle)).map(str::to_owned);
        if keymaps.active == wanted {
            return Follow::Done;
        }
        // The way back is always open: whoever stands before the screen can type.
        let may = match (&wanted, brings) {
            (None, _) => true,
            (_, Some(_)) => keymaps.tools.may(second, CHANGES),
            (_, None) => keymaps.layouts.may(second, LAYOUT_CHANGES),
        };
        if !may {
            static LOG: Repeated = Repeated::new();
            if let Some(more) = LOG.count() {
                tracing::warn!(more, "keymaps change too often; what was typed is lost");
            }
            return Follow::TooOften;
        }
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return Follow::TooOften };
        let text = wanted.as_deref().and_then(|wanted| {
            let SeatParts { keymaps, layouts, .. } = &self.seat;
            keymaps.own.get(wanted).map(String::as_str).or_else(|| layouts.text(wanted)).map(str::to_owned)
        });
        // Between real keyboards nothing that is held or locked on one counts on the other.
        let left = self.seat.keymaps.active.clone();
        let is_tools = |name: &Option<String>| name.as_ref().is_some_and(|name| self.seat.keymaps.has(name));
        let apart = brings.is_none() && !is_tools(&left);
        let num_lock = keyboard.modifier_state().num_lock;
        if apart {
            self.leave_layout(left);
        }
        let done = match text {
            Some(text) => keyboard.set_keymap_from_string(self, text).is_ok(),
            None => self.use_configured_keymap(),
        };
        if !done {
            self.seat.keymaps.own.remove(handle);
            return Follow::Impossible;
        }
        self.seat.keymaps.active.clone_from(&wanted);
        if apart {
            self.enter_layout(handle, wanted.as_deref(), num_lock);
        }
        Follow::Done
    }

    /// The configuration names another keyboard: the seat has its keymap at once, unless a tool's keyboard was typed on
    /// last; then with the next key of a real one. `false`: xkb has none of that name, and the default one is used.
    pub(crate) fn keyboard_configured(&mut self) -> bool {
        let settings = self.settings.config.input.keyboard.clone();
        let (delay, rate) = (settings.repeat_delay as i32, settings.repeat_rate as i32);
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return true };
        keyboard.change_repeat_info(rate, delay);
        if self.seat.keymaps.active.is_some() || keyboard.set_xkb_config(self, super::xkb_config(&settings)).is_ok() {
            return true;
        }
        self.use_configured_keymap();
        false
    }

    fn use_configured_keymap(&mut self) -> bool {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return false };
        let settings = self.settings.config.input.keyboard.clone();
        let wanted = super::xkb_config(&settings);
        // As at the start, a layout that is not there is replaced by the default one.
        keyboard.set_xkb_config(self, wanted).is_ok() || keyboard.set_xkb_config(self, XkbConfig::default()).is_ok()
    }

    /// The keyboard is gone; the seat has the configured keymap again if it had that one's.
    pub(crate) fn drop_keymap(&mut self, handle: &str) {
        self.seat.keymaps.own.remove(handle);
        if self.seat.keymaps.active.as_deref() == Some(handle) {
            self.set_modifiers(ModifiersState::default());
            self.use_configured_keymap();
            self.seat.keymaps.active = None;
        }
    }

    /// These modifiers are held, by no key.
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
