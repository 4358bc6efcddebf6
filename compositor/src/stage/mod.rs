//! What is shown, in what order: cursor, splash and system screens, popups, dialogs, shell. Generic over the
//! renderer; knows nothing of devices.
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
mod layer_place;
pub mod layers;
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
use pictures::Pictures;
use shell::ShellStage;
use splash::Cover;
use windows::Windows;

pub use frame::Frame;

use crate::{debug::DebugAids, screens::ScreenId};

/// A screen of our own over everything: a message of the operator, or what is asked when nobody is there.
#[derive(Debug, Clone, PartialEq)]
pub enum SystemScreen {
    /// A text for people.
    Message {
        /// Plain text of at most 200 characters; empty: none.
        title: String,
        /// Plain text of at most 2000 characters, wrapped to the screen.
        text: String,
    },
    /// How to reach the device, or to pair it.
    Pairing(Pairing),
}

impl SystemScreen {
    /// What is seen of it.
    pub fn view(&self) -> View {
        match self {
            Self::Message { title, text } => View::Message { title: title.clone(), text: text.clone() },
            Self::Pairing(pairing) => View::Pairing(pairing.clone()),
        }
    }
}

/// The stage.
pub struct Stage {
    /// All toplevels, bottom first.
    pub windows: Windows,
    /// Of trusted tools, above and below them.
    pub layers: Layers,
    /// The screen of each shell, by number: the layer surfaces that are typed on are looked for there.
    pub homes: Vec<Option<ScreenId>>,
    /// On the popup that is on top: closes it.
    pub close_button: CloseButton,
    /// Over the windows, while it is wanted.
    pub keyboard: ScreenKeyboard,
    /// smithay's: popups and their grabs.
    pub popups: PopupManager,
    /// The pointer's picture, and what is dragged.
    pub cursor: Cursor,
    /// What is looked at, for the magnifier.
    pub attention: Attention,
    /// What of our own each screen shows.
    pub pictures: Pictures,
    /// By number; never empty.
    pub shells: Vec<ShellStage>,
    /// How long a list of files waits for somebody: [`chooser::PATIENCE`].
    pub chooser_patience: Duration,
    /// The shell that was touched or clicked last: it has the keyboard.
    pub active: usize,
    /// Of the operator, over everything, on every screen; `None`: the shells are seen.
    pub system_screen: Option<SystemScreen>,
    /// Of a device that is not set up yet: over the shells, below those.
    pub welcome: Option<SystemScreen>,
    /// Nobody is there: over that too.
    pub idle_screen: Option<SystemScreen>,
    /// How the splash and system screens look, by the configuration.
    pub style: Style,
    /// Our own texts in the device's language.
    pub texts: Texts,
    /// Of the device, such as `de-AT`: which of several fonts for the same characters is taken.
    pub language: String,
    /// Whether the texts that are shown have their fonts.
    pub font_search: FontSearch,
    /// What the screen that tells why there is no page says beside that: what is wrong with the configuration, what has
    /// failed lately, and what the device is.
    pub report: Report,
    /// What developers want to see.
    pub debug: DebugAids,
    /// `--no-splash`: nothing of ours is drawn, only the background.
    pub splash_enabled: bool,
}

impl Stage {
    /// An empty stage under the splash, for so many shells, at least one.
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
            homes: Vec::new(),
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

    /// The kiosk's own pictures look like this from now on: all of them are painted anew, in fonts that are looked for anew.
    pub fn set_style(&mut self, style: Style) {
        self.style = style;
        // One that is under way goes to its end, and what it finds is not taken.
        if !matches!(self.font_search, FontSearch::UnderWay(_)) {
            self.font_search = FontSearch::None;
        }
        self.pictures.repaint();
    }

    /// The screen of our own that is over everything.
    pub fn screen(&self) -> Option<&SystemScreen> {
        self.idle_screen.as_ref().or(self.system_screen.as_ref()).or(self.welcome.as_ref())
    }

    /// The screen of our own that is over the windows of a shell, or on a screen without any.
    pub fn screen_over(&self, shell: Option<usize>) -> Option<&SystemScreen> {
        let note = shell.and_then(|shell| self.shells.get(shell)).and_then(|shell| shell.note.as_ref());
        self.screen().or(note)
    }

    /// Whether a screen of our own lies over everything, or over this shell alone.
    pub fn has_screen_over(&self, shell: Option<usize>) -> bool {
        self.screen_over(shell).is_some() || self.chooser(shell).is_some()
    }

    /// The list of files over this shell, unless another screen of our own is over that.
    pub fn chooser(&self, shell: Option<usize>) -> Option<&Chooser> {
        let found = shell.and_then(|shell| self.shells.get(shell)).and_then(|shell| shell.chooser.as_ref());
        found.filter(|_| self.screen_over(shell).is_none())
    }

    /// The cover of a shell; of a screen without any it is the first one's.
    pub fn cover(&self, shell: Option<usize>) -> Cover {
        let shell = shell.and_then(|shell| self.shells.get(shell)).or(self.shells.first());
        shell.map_or(Cover::Gone, |shell| shell.cover)
    }

    /// What our own picture shows on the screen of a shell, or of none.
    /// `name`: the screen's.
    pub fn view(&self, shell: Option<usize>, name: &str, now: Duration) -> View {
        if let Some(screen) = self.screen_over(shell) {
            return screen.view();
        }
        if let Some(chooser) = self.chooser(shell) {
            return View::Choice(chooser.view(&self.texts));
        }
        match shell.and_then(|shell| self.shells.get(shell)).or(self.shells.first()) {
            Some(shell) if shell.cover != Cover::Gone => shell.splash(&self.report, &self.texts, now),
            // Beside a running shell the other screens are still: nothing moves, nothing wakes. They say why.
            _ => {
                let message = shell.is_none().then(|| self.texts.say(Text::NoShell, &[("output", name)]));
                View::Splash { message, progress: Progress::None }
            }
        }
    }

    /// Brings the covers up to date. Returns whether that changes any picture.
    pub fn update_cover(&mut self, now: Duration) -> bool {
        let over_all = self.screen().is_some();
        let Self { windows, layers, homes, shells, splash_enabled, .. } = self;
        let mut changed = false;
        for (number, shell) in shells.iter_mut().enumerate() {
            let over = over_all || shell.note.is_some() || shell.chooser.is_some();
            // Where no session says when the page is there, whatever has a picture is what there is to see.
            let bare = !shell.readiness.wait_for_session;
            let home = homes.get(number).copied().flatten().filter(|_| bare);
            let mapped = windows.any_mapped(number) || home.is_some_and(|home| layers.any_shown(home));
            changed |= shell.update_cover(mapped, over, *splash_enabled, now);
        }
        changed
    }

    /// The shell that gets the keyboard: the active one, unless it has no window and another has.
    pub fn focused(&self) -> usize {
        if self.windows.any_mapped(self.active) {
            return self.active;
        }
        (0..self.shells.len()).find(|shell| self.windows.any_mapped(*shell)).unwrap_or(self.active)
    }

    /// The surface that has the keyboard: the topmost of the focused shell, or what lies over it and wants it.
    pub fn focus(&self) -> Option<WlSurface> {
        let shell = self.focused();
        let over = self.homes.get(shell).copied().flatten().filter(|_| self.shell_visible(shell));
        over.and_then(|screen| self.layers.focus(screen)).or_else(|| self.windows.focus(shell))
    }

    /// `splash`, `shell` or `system-screen`, as `org.kioskd.Compositor1.Shells` names them: what is shown in this
    /// shell's place. The shell is shown when nothing of the splash is left, which takes the fade.
    pub fn name_of(&self, shell: usize) -> &'static str {
        match (self.has_screen_over(Some(shell)), self.cover(Some(shell))) {
            (true, _) => "system-screen",
            (false, Cover::Gone) => "shell",
            (false, Cover::Shown { .. } | Cover::Fading { .. }) => "splash",
        }
    }

    /// The same of several of them, as `org.kioskd.Compositor1.Stage`: the splash as long as any has one, then a system
    /// screen.
    pub fn name(&self, shells: impl Iterator<Item = usize>) -> &'static str {
        if self.screen().is_some() {
            return "system-screen";
        }
        let names: Vec<_> = shells.map(|shell| self.name_of(shell)).collect();
        ["splash", "system-screen"].into_iter().find(|name| names.contains(name)).unwrap_or("shell")
    }

    /// Whether nothing of ours hides this shell's own picture.
    pub fn shell_visible(&self, shell: usize) -> bool {
        !self.has_screen_over(Some(shell)) && !matches!(self.cover(Some(shell)), Cover::Shown { .. })
    }
}
