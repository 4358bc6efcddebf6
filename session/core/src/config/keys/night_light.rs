//! The keys of `[night-light]`.

use std::time::Duration;

use super::{Allowed, Key, Kind, SCHEDULE};
use crate::config::night_light::NightLight;
use crate::config::raw::{Raw, Wrong};
use crate::config::setters::{possible, put, schedule, schedule_array, understood};
use crate::config::syntax;
use crate::quantities::ColourTemperature;

/// The longest fade: a fade that is longer than an evening is a mistake.
const MAX_FADE: Duration = Duration::from_secs(6 * 60 * 60);

const TEMPERATURE: Allowed = Allowed::Description(ColourTemperature::ALLOWED);

fn temperature(raw: &Raw) -> Result<ColourTemperature, Wrong> {
    possible(ColourTemperature::try_from(raw.as_number::<u32>()?))
}

pub static NIGHT_LIGHT: &[Key<NightLight>] = &[
    Key {
        name: "schedule",
        kind: Kind::Toml,
        allowed: SCHEDULE,
        set: |night, raw| put(&mut night.schedule, schedule(raw)),
        get: |night| Some(schedule_array(&night.schedule).into()),
    },
    Key {
        name: "temperature",
        kind: Kind::Toml,
        allowed: TEMPERATURE,
        set: |night, raw| put(&mut night.temperature, temperature(raw)),
        get: |night| Some(i64::from(night.temperature.kelvin()).into()),
    },
    Key {
        name: "day-temperature",
        kind: Kind::Toml,
        allowed: TEMPERATURE,
        set: |night, raw| put(&mut night.day_temperature, temperature(raw)),
        get: |night| Some(i64::from(night.day_temperature.kelvin()).into()),
    },
    Key {
        name: "fade",
        kind: Kind::Text,
        allowed: Allowed::Description("a time up to \"6h\", such as \"20m\", or \"never\": at once"),
        set: |night, raw| {
            let fade = understood(syntax::parse_duration(raw.as_text()?))?;
            let fits = fade.is_none_or(|fade| fade <= MAX_FADE);
            put(&mut night.fade, fits.then_some(fade).ok_or_else(Wrong::default))
        },
        get: |night| Some(syntax::duration_text(night.fade).into()),
    },
];
