//! What colour temperature holds at a moment, and when the next one does.
//!
//! A function of the wall clock, the time zone and the settings alone: after a jump of the clock, another zone or a
//! suspend it is asked again and is right; there is no state that could be left over from before.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use kiosk_core::config::NightLight;

use crate::power::level;

/// The temperature changes by at most this much at once, kelvin: a fade that looks smooth, and wakes the machine only
/// for steps that change something.
const STEP: u32 = 25;

/// Steps do not come closer than this.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The colour temperature at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Light {
    /// In force, kelvin.
    pub kelvin: u16,
    /// It is night by the schedule.
    pub night: bool,
    /// When night or day ends; `None`: never.
    pub edge: Option<Timestamp>,
    /// When the fade to this temperature ends; `None`: it has.
    pub fades_until: Option<Timestamp>,
    /// When `kelvin` changes next: a step of a fade, or the edge; `None`: never.
    pub until: Option<Timestamp>,
}

/// The light now. `None`: there is no schedule, or the clock is not set.
pub fn light(settings: &NightLight, zone: &TimeZone, now: Timestamp) -> Option<Light> {
    let level = level(&settings.schedule, zone, now)?;
    let (day, night) = (settings.day_temperature.kelvin(), settings.temperature.kelvin());
    let (from, to) = if level.on { (day, night) } else { (night, day) };
    let settled = Light { kelvin: to, night: level.on, edge: level.until, fades_until: None, until: level.until };
    Some(level.since.and_then(|since| fading(settings, (from, to), since, now, settled)).unwrap_or(settled))
}

/// The light in the fade that began at `since`; `None`: it is over.
fn fading(
    settings: &NightLight,
    (from, to): (u16, u16),
    since: Timestamp,
    now: Timestamp,
    settled: Light,
) -> Option<Light> {
    let fade = SignedDuration::try_from(settings.fade?).ok()?;
    // What is too short for a whole fade has a faster one, so that nothing jumps at its end.
    let fade = settled.edge.map_or(fade, |edge| fade.min(edge.duration_since(since)));
    let (past, fade) = (now.duration_since(since).as_millis(), fade.as_millis());
    let steps = i128::from(u32::from(from.abs_diff(to)).div_ceil(STEP));
    let steps = steps.min(fade / i128::try_from(MIN_INTERVAL.as_millis()).unwrap_or(1));
    if steps < 1 || past >= fade {
        return None;
    }
    let done = past * steps / fade;
    // The first moment at which one more is done.
    let next = ((done + 1) * fade + steps - 1) / steps;
    let kelvin = i128::from(from) + (i128::from(to) - i128::from(from)) * done / steps;
    let at = |millis: i128| since.checked_add(SignedDuration::from_millis(i64::try_from(millis).ok()?)).ok();
    Some(Light { kelvin: u16::try_from(kelvin).ok()?, until: at(next), fades_until: at(fade), ..settled })
}

#[cfg(test)]
#[path = "fade_tests.rs"]
mod tests;
