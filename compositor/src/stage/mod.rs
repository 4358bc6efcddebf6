//! What is shown, in what order: cursor, splash and system screens, popups, dialogs, shell. Generic over the
//! renderer; knows nothing of devices.
//!
//! The root state owns a [`Stage`]; protocol handlers put windows on it; back ends ask a [`Frame`] for its
//! elements.

pub mod elements;
pub mod frame;
pub mod reflected;
pub mod splash;
pub mod windows;

use std::time::Duration;

use kiosk_session::api::State;
use kiosk_splash::{Progress, Style, View};
use smithay::desktop::PopupManager;

use splash::Cover;
use windows::Windows;

pub use frame::Frame;

/// A screen of our own over everything: a message of the operator.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemScreen {
    pub title: String,
    pub text: String,
}

/// What the session last said, and whether it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Readiness {
    /// Without a session (a plain command), a window is all that is waited for.
    pub wait_for_session: bool,
    /// `None` before the first report.
    pub state: Option<State>,
    /// A line for people before the screen.
    pub message: String,
}

impl Readiness {
    /// Takes over a report. Ready is remembered through a reload: the last frame is better than a splash.
    fn shell_may_show(&self) -> bool {
        !self.wait_for_session || self.state == Some(State::Ready) || self.state == Some(State::Loading)
    }
}

/// The stage.
pub struct Stage {
    pub windows: Windows,
    pub popups: PopupManager,
    pub cover: Cover,
    pub readiness: Readiness,
    pub system_screen: Option<SystemScreen>,
    pub style: Style,
    /// `--no-splash`: nothing of ours is drawn, only the background.
    pub splash_enabled: bool,
    /// The page was ready once since its window came; a later reload keeps the picture.
    was_ready: bool,
}

impl Stage {
    /// An empty stage under the splash.
    pub fn new(style: Style, splash_enabled: bool, wait_for_session: bool) -> Self {
        Self {
            windows: Windows::default(),
            popups: PopupManager::default(),
            cover: Cover::Shown { since: Duration::ZERO },
            readiness: Readiness { wait_for_session, state: None, message: String::new() },
            system_screen: None,
            style,
            splash_enabled,
            was_ready: false,
        }
    }

    /// What our own picture shows.
    pub fn view(&self) -> View {
        match &self.system_screen {
            Some(screen) => View::Message { title: screen.title.clone(), text: screen.text.clone() },
            None => View::Splash {
                message: Some(self.readiness.message.clone()).filter(|message| !message.is_empty()),
                progress: Progress::Indeterminate,
            },
        }
    }

    /// Whether our own picture has to cover the shell: until the session says ready **and** the shell has a real
    /// buffer; again as soon as either fails.
    pub fn cover_needed(&mut self) -> bool {
        let mapped = self.windows.any_mapped();
        if !mapped || !self.readiness.shell_may_show() {
            self.was_ready = false;
        } else if !self.readiness.wait_for_session || self.readiness.state == Some(State::Ready) {
            self.was_ready = true;
        }
        self.system_screen.is_some() || !self.was_ready
    }

    /// Brings the cover up to date. Returns whether that changes the picture.
    pub fn update_cover(&mut self, now: Duration) -> bool {
        let needed = self.cover_needed();
        if !self.splash_enabled && self.system_screen.is_none() {
            // No picture of ours to fade: the shell is bare, or the background is.
            let cover = if needed { self.cover } else { Cover::Gone };
            let cover = if needed && cover == Cover::Gone { Cover::Shown { since: now } } else { cover };
            return std::mem::replace(&mut self.cover, cover) != cover;
        }
        self.cover.update(needed, now)
    }

    /// `splash`, `shell` or `system-screen`, as `org.kioskd.Compositor1.Stage` names them.
    pub fn name(&self) -> &'static str {
        match (&self.system_screen, self.cover) {
            (Some(_), _) => "system-screen",
            (None, Cover::Shown { .. }) => "splash",
            (None, _) => "shell",
        }
    }

    /// Whether people see the shell's own picture.
    pub fn shell_visible(&self) -> bool {
        self.name() == "shell"
    }
}
