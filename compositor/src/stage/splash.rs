//! The splash on the stage: its visibility, its fade, and its pictures on each screen.
//!
//! [`Cover`] is the state machine (no I/O, time comes in); [`ScreenSplash`] holds one screen's uploaded pictures.
//! Pictures are painted once for each view and size; afterwards they only move and fade.

use std::time::Duration;

use kiosk_splash::{Fonts, Pose, Report, Scene, Style, View};
use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            Color32F, ImportAll, ImportMem, Renderer,
            element::{Id, Kind, memory::MemoryRenderBuffer, solid::SolidColorRenderElement},
            utils::CommitCounter,
        },
    },
    utils::{Physical, Point, Rectangle, Size, Transform},
};

use super::elements::{PixelElement, StageElement};

/// How long the cross-fade from splash to shell takes: long enough to be seen as one, too short to wait for.
pub const FADE: Duration = Duration::from_millis(180);

/// How long each of several pages is shown.
const PAGE: Duration = Duration::from_secs(9);

/// Whether our own picture covers the shell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cover {
    /// Opaque.
    Shown {
        /// When it was shown, monotonic: the start of its animation.
        since: Duration,
    },
    /// Fading out, for [`FADE`].
    Fading {
        /// When it was shown.
        shown_since: Duration,
        /// When the fade began.
        since: Duration,
    },
    /// Not there: costs nothing.
    Gone,
}

impl Cover {
    /// 1.0 opaque, 0.0 gone.
    pub fn alpha(&self, now: Duration) -> f32 {
        match self {
            Self::Shown { .. } => 1.0,
            Self::Fading { since, .. } => {
                let part = now.saturating_sub(*since).as_secs_f32() / FADE.as_secs_f32();
                (1.0 - part).clamp(0.0, 1.0)
            }
            Self::Gone => 0.0,
        }
    }

    /// Updates it: `needed` while there is no ready shell, or a system screen is shown. Returns whether the picture
    /// changes.
    pub fn update(&mut self, needed: bool, now: Duration) -> bool {
        match (*self, needed) {
            (Self::Shown { .. }, true) | (Self::Gone, false) => false,
            (Self::Shown { since }, false) => {
                *self = Self::Fading { shown_since: since, since: now };
                true
            }
            (Self::Fading { since, .. }, false) => {
                if now.saturating_sub(since) >= FADE {
                    *self = Self::Gone;
                }
                true
            }
            (Self::Fading { shown_since, .. }, true) => {
                *self = Self::Shown { since: shown_since };
                true
            }
            (Self::Gone, true) => {
                *self = Self::Shown { since: now };
                true
            }
        }
    }

    /// Since when the animation runs.
    pub fn since(&self) -> Option<Duration> {
        match self {
            Self::Shown { since } => Some(*since),
            Self::Fading { shown_since, .. } => Some(*shown_since),
            Self::Gone => None,
        }
    }
}

/// The inputs of a screen's pictures.
#[derive(Debug, Clone, PartialEq)]
struct Painted {
    view: View,
    size: Size<i32, Physical>,
    scale: f64,
    fonts: Fonts,
}

/// The splash on one screen.
#[derive(Default)]
pub struct ScreenSplash {
    painted: Option<Painted>,
    scene: Option<Scene>,
    buffers: Vec<MemoryRenderBuffer>,
    veil: Option<(Id, CommitCounter)>,
    poses: Vec<Pose>,
    /// When the first of several pages came, on the clock of the animation.
    first_page_at: Duration,
}

impl ScreenSplash {
    /// Paints the pictures, if view, size or scale changed.
    pub fn prepare(&mut self, view: &View, style: &Style, size: Size<i32, Physical>, scale: f64) {
        let wanted = Painted { view: view.clone(), size, scale, fonts: style.fonts.clone() };
        if self.painted.as_ref() == Some(&wanted) {
            return;
        }
        let scene =
            kiosk_splash::compose(view, style, size.w.max(0).unsigned_abs(), size.h.max(0).unsigned_abs(), scale);
        self.keep_unchanged_pictures(&scene);
        self.scene = Some(scene);
        // They belong to the previous pieces.
        self.poses.clear();
        self.painted = Some(wanted);
    }

    /// Equal pictures keep their buffers, so that a new message neither uploads the logo again nor damages it.
    fn keep_unchanged_pictures(&mut self, scene: &Scene) {
        let old = self.scene.take();
        let old_buffers = std::mem::take(&mut self.buffers);
        self.buffers = scene
            .pieces
            .iter()
            .map(|piece| {
                let same = old.as_ref().and_then(|old| old.pieces.iter().position(|other| other.image == piece.image));
                // A picture that appears twice needs two buffers, one for each position.
                match same.and_then(|index| old_buffers.get(index)) {
                    Some(buffer) if scene.pieces.iter().filter(|other| other.image == piece.image).count() == 1 => {
                        buffer.clone()
                    }
                    _ => MemoryRenderBuffer::from_slice(
                        &piece.image.data,
                        Fourcc::Argb8888,
                        (piece.image.width as i32, piece.image.height as i32),
                        1,
                        Transform::Normal,
                        None,
                    ),
                }
            })
            .collect();
    }

    /// The view at the page that is due `elapsed` after the splash came, where it has several: the first one comes
    /// first, whenever that is.
    pub fn paged(&mut self, view: View, elapsed: Duration) -> View {
        match view {
            View::Diagnostics(report) => {
                if !matches!(self.painted, Some(Painted { view: View::Diagnostics(_), .. })) {
                    self.first_page_at = elapsed;
                }
                View::Diagnostics(Report { page: self.page(elapsed), ..report })
            }
            view => view,
        }
    }

    fn page(&self, elapsed: Duration) -> usize {
        let pages = self.scene.as_ref().map_or(1, |scene| scene.pages.max(1));
        (elapsed.saturating_sub(self.first_page_at).as_secs() / PAGE.as_secs()) as usize % pages
    }

    /// Moves the animated pieces to where they are `elapsed` after the splash came. Returns the time until the next
    /// step or page is due, `None`: never.
    pub fn animate(&mut self, elapsed: Duration) -> Option<Duration> {
        if let Some(animation) = self.scene.as_ref()?.animation.as_ref() {
            self.poses = animation.at(elapsed);
        }
        self.next_step(elapsed)
    }

    /// The time from `elapsed` after the splash came until it looks other than it was last drawn; zero: it does already,
    /// `None`: it never will.
    pub fn next_move(&self, elapsed: Duration) -> Option<Duration> {
        let animation = self.scene.as_ref()?.animation.as_ref();
        let drawn = match self.painted.as_ref().map(|painted| &painted.view) {
            Some(View::Diagnostics(report)) => report.page,
            _ => 0,
        };
        let moved =
            drawn != self.page(elapsed) || animation.is_some_and(|animation| animation.at(elapsed) != self.poses);
        if moved { Some(Duration::ZERO) } else { self.next_step(elapsed) }
    }

    fn next_step(&self, elapsed: Duration) -> Option<Duration> {
        let scene = self.scene.as_ref()?;
        let step = scene.animation.as_ref().and_then(|animation| animation.next_change(elapsed));
        let shown = elapsed.saturating_sub(self.first_page_at);
        let into_page = Duration::new(shown.as_secs() % PAGE.as_secs(), shown.subsec_nanos());
        let turn = (scene.pages > 1).then(|| PAGE.saturating_sub(into_page));
        step.into_iter().chain(turn).min()
    }

    /// Drops the pictures of a hidden splash.
    pub fn drop_pictures(&mut self) {
        *self = Self::default();
    }

    /// Pushes the pieces, topmost first, and the background last unless `alpha` is 1 (the frame's clear colour
    /// is the background then, and costs nothing).
    pub fn push_elements<R>(&self, renderer: &mut R, alpha: f32, elements: &mut Vec<StageElement<R>>)
    where
        R: Renderer + ImportAll + ImportMem,
        R::TextureId: Clone + Send + 'static,
    {
        let Some(scene) = &self.scene else { return };
        for (index, (piece, buffer)) in scene.pieces.iter().zip(&self.buffers).enumerate().rev() {
            let pose = self.poses.iter().find(|pose| pose.piece == index);
            let (dx, dy, own) = pose.map_or((0, 0, 1.0), |pose| (pose.dx, pose.dy, pose.alpha));
            let location: Point<i32, Physical> = (piece.x + dx, piece.y + dy).into();
            if own * alpha <= 0.0 {
                continue;
            }
            match PixelElement::new(renderer, buffer, location, own * alpha, Kind::Unspecified) {
                Ok(element) => elements.push(element.into()),
                Err(error) => tracing::warn!(%error, "splash picture not uploaded"),
            }
        }
    }

    /// Marks the veil changed: once a frame while the splash fades.
    pub fn step_veil(&mut self) {
        self.veil.get_or_insert_with(|| (Id::new(), CommitCounter::default())).1.increment();
    }

    /// The element that covers everything below the pieces while the splash fades.
    pub fn veil(&self, style: &Style, size: Size<i32, Physical>, alpha: f32) -> Option<SolidColorRenderElement> {
        let (id, commit) = self.veil.clone()?;
        let [r, g, b, _] = color(style).components();
        let color = Color32F::new(r * alpha, g * alpha, b * alpha, alpha);
        Some(SolidColorRenderElement::new(id, Rectangle::from_size(size), commit, color, Kind::Unspecified))
    }
}

/// The style's background, opaque.
pub fn color(style: &Style) -> Color32F {
    let [r, g, b] = style.background.map(|channel| f32::from(channel) / 255.0);
    Color32F::new(r, g, b, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_splash_fades_once_and_is_gone() {
        let mut cover = Cover::Shown { since: T(0) };
        assert!(!cover.update(true, T(10)));
        assert!(cover.update(false, T(1_000)));
        assert_eq!(cover.alpha(T(1_000)), 1.0);
        assert!(cover.update(false, T(1_090)));
        assert!(cover.alpha(T(1_090)) > 0.0 && cover.alpha(T(1_090)) < 1.0);
        assert!(cover.update(false, T(1_180)));
        assert_eq!(cover, Cover::Gone);
        assert!(!cover.update(false, T(1_200)), "gone: nothing more to draw");
    }

    #[test]
    fn a_shell_that_dies_during_the_fade_brings_the_splash_back_at_once() {
        let mut cover = Cover::Shown { since: T(0) };
        cover.update(false, T(100));
        assert!(cover.update(true, T(150)));
        assert_eq!(cover.alpha(T(150)), 1.0);
        assert_eq!(cover.since(), Some(T(0)), "the animation goes on where it was");
    }
}
