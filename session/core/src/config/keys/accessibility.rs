//! The keys of `[accessibility]`.

use super::{Key, Kind, TRUTH};
use crate::config::accessibility::Accessibility;
use crate::config::setters::put;

/// An aid that is on or off.
macro_rules! aid {
    ($name:literal, $field:ident) => {
        Key {
            name: $name,
            kind: Kind::Toml,
            allowed: TRUTH,
            set: |aids, raw| put(&mut aids.$field, raw.as_bool()),
            get: |aids| Some(aids.$field.into()),
        }
    };
}

pub static ACCESSIBILITY: &[Key<Accessibility>] = &[
    aid!("sticky-keys", sticky_keys),
    aid!("slow-keys", slow_keys),
    aid!("bounce-keys", bounce_keys),
    aid!("magnifier", magnifier),
    aid!("contrast", contrast),
    aid!("invert", invert),
];
