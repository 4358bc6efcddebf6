//! `[splash]`: the picture before the page, and how the kiosk's own screens look.

use std::path::PathBuf;

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
