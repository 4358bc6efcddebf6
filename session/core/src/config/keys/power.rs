//! The keys of `[power]`.

use super::{Key, Kind, SCHEDULE};
use crate::config::model::Power;
use crate::config::setters::{put, schedule, schedule_array};

pub static POWER: &[Key<Power>] = &[Key {
    name: "schedule",
    kind: Kind::Toml,
    allowed: SCHEDULE,
    set: |power, raw| put(&mut power.schedule, schedule(raw)),
    get: |power| Some(schedule_array(&power.schedule).into()),
}];
