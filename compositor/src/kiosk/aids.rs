//! Aids for people whom a keyboard does not suit as it is: which are on, and a real keyboard's keys on their way through
//! them ([`crate::input::aids`]). Keyboards of tools and the one on the screen do not come here.

use kiosk_core::config::{Accessibility, Aid};
use smithay::{
    backend::input::Keycode,
    input::keyboard::{Keysym, Layout},
};

use crate::{
    command::CommandError,
    input::{
        aids::{Key, Timing},
        keys::Stroke,
    },
    kiosk::Kiosk,
};

/// Keys that change others while they are held. Caps Lock and Num Lock stick by themselves.
const MODIFIERS: [Keysym; 14] = [
    Keysym::Shift_L,
    Keysym::Shift_R,
    Keysym::Control_L,
    Keysym::Control_R,
    Keysym::Alt_L,
    Keysym::Alt_R,
    Keysym::Meta_L,
    Keysym::Meta_R,
    Keysym::Super_L,
    Keysym::Super_R,
    Keysym::Hyper_L,
    Keysym::Hyper_R,
    Keysym::ISO_Level3_Shift,
    Keysym::ISO_Level5_Shift,
];

impl Kiosk {
    /// The aids that are on.
    pub fn accessibility(&self) -> Accessibility {
        self.saved.state.accessibility(self.config.accessibility)
    }

    /// Switches an aid for good; `None`: as the configuration says.
    pub fn command_aid(&mut self, aid: Aid, on: Option<bool>) -> Result<(), CommandError> {
        self.saved.state.change_aid(aid, on);
        self.aids_changed();
        self.save()
            .map_err(|error| CommandError::Failed(format!("the change is in force but could not be saved: {error}")))
    }

    /// Others may be on: keys that stick or wait do so no more.
    pub(crate) fn aids_changed(&mut self) {
        let ended = self.seat.aids.end();
        self.release_stuck(ended);
        self.publisher.mark_changed();
    }

    /// No hand holds these modifiers.
    pub(crate) fn release_stuck(&mut self, keys: Vec<Key>) {
        let time = self.now().as_millis() as u32;
        for Key { device, code } in keys {
            self.stroke_counts(&Stroke { device, code, pressed: false, time }, false);
        }
    }

    /// A real keyboard's key went down or up.
    pub(crate) fn aided_stroke(&mut self, stroke: Stroke) {
        let on = self.accessibility();
        if on == Accessibility::default() && !self.seat.aids.sticks() {
            return self.stroke_counts(&stroke, false);
        }
        let key = Key { device: stroke.device.clone(), code: stroke.code };
        let timing = self.seat.aids.time(&key, stroke.pressed, self.now(), on);
        if timing == Timing::Counts {
            self.stick(key, stroke.pressed, stroke.time);
        }
        self.arm_slow_keys();
    }

    fn stick(&mut self, key: Key, pressed: bool, time: u32) {
        let told = match self.accessibility().sticky_keys {
            true => {
                let modifier = self.is_modifier(key.code);
                self.seat.aids.stick(key, modifier, pressed)
            }
            false => vec![(key, pressed)],
        };
        for (Key { device, code }, pressed) in told {
            self.stroke_counts(&Stroke { device, code, pressed, time }, false);
        }
    }

    fn is_modifier(&mut self, code: Keycode) -> bool {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return false };
        keyboard.with_xkb_state(self, |context| {
            let Ok(xkb) = context.xkb().lock() else { return false };
            let layout = Layout(xkb.active_layout().0);
            xkb.raw_syms_for_key_in_layout(code, layout).iter().any(|symbol| MODIFIERS.contains(symbol))
        })
    }

    fn arm_slow_keys(&mut self) {
        let armed = self.arm(
            |kiosk| &mut kiosk.timers.slow_keys,
            self.seat.aids.deadline(),
            |kiosk| {
                let now = kiosk.now();
                for key in kiosk.seat.aids.due(now) {
                    kiosk.stick(key, true, now.as_millis() as u32);
                }
                kiosk.arm_slow_keys();
            },
        );
        if let Err(error) = armed {
            tracing::error!(%error, "timer not armed");
        }
    }
}
