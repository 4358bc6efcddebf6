//! The keys of `[splash]`.

use super::{Allowed, Key, Kind, TRUTH};
use crate::config::model::Splash;
use crate::config::raw::Wrong;
use crate::config::setters::{put, understood};
use crate::config::syntax;

pub static SPLASH: &[Key<Splash>] = &[
    Key {
        name: "logo",
        kind: Kind::Text,
        allowed: Allowed::Description("the absolute path of an SVG or PNG file"),
        set: |splash, raw| {
            let path = std::path::Path::new(raw.as_text()?);
            if !path.is_absolute() {
                return Err(Wrong::default());
            }
            put(&mut splash.logo, Ok(path.into()))
        },
        get: |splash| Some(splash.logo.to_string_lossy().as_ref().into()),
    },
    Key {
        name: "background",
        kind: Kind::Text,
        allowed: Allowed::Description(syntax::COLOUR),
        set: |splash, raw| put(&mut splash.background, understood(syntax::parse_colour(raw.as_text()?))),
        get: |splash| Some(syntax::colour_text(splash.background).into()),
    },
    Key {
        name: "message",
        kind: Kind::Toml,
        allowed: TRUTH,
        set: |splash, raw| put(&mut splash.message, raw.as_bool()),
        get: |splash| Some(splash.message.into()),
    },
];
