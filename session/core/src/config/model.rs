//! The configuration as types: what a program reads once the layers have been merged. Built by
//! [`super::load`], given away whole; nothing here reads a file. `Default` is the built-in layer.

use std::path::PathBuf;
use std::time::Duration;

use super::accessibility::Accessibility;
use super::agent::Agent;
use super::api::Api;
use super::browser::BrowserSettings;
use super::devices::InputRule;
use super::keyboard::OnScreenKeyboard;
use super::limits::Limits;
use super::output::{ModeChoice, OutputRule, OutputSettings};
use super::privilege::{Group, PrivilegeRule};
use super::url::Url;
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
    /// `[x11]`.
    pub x11: X11,
    /// `[power]`.
    pub power: Power,
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
            x11: X11::default(),
            power: Power::default(),
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

/// One shell: a browser with its page, a command or a container.
#[derive(Debug, Clone, PartialEq)]
pub struct Shell {
    /// The page.
    pub url: Url,
    /// A Wayland client instead of the browser; empty: the browser. `{url}` in an argument stands for the URL: see
    /// [`Shell::command_line`].
    pub command: Vec<String>,
    /// A definition ([`crate::container`]) of a container to run instead of the browser; empty: none. It counts more than
    /// [`Shell::command`].
    pub container: PathBuf,
    /// The browser's program, a name to be found in `PATH` or a path.
    pub browser: String,
    /// Arguments after the browser's built-in ones.
    pub extra_args: Vec<String>,
    /// The output it is shown on: a connector's name, `Make Model Serial`, or `*` for all.
    pub output: String,
    /// Address of the device's own set-up page, for the welcome screen; `{address}` stands for the device's address.
    pub setup_url: String,
    /// While this file is missing, the device is not set up; empty: no file is looked for.
    pub configured_file: PathBuf,
    /// When the splash may go.
    pub ready: Ready,
    /// `[browser]`, and over it what `[shells.browser]` says.
    pub browser_settings: BrowserSettings,
}

impl Shell {
    /// Whether it runs the browser, not a command or a container.
    pub fn is_browser(&self) -> bool {
        self.command.is_empty() && !self.is_container()
    }

    /// Whether it is a container.
    pub fn is_container(&self) -> bool {
        !self.container.as_os_str().is_empty()
    }

    /// [`Shell::command`] with `{url}` filled in, without the user and password of the URL: everybody on the machine may
    /// read command lines. `None`: the browser runs.
    pub fn command_line(&self) -> Option<Vec<String>> {
        let url = self.url.without_user();
        (!self.command.is_empty())
            .then(|| self.command.iter().map(|word| word.replace("{url}", url.as_str())).collect())
    }
}

impl Default for Shell {
    fn default() -> Self {
        Shell {
            url: Url::default(),
            command: Vec::new(),
            container: PathBuf::new(),
            browser: "chromium".into(),
            extra_args: Vec::new(),
            output: "*".into(),
            setup_url: "http://{address}/".into(),
            configured_file: PathBuf::new(),
            ready: Ready::default(),
            browser_settings: BrowserSettings::default(),
        }
    }
}

/// When the splash may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// Which answers of the server count as the page.
    pub http_status: StatusRanges,
    /// What counts as the page being there.
    pub page: PageReady,
    /// How long until the diagnostics screen; the tries go on. `None`: never.
    pub timeout: Option<Duration>,
}

impl Default for Ready {
    fn default() -> Self {
        Ready {
            http_status: StatusRanges::default(),
            page: PageReady::FirstPaint,
            timeout: Some(Duration::from_secs(60)),
        }
    }
}

/// The HTTP status codes that count as "the server is up": inclusive ranges within 100 to 599.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRanges(pub Vec<(u16, u16)>);

impl StatusRanges {
    /// Whether this status, 100 to 599, is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|&(first, last)| (first..=last).contains(&status))
    }
}

impl Default for StatusRanges {
    fn default() -> Self {
        StatusRanges(vec![(200, 299)])
    }
}

/// What makes the page itself count as shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageReady {
    /// The browser has painted something of it.
    FirstPaint,
    /// Its load event.
    Load,
    /// The page calls `window.kiosk.ready()`.
    Explicit,
}

/// The picture before the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splash {
    /// SVG, PNG or JPEG.
    pub logo: PathBuf,
    /// In its place in the light look; empty: the same.
    pub logo_light: PathBuf,
    /// sRGB.
    pub background: [u8; 3],
    /// Whether a line of message is shown.
    pub message: bool,
    /// Side of a square logo, per cent of the screen's shorter side; others have the same area. `None`: 30.
    pub logo_size: Option<u8>,
    /// Where the logo is.
    pub position: SplashPosition,
    /// The face of texts: a family's name, or the absolute path of a font file; empty: the built-in one.
    pub font: String,
    /// Of texts; `None`: black or white, whichever stands out.
    pub text_color: Option<[u8; 3]>,
    /// Of dots and bar; `None`: as the texts.
    pub progress_color: Option<[u8; 3]>,
    /// Light: white in the place of a black background.
    pub look: Look,
}

/// Where the splash's logo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplashPosition {
    /// In the middle.
    Center,
    /// In the upper third.
    Top,
}

/// Whether the kiosk's own screens are light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As the background is.
    Dark,
    /// On white, where no other background is set.
    Light,
}

impl Splash {
    /// The colour behind everything.
    pub fn ground(&self) -> [u8; 3] {
        if self.look == Look::Light && self.background == [0, 0, 0] { [255, 255, 255] } else { self.background }
    }
}

impl Default for Splash {
    fn default() -> Self {
        Splash {
            logo: "/usr/share/kiosk/logo.svg".into(),
            logo_light: PathBuf::new(),
            background: [0, 0, 0],
            message: true,
            logo_size: None,
            position: SplashPosition::Center,
            font: String::new(),
            text_color: None,
            progress_color: None,
            look: Look::Dark,
        }
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

/// On from one time of day to another, on these days. `off` before `on` means the following day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleEntry {
    /// From this time the screens are on.
    pub on: TimeOfDay,
    /// From this time they are off.
    pub off: TimeOfDay,
    /// On these days, by the day on which they go on.
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
