//! What is configured of the browser, for all shells and for one: `[browser]` and `[shells.browser]` as types. Built by
//! [`super::load`], read by kiosk-session, which turns it into flags, policies and answers. `Default` is the built-in
//! layer.

use std::path::PathBuf;
use std::time::Duration;

use super::allow::{Allowed, UrlPattern};
use super::model::{Config, TimeOfDay};
use super::shell::Shell;

/// Chromium's settings as a kiosk has them.
#[derive(Debug, Clone, PartialEq)]
pub struct BrowserSettings {
    /// Addresses allowed in addition to the origins of the shells' pages: see [`Config::allowed`].
    pub allow: Vec<UrlPattern>,
    /// What becomes of windows that a page opens.
    pub new_windows: NewWindows,
    /// What becomes of the browser's own shortcuts.
    pub shortcuts: Shortcuts,
    /// Files with certificates (PEM or DER) of authorities to trust in addition to the system's.
    pub trust: Vec<PathBuf>,
    /// How the network is reached.
    pub proxy: Proxy,
    /// File of credentials by origin. A name without a slash is a credential of the service manager
    /// (`LoadCredential=`).
    pub sign_in: Option<PathBuf>,
    /// Directory for downloads; `None`: nothing is downloaded.
    pub downloads: Option<PathBuf>,
    /// Directory from which files may be chosen; `None`: nothing is uploaded.
    pub uploads: Option<PathBuf>,
    /// What printing does.
    pub printing: Printing,
    /// BCP 47 tag; `None`: that of the device's locale.
    pub language: Option<String>,
    /// Who answers a page's dialogs.
    pub dialogs: Dialogs,
    /// 0.25 to 5.0.
    pub zoom: f64,
    /// Whether the profile outlives the browser.
    pub profile: ProfileKind,
    /// Certificate with its private key (PKCS #12).
    pub client_certificate: Option<PathBuf>,
    /// Local time at which the browser is restarted, once the device is idle.
    pub restart_at: Option<TimeOfDay>,
    /// In order of first appearance; what no rule grants is denied. Read them by [`BrowserSettings::granted`].
    pub permissions: Vec<PermissionRule>,
}

impl Default for BrowserSettings {
    fn default() -> Self {
        BrowserSettings {
            allow: Vec::new(),
            new_windows: NewWindows::Same,
            shortcuts: Shortcuts::Page,
            trust: Vec::new(),
            proxy: Proxy::System,
            sign_in: None,
            downloads: None,
            uploads: None,
            printing: Printing::None,
            language: None,
            dialogs: Dialogs::default(),
            zoom: 1.0,
            profile: ProfileKind::Kept,
            client_certificate: None,
            restart_at: None,
            permissions: Vec::new(),
        }
    }
}

impl BrowserSettings {
    /// The permissions of a page of this origin: the union of all rules that match it.
    pub fn granted(&self, origin: &str) -> Vec<Permission> {
        let rules = self.permissions.iter().filter(|rule| rule.origin.contains(origin));
        let mut granted: Vec<Permission> = rules.flat_map(|rule| rule.granted.iter().copied()).collect();
        granted.sort_unstable();
        granted.dedup();
        granted
    }
}

impl Config {
    /// What `shell`, one of [`Config::all_shells`], may show.
    pub fn allowed(&self, shell: &Shell) -> Allowed {
        let homes = self.all_shells().iter().map(|shell| shell.url.as_str());
        Allowed::new(homes.chain([shell.url.as_str()]), &shell.browser_settings.allow)
    }
}

/// What becomes of a window that the page opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewWindows {
    /// It opens in place of the page.
    Same,
    /// Centred, with a button to close it.
    Popup,
    /// It is not opened.
    Deny,
}

/// What becomes of keys that the browser would take as its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortcuts {
    /// The page gets them as key events.
    Page,
    /// They are dropped.
    Drop,
}

/// How the web is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// As the environment says: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`.
    System,
    /// Directly.
    None,
    /// `SCHEME://HOST:PORT`, scheme http, https, socks4 or socks5.
    Server(String),
    /// Address of a script that says which proxy is for what.
    Pac(String),
}

/// What happens when a page prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Printing {
    /// Nothing is printed.
    None,
    /// To the system's own printer, without a question.
    Silent,
}

/// What becomes of what the page keeps in the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileKind {
    /// Cookies, storage and caches are there again after a restart.
    Kept,
    /// Deleted at each start of the browser.
    Ephemeral,
}

/// How the page's dialogs are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialogs {
    /// `alert()`.
    pub alert: Answer,
    /// `confirm()`.
    pub confirm: Answer,
    /// `prompt()`.
    pub prompt: Answer,
    /// The dialog of `print()`.
    pub print: Answer,
    /// The question whether to leave a page.
    pub beforeunload: Answer,
    /// One that is shown is dismissed after this time; `None`: never.
    pub after: Option<Duration>,
}

impl Default for Dialogs {
    fn default() -> Self {
        Dialogs {
            alert: Answer::Show,
            confirm: Answer::Show,
            prompt: Answer::Show,
            print: Answer::Dismiss,
            beforeunload: Answer::Accept,
            after: Some(Duration::from_secs(30)),
        }
    }
}

/// To one kind of dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The person before the screen gives it.
    Show,
    /// As if a person had accepted.
    Accept,
    /// As if a person had closed it.
    Dismiss,
}

/// What the pages of an origin may use without a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionRule {
    /// Without a path.
    pub origin: UrlPattern,
    /// What these origins may use.
    pub granted: Vec<Permission>,
}

/// What a page must have permission for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Pictures of the camera.
    Camera,
    /// Sound of the microphone.
    Microphone,
    /// Where the device is.
    Location,
    /// MIDI devices, with system exclusive messages.
    Midi,
    /// Devices by WebUSB.
    Usb,
    /// Serial ports.
    Serial,
    /// Devices by WebHID.
    Hid,
    /// Notifications of the desktop.
    Notifications,
    /// Reading the clipboard.
    Clipboard,
}

#[cfg(test)]
mod tests {
    use super::super::url::Url;
    use super::*;

    #[test]
    fn what_any_rule_grants_is_granted() {
        let rule = |origin: &str, granted: &[Permission]| PermissionRule {
            origin: UrlPattern::parse_origin(origin).unwrap(),
            granted: granted.to_vec(),
        };
        let permissions = vec![
            rule("http://localhost:3000", &[Permission::Usb, Permission::Camera]),
            rule("*://localhost:*", &[Permission::Camera, Permission::Hid]),
        ];
        let settings = BrowserSettings { permissions, ..BrowserSettings::default() };
        let (camera, usb, hid) = (Permission::Camera, Permission::Usb, Permission::Hid);
        assert_eq!(settings.granted("http://localhost:3000"), [camera, usb, hid]);
        assert_eq!(settings.granted("https://localhost"), [camera, hid]);
        assert_eq!(settings.granted("https://example.org"), []);
    }

    #[test]
    fn a_shell_may_show_the_other_shells_pages_and_not_what_they_alone_are_allowed() {
        let shell = |url: &str, allow: &[&str]| Shell {
            url: Url::parse(url).unwrap(),
            browser_settings: BrowserSettings {
                allow: allow.iter().map(|text| UrlPattern::parse(text).unwrap()).collect(),
                ..BrowserSettings::default()
            },
            ..Shell::default()
        };
        let config = Config {
            shells: vec![shell("http://a/x", &["https://pay.example"]), shell("http://b/", &[])],
            ..Config::default()
        };
        let (first, second) = (config.allowed(&config.shells[0]), config.allowed(&config.shells[1]));
        assert!(first.permits("http://b/y") && first.permits("https://pay.example/"));
        assert!(second.permits("http://a/z") && !second.permits("https://pay.example/"));
        assert!(!first.permits("http://localhost:3000/"), "[shell] is none of them");
    }
}
