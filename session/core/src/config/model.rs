//! The configuration as types: what a program reads once the layers have been merged. Built by
//! [`super::load`], given away whole; nothing here reads a file. `Default` is the built-in layer.

use std::time::Duration;

use super::accessibility::Accessibility;
use super::agent::Agent;
use super::api::Api;
use super::browser::BrowserSettings;
use super::devices::InputRule;
use super::keyboard::OnScreenKeyboard;
use super::limits::Limits;
use super::night_light::NightLight;
use super::output::{ModeChoice, OutputRule, OutputSettings};
use super::privilege::{Group, PrivilegeRule};
use super::shell::Shell;
use super::splash::Splash;
use crate::quantities::{Rotation, Scale};
use crate::texts::{TextRule, Texts, device_language};

/// Everything that can be configured, merged and valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[shell]`: the one shell, and what `[[shells]]` tables inherit from.
    pub shell: Shell,
    /// `[[shells]]`: one per output; empty: [`Config::shell`] alone. Read them by [`Config::all_shells`].
    pub shells: Vec<Shell>,
    /// `[splash]`.
    pub splash: Splash,
    /// `[text]` (language `*`) and `[text.LANGUAGE]`. Read them by [`Config::all_texts`].
    pub texts: Vec<TextRule>,
    /// `[output."MATCH"]`, in the order in which they first appeared. Read them by [`super::output_policy`].
    pub outputs: Vec<OutputRule>,
    /// `[input]`.
    pub input: Input,
    /// `[keyboard]`: the one on the screen; keys that can be pressed are in `input.keyboard`.
    pub keyboard: OnScreenKeyboard,
    /// `[accessibility]`
    pub accessibility: Accessibility,
    /// `[idle]`.
    pub idle: Idle,
    /// `[health]`.
    pub health: Health,
    /// `[lease]`.
    pub lease: Lease,
    /// `[x11]`.
    pub x11: X11,
    /// `[power]`.
    pub power: Power,
    /// `[night-light]`.
    pub night_light: NightLight,
    /// `[browser]`: what the shells' [`Shell::browser_settings`] inherit from.
    pub browser: BrowserSettings,
    /// `[capture]`.
    pub capture: CaptureSettings,
    /// `[limits]`.
    pub limits: Limits,
    /// `[api]`.
    pub api: Api,
    /// `[agent]`.
    pub agent: Agent,
    /// `[privilege."APP-ID"]`, in the order in which they first appeared.
    pub privileges: Vec<PrivilegeRule>,
}

impl Default for Config {
    fn default() -> Self {
        let settings = OutputSettings {
            mode: Some(ModeChoice::Preferred),
            rotation: Some(Rotation::R0),
            scale: Some(Scale::Auto),
            power: Some(true),
            mirror: Some(String::new()),
            position: None,
            brightness: None,
        };
        Config {
            shell: Shell::default(),
            shells: Vec::new(),
            splash: Splash::default(),
            texts: Vec::new(),
            outputs: vec![OutputRule { matcher: "*".into(), settings }],
            input: Input::default(),
            keyboard: OnScreenKeyboard::default(),
            accessibility: Accessibility::default(),
            idle: Idle::default(),
            health: Health::default(),
            lease: Lease::default(),
            x11: X11::default(),
            power: Power::default(),
            night_light: NightLight::default(),
            browser: BrowserSettings::default(),
            capture: CaptureSettings::default(),
            limits: Limits::default(),
            api: Api::default(),
            agent: Agent::default(),
            privileges: Vec::new(),
        }
    }
}

impl Config {
    /// What programs in a security context with this app-id may do beside showing windows.
    pub fn allowed_to(&self, app_id: &str) -> Vec<Group> {
        self.privileges.iter().find(|rule| rule.app_id == app_id).map(|rule| rule.allow.clone()).unwrap_or_default()
    }

    /// The device's language as a BCP 47 tag such as `de-AT`. `variable` reads the environment.
    pub fn language(&self, variable: impl Fn(&str) -> Option<String>) -> String {
        device_language(self.browser.language.as_deref().unwrap_or_default(), variable)
    }

    /// The kiosk's own texts in the device's language.
    pub fn all_texts(&self, variable: impl Fn(&str) -> Option<String>) -> Texts {
        Texts::new(&self.language(variable), &self.texts)
    }

    /// Whether the device is not set up yet: it has neither a page nor a program to run, or `shell.configured-file` is
    /// missing. Looks at the file system.
    pub fn needs_setup(&self) -> bool {
        let file = &self.shell.configured_file;
        let nothing = self.all_shells().iter().all(|shell| shell.url.is_none() && shell.is_browser());
        nothing || (!file.as_os_str().is_empty() && !file.exists())
    }

    /// The shells to run, never empty.
    pub fn all_shells(&self) -> &[Shell] {
        if self.shells.is_empty() { std::slice::from_ref(&self.shell) } else { &self.shells }
    }
}

/// Keyboard, pointer and touch.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// When the cursor is seen.
    pub cursor: CursorPolicy,
    /// The seat's keymap.
    pub keyboard: Keyboard,
    /// Output that touch devices belong to: `None`: found by itself.
    pub touch_output: Option<String>,
    /// Whether Ctrl+Alt+F1..F12 switch.
    pub vt_switching: bool,
    /// What a new device may do before a person has said whether it is trusted.
    pub new_devices: NewDevices,
    /// `[input.device."MATCH"]`, in the order in which they first appeared. Read them by [`super::input_settings`].
    pub devices: Vec<InputRule>,
}

impl Default for Input {
    fn default() -> Self {
        Input {
            cursor: CursorPolicy::Auto,
            keyboard: Keyboard::default(),
            touch_output: None,
            vt_switching: true,
            new_devices: NewDevices::Allow,
            devices: Vec::new(),
        }
    }
}

/// What an input device may do before a person has said whether it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewDevices {
    /// Its input counts at once.
    Allow,
    /// Input of keyboards and mice that can be plugged in from outside is ignored until the device is trusted.
    Ask,
}

/// When the cursor is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorPolicy {
    /// Hidden until a real pointer moves, and after 3 s without movement.
    Auto,
    /// It is always seen.
    Always,
    /// It is never seen.
    Never,
}

/// The XKB names, all as in xkeyboard-config; empty: its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyboard {
    /// XKB rules, such as `evdev`.
    pub rules: String,
    /// XKB model, such as `pc105`.
    pub model: String,
    /// XKB layout, such as `de`.
    pub layout: String,
    /// XKB variant, such as `nodeadkeys`.
    pub variant: String,
    /// XKB options, such as `caps:none`.
    pub options: String,
    /// Repeats a second, 0: none; at most 1000.
    pub repeat_rate: u32,
    /// Until the first repeat, milliseconds.
    pub repeat_delay: u32,
}

impl Default for Keyboard {
    fn default() -> Self {
        Keyboard {
            rules: String::new(),
            model: String::new(),
            layout: "us".into(),
            variant: String::new(),
            options: String::new(),
            repeat_rate: 25,
            repeat_delay: 600,
        }
    }
}

/// What happens without input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    /// `None`: never.
    pub screen_off: Option<Duration>,
    /// The touch that wakes the screen is not passed on.
    pub wake_swallows_touch: bool,
    /// Back to the start page with a clean session; `None`: never.
    pub reset: Option<Duration>,
}

impl Default for Idle {
    fn default() -> Self {
        Idle { screen_off: None, wake_swallows_touch: true, reset: None }
    }
}

/// The strongest measure when nothing milder brings the page back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Restart the device, at most once an hour and three times a day.
    pub reboot: bool,
}

/// What people at the screen are told about remote viewers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptureSettings {
    /// A line on a screen that is watched.
    pub notice: bool,
}

/// Connectors that other programs drive (drm-lease).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lease {
    /// By name, such as `DP-2`: no screens of ours.
    pub connectors: Vec<String>,
}

/// Programs that speak X11.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct X11 {
    /// Whether Xwayland is started for them. For a command in cage's place it is in any case.
    pub enabled: bool,
}

/// When the screens are on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Power {
    /// Empty: always.
    pub schedule: Vec<ScheduleEntry>,
}

/// On from one time of day to another, on these days: the screens by `[power]`, the night by `[night-light]`. `off` before `on` means the following day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleEntry {
    /// From this time on.
    pub on: TimeOfDay,
    /// Until this time.
    pub off: TimeOfDay,
    /// On these days, by the day on which it begins.
    pub days: Days,
}

/// Local time, 00:00 to 23:59.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

/// Days of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(pub [bool; 7]);

impl Days {
    /// Every day.
    pub const ALL: Days = Days([true; 7]);
}
