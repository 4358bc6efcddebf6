//! Raster logos: PNG or JPEG in, premultiplied pixels out, at any size. Called by [`crate::Logo`] only.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use crate::logo_file::{LogoError, MAX_PIXELS, MAX_SIDE};

/// Memory limit of the decoder besides the picture, bytes.
const DECODER_BYTES: usize = 16 << 20;
/// Longest side that is kept in memory: no logo is painted larger.
const MAX_KEPT: u32 = 2048;

/// Premultiplied R, G, B, A, rows without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub width: u32,
    pub height: u32,
    pub data: Vec<u8>,
}

impl Raster {
    /// Decodes a PNG of any colour type.
    pub(crate) fn from_png(bytes: &[u8]) -> Result<Self, LogoError> {
        let wrong = |error: png::DecodingError| LogoError::Png(error.to_string());
        Self::png_size(bytes)?;
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: DECODER_BYTES });
        decoder.set_transformations(Transformations::normalize_to_color8());
        let header = decoder.read_header_info().map_err(wrong)?;
        let (width, height) = (header.width, header.height);
        let pixels = u64::from(width) * u64::from(height);
        let mut reader = decoder.read_info().map_err(wrong)?;
        if reader.info().is_animated() {
            return Err(LogoError::Animated);
        }
        let size = reader.output_buffer_size().ok_or(LogoError::Size(width, height))?;
        let mut decoded = vec![0; size];
        let frame = reader.next_frame(&mut decoded).map_err(wrong)?;
        if frame.bit_depth != BitDepth::Eight || (frame.width, frame.height) != (width, height) {
            return Err(LogoError::Png("its pixels have an unusual form".into()));
        }
        let data = premultiplied(&decoded, frame.color_type)
            .filter(|data| data.len() as u64 == pixels * 4)
            .ok_or_else(|| LogoError::Png("its pixels have an unusual form".into()))?;
        Ok(Self { width, height, data }.at_most(MAX_KEPT))
    }

    /// Width and height of a PNG, if it may be decoded.
    pub(crate) fn png_size(bytes: &[u8]) -> Result<(u32, u32), LogoError> {
        let wrong = |error: png::DecodingError| LogoError::Png(error.to_string());
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: DECODER_BYTES });
        let header = decoder.read_header_info().map_err(wrong)?;
        sized(header.width, header.height)
    }

    /// Width and height of a JPEG, if it may be decoded.
    pub(crate) fn jpeg_size(bytes: &[u8]) -> Result<(u32, u32), LogoError> {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), jpeg_options());
        decoder.decode_headers().map_err(|error| LogoError::Jpeg(first_line(&error.to_string())))?;
        let (width, height) = decoder.dimensions().ok_or_else(|| LogoError::Jpeg("it has no size".into()))?;
        sized(u32::try_from(width).unwrap_or(u32::MAX), u32::try_from(height).unwrap_or(u32::MAX))
    }

    /// Decodes a JPEG, in colour or grey.
    pub(crate) fn from_jpeg(bytes: &[u8]) -> Result<Self, LogoError> {
        let (width, height) = Self::jpeg_size(bytes)?;
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), jpeg_options());
        let decoded = decoder.decode().map_err(|error| LogoError::Jpeg(first_line(&error.to_string())))?;
        let data = premultiplied(&decoded, ColorType::Rgb).unwrap_or_default();
        if data.len() as u64 != u64::from(width) * u64::from(height) * 4 {
            return Err(LogoError::Jpeg("its pixels have an unusual form".into()));
        }
        Ok(Self { width, height, data }.at_most(MAX_KEPT))
    }

    /// Smaller in proportion if a side is longer than `side`.
    fn at_most(self, side: u32) -> Self {
        let longest = self.width.max(self.height);
        if longest <= side {
            return self;
        }
        let shrink = |length: u32| ((u64::from(length) * u64::from(side) / u64::from(longest)) as u32).max(1);
        self.resized(shrink(self.width), shrink(self.height))
    }

    /// Resizes the picture: averages when shrinking, linear interpolation when growing.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Self {
        let across = filter_rows(&self.data, self.width as usize, &weights(self.width, width));
        let columns = transposed(&across, width as usize);
        let down = filter_rows(&columns, self.height as usize, &weights(self.height, height));
        Self { width, height, data: transposed(&down, height as usize) }
    }
}

fn jpeg_options() -> DecoderOptions {
    let side = MAX_SIDE as usize;
    DecoderOptions::default().set_max_width(side).set_max_height(side).jpeg_set_out_colorspace(ColorSpace::RGB)
}

/// What a library says of a file, as a part of a sentence.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace(char::is_control, "\u{fffd}")
}

/// A size that may be decoded.
fn sized(width: u32, height: u32) -> Result<(u32, u32), LogoError> {
    let pixels = u64::from(width) * u64::from(height);
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE || pixels > MAX_PIXELS {
        return Err(LogoError::Size(width, height));
    }
    Ok((width, height))
}

/// Any 8-bit colour type to premultiplied RGBA.
fn premultiplied(decoded: &[u8], color: ColorType) -> Option<Vec<u8>> {
    let pixel = |r: u8, g: u8, b: u8, a: u8| {
        let times = |c: u8| ((u32::from(c) * u32::from(a) + 127) / 255) as u8;
        [times(r), times(g), times(b), a]
    };
    Some(match color {
        ColorType::Grayscale => decoded.iter().flat_map(|g| pixel(*g, *g, *g, 255)).collect(),
        ColorType::GrayscaleAlpha => decoded.as_chunks().0.iter().flat_map(|&[g, a]| pixel(g, g, g, a)).collect(),
        ColorType::Rgb => decoded.as_chunks().0.iter().flat_map(|&[r, g, b]| pixel(r, g, b, 255)).collect(),
        ColorType::Rgba => decoded.as_chunks().0.iter().flat_map(|&[r, g, b, a]| pixel(r, g, b, a)).collect(),
        ColorType::Indexed => return None,
    })
}

/// The source pixels of one target pixel: the first one, and the weights of it and its followers (sum 1).
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// A triangle filter as wide as the coarser of the two pixel grids.
fn weights(source: u32, target: u32) -> Vec<Taps> {
    let ratio = source as f32 / target as f32;
    let reach = ratio.max(1.0);
    (0..target)
        .map(|index| {
            // In source pixels, whose centres are at .5.
            let center = (index as f32 + 0.5) * ratio;
            let first = (center - reach).floor().max(0.0) as usize;
            let last = ((center + reach).ceil() as usize).clamp(first + 1, source.max(1) as usize);
            let first = first.min(last - 1);
            let weight = |pixel: usize| (1.0 - (pixel as f32 + 0.5 - center).abs() / reach).max(0.0);
            let weights: Vec<f32> = (first..last).map(weight).collect();
            let sum: f32 = weights.iter().sum();
            let even = 1.0 / weights.len() as f32;
            let weights = weights.iter().map(|w| if sum > 0.0 { w / sum } else { even }).collect();
            Taps { first, weights }
        })
        .collect()
}

/// Resizes each row of `length` pixels to `taps.len()` pixels.
fn filter_rows(data: &[u8], length: usize, taps: &[Taps]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / length.max(1) * taps.len());
    for row in data.chunks_exact(length.max(1) * 4) {
        for tap in taps {
            let mut sum = [0.0f32; 4];
            for (pixel, weight) in row.chunks_exact(4).skip(tap.first).zip(&tap.weights) {
                sum.iter_mut().zip(pixel).for_each(|(sum, channel)| *sum += weight * f32::from(*channel));
            }
            // Equal weights and monotonic rounding for colour and alpha: no channel exceeds its alpha.
            out.extend(sum.map(|channel| (channel + 0.5) as u8));
        }
    }
    out
}

/// Rows to columns; `width` is the length of the rows that come in.
fn transposed(data: &[u8], width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    for x in 0..width {
        for row in data.chunks_exact(width * 4) {
            out.extend_from_slice(row.chunks_exact(4).nth(x).unwrap_or_default());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raster() -> impl Strategy<Value = Raster> {
        (1u32..40, 1u32..40).prop_flat_map(|(width, height)| {
            proptest::collection::vec(any::<[u8; 4]>(), (width * height) as usize).prop_map(move |pixels| {
                let decoded: Vec<u8> = pixels.concat();
                Raster { width, height, data: premultiplied(&decoded, ColorType::Rgba).unwrap() }
            })
        })
    }

    proptest! {
        #[test]
        fn a_resized_picture_is_whole_and_premultiplied(raster in raster(), width in 1u32..90, height in 1u32..90) {
            let resized = raster.resized(width, height);
            prop_assert_eq!(resized.data.len(), (width * height * 4) as usize);
            prop_assert!(resized.data.chunks_exact(4).all(|p| p[..3].iter().all(|channel| *channel <= p[3])));
        }

        #[test]
        fn the_same_size_is_the_same_picture(raster in raster()) {
            prop_assert!(raster.resized(raster.width, raster.height) == raster);
        }
    }

    #[test]
    fn shrinking_averages_and_keeps_flat_colours() {
        let checked = Raster {
            width: 64,
            height: 64,
            data: (0..64 * 64)
                .flat_map(|i| if (i + i / 64) % 2 == 0 { [200, 200, 200, 255] } else { [0, 0, 0, 255] })
                .collect(),
        };
        for pixel in checked.resized(16, 16).data.chunks_exact(4) {
            assert!((90..=110).contains(&pixel[0]) && pixel[3] == 255, "{pixel:?}");
        }
        let flat = Raster { width: 300, height: 7, data: [10, 20, 30, 255].repeat(2100) };
        assert!(flat.resized(11, 33).data.chunks_exact(4).all(|p| p == [10, 20, 30, 255]));
    }
}
