//! The button that closes a popup, at its top right corner: the browser draws no decorations here, and a visitor needs
//! a way back to the page. Its position and picture; presses are handled by the input.

use std::sync::Mutex;

use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            ImportAll, ImportMem, Renderer,
            element::{Kind, memory::MemoryRenderBuffer},
        },
    },
    utils::{Logical, Physical, Point, Rectangle, Transform},
};

use super::elements::{PixelElement, StageElement};

/// Edge length, logical pixels: large enough for a finger.
pub const SIZE: i32 = 48;
/// Half the length of the cross's bars, and half their width, in units of the edge length.
const REACH: f64 = 0.2;
const THICKNESS: f64 = 0.035;
/// Points across and down that a pixel's coverage is sampled at.
const SAMPLES: u32 = 3;
/// Of the disc behind the cross: dark, and seen on dark pages by its rim.
const DISC: u8 = 40;
const RIM: u8 = 200;
const RIM_WIDTH: f64 = 0.04;

/// The button's area: at the window's top right corner, within the screen.
pub fn area(window: Rectangle<i32, Logical>, screen: Rectangle<i32, Logical>) -> Rectangle<i32, Logical> {
    let right = screen.loc.x.saturating_add(screen.size.w).saturating_sub(SIZE);
    let bottom = screen.loc.y.saturating_add(screen.size.h).saturating_sub(SIZE);
    let x = window.loc.x.saturating_add(window.size.w).saturating_sub(SIZE / 2);
    let y = window.loc.y.saturating_sub(SIZE / 2);
    let x = x.min(right).max(screen.loc.x);
    let y = y.min(bottom).max(screen.loc.y);
    Rectangle::new((x, y).into(), (SIZE, SIZE).into())
}

/// The button's picture, drawn once for a scale.
#[derive(Default)]
pub struct CloseButton(Mutex<Option<(u32, MemoryRenderBuffer)>>);

impl CloseButton {
    /// Pushes it with its corner at `at`, in pixels of the picture.
    pub fn push_element<R>(
        &self,
        renderer: &mut R,
        at: Point<i32, Physical>,
        scale: f64,
        elements: &mut Vec<StageElement<R>>,
    ) where
        R: Renderer + ImportAll + ImportMem,
        R::TextureId: Clone + Send + 'static,
    {
        if let Some(buffer) = self.buffer(scale)
            && let Ok(element) = PixelElement::new(renderer, &buffer, at, 1.0, Kind::Unspecified)
        {
            elements.push(element.into());
        }
    }

    fn buffer(&self, scale: f64) -> Option<MemoryRenderBuffer> {
        let size = (f64::from(SIZE) * scale).round().clamp(1.0, 512.0) as u32;
        let mut cached = self.0.lock().ok()?;
        if let Some((drawn, buffer)) = cached.as_ref()
            && *drawn == size
        {
            return Some(buffer.clone());
        }
        let edge = i32::try_from(size).ok()?;
        let pixels = paint(size);
        let buffer =
            MemoryRenderBuffer::from_slice(&pixels, Fourcc::Argb8888, (edge, edge), 1, Transform::Normal, None);
        *cached = Some((size, buffer.clone()));
        Some(buffer)
    }
}

/// A white cross on a dark disc, premultiplied B, G, R, A, `size` × `size` pixels.
fn paint(size: u32) -> Vec<u8> {
    let mut pixels = Vec::with_capacity((size * size * 4) as usize);
    let total = SAMPLES * SAMPLES;
    for y in 0..size {
        for x in 0..size {
            let (mut value, mut covered) = (0u32, 0u32);
            for sample in 0..total {
                let part = |pixel: u32, n: u32| {
                    (f64::from(pixel) + (f64::from(n) + 0.5) / f64::from(SAMPLES)) / f64::from(size) - 0.5
                };
                if let Some(shade) = shade(part(x, sample % SAMPLES), part(y, sample / SAMPLES)) {
                    value += u32::from(shade);
                    covered += 1;
                }
            }
            let (value, alpha) = ((value / total) as u8, (covered * 255 / total) as u8);
            pixels.extend_from_slice(&[value, value, value, alpha]);
        }
    }
    pixels
}

/// How bright it is there, from its centre in units of the edge length; `None`: outside.
fn shade(x: f64, y: f64) -> Option<u8> {
    let from_centre = x.hypot(y);
    if from_centre > 0.5 {
        return None;
    }
    let bar = |across: f64, along: f64| across.abs() < THICKNESS * 1.5 && along.abs() < REACH * 1.5;
    if bar(x - y, x + y) || bar(x + y, x - y) {
        return Some(255);
    }
    Some(if from_centre > 0.5 - RIM_WIDTH { RIM } else { DISC })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_cross_is_white_on_a_dark_disc_and_nothing_is_round_it() {
        let pixels = paint(48);
        let at = |x: u32, y: u32| &pixels[((y * 48 + x) * 4) as usize..][..4];
        assert_eq!(at(24, 24), [255, 255, 255, 255]);
        assert_eq!(at(24, 10), [DISC, DISC, DISC, 255]);
        assert_eq!(at(0, 0), [0, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn the_close_button_is_within_the_screen(x in -5_000i32..5_000, y in -5_000i32..5_000, w in 0i32..9_000, h in 0i32..9_000) {
            let screen = Rectangle::new((100, 50).into(), (800, 600).into());
            prop_assert!(screen.contains_rect(area(Rectangle::new((x, y).into(), (w, h).into()), screen)));
        }
    }
}
