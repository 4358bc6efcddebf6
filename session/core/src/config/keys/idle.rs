//! The keys of `[idle]`.

use super::{DURATION, Key, Kind, TRUTH};
use crate::config::model::Idle;
use crate::config::setters::{put, understood};
use crate::config::syntax;

pub static IDLE: &[Key<Idle>] = &[
    Key {
        name: "screen-off",
        kind: Kind::Text,
        allowed: DURATION,
        set: |idle, raw| put(&mut idle.screen_off, understood(syntax::parse_duration(raw.as_text()?))),
        get: |idle| Some(syntax::duration_text(idle.screen_off).into()),
    },
    Key {
        name: "wake-swallows-touch",
        kind: Kind::Toml,
        allowed: TRUTH,
        set: |idle, raw| put(&mut idle.wake_swallows_touch, raw.as_bool()),
        get: |idle| Some(idle.wake_swallows_touch.into()),
    },
    Key {
        name: "reset",
        kind: Kind::Text,
        allowed: DURATION,
        set: |idle, raw| put(&mut idle.reset, understood(syntax::parse_duration(raw.as_text()?))),
        get: |idle| Some(syntax::duration_text(idle.reset).into()),
    },
];
