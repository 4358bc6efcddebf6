//! The keys of `[x11]`.

use super::{Key, Kind, TRUTH};
use crate::config::model::X11;
use crate::config::setters::put;

pub static X11_KEYS: &[Key<X11>] = &[Key {
    name: "enabled",
    kind: Kind::Toml,
    allowed: TRUTH,
    set: |x11, raw| put(&mut x11.enabled, raw.as_bool()),
    get: |x11| Some(x11.enabled.into()),
}];
