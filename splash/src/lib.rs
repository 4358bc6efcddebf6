//! The kiosk's own screens: a [`View`] goes in, pixels come out.
//!
//! The compositor calls [`compose`] when the view, the output's size or its scale changes, uploads each [`Piece`] once,
//! and afterwards moves or fades pieces as the [`Animation`] says. Nothing here reads a clock or the environment; the
//! only files read are fonts, by [`Fonts::find`] and while texts are set.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod animation;
mod boot;
mod choice;
mod clean;
mod code;
mod color;
mod fonts;
mod installed;
mod labels;
mod logo;
mod logo_file;
mod paint;
mod raster;
mod scene;
mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};

use text::Typesetter;

pub use animation::{Animation, Pose};
pub use boot::{
    FirmwareError, THEMES as PLYMOUTH_THEMES, ThemeFile, UefiError, firmware_picture, plymouth_theme, uefi_picture,
};
pub use choice::{Area, Choice, ChoiceLayout, Row, Target, places};
pub use code::{MAX_CONTENT as MAX_CODE_CONTENT, wifi_code};
pub use color::{ColorError, parse_color};
pub use fonts::Fonts;
pub use installed::FontError;
pub use labels::{Label, labels};
pub use logo::Logo;
pub use logo_file::{LogoError, MAX_FILE as MAX_LOGO_FILE};

/// What to show. All texts are plain, one language, already chosen by the caller.
#[derive(Debug, Clone, PartialEq)]
pub enum View {
    /// The logo, a progress indication and at most one line of message.
    Splash {
        /// The line; `None`: none.
        message: Option<String>,
        /// How it moves.
        progress: Progress,
    },
    /// The splash with indeterminate progress and more lines.
    Waiting {
        /// What is waited for.
        message: String,
        /// Since when, and on a line of its own the attempts.
        detail: String,
    },
    /// The diagnostics screen.
    Diagnostics(Report),
    /// A title and a text of a few lines.
    Message {
        /// Larger; may be empty.
        title: String,
        /// Below the title.
        text: String,
    },
    /// How to reach the device, or to pair it with something.
    Pairing(Pairing),
    /// A page of a list to choose from.
    Choice(Choice),
}

/// The content of the diagnostics screen; empty parts are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Larger, at the top.
    pub title: String,
    /// The reasons, the most important one first.
    pub lines: Vec<String>,
    /// What the device is: name, versions, addresses.
    pub facts: String,
    /// A short report for a QR code, of at most [`MAX_CODE_CONTENT`] bytes.
    pub code: String,
    /// The page of the reasons, if they need several ([`Scene::pages`]); wraps around.
    pub page: usize,
}

/// The content of the pairing screen; empty parts are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairing {
    /// Larger, at the top.
    pub title: String,
    /// The contents of one or two QR codes, at most [`MAX_CODE_CONTENT`] bytes each.
    pub codes: Vec<String>,
    /// Addresses to type without a camera, one per line.
    pub address: String,
    /// Such as `ABC-123`: the largest text.
    pub code: String,
    /// Smaller, below: for how long it is good, the name of a Wi-Fi network.
    pub note: String,
}

impl View {
    /// All its texts, to look for their fonts.
    pub fn text(&self) -> String {
        match self {
            Self::Splash { message, .. } => message.clone().unwrap_or_default(),
            Self::Waiting { message, detail } => format!("{message}\n{detail}"),
            Self::Diagnostics(Report { title, lines, facts, .. }) => format!("{title}\n{}\n{facts}", lines.join("\n")),
            Self::Message { title, text } => format!("{title}\n{text}"),
            Self::Pairing(Pairing { title, codes: _, address, code, note }) => {
                [title, address, code, note].map(String::as_str).join("\n")
            }
            Self::Choice(choice) => choice.text(),
        }
    }
}

/// How the progress of a start is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// Nothing moves.
    None,
    /// Something moves, the end is not known.
    Indeterminate,
    /// 0.0 to 1.0; values outside are clamped, not-a-number is 0.
    Fraction(f32),
}

/// sRGB, 8 bit a channel.
pub type Rgb = [u8; 3];

/// Premultiplied pixels in memory order B, G, R, A (DRM `ARGB8888`, `wl_shm` `argb8888`), rows without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Premultiplied B, G, R, A, row by row, `width * height * 4` bytes.
    pub data: Vec<u8>,
}

/// A picture at a place, in physical pixels of the upright (not rotated) output; at rest it lies wholly on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// From the left edge of the output, physical pixels.
    pub x: i32,
    /// From its upper edge, physical pixels.
    pub y: i32,
    /// What is there.
    pub image: Image,
}

/// A whole screen: the background fills the output, the pieces lie over it in order, later above.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The colour where no piece is.
    pub background: Rgb,
    /// From the lowest to the uppermost.
    pub pieces: Vec<Piece>,
    /// `None`: nothing moves, the scene can be drawn once.
    pub animation: Option<Animation>,
    /// Number of pages of the view, at least 1; each is composed separately.
    pub pages: usize,
}

/// The logo and colours, parsed once.
#[derive(Debug, Clone)]
pub struct Style {
    /// Behind everything.
    pub background: Rgb,
    /// Whether the splash's line of message is drawn at all; other texts always are.
    pub message: bool,
    /// The splash's logo.
    pub logo: Logo,
    /// The faces for texts.
    pub fonts: Fonts,
    /// Of texts; `None`: black or white, whichever stands out from the background.
    pub text_color: Option<Rgb>,
    /// Of dots and bar; `None`: as texts.
    pub progress_color: Option<Rgb>,
    /// The side of a square logo against the shorter side of the output, 0.05 to 0.8; others have the same area.
    pub logo_size: f32,
    /// The position of the logo.
    pub position: Position,
}

/// The position of the splash's logo, with progress and message below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Position {
    /// In the middle.
    #[default]
    Center,
    /// In the upper third.
    Top,
}

/// The side of a square logo against the shorter side of the output, unless it is said otherwise.
pub const LOGO_SIZE: f32 = 0.3;

impl Default for Style {
    /// The built-in logo on black, with messages.
    fn default() -> Self {
        Self {
            background: [0, 0, 0],
            message: true,
            logo: Logo::builtin(),
            fonts: Fonts::default(),
            text_color: None,
            progress_color: None,
            logo_size: LOGO_SIZE,
            position: Position::Center,
        }
    }
}

/// Lays out and paints `view` for an output of `width` × `height` physical pixels at `scale` (1.0 to 4.0, clamped).
///
/// Any size is allowed: what does not fit is left out, and a screen of no pixels has no pieces.
pub fn compose(view: &View, style: &Style, width: u32, height: u32, scale: f64) -> Scene {
    with_sound_fonts(style, |typesetter| {
        let layout = scene::layout(view, style, typesetter, width, height, scale);
        paint::paint(&layout, style, typesetter)
    })
}

/// How many characters of a message's text are seen on such an output, where that is not all of it.
pub fn cut_to(view: &View, style: &Style, width: u32, height: u32, scale: f64) -> Option<usize> {
    with_sound_fonts(style, |typesetter| scene::layout(view, style, typesetter, width, height, scale).cut_to)
}

/// Calls `compose` with the style's fonts. If a broken font file triggers an assertion in the font libraries, falls
/// back to the built-in face.
fn with_sound_fonts<T>(style: &Style, compose: impl Fn(&mut Typesetter<'_>) -> T) -> T {
    let builtin = Fonts::only_builtin();
    if !style.fonts.is_only_builtin() {
        let attempt = AssertUnwindSafe(|| compose(&mut Typesetter::new(&style.fonts)));
        if let Ok(composed) = catch_unwind(attempt) {
            return composed;
        }
    }
    compose(&mut Typesetter::new(&builtin))
}
