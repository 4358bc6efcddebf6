//! When the keyboard is on the screen and where: follows the field that has the focus, the devices, what was asked for and
//! the screen of the shell that has the keyboard, and gives windows the room that is left.
//!
//! Once a turn, before anything is drawn. A keyboard that goes stays in the picture until the window under it has drawn
//! in its new size: there is no moment with nothing in that place.

use std::time::Duration;

use kiosk_core::config::{KeyboardSize, KeyboardUse, OnScreenKeyboard};
use smithay::{
    input::keyboard::Layout,
    utils::{Logical, Point, Rectangle},
};

use crate::{
    command::{CommandError, KeyboardWish},
    input::xkb_config,
    keyboard::{
        board::Board,
        keymap::{Keymap, Names},
        presence::{Presence, Use, Wish},
    },
    kiosk::Kiosk,
    stage::keyboard::{Look, Place},
};

/// How long a window may take to draw in the place that the keyboard leaves.
const LEAVE: Duration = Duration::from_millis(700);

/// How long a client may take to say where the cursor is after a touch.
const ANSWER: Duration = Duration::from_millis(250);
/// How far above and below the cursor a touch is on its field, in proportion to the cursor's height.
const FIELD: f64 = 1.0;

/// What is known of the keyboard on the screen beside its picture.
#[derive(Default)]
pub struct KeyboardControl {
    /// Whether it is wanted.
    pub(crate) presence: Presence,
    /// The number of the field that has the focus, as it was last told to the board.
    field: Option<u64>,
    /// Something may have changed that it depends on.
    stale: bool,
    /// It is about to be seen whether a touch was on the field for which it was taken away.
    asks_again: bool,
    /// It goes when the windows have drawn without it, at this time at the latest.
    leaves: Option<Duration>,
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

/// When it comes by itself, as configured.
fn when(settings: &OnScreenKeyboard) -> Use {
    match settings.when {
        KeyboardUse::Auto => Use::Auto,
        KeyboardUse::Always => Use::Always,
        KeyboardUse::Never | KeyboardUse::External => Use::Never,
    }
}

impl KeyboardControl {
    /// With what is configured.
    pub fn new(settings: &OnScreenKeyboard) -> Self {
        Self { presence: Presence::new(when(settings)), stale: true, ..Self::default() }
    }
}

impl Kiosk {
    /// Something that the keyboard depends on may have changed: a field, the devices, the focus.
    pub fn text_field_changed(&mut self) {
        self.seat.keyboard_control.stale = true;
    }

    /// Whether it is on the screen, for whoever asks.
    pub fn keyboard_is_shown(&self) -> bool {
        self.seat.keyboard_control.presence.is_here() && self.stage.keyboard.place().is_some()
    }

    /// Shows it, hides it, or lets it follow the fields again.
    pub fn command_keyboard(&mut self, wish: KeyboardWish) -> Result<(), CommandError> {
        if wish == KeyboardWish::Show && !self.seat.keyboard_control.presence.is_possible() {
            let sentence = "keyboard.use is \"never\" or \"external\": kioskd shows no keyboard of its own";
            return Err(CommandError::Unsupported(sentence.into()));
        }
        let wish = match wish {
            KeyboardWish::Auto => Wish::Auto,
            KeyboardWish::Show => Wish::Show,
            KeyboardWish::Hide => Wish::Hide,
        };
        let now = self.now();
        self.seat.keyboard_control.presence.wish(wish, now);
        self.text_field_changed();
        Ok(())
    }

    /// The configuration is another.
    pub fn configure_keyboard(&mut self) {
        self.seat.keyboard_control.presence.when = when(&self.settings.config.keyboard);
        self.stage.keyboard.set_look(look(&self.settings.config.keyboard));
        // Of another keymap, perhaps.
        self.stage.keyboard.board = Board::default();
        self.stage.keyboard.put(None);
        self.seat.keyboard_control.leaves = None;
        self.seat.keyboard_control.field = None;
        self.keyboard_moved();
        self.text_field_changed();
    }

    /// What its fingers or its buttons have to say of it: it is to go, or to come.
    pub(crate) fn dismiss_keyboard(&mut self) {
        let now = self.now();
        self.seat.keyboard_control.presence.dismiss(now);
        self.text_field_changed();
    }

    /// A client is touched or clicked at this place. A client does not say that the field that has the focus already was
    /// touched once more: a touch beside its cursor is taken for that.
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

    /// It is called by a gesture.
    pub(crate) fn summon_keyboard(&mut self) {
        let now = self.now();
        self.seat.keyboard_control.presence.summon(now);
        self.text_field_changed();
    }

    /// Brings it up to date, once a turn.
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
            presence.field(focused.as_ref().map(|focused| focused.asked), now);
        }
        self.seat.keyboard_control.presence.tick(now);
        if self.seat.keyboard_control.presence.is_here() {
            self.ready_board();
            let shell = self.stage.focused();
            let place =
                self.screens.screen_for(shell).map(|screen| Place::on(screen, shell, &self.stage.keyboard.look));
            // One that comes back while it goes has told the windows that they have the whole screen.
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

    /// Windows are placed and told anew, and the picture is another.
    fn keyboard_moved(&mut self) {
        self.stage.windows.disturb();
        self.status.publisher.mark_changed();
        self.screens.request_redraw();
    }

    /// It has its keymap, compiled when it is first wanted.
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
        let asked = focused.as_ref().map(|focused| focused.asked);
        let field = focused.map(|focused| focused.field).unwrap_or_default();
        let begins = self.seat.keyboard_control.field != asked || self.stage.keyboard.place().is_none();
        self.seat.keyboard_control.field = asked;
        let before = self.stage.keyboard.board.revision();
        self.stage.keyboard.board.set_field(field, begins);
        if before != self.stage.keyboard.board.revision() {
            self.screens.request_redraw();
        }
    }

    /// The layout that keys are sent by.
    pub(crate) fn use_layout(&mut self, number: usize) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let number = u32::try_from(number).unwrap_or_default();
        keyboard.with_xkb_state(self, |mut context| context.set_layout(Layout(number)));
    }

    /// Whether all that fills the keyboard's screen has drawn in the size that it has without it.
    fn windows_fill_again(&self) -> bool {
        let Some(place) = self.stage.keyboard.place() else { return true };
        let whole = self.screens.get(place.screen).map(|screen| screen.geometry().size);
        whole.is_none_or(|whole| self.stage.windows.fill(place.shell, whole))
    }

    /// The part of its screen that windows of a shell have: what the keyboard leaves of it.
    pub fn area_of(&self, shell: usize) -> Rectangle<i32, Logical> {
        let mut area = self.screen_area_of(shell);
        if let Some(place) = self.stage.keyboard.place().filter(|place| place.shell == shell) {
            area.size.h = (place.area.loc.y - area.loc.y).clamp(1, area.size.h.max(1));
        }
        area
    }

    /// The part that windows of a shell are told to fill: while the keyboard goes, the whole screen already.
    pub fn told_area_of(&self, shell: usize) -> Rectangle<i32, Logical> {
        if self.seat.keyboard_control.leaves.is_some() { self.screen_area_of(shell) } else { self.area_of(shell) }
    }

    /// Arms the timer for what comes by itself: an offer, a repeated key, its going.
    pub(crate) fn arm_keyboard(&mut self) {
        let deadlines = [
            self.stage.keyboard.board.deadline(),
            self.seat.keyboard_control.presence.deadline(),
            self.seat.keyboard_control.leaves,
        ];
        let deadline = deadlines.into_iter().flatten().min();
        let armed = self.arm(
            |kiosk| &mut kiosk.main_loop.timers.keyboard,
            deadline,
            |kiosk| {
                kiosk.seat.keyboard_control.stale = true;
                kiosk.tick_board();
                kiosk.arm_keyboard();
            },
        );
        if let Err(error) = armed {
            tracing::error!(%error, "timer not armed");
        }
    }
}
