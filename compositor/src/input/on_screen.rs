//! Touches and clicks on the on-screen keyboard, and their keys: sent as keys of the seat where the keymap has the
//! character, else as text for the field. Typed text is never logged.

use smithay::{
    backend::input::KeyState,
    input::keyboard::{FilterResult, Keycode},
    utils::{Logical, Point, SERIAL_COUNTER},
};

use super::{keymaps::Follow, keys, pace};
use crate::{
    keyboard::{
        board::{Finger, Typed},
        keymap::Stroke,
    },
    kiosk::Kiosk,
};

/// Its name among the keyboards; no device has it.
const NAME: &str = "on-screen keyboard";
/// Linux codes of the keys that have no character.
const ENTER: u32 = 28;
const BACKSPACE: u32 = 14;
/// xkb keycodes are Linux codes plus 8.
const XKB_OFFSET: u32 = 8;
/// The swipe that shows the keyboard: start distance from the lower edge, and length; logical pixels.
const EDGE: f64 = 14.0;
const PULL: f64 = 64.0;

/// The pointer's button, as a finger.
pub(super) const POINTER: Finger = u64::MAX;

impl Kiosk {
    /// Whether the keyboard is the topmost thing at this layout position.
    pub(super) fn on_keyboard(&self, location: Point<f64, Logical>) -> bool {
        let Some(place) = self.stage.keyboard.place() else { return false };
        let offered = self.stage.keyboard.board.offer().is_some_and(|offer| offer.area().has(place.local(location), 0));
        self.stage.shell_visible(place.shell) && (place.area.to_f64().contains(location) || offered)
    }

    /// A finger or the pointer's button goes down. `true`: on the keyboard, so it is not sent to clients.
    pub(super) fn board_down(&mut self, finger: Finger, location: Point<f64, Logical>) -> bool {
        if !self.on_keyboard(location) {
            return false;
        }
        let now = self.now();
        let Some(at) = self.stage.keyboard.place().map(|place| place.local(location)) else { return false };
        // Touches are ignored while it is being hidden.
        if self.keyboard_is_shown() {
            let typed = self.stage.keyboard.board.down(finger, at, now);
            self.board_typed(typed);
        }
        true
    }

    /// A finger that came down on the keyboard moves.
    pub(super) fn board_motion(&mut self, finger: Finger, location: Point<f64, Logical>) {
        let Some(at) = self.stage.keyboard.place().map(|place| place.local(location)) else { return };
        self.stage.keyboard.board.motion(finger, at);
        self.board_typed(Vec::new());
    }

    /// A finger that came down on the keyboard is lifted.
    pub(super) fn board_up(&mut self, finger: Finger) {
        let now = self.now();
        let typed = self.stage.keyboard.board.up(finger, now);
        self.board_typed(typed.into_iter().collect());
    }

    /// Drops a button press on the keyboard whose release will not come.
    pub(super) fn let_go_of_board(&mut self, device: &str) {
        if self.seat.board_button.take_if(|(of, _)| of == device).is_some() {
            self.stage.keyboard.board.cancel(POINTER);
            self.board_typed(Vec::new());
        }
    }

    /// Cancels all touches.
    pub(super) fn board_cancel(&mut self) {
        self.stage.keyboard.board.cancel_all();
        self.board_typed(Vec::new());
    }

    /// Advances the timers of held keys.
    pub(crate) fn tick_board(&mut self) {
        let now = self.now();
        let due = self.stage.keyboard.board.deadline().is_some_and(|due| due <= now);
        if due {
            let typed = self.stage.keyboard.board.tick(now);
            self.board_typed(typed);
        }
    }

    /// Sends the typed keys, and updates the pressed ones in the picture.
    fn board_typed(&mut self, typed: Vec<Typed>) {
        for typed in typed {
            self.type_on_screen(typed);
        }
        if let Some(place) = self.stage.keyboard.place().copied() {
            self.request_redraw(place.screen);
        }
        self.arm_keyboard();
    }

    fn type_on_screen(&mut self, typed: Typed) {
        let layout = self.stage.keyboard.board.layout();
        match typed {
            Typed::Char(c) => match layout.and_then(|layout| layout.stroke(c)) {
                Some(stroke) => self.stroke(stroke),
                None => {
                    self.type_text(&c.to_string());
                }
            },
            Typed::Dead(sign) => {
                if let Some(stroke) = layout.and_then(|layout| layout.dead_stroke(sign)) {
                    self.stroke(stroke);
                }
            }
            Typed::Backspace => self.stroke(plain(BACKSPACE)),
            Typed::Enter => self.stroke(plain(ENTER)),
            Typed::Layout(number) => self.use_layout(number),
            Typed::Hide => self.dismiss_keyboard(),
        }
    }

    /// Presses and releases one key of the keymap, with its modifiers.
    fn stroke(&mut self, stroke: Stroke) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        // Keys for a client that does not read would queue up.
        if keyboard.current_focus().is_none_or(|surface| !pace::accepts_press(&surface)) {
            return;
        }
        // A virtual or another real keyboard may have changed the seat's keymap. Keys for an input method do not use it.
        let composes = self.protocols.input_methods.grab().is_some();
        if !composes && self.follow_keymap(NAME) != Follow::Done {
            return;
        }
        self.use_layout(self.stage.keyboard.board.layout_number());
        let keymap = self.stage.keyboard.board.keymap();
        let held = [keymap.shift.filter(|_| stroke.shift), keymap.level3.filter(|_| stroke.level3)];
        let held: Vec<Keycode> = held.into_iter().flatten().collect();
        let down = held.iter().chain([&stroke.code]).map(|code| (*code, KeyState::Pressed));
        let up = [&stroke.code].into_iter().chain(held.iter().rev()).map(|code| (*code, KeyState::Released));
        let time = self.now().as_millis() as u32;
        for (code, state) in down.chain(up).collect::<Vec<_>>() {
            let key = keys::Stroke { device: NAME.into(), code, pressed: state == KeyState::Pressed, time };
            if self.method_takes(&key, false) {
                continue;
            }
            let serial = SERIAL_COUNTER.next_serial();
            keyboard.input(self, code, state, serial, time, |_, _, _| FilterResult::<()>::Forward);
        }
    }

    /// Whether a finger that came down at the lower edge has moved up far enough to show the keyboard.
    pub(super) fn is_pulled_up(&self, start: Point<f64, Logical>, location: Point<f64, Logical>) -> bool {
        if !self.settings.config.keyboard.gesture
            || self.keyboard_is_shown()
            || !self.seat.keyboard_control.presence.is_possible()
        {
            return false;
        }
        let screen = self.screens.iter().find(|screen| screen.geometry().to_f64().contains(start));
        let Some(geometry) = screen.map(|screen| screen.geometry().to_f64()) else { return false };
        let edge = geometry.loc.y + geometry.size.h - EDGE;
        start.y >= edge && start.y - location.y >= PULL && (location.x - start.x).abs() < PULL
    }
}

fn plain(code: u32) -> Stroke {
    Stroke { code: Keycode::new(code + XKB_OFFSET), shift: false, level3: false }
}
