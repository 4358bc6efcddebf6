//! The boot splash, shown before the compositor starts, with the same logo at the same position. Called by
//! `kiosk-splash`, which writes the files; nothing here does.
//!
//! A Plymouth theme computes the layout of [`crate::View::Splash`] in Plymouth's script language, for screens of any
//! size; the pictures for the kernel of a Raspberry Pi and for UEFI have one size.

mod bmp;
mod script;
#[cfg(test)]
mod script_tests;
mod still;
mod tga;

use png::{BitDepth, ColorType, Encoder, EncodingError};

pub use bmp::{UefiError, uefi_picture};
pub use tga::{FirmwareError, firmware_picture};

use crate::{Progress, Style, View, compose};

/// Where Plymouth has its themes, below the root.
pub const THEMES: &str = "usr/share/plymouth/themes";

/// Screen sizes for which a theme has exact pictures. On all others Plymouth scales [`SCALED`]'s.
const SCREENS: [(u32, u32); 22] = [
    (480, 800),
    (600, 1024),
    (640, 480),
    (720, 1280),
    (800, 480),
    (800, 600),
    (800, 1280),
    (1024, 600),
    (1024, 768),
    (1080, 1920),
    (1280, 720),
    (1280, 800),
    (1280, 1024),
    (1366, 768),
    (1440, 900),
    (1600, 900),
    (1680, 1050),
    (1920, 1200),
    (2560, 1440),
    (2560, 1600),
    (3440, 1440),
    (3840, 2160),
];
/// The screen size whose pictures are scaled for others.
const SCALED: (u32, u32) = (1920, 1080);

/// One file of a theme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeFile {
    /// In the theme's directory, without a `/`.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// The files of the Plymouth theme `name`, which belong into the directory `name` below [`THEMES`].
///
/// # Errors
///
/// A picture that the PNG library refuses.
pub fn plymouth_theme(name: &str, style: &Style) -> Result<Vec<ThemeFile>, EncodingError> {
    let description = format!(
        "[Plymouth Theme]\nName={name}\nDescription=The logo where kioskd shows it.\nModuleName=script\n\n\
         [script]\nImageDir=/{THEMES}/{name}\nScriptFile=/{THEMES}/{name}/{name}.script\n"
    );
    let mut files = vec![
        ThemeFile { name: format!("{name}.plymouth"), content: description.into() },
        ThemeFile { name: format!("{name}.script"), content: script::script(style).into() },
    ];
    let mut picture = |name: String, piece: &crate::Piece| -> Result<(), EncodingError> {
        if !files.iter().any(|file| file.name == name) {
            files.push(ThemeFile { name, content: png(&piece.image)? });
        }
        Ok(())
    };
    for (width, height) in SCREENS.into_iter().chain([SCALED]) {
        let (logo, dots) = pieces(style, width, height);
        if let Some(piece) = &logo {
            picture(format!("logo-{}x{}.png", piece.image.width, piece.image.height), piece)?;
        }
        if let Some(dot) = dots.first() {
            picture(format!("dot-{}.png", dot.image.width), dot)?;
        }
        if (width, height) == SCALED {
            logo.as_ref().map_or(Ok(()), |piece| picture("logo.png".into(), piece))?;
            dots.first().map_or(Ok(()), |dot| picture("dot.png".into(), dot))?;
        }
    }
    Ok(files)
}

/// The logo, if there is one, and the dots of kioskd's first picture.
fn pieces(style: &Style, width: u32, height: u32) -> (Option<crate::Piece>, Vec<crate::Piece>) {
    let view = View::Splash { message: None, progress: Progress::Indeterminate };
    let mut pieces = compose(&view, style, width, height, 1.0).pieces;
    let logo = style.logo.aspect().is_some() && !pieces.is_empty();
    (logo.then(|| pieces.remove(0)), pieces)
}

/// The picture with straight alpha, as a PNG.
fn png(image: &crate::Image) -> Result<Vec<u8>, EncodingError> {
    let straight = |pixel: &[u8]| -> [u8; 4] {
        let [b, g, r, a] = <[u8; 4]>::try_from(pixel).unwrap_or_default();
        let whole = |channel: u8| {
            let alpha = u32::from(a.max(1));
            ((u32::from(channel) * 255 + alpha / 2) / alpha).min(255) as u8
        };
        [whole(r), whole(g), whole(b), a]
    };
    let pixels: Vec<u8> = image.data.chunks_exact(4).flat_map(straight).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, image.width, image.height);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}
