//! The pictures of our own that a screen shows: the splash, uploaded once, and a mirror's black bars. Kept by the
//! stage for each screen, so that a [`Screen`] holds no buffers.

use std::{collections::BTreeMap, time::Duration};

use kiosk_core::texts::Text;
use smithay::{
    backend::renderer::{
        Color32F,
        element::{Id, Kind, RenderElementStates, solid::SolidColorRenderElement},
        utils::CommitCounter,
    },
    utils::{Physical, Size},
};

use super::{
    Stage,
    aided::AidedPicture,
    notice::Notice,
    splash::{Cover, ScreenSplash},
    tint::Tint,
};
use crate::screens::{Screen, ScreenId, mirror::Fit};

/// One screen's pictures.
#[derive(Default)]
pub struct ScreenPictures {
    /// The splash at this screen's size.
    pub splash: ScreenSplash,
    /// The bars beside a mirrored picture of another aspect ratio.
    pub bars: Bars,
    /// Of `KIOSKD_DEBUG=damage`.
    pub tint: Tint,
    /// The line that says that somebody looks.
    pub notice: Option<Notice>,
    /// The picture with visual aids; `None`: none are on.
    pub aided: Option<AidedPicture>,
}

/// All screens' pictures, created at each screen's first frame.
#[derive(Default)]
pub struct Pictures(BTreeMap<ScreenId, ScreenPictures>);

impl Pictures {
    /// Those of a screen; `None`: it was never drawn.
    pub fn get(&self, id: ScreenId) -> Option<&ScreenPictures> {
        self.0.get(&id)
    }

    /// A frame of this screen is queued: the next gets another tint.
    pub fn frame_queued(&mut self, id: ScreenId) {
        if let Some(pictures) = self.0.get_mut(&id) {
            pictures.tint.step();
        }
    }

    /// Sets the picture with visual aids for the next frames of this screen.
    pub fn aid(&mut self, id: ScreenId, size: (u32, u32), rgba: &[u8], states: RenderElementStates) {
        let aided = self.0.entry(id).or_default().aided.get_or_insert_default();
        aided.canvas.show(size, rgba);
        aided.states = states;
    }

    /// Ends the visual aids on this screen.
    pub fn end_aid(&mut self, id: ScreenId) {
        if let Some(pictures) = self.0.get_mut(&id) {
            pictures.aided = None;
        }
    }

    /// The screen is gone.
    pub fn remove(&mut self, id: ScreenId) {
        self.0.remove(&id);
    }

    /// Paints each splash again before it is next drawn.
    pub fn repaint(&mut self) {
        self.0.values_mut().for_each(|pictures| pictures.splash.drop_pictures());
    }
}

/// The black bars of one screen. They are above the picture and hide what extends beyond its edge.
#[derive(Debug)]
pub struct Bars([Id; 2]);

impl Default for Bars {
    fn default() -> Self {
        Self([Id::new(), Id::new()])
    }
}

impl Bars {
    /// The bars for a picture placed by `fit`, on a screen of `target` pixels.
    pub fn elements(
        &self,
        fit: Fit,
        target: Size<i32, Physical>,
    ) -> impl Iterator<Item = SolidColorRenderElement> + use<'_> {
        self.0.iter().zip(fit.bars(target)).filter(|(_, bar)| !bar.is_empty()).map(|(id, bar)| {
            SolidColorRenderElement::new(id.clone(), bar, CommitCounter::default(), Color32F::BLACK, Kind::Unspecified)
        })
    }
}

impl Stage {
    /// Paints and moves the splash on a screen before a frame of it is drawn. `shell`: the one that is shown there;
    /// `mirrors`: the screen shows another one's picture. Returns when the splash next moves.
    pub fn prepare_splash(
        &mut self,
        screen: &Screen,
        shell: Option<usize>,
        mirrors: bool,
        now: Duration,
    ) -> Option<Duration> {
        let cover = self.cover(shell);
        let covered = cover != Cover::Gone || shell.is_none();
        let wanted = self.splash_enabled || self.has_screen_over(shell);
        if let Some(chooser) =
            shell.and_then(|shell| self.shells.get_mut(shell)).and_then(|shell| shell.chooser.as_mut())
            && !mirrors
        {
            let size = screen.picture_size();
            let (width, height) = (size.w.max(0).unsigned_abs(), size.h.max(0).unsigned_abs());
            chooser.lay_out(kiosk_splash::places(width, height, screen.scale()));
        }
        // A mirror draws with its source's pictures.
        if !covered || !wanted || mirrors {
            self.pictures.0.entry(screen.id).or_default().splash.drop_pictures();
            return None;
        }
        let view = self.view(shell, &screen.name, now);
        let waits = self.awaits_fonts(&view, now);
        let splash = &mut self.pictures.0.entry(screen.id).or_default().splash;
        let elapsed = cover.since().map(|since| now.saturating_sub(since)).unwrap_or_default();
        // Until its fonts are there, the previous picture stays.
        if !waits {
            if let Some(chooser) =
                shell.and_then(|shell| self.shells.get_mut(shell)).and_then(|shell| shell.chooser.as_mut())
            {
                chooser.painted();
            }
            let view = splash.paged(view, elapsed);
            splash.prepare(&view, &self.style, screen.picture_size(), screen.scale());
        }
        if matches!(cover, Cover::Fading { .. }) && shell.is_some() {
            splash.step_veil();
        }
        cover.since()?;
        splash.animate(elapsed).filter(|_| screen.lit())
    }

    /// Paints or removes the notice before a frame is drawn: who looks at the page of `shell` by DevTools, and that the
    /// screen is captured (`watched`).
    pub fn prepare_notice(&mut self, screen: &Screen, shell: Option<usize>, watched: bool, now: Duration) {
        let inspector = shell.and_then(|shell| self.shells.get(shell)?.readiness.inspector.as_ref());
        if inspector.is_none()
            && !watched
            && self.pictures.get(screen.id).is_none_or(|pictures| pictures.notice.is_none())
        {
            return;
        }
        let inspected = inspector.map(|(who, time)| self.texts.say(Text::Inspected, &[("who", who), ("time", time)]));
        let watched = watched.then(|| self.texts.say(Text::Watched, &[]));
        let lines: Vec<String> = inspected.into_iter().chain(watched).collect();
        let text = lines.join(" \u{b7} ");
        // Missing fonts are searched, but the notice does not wait for them.
        if !lines.is_empty() {
            self.awaits_letters(&text, now);
        }
        let notice = &mut self.pictures.0.entry(screen.id).or_default().notice;
        *notice = match lines.is_empty() {
            false => Some(Notice::paint(notice.take(), text, screen.picture_size(), screen.scale(), &self.style)),
            true => None,
        };
    }

    /// Paints the keyboard's changes before a frame of this screen is drawn.
    pub fn prepare_keyboard(&mut self, screen: ScreenId, now: Duration) {
        if !self.keyboard.is_stale(screen, &self.style.fonts) {
            return;
        }
        let waits = self.awaits_letters(&self.keyboard.text(), now);
        let Self { keyboard, style, .. } = self;
        keyboard.prepare(screen, style, waits);
    }

    /// How long until the splash on a screen with this shell looks other than it was last drawn; zero: it does already,
    /// `None`: it never will.
    pub fn splash_moves(&self, screen: ScreenId, shell: Option<usize>, now: Duration) -> Option<Duration> {
        let since = self.cover(shell).since()?;
        self.pictures.get(screen)?.splash.next_move(now.saturating_sub(since))
    }
}
