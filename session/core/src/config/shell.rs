//! `[shell]`, `[[shells]]`: what a screen shows, and when it counts as shown.

use std::path::PathBuf;
use std::time::Duration;

use super::browser::BrowserSettings;
use super::url::Url;

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
