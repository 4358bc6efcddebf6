//! The table of all configuration keys: for each its name, what is allowed, how it is set and how it is
//! shown. The loader, the environment layer, the error messages and `config show` all read this one table.

mod accessibility;
mod agent;
mod api;
mod browser;
mod capture;
mod device;
mod health;
mod idle;
mod input;
mod keyboard;
mod lease;
mod limits;
mod night_light;
mod output;
mod power;
mod privilege;
mod shell;
mod splash;
mod text;
mod x11;

use toml_edit::Value;

use super::accessibility::Accessibility;
use super::agent::Agent;
use super::api::Api;
use super::browser::BrowserSettings;
use super::devices::InputRule;
use super::keyboard::OnScreenKeyboard;
use super::limits::Limits;
use super::model::{CaptureSettings, Config, Health, Idle, Input, Lease, Power, X11};
use super::night_light::NightLight;
use super::output::OutputRule;
use super::privilege::PrivilegeRule;
use super::raw::{Raw, Wrong};
use super::shell::Shell;
use super::splash::Splash;
use super::syntax;
use crate::texts::TextRule;

pub use accessibility::ACCESSIBILITY;
pub use agent::AGENT;
pub use api::API;
pub use browser::BROWSER;
pub use capture::CAPTURE;
pub use device::DEVICES;
pub use health::HEALTH;
pub use idle::IDLE;
pub use input::INPUT;
pub use keyboard::KEYBOARD;
pub use lease::LEASE;
pub use limits::LIMITS;
pub use night_light::NIGHT_LIGHT;
pub use output::OUTPUTS;
pub use power::POWER;
pub use privilege::PRIVILEGE;
pub use shell::SHELL;
pub use splash::SPLASH;
pub use text::TEXTS;
pub use x11::X11_KEYS;

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
    TextList,
    /// A TOML value where it is one, else text.
    Toml,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Allowed {
    OneOf(&'static [&'static str]),
    Description(&'static str),
}

impl Allowed {
    /// For the end of "allowed is …".
    pub fn text(&self) -> String {
        match self {
            Allowed::Description(text) => (*text).to_owned(),
            Allowed::OneOf(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                quoted.join(", ")
            }
        }
    }
}

const TRUTH: Allowed = Allowed::Description("true or false");
const DURATION: Allowed = Allowed::Description(syntax::DURATION);
const SCHEDULE: Allowed =
    Allowed::Description("a list such as [{ on = \"07:00\", off = \"22:00\", days = \"mon-fri\" }]");

/// All top-level keys.
pub const SECTIONS: &[&str] = &[
    "shell",
    "shells",
    "splash",
    "text",
    "output",
    "input",
    "keyboard",
    "accessibility",
    "idle",
    "power",
    "night-light",
    "browser",
    "capture",
    "limits",
    "health",
    "lease",
    "x11",
    "privilege",
    "api",
    "agent",
];

/// `shell.browser`, where `[shells.browser]` is a table.
pub const PROGRAM: &str = "program";

/// A part of the configuration and its keys, for code that handles all sections alike.
pub trait Sectioned: Sized + 'static {
    fn keys() -> &'static [Key<Self>];

    /// Names of the tables with matchers below the section, besides its keys.
    fn tables() -> &'static [&'static str];
}

macro_rules! sectioned {
    ($($section:ty => $keys:ident $($table:literal)?),*) => {
        $(impl Sectioned for $section {
            fn keys() -> &'static [Key<Self>] {
                $keys
            }

            fn tables() -> &'static [&'static str] {
                &[$($table)?]
            }
        })*
    };
}
sectioned!(InputRule => DEVICES, Shell => SHELL, Splash => SPLASH, OutputRule => OUTPUTS, Input => INPUT "device", OnScreenKeyboard => KEYBOARD, Accessibility => ACCESSIBILITY, Idle => IDLE, Power => POWER, NightLight => NIGHT_LIGHT, BrowserSettings => BROWSER, CaptureSettings => CAPTURE, Limits => LIMITS, Health => HEALTH, Lease => LEASE, X11 => X11_KEYS, TextRule => TEXTS, PrivilegeRule => PRIVILEGE, Api => API, Agent => AGENT);

/// Finds the rule for the input devices that `matcher` means, adding it at the end when there is none.
#[allow(clippy::indexing_slicing, reason = "it was found there, or just pushed")]
pub fn input_rule<'a>(config: &'a mut Config, matcher: &str) -> &'a mut InputRule {
    let rules = &mut config.input.devices;
    let index = rules.iter().position(|rule| rule.matcher == matcher).unwrap_or_else(|| {
        rules.push(InputRule { matcher: matcher.to_owned(), ..InputRule::default() });
        rules.len() - 1
    });
    &mut rules[index]
}

/// Finds the rule for programs with this app-id, adding it at the end when there is none.
#[allow(clippy::indexing_slicing, reason = "it was found there, or just pushed")]
pub fn privilege_rule<'a>(config: &'a mut Config, app_id: &str) -> &'a mut PrivilegeRule {
    let rules = &mut config.privileges;
    let index = rules.iter().position(|rule| rule.app_id == app_id).unwrap_or_else(|| {
        rules.push(PrivilegeRule { app_id: app_id.to_owned(), ..PrivilegeRule::default() });
        rules.len() - 1
    });
    &mut rules[index]
}

/// Finds the texts of `language`, adding them at the end when there are none.
#[allow(clippy::indexing_slicing, reason = "it was found there, or just pushed")]
pub fn text_rule<'a>(config: &'a mut Config, language: &str) -> &'a mut TextRule {
    let index = config.texts.iter().position(|rule| rule.language == language).unwrap_or_else(|| {
        config.texts.push(TextRule { language: language.to_owned(), ..TextRule::default() });
        config.texts.len() - 1
    });
    &mut config.texts[index]
}

/// Finds the rule for `matcher`, adding it at the end when there is none.
#[allow(clippy::indexing_slicing, reason = "it was found there, or just pushed")]
pub fn output_rule<'a>(config: &'a mut Config, matcher: &str) -> &'a mut OutputRule {
    let index = config.outputs.iter().position(|rule| rule.matcher == matcher).unwrap_or_else(|| {
        config.outputs.push(OutputRule { matcher: matcher.to_owned(), ..OutputRule::default() });
        config.outputs.len() - 1
    });
    &mut config.outputs[index]
}
