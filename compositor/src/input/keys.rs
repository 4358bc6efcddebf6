//! Key events: the shortcuts for virtual terminals are handled first and cannot be inhibited by clients; the rest go to
//! the focused window.

use kiosk_core::config::VtNumber;
use smithay::{
    backend::input::{Device, InputBackend, KeyState, KeyboardKeyEvent, Keycode},
    input::keyboard::{FilterResult, Keysym, ModifiersState, keysyms},
    utils::SERIAL_COUNTER,
};

use super::{keymaps::Follow, pace};
use crate::kiosk::Kiosk;

/// The compositor's own shortcuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortcut {
    /// Go to this virtual terminal.
    SwitchVt(VtNumber),
}

/// The receiver of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyTarget {
    Ours(Shortcut),
    /// The list of files that a visitor chooses from.
    Chooser(Keysym),
    Clients,
    Ignored,
}

/// Ctrl+Alt+F1..F12, as the keymap's own VT keys or as plain function keys.
pub fn shortcut(modified: Keysym, raw: &[Keysym], modifiers: &ModifiersState) -> Option<Shortcut> {
    let named = modified.raw();
    if (keysyms::KEY_XF86Switch_VT_1..=keysyms::KEY_XF86Switch_VT_12).contains(&named) {
        return VtNumber::try_from(named - keysyms::KEY_XF86Switch_VT_1 + 1).ok().map(Shortcut::SwitchVt);
    }
    if !(modifiers.ctrl && modifiers.alt) {
        return None;
    }
    let function = raw.iter().map(|key| key.raw()).find(|key| (keysyms::KEY_F1..=keysyms::KEY_F12).contains(key))?;
    VtNumber::try_from(function - keysyms::KEY_F1 + 1).ok().map(Shortcut::SwitchVt)
}

/// A key press or release on one keyboard.
#[derive(Debug, Clone)]
pub struct Stroke {
    /// The back end's name of the keyboard.
    pub device: String,
    /// xkb's keycode.
    pub code: Keycode,
    /// Down.
    pub pressed: bool,
    /// Milliseconds, for clients.
    pub time: u32,
}

impl Kiosk {
    /// Handles a key event. `woke`: it lit the screens and is not passed on.
    pub fn key<B: InputBackend>(&mut self, event: &impl KeyboardKeyEvent<B>, woke: bool) {
        let stroke = Stroke {
            device: event.device().id(),
            code: event.key_code(),
            pressed: event.state() == KeyState::Pressed,
            time: event.time_msec(),
        };
        // Virtual keyboards do not go through the aids.
        if woke || self.seat.keymaps.has(&stroke.device) {
            self.stroke_counts(&stroke, woke);
        } else {
            self.aided_stroke(stroke);
        }
    }

    /// Handles a key event that passed the aids.
    pub(crate) fn stroke_counts(&mut self, stroke: &Stroke, woke: bool) {
        if self.method_takes(stroke, woke) {
            return;
        }
        let Stroke { ref device, code, pressed, time } = *stroke;
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let serial = SERIAL_COUNTER.next_serial();
        let focus = keyboard.current_focus();
        let takes = !pressed || focus.as_ref().is_none_or(pace::accepts_press);
        // Releases do not need the keyboard's keymap. A client that does not read is not sent a keymap for a key that
        // it does not get.
        let follows = !pressed || !takes || self.follow_keymap(device) == Follow::Done;
        self.seat.layouts.note(device, code, pressed);
        // The key was released already, by a VT switch or a change of keymap.
        if !follows || (!pressed && !keyboard.pressed_keys().contains(&code)) {
            return;
        }
        let vt_switching = self.seat.vt_switching();
        let kept = woke || !self.stage.shell_visible(self.stage.focused()) || !takes;
        let chooser = !woke && self.chooser_has_keys();
        let hidden = self.seat.swallowed.contains(&code);
        let (fate, modifiers_changed) = keyboard.input_intercept(self, code, state, |_, modifiers, key| {
            let found = shortcut(key.modified_sym(), &key.raw_syms(), modifiers).filter(|_| vt_switching);
            match found {
                Some(shortcut) if pressed => KeyTarget::Ours(shortcut),
                // The key that the kernel reports for the button that resumed the machine.
                _ if pressed && key.modified_sym() == Keysym::XF86_WakeUp => KeyTarget::Ignored,
                _ if pressed && chooser => KeyTarget::Chooser(key.modified_sym()),
                // Keys are not sent to a hidden page; and a release follows its press, whatever has changed since.
                _ if pressed && kept => KeyTarget::Ignored,
                _ if !pressed && hidden => KeyTarget::Ignored,
                _ => KeyTarget::Clients,
            }
        });
        if pressed && fate != KeyTarget::Clients {
            self.seat.swallowed.insert(code);
        } else {
            self.seat.swallowed.remove(&code);
        }
        // Changes of modifiers are always sent: a new client was told of the held modifier.
        if fate == KeyTarget::Clients || (!pressed && modifiers_changed) {
            keyboard.input_forward(self, code, state, serial, time, modifiers_changed);
        }
        if let KeyTarget::Chooser(key) = fate {
            self.chooser_key(key);
        }
        if let KeyTarget::Ours(Shortcut::SwitchVt(vt)) = fate {
            self.switch_vt(vt);
        }
    }

    /// The keys for this virtual terminal were pressed.
    pub(super) fn switch_vt(&mut self, vt: VtNumber) {
        if let Err(error) = self.hardware.backend.switch_vt(vt) {
            self.problem(format!("virtual terminal {vt} could not be switched to: {error}"));
        }
    }

    /// Releases all held keys: while another VT has the keyboard, releases do not reach us.
    pub fn release_keys(&mut self) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let time = self.now().as_millis() as u32;
        self.release_method_keys();
        // Latched and locked modifiers included.
        for key in self.seat.aids.end() {
            self.seat.layouts.note(&key.device, key.code, false);
        }
        for code in keyboard.pressed_keys() {
            let serial = SERIAL_COUNTER.next_serial();
            let hidden = self.seat.swallowed.remove(&code);
            keyboard.input(self, code, KeyState::Released, serial, time, |_, _, _| match hidden {
                true => FilterResult::Intercept(()),
                false => FilterResult::Forward,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modifiers(ctrl: bool, alt: bool) -> ModifiersState {
        ModifiersState { ctrl, alt, ..ModifiersState::default() }
    }

    #[test]
    fn vt_keys_are_seen_however_the_keymap_names_them() {
        let f2 = [Keysym::F2];
        let vt = |number| VtNumber::try_from(number).ok().map(Shortcut::SwitchVt);
        assert_eq!(shortcut(Keysym::F2, &f2, &modifiers(true, true)), vt(2));
        assert_eq!(shortcut(Keysym::XF86_Switch_VT_12, &[], &modifiers(false, false)), vt(12));
        assert_eq!(shortcut(Keysym::F2, &f2, &modifiers(true, false)), None);
        assert_eq!(shortcut(Keysym::a, &[Keysym::a], &modifiers(true, true)), None);
    }
}
