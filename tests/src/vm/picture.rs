//! A picture of a screen, and the questions a test asks of it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Cursor};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// sRGB, 8 bit a channel.
pub type Rgb = [u8; 3];

/// Rows of RGB without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{}, mean {:?}", self.width, self.height, self.mean())
    }
}

impl Picture {
    /// Reads a binary PPM of 8 bit a channel, as QEMU writes it.
    pub fn from_ppm(bytes: &[u8]) -> Result<Self> {
        let mut fields = Vec::new();
        let mut at = 0;
        while fields.len() < 4 {
            let end = bytes[at..].iter().position(u8::is_ascii_whitespace).context("a truncated PPM")? + at;
            fields.push(std::str::from_utf8(&bytes[at..end])?);
            at = end + 1;
        }
        ensure!(fields[0] == "P6" && fields[3] == "255", "not a binary PPM of 8 bit a channel");
        let (width, height): (usize, usize) = (fields[1].parse()?, fields[2].parse()?);
        let rgb = bytes.get(at..at + width * height * 3).context("a truncated PPM")?.to_vec();
        Ok(Self { width, height, rgb })
    }

    /// Reads a PNG of 8 bit RGB or RGBA; alpha is dropped.
    pub fn from_png(bytes: &[u8]) -> Result<Self> {
        let mut reader = png::Decoder::new(BufReader::new(Cursor::new(bytes))).read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size().context("a PNG too large")?];
        let info = reader.next_frame(&mut pixels)?;
        pixels.truncate(info.buffer_size());
        let rgb = match (info.color_type, info.bit_depth) {
            (png::ColorType::Rgb, png::BitDepth::Eight) => pixels,
            (png::ColorType::Rgba, png::BitDepth::Eight) => {
                pixels.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect()
            }
            other => bail!("a PNG of {other:?}"),
        };
        Ok(Self { width: info.width as usize, height: info.height as usize, rgb })
    }

    pub fn save_png(&self, path: &Path) -> Result<()> {
        let file = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
        let mut encoder = png::Encoder::new(file, u32::try_from(self.width)?, u32::try_from(self.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        encoder.write_header()?.write_image_data(&self.rgb)?;
        Ok(())
    }

    pub fn pixel(&self, x: usize, y: usize) -> Rgb {
        let at = (y * self.width + x) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    pub fn pixels(&self) -> impl Iterator<Item = Rgb> + '_ {
        self.rgb.chunks_exact(3).map(|p| [p[0], p[1], p[2]])
    }

    /// 0.0 to 1.0: how much of the picture is as `wanted`.
    #[allow(clippy::cast_precision_loss)] // pictures have far fewer than 2^52 pixels
    pub fn share(&self, wanted: impl Fn(Rgb) -> bool) -> f64 {
        self.pixels().filter(|p| wanted(*p)).count() as f64 / (self.width * self.height).max(1) as f64
    }

    /// How much of the picture has `color`, give or take `tolerance` a channel.
    pub fn share_of(&self, color: Rgb, tolerance: u8) -> f64 {
        self.share(|p| near(p, color, tolerance))
    }

    /// The smallest rectangle (x, y, width, height) around all pixels that are as `wanted`.
    pub fn bounds(&self, wanted: impl Fn(Rgb) -> bool) -> Option<(usize, usize, usize, usize)> {
        let (mut x0, mut y0, mut x1, mut y1) = (usize::MAX, usize::MAX, 0, 0);
        for (index, pixel) in self.pixels().enumerate() {
            if wanted(pixel) {
                let (x, y) = (index % self.width, index / self.width);
                (x0, y0, x1, y1) = (x0.min(x), y0.min(y), x1.max(x + 1), y1.max(y + 1));
            }
        }
        (x1 > 0).then(|| (x0, y0, x1 - x0, y1 - y0))
    }

    pub fn mean(&self) -> Rgb {
        let mut sums = [0_usize; 3];
        for pixel in self.pixels() {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += usize::from(value);
            }
        }
        let count = (self.width * self.height).max(1);
        sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX))
    }

    /// Whether a person would call it another picture: another size, or a fiftieth of it looks different.
    #[allow(clippy::cast_precision_loss)] // pictures have far fewer than 2^52 pixels
    pub fn differs(&self, other: &Self) -> bool {
        let same_size = (self.width, self.height) == (other.width, other.height);
        let changed = || self.pixels().zip(other.pixels()).filter(|(a, b)| !near(*a, *b, 24)).count();
        !same_size || changed() as f64 > (self.width * self.height) as f64 / 50.0
    }

    /// Nothing to be seen: every pixel is black, or so dark that nobody could tell.
    pub fn is_black(&self) -> bool {
        self.rgb.iter().all(|&value| value < 12)
    }

    /// The part of it at (x, y), cut off at the edges.
    pub fn part(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        let (x, y) = (x.min(self.width), y.min(self.height));
        let (width, height) = (width.min(self.width - x), height.min(self.height - y));
        let rgb = (y..y + height)
            .flat_map(|row| &self.rgb[(row * self.width + x) * 3..(row * self.width + x + width) * 3])
            .copied()
            .collect();
        Self { width, height, rgb }
    }

    /// Every `step`th pixel of every `step`th row.
    pub fn thin(&self, step: usize) -> Self {
        let rgb = (0..self.height)
            .step_by(step)
            .flat_map(|y| (0..self.width).step_by(step).flat_map(move |x| self.pixel(x, y)))
            .collect();
        Self { width: self.width.div_ceil(step), height: self.height.div_ceil(step), rgb }
    }

    /// 0.0 to 1.0: how much of the two pictures differs by more than `tolerance` in some channel; pictures of
    /// different sizes differ entirely.
    #[allow(clippy::cast_precision_loss)]
    pub fn difference(&self, other: &Self, tolerance: u8) -> f64 {
        if (self.width, self.height) != (other.width, other.height) {
            return 1.0;
        }
        let differing = self.pixels().zip(other.pixels()).filter(|(a, b)| !near(*a, *b, tolerance)).count();
        differing as f64 / (self.width * self.height).max(1) as f64
    }

    /// Rotated clockwise by 0, 90, 180 or 270 degrees.
    pub fn rotated(&self, degrees: u32) -> Self {
        let (width, height) =
            if degrees.is_multiple_of(180) { (self.width, self.height) } else { (self.height, self.width) };
        let rgb = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| match degrees % 360 {
                90 => self.pixel(y, self.height - 1 - x),
                180 => self.pixel(self.width - 1 - x, self.height - 1 - y),
                270 => self.pixel(self.width - 1 - y, x),
                _ => self.pixel(x, y),
            })
            .collect();
        Self { width, height, rgb }
    }
}

/// Whether each channel differs by at most `tolerance`.
pub fn near(a: Rgb, b: Rgb, tolerance: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checker() -> Picture {
        // red green / blue black / white white
        Picture {
            width: 2,
            height: 3,
            rgb: vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 255, 255],
        }
    }

    #[test]
    fn a_quarter_turn_clockwise_brings_the_left_bottom_to_the_left_top() {
        let rotated = checker().rotated(90);
        assert_eq!((rotated.width, rotated.height), (3, 2));
        assert_eq!(rotated.pixel(0, 0), [255, 255, 255]);
        assert_eq!(rotated.pixel(2, 0), [255, 0, 0]);
        assert_eq!(rotated.rotated(270), checker());
        assert_eq!(checker().rotated(180).rotated(180), checker());
    }

    #[test]
    fn bounds_and_shares_follow_the_predicate() {
        let picture = checker();
        assert_eq!(picture.bounds(|p| p == [255, 255, 255]), Some((0, 2, 2, 1)));
        assert!((picture.share_of([250, 5, 5], 5) - 1.0 / 6.0).abs() < 1e-9);
        assert!(!picture.is_black());
        assert!(picture.part(1, 1, 1, 1).is_black());
    }

    #[test]
    fn a_fiftieth_of_other_pixels_makes_another_picture() {
        let plain = Picture { width: 10, height: 10, rgb: vec![9; 300] };
        let mut one = plain.clone();
        one.rgb[0] = 99;
        let mut three = one.clone();
        (three.rgb[3], three.rgb[6]) = (99, 99);
        assert!(!plain.differs(&one));
        assert!(plain.differs(&three));
        assert!(plain.differs(&checker()));
    }

    #[test]
    fn ppm_is_read_as_qemu_writes_it() {
        let picture = Picture::from_ppm(b"P6\n2 1\n255\n\x01\x02\x03\x04\x05\x06").unwrap();
        assert_eq!(picture.pixel(1, 0), [4, 5, 6]);
        assert!(Picture::from_ppm(b"P6\n2 2\n255\n\x01").is_err());
    }
}
