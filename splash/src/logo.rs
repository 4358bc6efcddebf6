//! The logo: a file's bytes, read once into something that can be painted at any size. The compositor makes one
//! at the start; the layout asks it for its shape and the painter for pixels. It never opens a file, also none
//! that the SVG refers to.

use std::{fmt, sync::Arc};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{ImageHrefResolver, Options, Tree},
};

use crate::{
    Image,
    logo_file::{LogoError, MAX_FILE},
    raster::Raster,
};

/// Side of the picture that is painted to see whether an SVG can be: small, so that it costs nothing.
const TRIAL: u32 = 32;

/// A logo that can be painted at any size. Clones share the picture.
#[derive(Clone)]
pub struct Logo(Arc<Picture>);

enum Picture {
    Nothing,
    Svg(Box<Tree>),
    Png(Raster),
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Picture::Nothing => f.write_str("Logo(nothing)"),
            Picture::Svg(tree) => write!(f, "Logo(svg {} × {})", tree.size().width(), tree.size().height()),
            Picture::Png(raster) => write!(f, "Logo(png {} × {})", raster.width, raster.height),
        }
    }
}

impl Logo {
    /// kioskd's own mark.
    pub fn builtin() -> Self {
        // A test reads the same bytes; were they wrong all the same, a screen without a logo is still a screen.
        Self::from_bytes(include_bytes!("../../assets/logo/logo.svg")).unwrap_or_else(|_| Self::none())
    }

    /// No logo: the screens have their other parts.
    pub fn none() -> Self {
        Self(Arc::new(Picture::Nothing))
    }

    /// Reads an SVG or PNG, told apart by content, not by name.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.is_empty() {
            return Err(LogoError::Empty);
        }
        if bytes.len() > MAX_FILE {
            return Err(LogoError::TooManyBytes(bytes.len()));
        }
        let picture = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Picture::Png(Raster::from_png(bytes)?)
        } else if bytes.starts_with(&[0x1f, 0x8b]) {
            return Err(LogoError::Compressed);
        } else if looks_like_xml(bytes) {
            Picture::Svg(Box::new(parse_svg(bytes)?))
        } else {
            return Err(LogoError::UnknownFormat);
        };
        Ok(Self(Arc::new(picture)))
    }

    /// Width divided by height, `None` if there is nothing to paint.
    pub(crate) fn aspect(&self) -> Option<f32> {
        let (width, height) = match &*self.0 {
            Picture::Nothing => return None,
            Picture::Svg(tree) => (tree.size().width(), tree.size().height()),
            Picture::Png(raster) => (raster.width as f32, raster.height as f32),
        };
        let aspect = width / height;
        (aspect.is_finite() && aspect > 0.0).then_some(aspect)
    }

    /// Pixels at exactly this size, from the shapes themselves: as sharp at 50 as at 2000 pixels.
    pub(crate) fn paint(&self, width: u32, height: u32) -> Option<Image> {
        let mut data = match &*self.0 {
            Picture::Nothing => return None,
            Picture::Svg(tree) => render_svg(tree, width, height)?,
            Picture::Png(raster) => raster.resized(width, height).data,
        };
        for pixel in data.chunks_exact_mut(4) {
            pixel.swap(0, 2);
        }
        Some(Image { width, height, data })
    }
}

/// Premultiplied R, G, B, A; `None` where the renderer gives up.
fn render_svg(tree: &Tree, width: u32, height: u32) -> Option<Vec<u8>> {
    let size = tree.size();
    let fit = Transform::from_scale(width as f32 / size.width(), height as f32 / size.height());
    // Shapes of absurd coordinates reach assertions in tiny-skia 0.12 (the edge walk in scan/path.rs; found by a
    // test of ours): such a file may cost the logo, never the screen. A half painted picture is not kept.
    let painted = std::panic::catch_unwind(|| {
        let mut pixmap = Pixmap::new(width, height)?;
        resvg::render(tree, fit, &mut pixmap.as_mut());
        Some(pixmap.take())
    });
    painted.ok().flatten()
}

/// Whether a text begins as XML does, after a byte order mark and white space.
fn looks_like_xml(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

fn parse_svg(bytes: &[u8]) -> Result<Tree, LogoError> {
    let options = Options {
        // Otherwise an SVG could have any file of the machine read.
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    // It repeats what stands in the file.
    let sentence = |text: String| text.replace(char::is_control, "\u{fffd}");
    let tree = Tree::from_data(bytes, &options).map_err(|error| LogoError::Svg(sentence(error.to_string())))?;
    if !tree.root().has_children() {
        return Err(LogoError::Blank);
    }
    // Better a sentence now than no logo on the screen.
    render_svg(&tree, TRIAL, TRIAL).ok_or(LogoError::Unpaintable)?;
    Ok(tree)
}
