//! `[night-light]`: warmer colours by schedule. Types alone.

use std::time::Duration;

use super::model::ScheduleEntry;
use crate::quantities::ColourTemperature;

/// When the screens are warmer, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NightLight {
    /// When it is night; empty: never.
    pub schedule: Vec<ScheduleEntry>,
    /// Of white by night.
    pub temperature: ColourTemperature,
    /// Of white by day.
    pub day_temperature: ColourTemperature,
    /// From the one to the other, from each of the schedule's edges on; `None`: at once.
    pub fade: Option<Duration>,
}

impl Default for NightLight {
    fn default() -> Self {
        NightLight {
            schedule: Vec::new(),
            temperature: ColourTemperature::EVENING,
            day_temperature: ColourTemperature::NEUTRAL,
            fade: Some(Duration::from_secs(20 * 60)),
        }
    }
}
