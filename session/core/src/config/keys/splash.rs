//! The keys of `[splash]`.

use super::{Allowed, Key, Kind, TRUTH};
use crate::config::raw::{Raw, Wrong};
use crate::config::setters::{named, no_control, put, spelled, understood, unless};
use crate::config::splash::{Look, Splash, SplashPosition};
use crate::config::syntax;

const COLOUR_OR_AUTO: &str = "\"auto\", or a colour such as \"#1a2b3c\"";
const POSITIONS: &[(&str, SplashPosition)] = &[("center", SplashPosition::Center), ("top", SplashPosition::Top)];
const LOOKS: &[(&str, Look)] = &[("dark", Look::Dark), ("light", Look::Light)];

fn colour(raw: &Raw) -> Result<[u8; 3], Wrong> {
    understood(syntax::parse_colour(raw.as_text()?))
}

fn colour_or_auto(colour: Option<[u8; 3]>) -> String {
    colour.map_or_else(|| "auto".to_owned(), syntax::colour_text)
}

pub static SPLASH: &[Key<Splash>] = &[
    Key {
        name: "logo",
        kind: Kind::Text,
        allowed: Allowed::Description("the absolute path of an SVG, PNG or JPEG file"),
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
        name: "logo-light",
        kind: Kind::Text,
        allowed: Allowed::Description("the absolute path of an SVG, PNG or JPEG file, or \"\""),
        set: |splash, raw| {
            let path = std::path::Path::new(raw.as_text()?);
            if !path.is_absolute() && !path.as_os_str().is_empty() {
                return Err(Wrong::default());
            }
            put(&mut splash.logo_light, Ok(path.into()))
        },
        get: |splash| Some(splash.logo_light.to_string_lossy().as_ref().into()),
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
    Key {
        name: "logo-size",
        kind: Kind::Text,
        allowed: Allowed::Description("\"auto\", or 5% to 80% of the screen's shorter side"),
        set: |splash, raw| {
            let percent = |raw: &Raw| {
                let text = raw.as_text()?.strip_suffix('%').ok_or_else(Wrong::default)?;
                let percent: u8 = text.trim().parse().map_err(|_| Wrong::default())?;
                if (5..=80).contains(&percent) { Ok(percent) } else { Err(Wrong::default()) }
            };
            put(&mut splash.logo_size, unless("auto", raw, percent))
        },
        get: |splash| Some(splash.logo_size.map_or_else(|| "auto".into(), |percent| format!("{percent}%")).into()),
    },
    Key {
        name: "position",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["center", "top"]),
        set: |splash, raw| put(&mut splash.position, named(raw, POSITIONS)),
        get: |splash| Some(spelled(&splash.position, POSITIONS).into()),
    },
    Key {
        name: "look",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["dark", "light"]),
        set: |splash, raw| put(&mut splash.look, named(raw, LOOKS)),
        get: |splash| Some(spelled(&splash.look, LOOKS).into()),
    },
    Key {
        name: "text-color",
        kind: Kind::Text,
        allowed: Allowed::Description(COLOUR_OR_AUTO),
        set: |splash, raw| put(&mut splash.text_color, unless("auto", raw, colour)),
        get: |splash| Some(colour_or_auto(splash.text_color).into()),
    },
    Key {
        name: "progress-color",
        kind: Kind::Text,
        allowed: Allowed::Description(COLOUR_OR_AUTO),
        set: |splash, raw| put(&mut splash.progress_color, unless("auto", raw, colour)),
        get: |splash| Some(colour_or_auto(splash.progress_color).into()),
    },
    Key {
        name: "font",
        kind: Kind::Text,
        allowed: Allowed::Description("the name of an installed family, the absolute path of a font file, or \"\""),
        set: |splash, raw| put(&mut splash.font, no_control(raw)),
        get: |splash| Some(splash.font.as_str().into()),
    },
];
