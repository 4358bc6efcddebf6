//! Which keys an input method has that took the keyboard: those of real keyboards, and of the one on the screen, while a
//! field is typed into. Not those that kioskd keeps for itself, nor those of tools' keyboards, by which the method itself
//! types, nor those of keyboards with a layout of their own: a scanner's codes are not composed.

use smithay::input::keyboard::Keysym;

use super::keys::{Shortcut, Stroke, shortcut};
use crate::kiosk::Kiosk;

impl Kiosk {
    /// One key went down or up, and is the input method's. `false`: it is the seat's.
    pub(super) fn method_takes(&mut self, stroke: &Stroke, woke: bool) -> bool {
        let taken = self.method_has(stroke, woke);
        // Caps Lock, Num Lock and layouts outlast the grab, and their LEDs are the keyboard's.
        if taken
            && let Some(lasting) = self.protocols.input_methods.any_grab().map(|grab| grab.lasting())
            && lasting != self.lasting()
        {
            self.set_lasting(lasting);
        }
        taken
    }

    fn method_has(&mut self, stroke: &Stroke, woke: bool) -> bool {
        let Stroke { ref device, code, pressed, time } = *stroke;
        if self.seat.keymaps.has(device) {
            return false;
        }
        if !pressed {
            let Some(grab) = self.protocols.input_methods.any_grab() else { return false };
            let held = grab.holds(code);
            match held {
                true => grab.key(code, false, time),
                // It may be a modifier that the seat was told of before.
                false => grab.follow(code, false),
            }
            return held;
        }
        let own_layout = self.seat.layouts.of(device).is_some();
        let kept = woke || !self.stage.shell_visible(self.stage.focused()) || self.chooser_has_keys();
        let vt_switching = self.seat.vt_switching();
        let composes = self.protocols.input_methods.grab().is_some();
        let Some(grab) = self.protocols.input_methods.any_grab() else { return false };
        if !composes || kept || own_layout || !grab.takes_a_key() {
            grab.follow(code, true);
            return false;
        }
        let (plain, modified, modifiers) = grab.meaning(code);
        if let Some(Shortcut::SwitchVt(vt)) = shortcut(modified, &plain, &modifiers).filter(|_| vt_switching) {
            self.switch_vt(vt);
            return true;
        }
        // The button that woke the machine has done its work.
        if modified != Keysym::XF86_WakeUp {
            grab.key(code, true, time);
        }
        true
    }

    /// Whatever it was told that is down is up.
    pub(super) fn release_method_keys(&mut self) {
        let time = self.now().as_millis() as u32;
        if let Some(grab) = self.protocols.input_methods.any_grab() {
            grab.release_all(time);
        }
    }
}
