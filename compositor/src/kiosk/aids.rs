//! Accessibility aids: which are on, the magnifier's focus, and the keys of real keyboards through sticky, slow and
//! bounce keys ([`crate::input::aids`]). Virtual keyboards and the on-screen keyboard bypass them.

use kiosk_core::config::{Accessibility, Aid};
use smithay::{
    backend::input::Keycode,
    input::keyboard::{Keysym, Layout},
    utils::{Logical, Physical, Point, Rectangle},
};

use crate::{
    command::CommandError,
    input::{
        aids::{Key, Timing},
        keys::Stroke,
    },
    kiosk::Kiosk,
    screens::ScreenId,
    stage::aided::Look,
};

/// Modifier keys that sticky keys apply to. Caps Lock and Num Lock lock by themselves.
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
        self.settings.saved.state.accessibility(self.settings.config.accessibility)
    }

    /// Switches an aid and saves that; `None`: as configured.
    pub fn command_aid(&mut self, aid: Aid, on: Option<bool>) -> Result<(), CommandError> {
        self.settings.saved.state.change_aid(aid, on);
        self.aids_changed();
        self.save()
            .map_err(|error| CommandError::Failed(format!("the change is in force but could not be saved: {error}")))
    }

    /// The aids changed: resets latched, locked and waiting keys.
    pub(crate) fn aids_changed(&mut self) {
        let ended = self.seat.aids.end();
        self.release_stuck(ended);
        self.screens.request_redraw();
        self.status.publisher.mark_changed();
    }

    /// Updates the magnifier's focus, once a turn.
    pub(super) fn follow_attention(&mut self) {
        let touched = self.seat.take_touched();
        if !self.accessibility().magnifier {
            return;
        }
        let (pointer, caret) = (self.stage.cursor.location(), self.caret());
        if self.stage.attention.note(touched, pointer, caret) {
            self.screens.request_redraw();
        }
    }

    /// The text cursor's position in the layout.
    fn caret(&self) -> Option<Point<f64, Logical>> {
        let focused = self.text_field()?;
        let shown = self.stage.windows.find(&focused.surface)?;
        let (x, y, width, height) = focused.field.cursor?;
        let (x, y) = (f64::from(x) + f64::from(width) / 2.0, f64::from(y) + f64::from(height) / 2.0);
        Some(shown.origin().to_f64() + Point::from((x, y)))
    }

    /// How the aids change this screen's picture; `None`: not at all.
    pub(crate) fn look_of(&self, id: ScreenId) -> Option<Look> {
        let aids = self.accessibility();
        let magnified = if aids.magnifier { Some(self.looked_at(id)?) } else { None };
        Look::of(aids, magnified)
    }

    /// The magnifier's focus in pixels of this screen's upright picture; its middle where the focus is elsewhere.
    fn looked_at(&self, id: ScreenId) -> Option<Point<i32, Physical>> {
        let screen = self.screens.get(id)?;
        let source = self.screens.mirror_source(id).unwrap_or(screen);
        let geometry = source.geometry().to_f64();
        let focus = self.stage.attention.focus().filter(|focus| geometry.contains(*focus));
        let on_screen = match focus {
            Some(focus) => focus - geometry.loc,
            None => Point::from((geometry.size.w / 2.0, geometry.size.h / 2.0)),
        };
        let at = on_screen.to_physical(source.scale()).to_i32_round();
        let shown = self.screens.fit(id).map(|fit| fit.place(Rectangle::new(at, (1, 1).into())).loc);
        Some(shown.unwrap_or(at))
    }

    /// Releases these latched or locked modifiers.
    pub(crate) fn release_stuck(&mut self, keys: Vec<Key>) {
        let time = self.now().as_millis() as u32;
        for Key { device, code } in keys {
            self.stroke_counts(&Stroke { device, code, pressed: false, time }, false);
        }
    }

    /// Handles a real keyboard's key event.
    pub(crate) fn aided_stroke(&mut self, stroke: Stroke) {
        let on = self.accessibility();
        let aided = on.sticky_keys || on.slow_keys || on.bounce_keys || self.seat.aids.sticks();
        if !aided {
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
        self.arm(
            |kiosk| &mut kiosk.main_loop.timers.slow_keys,
            self.seat.aids.deadline(),
            |kiosk| {
                let now = kiosk.now();
                for key in kiosk.seat.aids.due(now) {
                    kiosk.stick(key, true, now.as_millis() as u32);
                }
                kiosk.arm_slow_keys();
            },
        );
    }
}
