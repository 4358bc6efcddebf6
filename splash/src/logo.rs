//! The logo: a file's bytes, parsed once for painting at any size. The compositor makes one at the start; the layout
//! uses its aspect ratio, the painter its pixels. It never opens a file, not even those that an SVG refers to.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{ImageHrefResolver, ImageKind, Options, Tree, fontdb::Database},
};

use crate::{
    Image,
    installed::DIRECTORIES,
    logo_file::{LogoError, MAX_FILE},
    raster::Raster,
};

/// Side of the test picture that checks whether an SVG can be painted: small, so that it is cheap.
const TRIAL: u32 = 32;

/// What a text of an SVG begins with.
const TEXT_TAG: &[u8] = b"<text";

/// A logo that can be painted at any size. Clones share the picture.
#[derive(Clone)]
pub struct Logo(Arc<Picture>);

enum Picture {
    Nothing,
    Svg(Box<Tree>),
    Raster(Raster),
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Picture::Nothing => f.write_str("Logo(nothing)"),
            Picture::Svg(tree) => write!(f, "Logo(svg {} × {})", tree.size().width(), tree.size().height()),
            Picture::Raster(raster) => write!(f, "Logo(png {} × {})", raster.width, raster.height),
        }
    }
}

impl Logo {
    /// kioskd's own mark.
    pub fn builtin() -> Self {
        // A test checks these bytes; if they were invalid there would just be no logo.
        Self::from_bytes(include_bytes!("../../assets/logo/logo.svg")).unwrap_or_else(|_| Self::none())
    }

    /// No logo: the screens have their other parts.
    pub fn none() -> Self {
        Self(Arc::new(Picture::Nothing))
    }

    /// Reads an SVG, PNG or JPEG, detected by content, not by name. Texts in an SVG are not shown.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LogoError> {
        Self::with_fonts(bytes, &Arc::new(Database::new()))
    }

    /// As [`Logo::from_bytes`], with the installed fonts for texts in an SVG. Searching them takes time; texts
    /// converted to paths are faster.
    pub fn with_installed_fonts(bytes: &[u8]) -> Result<Self, LogoError> {
        let has_text = looks_like_xml(bytes) && bytes.windows(TEXT_TAG.len()).any(|window| window == TEXT_TAG);
        let fonts = if has_text { installed() } else { Database::new() };
        Self::with_fonts(bytes, &Arc::new(fonts))
    }

    fn with_fonts(bytes: &[u8], fonts: &Arc<Database>) -> Result<Self, LogoError> {
        if bytes.is_empty() {
            return Err(LogoError::Empty);
        }
        if bytes.len() > MAX_FILE {
            return Err(LogoError::TooManyBytes(bytes.len()));
        }
        let picture = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Picture::Raster(Raster::from_png(bytes)?)
        } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Picture::Raster(Raster::from_jpeg(bytes)?)
        } else if bytes.starts_with(&[0x1f, 0x8b]) {
            return Err(LogoError::Compressed);
        } else if looks_like_xml(bytes) {
            Picture::Svg(Box::new(parse_svg(bytes, fonts)?))
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
            Picture::Raster(raster) => (raster.width as f32, raster.height as f32),
        };
        let aspect = width / height;
        (aspect.is_finite() && aspect > 0.0).then_some(aspect)
    }

    /// Paints exactly this size, for an SVG from its shapes.
    pub(crate) fn paint(&self, width: u32, height: u32) -> Option<Image> {
        let mut data = match &*self.0 {
            Picture::Nothing => return None,
            Picture::Svg(tree) => render_svg(tree, width, height)?,
            Picture::Raster(raster) => raster.resized(width, height).data,
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
    // Extreme coordinates reach assertions in tiny-skia 0.12 (the edge walk in scan/path.rs; found by a test of ours):
    // then there is no logo. A partially painted picture is not used.
    let painted = catch_unwind(AssertUnwindSafe(|| {
        let mut pixmap = Pixmap::new(width, height)?;
        resvg::render(tree, fit, &mut pixmap.as_mut());
        Some(pixmap.take())
    }));
    painted.ok().flatten()
}

/// Whether a text begins as XML does, after a byte order mark and white space.
fn looks_like_xml(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The system's installed faces: names and paths, without font data.
fn installed() -> Database {
    // resvg has another release of the library than cosmic-text.
    let mut fonts = Database::new();
    DIRECTORIES.iter().for_each(|directory| fonts.load_fonts_dir(directory));
    // The replacements for missing families.
    let families: Vec<String> =
        fonts.faces().filter_map(|face| face.families.first().map(|(name, _)| name.clone())).collect();
    let found =
        |names: &[&'static str]| names.iter().find(|name| families.iter().any(|family| family == *name)).copied();
    if let Some(sans) = found(&["Noto Sans", "DejaVu Sans", "Liberation Sans"]) {
        fonts.set_sans_serif_family(sans);
    }
    if let Some(serif) = found(&["Noto Serif", "DejaVu Serif", "Liberation Serif"]) {
        fonts.set_serif_family(serif);
    }
    fonts
}

/// An embedded PNG or JPEG of a bounded size.
fn embedded(data: &Arc<Vec<u8>>) -> Option<ImageKind> {
    if data.starts_with(b"\x89PNG\r\n\x1a\n") {
        Raster::png_size(data).ok()?;
        Some(ImageKind::PNG(data.clone()))
    } else if data.starts_with(&[0xff, 0xd8, 0xff]) {
        Raster::jpeg_size(data).ok()?;
        Some(ImageKind::JPEG(data.clone()))
    } else {
        None
    }
}

fn parse_svg(bytes: &[u8], fonts: &Arc<Database>) -> Result<Tree, LogoError> {
    let options = Options {
        fontdb: fonts.clone(),
        font_family: "sans-serif".into(),
        // Otherwise an SVG could read any file.
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, data, _| embedded(&data)),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    // The error quotes the file.
    let sentence = |text: String| text.replace(char::is_control, "\u{fffd}");
    // Shaping with a broken font file may reach an assertion in the font libraries.
    let read = catch_unwind(AssertUnwindSafe(|| Tree::from_data(bytes, &options)));
    let tree =
        read.map_err(|_| LogoError::Unpaintable)?.map_err(|error| LogoError::Svg(sentence(error.to_string())))?;
    if !tree.root().has_children() {
        return Err(LogoError::Blank);
    }
    // Report it now, instead of showing no logo later.
    render_svg(&tree, TRIAL, TRIAL).ok_or(LogoError::Unpaintable)?;
    Ok(tree)
}
