//! The table of all configuration keys: for each its name, what is allowed, how it is set and how it is
//! shown. The loader, the environment layer, the error messages and `config show` all read this one table.

use toml_edit::{Array, Value};

use super::model::{
    Config, CursorPolicy, Idle, Input, ModeChoice, OutputRule, PageReady, Power, Rotation, Scale, ScheduleEntry, Shell,
    Splash,
};
use super::raw::{Raw, RawValue, Wrong};
use super::setters::{
    filled, in_range, list, no_control, put, schedule_entry, schedule_value, text_or_number, understood, words_of,
};
use super::url::{self, Url};
use super::words;

/// One key of a section whose type is `T`.
pub struct Key<T: 'static> {
    /// Within its section, with dots.
    pub name: &'static str,
    pub kind: Kind,
    pub allowed: Allowed,
    pub set: fn(&mut T, &Raw) -> Result<(), Wrong>,
    /// `None`: not set, and nothing is the default.
    pub get: fn(&T) -> Option<Value>,
}

/// How the text of an environment variable becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// Split at spaces, unless it is a TOML list.
    Words,
    /// A TOML value where it is one, else text.
    Toml,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Allowed {
    Words(&'static [&'static str]),
    Description(&'static str),
}

impl Allowed {
    /// For the end of "allowed is …".
    pub fn text(&self) -> String {
        match self {
            Allowed::Description(text) => (*text).to_owned(),
            Allowed::Words(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                quoted.join(", ")
            }
        }
    }
}

const TRUTH: Allowed = Allowed::Description("true or false");
const DURATION: Allowed = Allowed::Description(words::DURATION);
const WORDS: Allowed = Allowed::Description("a list of texts such as [\"foot\", \"--fullscreen\"]");
const OUTPUT: Allowed = Allowed::Description("a connector's name, \"Make Model Serial\" or \"*\"");
const MIRROR: Allowed = Allowed::Description("another output's name, or \"\" for none");
const POSITION: Allowed = Allowed::Description("[X, Y] in logical pixels");
const SCHEDULE: Allowed =
    Allowed::Description("a list such as [{ on = \"07:00\", off = \"22:00\", days = \"mon-fri\" }]");

/// Farthest from the origin that an output may be placed, logical pixels.
const MAX_POSITION: i32 = 1 << 20;

pub static SHELL: &[Key<Shell>] = &[
    Key {
        name: "url",
        kind: Kind::Text,
        allowed: Allowed::Description(url::ALLOWED),
        set: |shell, raw| put(&mut shell.url, Url::parse(raw.as_text()?).map_err(Wrong::because)),
        get: |shell| Some(shell.url.as_str().into()),
    },
    Key {
        name: "command",
        kind: Kind::Words,
        allowed: WORDS,
        set: |shell, raw| put(&mut shell.command, words_of(raw, true)),
        get: |shell| Some(list(&shell.command)),
    },
    Key {
        name: "browser",
        kind: Kind::Text,
        allowed: Allowed::Description("a program's name or path"),
        set: |shell, raw| put(&mut shell.browser, filled(raw)),
        get: |shell| Some(shell.browser.as_str().into()),
    },
    Key {
        name: "extra-args",
        kind: Kind::Words,
        allowed: WORDS,
        set: |shell, raw| put(&mut shell.extra_args, words_of(raw, false)),
        get: |shell| Some(list(&shell.extra_args)),
    },
    Key {
        name: "output",
        kind: Kind::Text,
        allowed: OUTPUT,
        set: |shell, raw| put(&mut shell.output, filled(raw)),
        get: |shell| Some(shell.output.as_str().into()),
    },
    Key {
        name: "ready.http-status",
        kind: Kind::Text,
        allowed: Allowed::Description(words::STATUS),
        set: |shell, raw| put(&mut shell.ready.http_status, understood(words::parse_status(&text_or_number(raw)?))),
        get: |shell| Some(words::status_text(&shell.ready.http_status).into()),
    },
    Key {
        name: "ready.page",
        kind: Kind::Text,
        allowed: Allowed::Words(&["first-paint", "load", "explicit"]),
        set: |shell, raw| {
            shell.ready.page = match raw.as_text()? {
                "first-paint" => PageReady::FirstPaint,
                "load" => PageReady::Load,
                "explicit" => PageReady::Explicit,
                _ => return Err(Wrong::default()),
            };
            Ok(())
        },
        get: |shell| {
            Some(Value::from(match shell.ready.page {
                PageReady::FirstPaint => "first-paint",
                PageReady::Load => "load",
                PageReady::Explicit => "explicit",
            }))
        },
    },
    Key {
        name: "ready.timeout",
        kind: Kind::Text,
        allowed: DURATION,
        set: |shell, raw| put(&mut shell.ready.timeout, understood(words::parse_duration(raw.as_text()?))),
        get: |shell| Some(words::duration_text(shell.ready.timeout).into()),
    },
];

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
        allowed: Allowed::Description(words::COLOUR),
        set: |splash, raw| put(&mut splash.background, understood(words::parse_colour(raw.as_text()?))),
        get: |splash| Some(words::colour_text(splash.background).into()),
    },
    Key {
        name: "message",
        kind: Kind::Toml,
        allowed: TRUTH,
        set: |splash, raw| put(&mut splash.message, raw.as_bool()),
        get: |splash| Some(splash.message.into()),
    },
];

pub static OUTPUTS: &[Key<OutputRule>] = &[
    Key {
        name: "mode",
        kind: Kind::Text,
        allowed: Allowed::Description(words::MODE),
        set: |rule, raw| put(&mut rule.settings.mode, Ok(Some(understood(words::parse_mode(raw.as_text()?))?))),
        get: |rule| rule.settings.mode.map(|mode: ModeChoice| words::mode_text(mode).into()),
    },
    Key {
        name: "rotation",
        kind: Kind::Toml,
        allowed: Allowed::Description("0, 90, 180 or 270"),
        set: |rule, raw| {
            put(&mut rule.settings.rotation, Ok(Some(understood(Rotation::from_degrees(raw.as_number()?))?)))
        },
        get: |rule| rule.settings.rotation.map(|rotation| i64::from(rotation.degrees()).into()),
    },
    Key {
        name: "scale",
        kind: Kind::Toml,
        allowed: Allowed::Description(words::SCALE),
        set: |rule, raw| {
            let scale = match &raw.value {
                RawValue::Text(text) if text == "auto" => Some(Scale::Auto),
                RawValue::Float(number) => words::fixed_scale(*number),
                RawValue::Integer(number) => i32::try_from(*number).ok().and_then(|n| words::fixed_scale(n.into())),
                _ => None,
            };
            put(&mut rule.settings.scale, Ok(Some(understood(scale)?)))
        },
        get: |rule| {
            rule.settings.scale.map(|scale| match scale {
                Scale::Auto => "auto".into(),
                Scale::Fixed(number) => number.into(),
            })
        },
    },
    Key {
        name: "power",
        kind: Kind::Toml,
        allowed: Allowed::Words(&["on", "off"]),
        set: |rule, raw| {
            let on = match &raw.value {
                RawValue::Boolean(on) => *on,
                RawValue::Text(text) if text == "on" => true,
                RawValue::Text(text) if text == "off" => false,
                _ => return Err(Wrong::default()),
            };
            put(&mut rule.settings.power, Ok(Some(on)))
        },
        get: |rule| rule.settings.power.map(|on| if on { "on".into() } else { "off".into() }),
    },
    Key {
        name: "mirror",
        kind: Kind::Text,
        allowed: MIRROR,
        set: |rule, raw| {
            let mirror = raw.as_text()?;
            if mirror == rule.matcher {
                return Err(Wrong::because("an output can't mirror itself"));
            }
            put(&mut rule.settings.mirror, Ok(Some(mirror.to_owned())))
        },
        get: |rule| rule.settings.mirror.as_deref().map(Value::from),
    },
    Key {
        name: "position",
        kind: Kind::Toml,
        allowed: POSITION,
        set: |rule, raw| {
            let [x, y] = raw.as_list()? else { return Err(Wrong::default()) };
            let (x, y): (i32, i32) = (x.as_number()?, y.as_number()?);
            if x.unsigned_abs().max(y.unsigned_abs()) > MAX_POSITION.unsigned_abs() {
                return Err(Wrong::default());
            }
            put(&mut rule.settings.position, Ok(Some((x, y))))
        },
        get: |rule| {
            rule.settings.position.map(|(x, y)| [i64::from(x), i64::from(y)].into_iter().collect::<Array>().into())
        },
    },
];

/// A key of `[input.keyboard]` that is an XKB name.
macro_rules! xkb_key {
    ($name:literal, $field:ident, $allowed:literal) => {
        Key {
            name: concat!("keyboard.", $name),
            kind: Kind::Text,
            allowed: Allowed::Description($allowed),
            set: |input, raw| put(&mut input.keyboard.$field, no_control(raw)),
            get: |input| Some(input.keyboard.$field.as_str().into()),
        }
    };
}

pub static INPUT: &[Key<Input>] = &[
    Key {
        name: "cursor",
        kind: Kind::Text,
        allowed: Allowed::Words(&["auto", "always", "never"]),
        set: |input, raw| {
            input.cursor = match raw.as_text()? {
                "auto" => CursorPolicy::Auto,
                "always" => CursorPolicy::Always,
                "never" => CursorPolicy::Never,
                _ => return Err(Wrong::default()),
            };
            Ok(())
        },
        get: |input| {
            Some(Value::from(match input.cursor {
                CursorPolicy::Auto => "auto",
                CursorPolicy::Always => "always",
                CursorPolicy::Never => "never",
            }))
        },
    },
    xkb_key!("layout", layout, "XKB layouts such as \"us\" or \"de,us\""),
    xkb_key!("variant", variant, "an XKB variant such as \"nodeadkeys\""),
    xkb_key!("model", model, "an XKB model such as \"pc105\""),
    xkb_key!("options", options, "XKB options such as \"caps:none\""),
    xkb_key!("rules", rules, "XKB rules such as \"evdev\""),
    Key {
        name: "keyboard.repeat-rate",
        kind: Kind::Toml,
        allowed: Allowed::Description("0 (none) to 1000 repeats a second"),
        set: |input, raw| put(&mut input.keyboard.repeat_rate, in_range(raw, 0, 1000)),
        get: |input| Some(i64::from(input.keyboard.repeat_rate).into()),
    },
    Key {
        name: "keyboard.repeat-delay",
        kind: Kind::Toml,
        allowed: Allowed::Description("50 to 10000 milliseconds"),
        set: |input, raw| put(&mut input.keyboard.repeat_delay, in_range(raw, 50, 10_000)),
        get: |input| Some(i64::from(input.keyboard.repeat_delay).into()),
    },
    Key {
        name: "touch-output",
        kind: Kind::Text,
        allowed: Allowed::Description("\"auto\" or an output's name"),
        set: |input, raw| {
            let output = filled(raw)?;
            put(&mut input.touch_output, Ok((output != "auto").then_some(output)))
        },
        get: |input| Some(input.touch_output.as_deref().unwrap_or("auto").into()),
    },
    Key {
        name: "vt-switching",
        kind: Kind::Toml,
        allowed: TRUTH,
        set: |input, raw| put(&mut input.vt_switching, raw.as_bool()),
        get: |input| Some(input.vt_switching.into()),
    },
];

pub static IDLE: &[Key<Idle>] = &[
    Key {
        name: "screen-off",
        kind: Kind::Text,
        allowed: DURATION,
        set: |idle, raw| put(&mut idle.screen_off, understood(words::parse_duration(raw.as_text()?))),
        get: |idle| Some(words::duration_text(idle.screen_off).into()),
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
        set: |idle, raw| put(&mut idle.reset, understood(words::parse_duration(raw.as_text()?))),
        get: |idle| Some(words::duration_text(idle.reset).into()),
    },
];

pub static POWER: &[Key<Power>] = &[Key {
    name: "schedule",
    kind: Kind::Toml,
    allowed: SCHEDULE,
    set: |power, raw| {
        let entries: Result<Vec<ScheduleEntry>, Wrong> = raw.as_list()?.iter().map(schedule_entry).collect();
        put(&mut power.schedule, entries)
    },
    get: |power| Some(power.schedule.iter().map(schedule_value).collect::<Array>().into()),
}];

/// All top-level keys.
pub const SECTIONS: &[&str] = &["shell", "shells", "splash", "output", "input", "idle", "power"];

/// A part of the configuration and its keys, for code that handles all sections alike.
pub trait Sectioned: Sized + 'static {
    fn keys() -> &'static [Key<Self>];
}

macro_rules! sectioned {
    ($($section:ty => $keys:ident),*) => {
        $(impl Sectioned for $section {
            fn keys() -> &'static [Key<Self>] {
                $keys
            }
        })*
    };
}
sectioned!(Shell => SHELL, Splash => SPLASH, OutputRule => OUTPUTS, Input => INPUT, Idle => IDLE, Power => POWER);

/// Finds the rule for `matcher`, adding it at the end when there is none.
pub fn output_rule<'a>(config: &'a mut Config, matcher: &str) -> &'a mut OutputRule {
    let index = config.outputs.iter().position(|rule| rule.matcher == matcher).unwrap_or_else(|| {
        config.outputs.push(OutputRule { matcher: matcher.to_owned(), ..OutputRule::default() });
        config.outputs.len() - 1
    });
    &mut config.outputs[index]
}
