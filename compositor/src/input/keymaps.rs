//! Keymaps of keyboards that bring their own, which virtual ones do: the seat has that of the keyboard that was typed on
//! last. Another keymap has to be compiled, which takes milliseconds and is the client's text, so that there are so many
//! changes a second and no more; what is typed beyond that is lost.

use std::collections::HashMap;

use smithay::{
    input::keyboard::{KeyboardTarget, ModifiersState, XkbConfig},
    utils::SERIAL_COUNTER,
};

use crate::{kiosk::Kiosk, limits::refusal::Repeated};

/// Changes of the keymap in a second.
const CHANGES: u32 = 10;

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
    second: u64,
    changes: u32,
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

    /// Counts one change in this second; `false`: it is one too many.
    fn may_change(&mut self, second: u64) -> bool {
        if self.second != second {
            (self.second, self.changes) = (second, 0);
        }
        self.changes = self.changes.saturating_add(1);
        self.changes <= CHANGES
    }
}

impl Kiosk {
    /// The seat takes this keyboard's keymap, if it has another.
    pub(crate) fn follow_keymap(&mut self, handle: &str) -> Follow {
        let now = self.now();
        let keymaps = &mut self.seat.keymaps;
        let wanted = keymaps.has(handle).then_some(handle);
        if keymaps.active.as_deref() == wanted {
            return Follow::Done;
        }
        // The way back is always open: whoever stands before the screen can type.
        if wanted.is_some() && !keymaps.may_change(now.as_secs()) {
            static LOG: Repeated = Repeated::new();
            if let Some(more) = LOG.count() {
                tracing::warn!(more, "keymaps change too often; what was typed is lost");
            }
            return Follow::TooOften;
        }
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return Follow::TooOften };
        let done = match self.seat.keymaps.own.get(handle).cloned() {
            Some(text) => keyboard.set_keymap_from_string(self, text).is_ok(),
            None => self.use_configured_keymap(),
        };
        if !done {
            self.seat.keymaps.own.remove(handle);
            return Follow::Impossible;
        }
        self.seat.keymaps.active = wanted.map(str::to_owned);
        Follow::Done
    }

    /// The configuration names another keyboard: the seat has its keymap at once, unless a tool's keyboard was typed on
    /// last; then with the next key of a real one. `false`: xkb has none of that name, and the default one is used.
    pub(crate) fn keyboard_configured(&mut self) -> bool {
        let settings = self.config.input.keyboard.clone();
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
        let settings = self.config.input.keyboard.clone();
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
        let mut keymaps = Keymaps::default();
        assert_eq!((0..100).filter(|_| keymaps.may_change(5)).count(), CHANGES as usize);
        assert!(keymaps.may_change(6));
    }
}
