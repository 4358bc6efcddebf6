//! Decides whether the on-screen keyboard is shown: a state machine without I/O, from the configuration, commands, the
//! input devices and the focused field.

use std::time::Duration;

/// How long the keyboard stays after a field has lost the focus, as the next one may get it.
pub const LINGER: Duration = Duration::from_millis(200);

/// When the keyboard is shown automatically, as `[keyboard] use` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Use {
    /// With a touch panel and no real keyboard.
    #[default]
    Auto,
    /// With any devices.
    Always,
    /// Never.
    Never,
}

/// The last command for the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It follows the fields.
    #[default]
    Auto,
    /// It stays shown.
    Show,
    /// It stays hidden.
    Hide,
}

/// The machine.
#[derive(Debug, Default)]
pub struct Presence {
    /// As configured.
    pub when: Use,
    mode: Mode,
    touch: bool,
    keys: bool,
    /// The number of the focused field: another one for each request for the keyboard.
    field: Option<u64>,
    /// The field for which it was dismissed by hand.
    dismissed: Option<u64>,
    /// It was shown by hand; until it is dismissed, or a field loses the focus.
    summoned: bool,
    here: bool,
    /// When it is hidden, monotonic.
    goes: Option<Duration>,
}

impl Presence {
    /// With this configuration.
    pub fn new(when: Use) -> Self {
        Self { when, ..Self::default() }
    }

    /// Whether it is shown.
    pub fn is_here(&self) -> bool {
        self.here
    }

    /// The last command.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it can be shown at all.
    pub fn is_possible(&self) -> bool {
        self.when != Use::Never
    }

    /// Handles a command.
    pub fn set_mode(&mut self, mode: Mode, now: Duration) {
        self.mode = mode;
        self.summoned = false;
        self.dismissed = None;
        self.settle(now, true);
    }

    /// Shows it by hand.
    pub fn summon(&mut self, now: Duration) {
        self.summoned = true;
        self.dismissed = None;
        self.settle(now, true);
    }

    /// Hides it by hand, until the next request for the keyboard.
    pub fn dismiss(&mut self, now: Duration) {
        self.summoned = false;
        self.dismissed = self.field;
        if self.mode == Mode::Show {
            self.mode = Mode::Auto;
        }
        self.settle(now, true);
    }

    /// Whether it was dismissed for the focused field.
    pub fn is_dismissed(&self) -> bool {
        self.field.is_some() && self.field == self.dismissed
    }

    /// Handles another touch on the field for which it was dismissed.
    pub fn touched_again(&mut self, now: Duration) {
        self.dismissed = None;
        self.settle(now, false);
    }

    /// Sets which devices there are.
    pub fn devices(&mut self, touch: bool, keys: bool, now: Duration) {
        (self.touch, self.keys) = (touch, keys);
        self.settle(now, false);
    }

    /// Sets the focused field's number; `None`: no field has the focus.
    pub fn field(&mut self, field: Option<u64>, now: Duration) {
        if self.field == field {
            return;
        }
        if self.field.is_some() && field.is_none() {
            self.summoned = false;
        }
        self.field = field;
        self.settle(now, false);
    }

    /// When it acts by itself, monotonic.
    pub fn deadline(&self) -> Option<Duration> {
        self.goes
    }

    /// Handles the passing of time.
    pub fn tick(&mut self, now: Duration) {
        if self.goes.is_some_and(|at| at <= now) {
            self.goes = None;
            self.here = false;
        }
    }

    fn wanted(&self) -> bool {
        if !self.is_possible() || self.mode == Mode::Hide {
            return false;
        }
        let by_itself = match self.when {
            Use::Auto => self.touch && !self.keys,
            Use::Always => true,
            Use::Never => false,
        };
        let for_field = by_itself && self.field.is_some() && self.field != self.dismissed;
        self.mode == Mode::Show || self.summoned || for_field
    }

    fn settle(&mut self, now: Duration, at_once: bool) {
        if self.wanted() {
            (self.here, self.goes) = (true, None);
        } else if at_once {
            (self.here, self.goes) = (false, None);
        } else if self.here && self.goes.is_none() {
            self.goes = Some(now + LINGER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn touch_only(when: Use) -> Presence {
        let mut presence = Presence::new(when);
        presence.devices(true, false, NOW);
        presence
    }

    #[test]
    fn the_keyboard_is_shown_with_a_field_and_hidden_with_a_delay() {
        let mut presence = touch_only(Use::Auto);
        presence.field(Some(1), NOW);
        assert!(presence.is_here());
        presence.field(None, NOW);
        presence.field(Some(2), NOW);
        presence.tick(NOW + LINGER);
        assert!(presence.is_here(), "from one field to the next it stays");
        presence.field(None, NOW);
        assert_eq!(presence.deadline(), Some(NOW + LINGER));
        presence.tick(NOW + LINGER);
        assert!(!presence.is_here() && presence.deadline().is_none());
    }

    #[test]
    fn the_keyboard_is_hidden_with_a_real_keyboard_or_without_a_touch_panel_unless_configured_always() {
        for (touch, keys) in [(true, true), (false, false)] {
            for (when, here) in [(Use::Auto, false), (Use::Always, true), (Use::Never, false)] {
                let mut presence = Presence::new(when);
                presence.devices(touch, keys, NOW);
                presence.field(Some(1), NOW);
                assert_eq!(presence.is_here(), here, "{touch} {keys} {when:?}");
            }
        }
    }

    #[test]
    fn a_keyboard_hidden_by_hand_is_shown_when_the_field_is_touched_again() {
        let mut presence = touch_only(Use::Auto);
        presence.field(Some(1), NOW);
        presence.dismiss(NOW);
        assert!(!presence.is_here());
        presence.field(Some(2), NOW);
        assert!(presence.is_here());
        presence.dismiss(NOW);
        assert!(presence.is_dismissed());
        presence.touched_again(NOW);
        assert!(presence.is_here() && !presence.is_dismissed());
    }

    #[test]
    fn commands_and_the_gesture_count_without_a_field() {
        let mut presence = touch_only(Use::Auto);
        presence.summon(NOW);
        assert!(presence.is_here());
        presence.dismiss(NOW);
        presence.set_mode(Mode::Show, NOW);
        presence.field(Some(1), NOW);
        presence.field(None, NOW);
        presence.tick(NOW + LINGER * 2);
        assert!(presence.is_here());
        presence.set_mode(Mode::Hide, NOW);
        presence.field(Some(2), NOW);
        assert!(!presence.is_here());
        presence.set_mode(Mode::Auto, NOW);
        assert!(presence.is_here());
        let mut never = touch_only(Use::Never);
        never.set_mode(Mode::Show, NOW);
        assert!(!never.is_here());
    }
}
