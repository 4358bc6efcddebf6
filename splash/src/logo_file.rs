//! The limits of logo files, and their errors.

/// Largest logo file, bytes: more is a mistake, and reading it would hold up the start.
pub const MAX_FILE: usize = 4 << 20;
/// Longest side of a PNG, pixels.
pub(crate) const MAX_SIDE: u32 = 8192;
/// Most pixels of a PNG: 64 MiB while it is read.
pub(crate) const MAX_PIXELS: u64 = 16 << 20;

/// Why a file can't be the logo. Each is one sentence; the caller adds the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// The file has no bytes.
    #[error("the logo is empty: it must be an SVG, PNG or JPEG image")]
    Empty,
    /// More than is read; how many.
    #[error("the logo has {0} bytes: at most {MAX_FILE} are allowed")]
    TooManyBytes(usize),
    /// Neither SVG nor PNG nor JPEG.
    #[error("the logo is neither SVG nor PNG nor JPEG: convert it to one of these")]
    UnknownFormat,
    /// Gzipped (`.svgz`).
    #[error("the logo is a compressed SVG: unpack it with gunzip")]
    Compressed,
    /// The SVG can't be read, and why.
    #[error("the logo is not a valid SVG ({0}): export it again as plain SVG")]
    Svg(String),
    /// Nothing in it can be seen.
    #[error(
        "the logo is an SVG that shows nothing: texts need an installed font, and images must be embedded as PNG or JPEG"
    )]
    Blank,
    /// It has shapes beyond what can be painted.
    #[error("the logo is an SVG with shapes that can't be painted: check its coordinates")]
    Unpaintable,
    /// The PNG can't be read, and why.
    #[error("the logo is not a valid PNG ({0}): save it again")]
    Png(String),
    /// The JPEG can't be read, and why.
    #[error("the logo is not a valid JPEG ({0}): save it again")]
    Jpeg(String),
    /// It moves.
    #[error("the logo is an animated PNG: save one picture of it")]
    Animated,
    /// More pixels than are painted: width and height.
    #[error("the logo has {0} × {1} pixels: 1 to {MAX_SIDE} a side and {MAX_PIXELS} in all are allowed")]
    Size(u32, u32),
}
