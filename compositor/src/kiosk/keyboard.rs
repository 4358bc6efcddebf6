//! When and where the on-screen keyboard is shown: by the focused field, the devices, commands and the focused shell's
//! screen. Windows get the remaining area.
//!
//! Runs once a turn, before drawing. A keyboard that is being hidden stays in the picture until the window under it has
//! drawn in its new size, so that the area is never empty.

use std::time::Duration;

use kiosk_core::config::{KeyboardSize, KeyboardUse, OnScreenKeyboard};
use smithay::{
    input::keyboard::Layout,
    utils::{Logical, Point, Rectangle},
};

use crate::{
    command::{CommandError, KeyboardMode},
    input::xkb_config,
    keyboard::{
        board::Board,
        keymap::{Keymap, Names},
        presence::{Mode, Presence, Use},
    },
    kiosk::Kiosk,
    stage::keyboard::{KeyboardPlacement, Look},
};

/// Time limit for a window to draw the area that the keyboard leaves.
const LEAVE: Duration = Duration::from_millis(700);

/// Time limit for a client to report the text cursor after a touch.
const ANSWER: Duration = Duration::from_millis(250);
/// A touch this far above or below the text cursor still counts as on its field, in cursor heights.
const FIELD: f64 = 1.0;

/// The state of the on-screen keyboard besides its picture.
#[derive(Default)]
pub struct KeyboardControl {
    /// Decides whether it is wanted.
    pub(crate) presence: Presence,
    /// The focused field's number, as last given to the board.
    field: Option<u64>,
    /// It has to be updated.
    stale: bool,
    /// A check is pending whether a touch was on the field for which it was dismissed.
    asks_again: bool,
    /// It is being hidden, at the latest at this time.
    leaves: Option<Duration>,
    /// The area of each shell's screen that an external keyboard leaves; empty: there is none.
    pub(super) left: Vec<Rectangle<i32, Logical>>,
}

/// The look that is configured.
pub fn look(settings: &OnScreenKeyboard) -> Look {
    Look {
        background: settings.background,
        key: settings.key,
        text: settings.text,
        accent: settings.accent,
        size: match settings.size {
            KeyboardSize::Small => 0.8,
            KeyboardSize::Medium => 1.0,
            KeyboardSize::Large => 1.25,
        },
    }
}

/// When it is shown automatically, as configured.
fn when(settings: &OnScreenKeyboard) -> Use {
    match settings.when {
        KeyboardUse::Auto => Use::Auto,
        KeyboardUse::Always => Use::Always,
        KeyboardUse::Never | KeyboardUse::External => Use::Never,
    }
}

impl KeyboardControl {
    /// With the configured settings.
    pub fn new(settings: &OnScreenKeyboard) -> Self {
        Self { presence: Presence::new(when(settings)), stale: true, ..Self::default() }
    }
}

impl Kiosk {
    /// Something that the keyboard depends on may have changed: a field, the devices, the focus.
    pub fn text_field_changed(&mut self) {
        self.seat.keyboard_control.stale = true;
        self.protocols.input_methods.disturb();
    }

    /// Whether it is shown.
    pub fn keyboard_is_shown(&self) -> bool {
        self.seat.keyboard_control.presence.is_here() && self.stage.keyboard.place().is_some()
    }

    /// Shows it, hides it, or lets it follow the fields again.
    pub fn command_keyboard(&mut self, mode: KeyboardMode) -> Result<(), CommandError> {
        if mode == KeyboardMode::Show && !self.seat.keyboard_control.presence.is_possible() {
            let sentence = "keyboard.use is \"never\" or \"external\": kioskd shows no keyboard of its own, and one of \
                            another program is shown by that program";
            return Err(CommandError::Unsupported(sentence.into()));
        }
        let mode = match mode {
            KeyboardMode::Auto => Mode::Auto,
            KeyboardMode::Show => Mode::Show,
            KeyboardMode::Hide => Mode::Hide,
        };
        let now = self.now();
        self.seat.keyboard_control.presence.set_mode(mode, now);
        self.text_field_changed();
        Ok(())
    }

    /// Applies a changed configuration.
    pub fn configure_keyboard(&mut self) {
        self.seat.keyboard_control.presence.when = when(&self.settings.config.keyboard);
        self.stage.keyboard.set_look(look(&self.settings.config.keyboard));
        // The keymap may have changed.
        self.stage.keyboard.board = Board::default();
        self.stage.keyboard.put(None);
        self.seat.keyboard_control.leaves = None;
        self.seat.keyboard_control.field = None;
        self.keyboard_moved();
        self.text_field_changed();
    }

    /// Applies requests from its own keys: to hide, or to show.
    pub(crate) fn dismiss_keyboard(&mut self) {
        let now = self.now();
        self.seat.keyboard_control.presence.dismiss(now);
        self.text_field_changed();
    }

    /// A client is touched or clicked at this position. Clients do not report a touch on the field that is focused
    /// already, so a touch near its text cursor counts as one.
    pub(crate) fn touch_beside_keyboard(&mut self, location: Point<f64, Logical>) {
        if !self.seat.keyboard_control.presence.is_dismissed()
            || std::mem::replace(&mut self.seat.keyboard_control.asks_again, true)
        {
            return;
        }
        self.after(ANSWER, move |kiosk| {
            kiosk.seat.keyboard_control.asks_again = false;
            if kiosk.is_on_field(location) {
                let now = kiosk.now();
                kiosk.seat.keyboard_control.presence.touched_again(now);
                kiosk.text_field_changed();
            }
        });
    }

    fn is_on_field(&self, location: Point<f64, Logical>) -> bool {
        let Some(focused) = self.text_field() else { return false };
        let Some(shown) = self.stage.windows.find(&focused.surface) else { return false };
        let Some((_, y, _, height)) = focused.field.cursor else { return true };
        let at = location.y - f64::from(shown.origin().y) - f64::from(y);
        let height = f64::from(height.max(1));
        (-FIELD * height..(1.0 + FIELD) * height).contains(&at)
    }

    /// Shows it after the swipe.
    pub(crate) fn summon_keyboard(&mut self) {
        let now = self.now();
        self.seat.keyboard_control.presence.summon(now);
        self.text_field_changed();
    }

    /// Updates it, once a turn.
    pub(super) fn follow_keyboard(&mut self) {
        let shown = self.stage.keyboard.place().is_some();
        if !self.seat.keyboard_control.stale && !shown {
            return;
        }
        let now = self.now();
        if std::mem::take(&mut self.seat.keyboard_control.stale) {
            let (touch, keys) = self.seat.devices.touched_and_typed();
            let focused = self.text_field();
            let presence = &mut self.seat.keyboard_control.presence;
            presence.devices(touch, keys, now);
            presence.field(focused.as_ref().map(|focused| focused.activation), now);
        }
        self.seat.keyboard_control.presence.tick(now);
        if self.seat.keyboard_control.presence.is_here() {
            self.ready_board();
            let shell = self.stage.focused();
            let place = self
                .screens
                .screen_for(shell)
                .map(|screen| KeyboardPlacement::on(screen, shell, &self.stage.keyboard.look));
            // If it returns while being hidden, the windows have been given the whole screen already.
            let returns = self.seat.keyboard_control.leaves.take().is_some();
            self.tell_board_of_field();
            if self.stage.keyboard.put(place) || returns {
                self.keyboard_moved();
            }
        } else if shown {
            let leaves = match self.seat.keyboard_control.leaves {
                Some(at) => at,
                None => {
                    self.stage.keyboard.board.cancel_all();
                    self.seat.keyboard_control.leaves = Some(now + LEAVE);
                    self.keyboard_moved();
                    now + LEAVE
                }
            };
            if now >= leaves || self.windows_fill_again() {
                self.seat.keyboard_control.leaves = None;
                self.seat.keyboard_control.field = None;
                self.stage.keyboard.put(None);
                self.keyboard_moved();
            }
        }
        self.arm_keyboard();
    }

    /// Places and configures windows again, and redraws.
    pub(super) fn keyboard_moved(&mut self) {
        self.stage.windows.disturb();
        self.status.publisher.mark_changed();
        self.screens.request_redraw();
    }

    /// Compiles its keymap when it is first needed.
    fn ready_board(&mut self) {
        if self.stage.keyboard.board.is_ready() {
            return;
        }
        let wanted = xkb_config(&self.settings.config.input.keyboard);
        let names = Names {
            rules: wanted.rules,
            model: wanted.model,
            layout: wanted.layout,
            variant: wanted.variant,
            options: wanted.options.as_deref().unwrap_or_default(),
        };
        self.stage.keyboard.board = Board::new(Keymap::compile(&names));
        self.use_layout(0);
    }

    fn tell_board_of_field(&mut self) {
        let focused = self.text_field();
        let activation = focused.as_ref().map(|focused| focused.activation);
        let field = focused.map(|focused| focused.field).unwrap_or_default();
        let begins = self.seat.keyboard_control.field != activation || self.stage.keyboard.place().is_none();
        self.seat.keyboard_control.field = activation;
        let before = self.stage.keyboard.board.revision();
        self.stage.keyboard.board.set_field(field, begins);
        if before != self.stage.keyboard.board.revision() {
            self.screens.request_redraw();
        }
    }

    /// Sets the layout that keys are sent with.
    pub(crate) fn use_layout(&mut self, number: usize) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let number = u32::try_from(number).unwrap_or_default();
        if let Some(grab) = self.protocols.input_methods.any_grab() {
            grab.use_layout(number);
        }
        keyboard.with_xkb_state(self, |mut context| context.set_layout(Layout(number)));
    }

    /// Whether all windows on the keyboard's screen have drawn in their size without it.
    fn windows_fill_again(&self) -> bool {
        let Some(place) = self.stage.keyboard.place() else { return true };
        let whole = self.screens.get(place.screen).map(|screen| screen.geometry().size);
        whole.is_none_or(|whole| self.stage.windows.fill(place.shell, whole))
    }

    /// The area for a shell's windows: its screen without the keyboard.
    pub fn area_of(&self, shell: usize) -> Rectangle<i32, Logical> {
        let mut area = self.screen_area_of(shell);
        if let Some(place) = self.stage.keyboard.place().filter(|place| place.shell == shell) {
            area.size.h = (place.area.loc.y - area.loc.y).clamp(1, area.size.h.max(1));
        }
        let left = self.seat.keyboard_control.left.get(shell);
        left.and_then(|left| area.intersection(*left)).unwrap_or(area)
    }

    /// The area that a shell's windows are configured for: while the keyboard is being hidden, the whole screen.
    pub fn told_area_of(&self, shell: usize) -> Rectangle<i32, Logical> {
        if self.seat.keyboard_control.leaves.is_some() { self.screen_area_of(shell) } else { self.area_of(shell) }
    }

    /// Arms the timer for long presses, repeated keys and hiding.
    pub(crate) fn arm_keyboard(&mut self) {
        let deadlines = [
            self.stage.keyboard.board.deadline(),
            self.seat.keyboard_control.presence.deadline(),
            self.seat.keyboard_control.leaves,
        ];
        let deadline = deadlines.into_iter().flatten().min();
        self.arm(
            |kiosk| &mut kiosk.main_loop.timers.keyboard,
            deadline,
            |kiosk| {
                kiosk.seat.keyboard_control.stale = true;
                kiosk.tick_board();
                kiosk.arm_keyboard();
            },
        );
    }
}
