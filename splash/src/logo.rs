//! The logo: a file's bytes, read once into something that can be painted at any size. The compositor makes one
//! at the start; [`crate::compose`] asks it for its shape and for pixels. It never opens a file, also none that
//! the SVG refers to.

use std::{fmt, sync::Arc};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{ImageHrefResolver, Options, Tree},
};

use crate::Image;

/// Largest logo file, bytes: more is a mistake, and its parsing would hold up the start.
pub const MAX_FILE: usize = 4 << 20;
/// Largest side of a PNG, pixels.
pub const MAX_SIDE: u32 = 8192;

/// Why a file can't be the logo. Each is one sentence; the caller adds the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    #[error("The logo is empty: it must be an SVG or PNG image.")]
    Empty,
    #[error("The logo has {0} bytes: at most {MAX_FILE} are allowed.")]
    TooManyBytes(usize),
    #[error("The logo is neither SVG nor PNG: convert it to one of these.")]
    UnknownFormat,
    #[error("The logo is a compressed SVG: unpack it with gunzip.")]
    Compressed,
    #[error("The logo is not a valid SVG: {0}.")]
    Svg(String),
    #[error("The logo is not a valid PNG: {0}.")]
    Png(String),
    #[error("The logo has {0} × {1} pixels: 1 to {MAX_SIDE} a side are allowed.")]
    Size(u32, u32),
}

/// A logo that can be painted at any size. Clones share the parsed picture.
#[derive(Clone)]
pub struct Logo(Arc<Picture>);

enum Picture {
    /// Nothing to draw.
    None,
    Svg(Box<Tree>),
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Picture::None => f.write_str("Logo::None"),
            Picture::Svg(tree) => write!(f, "Logo::Svg({:?})", tree.size()),
        }
    }
}

impl Logo {
    /// kioskd's own mark.
    pub fn builtin() -> Self {
        Self::from_bytes(include_bytes!("../../assets/logo/logo.svg")).unwrap_or(Self(Arc::new(Picture::None)))
    }

    /// Reads an SVG or PNG, told apart by content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.is_empty() {
            return Err(LogoError::Empty);
        }
        if bytes.len() > MAX_FILE {
            return Err(LogoError::TooManyBytes(bytes.len()));
        }
        let options = Options {
            image_href_resolver: ImageHrefResolver {
                resolve_data: Box::new(|_, _, _| None),
                resolve_string: Box::new(|_, _| None),
            },
            ..Options::default()
        };
        let tree = Tree::from_data(bytes, &options).map_err(|error| LogoError::Svg(error.to_string()))?;
        Ok(Self(Arc::new(Picture::Svg(Box::new(tree)))))
    }

    /// Width divided by height.
    pub(crate) fn aspect(&self) -> f32 {
        match &*self.0 {
            Picture::None => 1.0,
            Picture::Svg(tree) => tree.size().width() / tree.size().height(),
        }
    }

    /// Pixels at exactly this size.
    pub(crate) fn paint(&self, width: u32, height: u32) -> Option<Image> {
        let Picture::Svg(tree) = &*self.0 else { return None };
        let mut pixmap = Pixmap::new(width, height)?;
        let scale = Transform::from_scale(width as f32 / tree.size().width(), height as f32 / tree.size().height());
        resvg::render(tree, scale, &mut pixmap.as_mut());
        let mut data = pixmap.take();
        for pixel in data.chunks_exact_mut(4) {
            pixel.swap(0, 2);
        }
        Some(Image { width, height, data })
    }
}
