//! The keys of `[health]`.

use super::{Key, Kind, TRUTH};
use crate::config::model::Health;
use crate::config::setters::put;

pub static HEALTH: &[Key<Health>] = &[Key {
    name: "reboot",
    kind: Kind::Toml,
    allowed: TRUTH,
    set: |health, raw| put(&mut health.reboot, raw.as_bool()),
    get: |health| Some(health.reboot.into()),
}];
