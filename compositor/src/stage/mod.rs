//! The stage: everything that is shown, in its order: cursor, splash and system screens, popups, dialogs, shell.
//! Generic over the renderer; independent of devices.
//!
//! The root state owns a [`Stage`]; protocol handlers put windows on it; back ends ask a [`Frame`] for its
//! elements.

pub mod aided;
pub mod arrow;
pub mod attention;
pub mod chooser;
pub mod close_button;
pub mod content;
pub mod cursor;
pub mod elements;
mod faded;
pub mod fonts;
pub mod frame;
pub mod keyboard;
mod layer_geometry;
pub mod layers;
pub mod method_popups;
pub mod notice;
pub mod pictures;
pub mod ramp;
pub mod reflected;
pub mod shell;
pub mod splash;
mod tint;
pub mod windows;

use std::time::Duration;

use kiosk_core::config::CursorPolicy;
use kiosk_core::texts::{Text, Texts};
use kiosk_splash::{Pairing, Progress, Report, Style, View};
use smithay::{desktop::PopupManager, reexports::wayland_server::protocol::wl_surface::WlSurface};

use attention::Attention;
use chooser::Chooser;
use close_button::CloseButton;
use cursor::Cursor;
use fonts::FontSearch;
use keyboard::{Look, ScreenKeyboard};
use layers::Layers;
use method_popups::MethodPopups;
use pictures::Pictures;
use shell::ShellStage;
use splash::Cover;
use windows::Windows;

pub use frame::Frame;

use crate::{debug::DebugAids, screens::ScreenId};

/// A system screen over everything: an operator's message, pairing, or the countdown of the idle reset.
#[derive(Debug, Clone, PartialEq)]
pub enum SystemScreen {
    /// A text for people.
    Message {
        /// Plain text of at most 200 characters; empty: none.
        title: String,
        /// Plain text of at most 2000 characters, wrapped to the screen.
        text: String,
    },
    /// The pairing or welcome screen.
    Pairing(Pairing),
}

impl SystemScreen {
    /// Its content to draw.
    pub fn view(&self) -> View {
        match self {
            Self::Message { title, text } => View::Message { title: title.clone(), text: text.clone() },
            Self::Pairing(pairing) => View::Pairing(pairing.clone()),
        }
    }

    /// As D-Bus has it.
    fn name(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Pairing(_) => "pairing",
        }
    }
}

/// The stage.
pub struct Stage {
    /// All toplevels, bottom first.
    pub windows: Windows,
    /// The layer surfaces, above and below the windows.
    pub layers: Layers,
    /// Of an input method, beside the cursor of a text field.
    pub method_popups: MethodPopups,
    /// The screen of each shell, by number: the layer surfaces that are typed on are looked for there.
    pub shell_screens: Vec<Option<ScreenId>>,
    /// The close button of the topmost popup.
    pub close_button: CloseButton,
    /// The on-screen keyboard.
    pub keyboard: ScreenKeyboard,
    /// smithay's: popups and their grabs.
    pub popups: PopupManager,
    /// The cursor and the drag icon.
    pub cursor: Cursor,
    /// The magnifier's focus.
    pub attention: Attention,
    /// Our own pictures on each screen.
    pub pictures: Pictures,
    /// The shells, by number; never empty.
    pub shells: Vec<ShellStage>,
    /// Timeout of a list of files: [`chooser::PATIENCE`].
    pub chooser_patience: Duration,
    /// The shell that was touched or clicked last, which has the keyboard.
    pub active: usize,
    /// An operator's screen, over everything, on every screen.
    pub system_screen: Option<SystemScreen>,
    /// The welcome screen, over the shells, below the operator's.
    pub welcome: Option<SystemScreen>,
    /// The idle reset's screen, above both.
    pub idle_screen: Option<SystemScreen>,
    /// The style of splash and system screens.
    pub style: Style,
    /// The built-in texts in the device's language.
    pub texts: Texts,
    /// The device's language, such as `de-AT`, which decides among fonts for the same characters.
    pub language: String,
    /// The search for the texts' fonts.
    pub font_search: FontSearch,
    /// Further content of the diagnostics screen: configuration errors, recent problems, and the device's description.
    pub report: Report,
    /// Debug aids.
    pub debug: DebugAids,
    /// `--no-splash`: nothing of ours is drawn, only the background.
    pub splash_enabled: bool,
}

impl Stage {
    /// An empty stage under the splash, for a number of shells, at least one.
    pub fn new(
        style: Style,
        cursor: CursorPolicy,
        splash_enabled: bool,
        wait_for_session: bool,
        shells: usize,
    ) -> Self {
        Self {
            windows: Windows::default(),
            layers: Layers::default(),
            method_popups: MethodPopups::default(),
            shell_screens: Vec::new(),
            close_button: CloseButton::default(),
            keyboard: ScreenKeyboard::new(Look::default()),
            popups: PopupManager::default(),
            cursor: Cursor::new(cursor),
            attention: Attention::default(),
            pictures: Pictures::default(),
            shells: vec![ShellStage::new(wait_for_session); shells.max(1)],
            chooser_patience: chooser::PATIENCE,
            active: 0,
            system_screen: None,
            idle_screen: None,
            welcome: None,
            style,
            texts: Texts::default(),
            language: String::new(),
            font_search: FontSearch::default(),
            report: Report::default(),
            debug: DebugAids::default(),
            splash_enabled,
        }
    }

    /// Sets the style: all own pictures are painted again, after a new font search.
    pub fn set_style(&mut self, style: Style) {
        self.style = style;
        // A running search ends by itself, and its result is dropped.
        if !matches!(self.font_search, FontSearch::UnderWay(_)) {
            self.font_search = FontSearch::None;
        }
        self.pictures.repaint();
    }

    /// The topmost system screen.
    pub fn screen(&self) -> Option<&SystemScreen> {
        self.idle_screen.as_ref().or(self.system_screen.as_ref()).or(self.welcome.as_ref())
    }

    /// The system screen over the windows of a shell, or on a screen without one.
    pub fn screen_over(&self, shell: Option<usize>) -> Option<&SystemScreen> {
        let note = shell.and_then(|shell| self.shells.get(shell)).and_then(|shell| shell.note.as_ref());
        self.screen().or(note)
    }

    /// Whether a system screen is over everything, or over this shell alone.
    pub fn has_screen_over(&self, shell: Option<usize>) -> bool {
        self.screen_over(shell).is_some() || self.chooser(shell).is_some()
    }

    /// The list of files over this shell, unless a system screen covers it.
    pub fn chooser(&self, shell: Option<usize>) -> Option<&Chooser> {
        let found = shell.and_then(|shell| self.shells.get(shell)).and_then(|shell| shell.chooser.as_ref());
        found.filter(|_| self.screen_over(shell).is_none())
    }

    /// The cover of a shell; for a screen without one the first shell's.
    pub fn cover(&self, shell: Option<usize>) -> Cover {
        let shell = shell.and_then(|shell| self.shells.get(shell)).or(self.shells.first());
        shell.map_or(Cover::Gone, |shell| shell.cover)
    }

    /// The content of our own picture on a shell's screen, or on one without a shell. `name`: the screen's.
    pub fn view(&self, shell: Option<usize>, name: &str, now: Duration) -> View {
        if let Some(screen) = self.screen_over(shell) {
            return screen.view();
        }
        if let Some(chooser) = self.chooser(shell) {
            return View::Choice(chooser.view(&self.texts));
        }
        match shell.and_then(|shell| self.shells.get(shell)).or(self.shells.first()) {
            Some(shell) if shell.cover != Cover::Gone => shell.splash(&self.report, &self.texts, now),
            // Screens without a shell next to a running shell show a text without animation, so that nothing wakes.
            _ => {
                let message = shell.is_none().then(|| self.texts.say(Text::NoShell, &[("output", name)]));
                View::Splash { message, progress: Progress::None }
            }
        }
    }

    /// Updates the covers. Returns whether that changes any picture.
    pub fn update_cover(&mut self, now: Duration) -> bool {
        let over_all = self.screen().is_some();
        let Self { windows, layers, shell_screens, shells, splash_enabled, .. } = self;
        let mut changed = false;
        for (number, shell) in shells.iter_mut().enumerate() {
            let over = over_all || shell.note.is_some() || shell.chooser.is_some();
            // Without a session, anything mapped counts as ready.
            let bare = !shell.readiness.wait_for_session;
            let screen = shell_screens.get(number).copied().flatten().filter(|_| bare);
            let mapped = windows.any_mapped(number) || screen.is_some_and(|screen| layers.any_shown(screen));
            changed |= shell.update_cover(mapped, over, *splash_enabled, now);
        }
        changed
    }

    /// The shell with the keyboard: the active one, unless it has no window and another has.
    pub fn focused(&self) -> usize {
        if self.windows.any_mapped(self.active) {
            return self.active;
        }
        (0..self.shells.len()).find(|shell| self.windows.any_mapped(*shell)).unwrap_or(self.active)
    }

    /// The surface with the keyboard focus: the topmost of the focused shell, or a layer surface that takes it.
    pub fn focus(&self) -> Option<WlSurface> {
        let shell = self.focused();
        let over = self.shell_screens.get(shell).copied().flatten().filter(|_| self.shell_visible(shell));
        over.and_then(|screen| self.layers.focus(screen)).or_else(|| self.windows.focus(shell))
    }

    /// `splash`, `shell` or `system-screen`, as `org.kioskd.Compositor1.Shells` names them: what is shown in this
    /// shell's place. It is `shell` only after the splash has faded.
    pub fn name_of(&self, shell: usize) -> &'static str {
        match (self.has_screen_over(Some(shell)), self.cover(Some(shell))) {
            (true, _) => "system-screen",
            (false, Cover::Gone) => "shell",
            (false, Cover::Shown { .. } | Cover::Fading { .. }) => "splash",
        }
    }

    /// The same for several shells, as `org.kioskd.Compositor1.Stage`: `splash` while any has one, then
    /// `system-screen`.
    pub fn name(&self, shells: impl Iterator<Item = usize>) -> &'static str {
        if self.screen().is_some() {
            return "system-screen";
        }
        let names: Vec<_> = shells.map(|shell| self.name_of(shell)).collect();
        ["splash", "system-screen"].into_iter().find(|name| names.contains(name)).unwrap_or("shell")
    }

    /// The operator's screen, or else the one of a device that is not set up, as `org.kioskd.Compositor1.SystemScreen`
    /// names them; empty: neither.
    pub fn system_screen_name(&self) -> &'static str {
        match (&self.system_screen, &self.welcome) {
            (Some(screen), _) => screen.name(),
            (None, Some(_)) => "welcome",
            (None, None) => "",
        }
    }

    /// Whether this shell is not covered by our own picture.
    pub fn shell_visible(&self, shell: usize) -> bool {
        !self.has_screen_over(Some(shell)) && !matches!(self.cover(Some(shell)), Cover::Shown { .. })
    }
}
