//! The kiosk's own screens: a [`View`] goes in, pixels come out.
//!
//! The compositor calls [`compose`] when the view, the output's size or its scale changes, uploads each
//! [`Piece`] once, and afterwards moves or fades pieces as the [`Animation`] says. Nothing here reads a
//! file, a clock or the environment.

use std::time::Duration;

mod color;
mod logo;

pub use color::{ColorError, parse_color};
pub use logo::{Logo, LogoError};

/// What to show. All texts are plain, one language, already chosen by the caller.
#[derive(Debug, Clone, PartialEq)]
pub enum View {
    /// The logo, a progress indication and at most one line of message.
    Splash { message: Option<String>, progress: Progress },
    /// A title and a text of a few lines, for people who stand before the screen.
    Message { title: String, text: String },
}

/// How the progress of a start is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// Nothing moves.
    None,
    /// Something moves, the end is not known.
    Indeterminate,
    /// 0.0 to 1.0; values outside are clamped.
    Fraction(f32),
}

/// sRGB, 8 bit a channel.
pub type Rgb = [u8; 3];

/// Premultiplied pixels in memory order B, G, R, A (DRM `ARGB8888`, `wl_shm` `argb8888`), rows without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub width: u32,
    pub height: u32,
    pub data: Vec<u8>,
}

/// A picture at a place, in physical pixels of the upright (not rotated) output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub x: i32,
    pub y: i32,
    pub image: Image,
}

/// A whole screen: the background fills the output, the pieces lie over it in order, later above.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    pub background: Rgb,
    pub pieces: Vec<Piece>,
    pub animation: Option<Animation>,
}

/// Where an animated piece is at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Index into [`Scene::pieces`].
    pub piece: usize,
    /// Offset to the piece's own place, physical pixels.
    pub dx: i32,
    pub dy: i32,
    /// 0.0 to 1.0.
    pub alpha: f32,
}

/// Which pieces move, by time since the view was first shown. Replaced by the real one.
#[derive(Debug, Clone, PartialEq)]
pub struct Animation {}

impl Animation {
    /// The poses of all animated pieces after `elapsed`; pieces not named are at rest and opaque.
    pub fn at(&self, _elapsed: Duration) -> Vec<Pose> {
        Vec::new()
    }
    /// The time from `elapsed` until the poses next differ: never zero, so a caller can't spin.
    pub fn next_change(&self, _elapsed: Duration) -> Option<Duration> {
        None
    }
}

/// The logo and colours, parsed once.
#[derive(Debug, Clone)]
pub struct Style {
    pub background: Rgb,
    /// Whether the line of message is drawn at all.
    pub message: bool,
    pub logo: Logo,
}

impl Default for Style {
    /// The built-in logo on black, with messages.
    fn default() -> Self {
        Self { background: [0, 0, 0], message: true, logo: Logo::builtin() }
    }
}

/// Lays out and paints `view` for an output of `width` × `height` physical pixels at `scale` (1.0 to 4.0).
pub fn compose(_view: &View, style: &Style, width: u32, height: u32, _scale: f64) -> Scene {
    let shorter = width.min(height) as f32 * 0.3;
    let aspect = style.logo.aspect();
    let (w, h) = ((shorter * aspect.sqrt()) as u32, (shorter / aspect.sqrt()) as u32);
    let pieces = style.logo.paint(w.min(width), h.min(height)).map(|image| {
        let x = (width.min(16384) - image.width) as i32 / 2;
        let y = (height.min(16384) - image.height) as i32 / 2;
        Piece { x, y, image }
    });
    Scene { background: style.background, pieces: pieces.into_iter().collect(), animation: None }
}
