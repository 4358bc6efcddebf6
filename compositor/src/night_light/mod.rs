//! Night light: warmer colours by schedule (`[night-light]`), for all screens alike. The root asks at each moment that
//! [`NightLight::follow`] names, and draws with the [`Ramp`] that follows. No I/O and no clock.

mod fade;
mod white;

use jiff::{Timestamp, tz::TimeZone};
use kiosk_core::config::{ColourTemperature, NightLight as Settings};

use crate::{power::on_the_wall, stage::ramp::Ramp};
pub use fade::{Light, light};

/// The night light.
pub struct NightLight {
    settings: Settings,
    light: Option<Light>,
    ramp: Option<Ramp>,
    /// No screen is seen, so it is not followed before one is.
    pub(crate) rests: bool,
}

impl NightLight {
    /// As configured; it is day until [`NightLight::follow`] is asked.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), light: None, ramp: None, rests: false }
    }

    /// Applies a changed configuration, at the next [`NightLight::follow`].
    pub fn configure(&mut self, settings: &Settings) {
        self.settings.clone_from(settings);
    }

    /// Whether there is a schedule to follow.
    pub fn has_schedule(&self) -> bool {
        !self.settings.schedule.is_empty()
    }

    /// Takes the light of this moment. Returns what has changed since the last call, and when to ask again.
    pub fn follow(&mut self, zone: &TimeZone, now: Timestamp) -> Change {
        let light = light(&self.settings, zone, now);
        let until = light.and_then(|light| light.until);
        let kelvin = |light: Option<Light>| light.map_or(ColourTemperature::NEUTRAL.kelvin(), |light| light.kelvin);
        let colours = kelvin(light) != kelvin(self.light);
        let parts = |light: Option<Light>| light.map(|light| (light.night, light.edge, light.fades_until));
        let words = parts(light) != parts(self.light) || colours && self.ramp.is_none();
        self.light = light;
        if colours {
            self.ramp = Ramp::of_white(white::white(kelvin(light)));
        }
        Change { colours, words: words || colours && self.ramp.is_none(), until }
    }

    /// How colours are changed; `None`: not at all.
    pub fn ramp(&self) -> Option<&Ramp> {
        self.ramp.as_ref()
    }

    /// What is changed and until when, one phrase such as `night light until Mon 07:00`; `None`: colours are not changed.
    pub fn text(&self, zone: &TimeZone, now: Timestamp) -> Option<String> {
        let light = self.light.filter(|_| self.ramp.is_some())?;
        let until = |moment: Option<Timestamp>| {
            moment.map(|moment| format!(" until {}", on_the_wall(moment, now, zone))).unwrap_or_default()
        };
        Some(match (light.night, light.fades_until) {
            (true, _) => format!("night light{}", until(light.edge)),
            (false, Some(end)) => format!("night light fading{}", until(Some(end))),
            (false, None) => format!("day light of {} K{}", light.kelvin, until(light.edge)),
        })
    }
}

/// What [`NightLight::follow`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The screens are to be drawn again.
    pub colours: bool,
    /// [`NightLight::text`] says something else.
    pub words: bool,
    /// When to follow again; `None`: never.
    pub until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use kiosk_core::config::{Days, ScheduleEntry, TimeOfDay};

    use super::*;

    #[test]
    fn people_are_told_until_when_and_only_when_that_changes() {
        let (on, off) = (TimeOfDay { hour: 20, minute: 0 }, TimeOfDay { hour: 7, minute: 0 });
        let settings = Settings { schedule: vec![ScheduleEntry { on, off, days: Days::ALL }], ..Settings::default() };
        let mut night = NightLight::new(&settings);
        let mut at = |day, hour, minute| {
            let now = date(2026, 6, day).at(hour, minute, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
            let change = night.follow(&TimeZone::UTC, now);
            (change.colours, change.words, night.text(&TimeZone::UTC, now).unwrap_or_default())
        };
        assert_eq!(at(10, 12, 0), (false, true, String::new()));
        assert_eq!(at(10, 12, 1), (false, false, String::new()));
        assert_eq!(at(10, 20, 5), (true, true, "night light until Thu 07:00".into()));
        assert_eq!(at(10, 20, 6), (true, false, "night light until Thu 07:00".into()));
        assert_eq!(at(10, 23, 0).2, "night light until Thu 07:00");
        assert_eq!(at(11, 7, 1), (true, true, "night light fading until Thu 07:20".into()));
        assert_eq!(at(11, 8, 0), (true, true, String::new()));
    }
}
