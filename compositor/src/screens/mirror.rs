//! Geometry of mirrors: the area that the source's picture covers, and the mapping of positions. Pure; used for drawing
//! and for touch mapping.
//!
//! The picture keeps its aspect ratio; the rest of the screen is black.

use smithay::utils::{Logical, Physical, Point, Rectangle, Size};

/// The placement of one screen's upright picture on another's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Size of the source's picture.
    pub source: Size<i32, Physical>,
    /// Its scale, 1.0 to 4.0: what its elements are measured with.
    pub scale: f64,
    /// Its area on the mirror, in pixels of the mirror's upright picture.
    pub area: Rectangle<i32, Physical>,
}

impl Fit {
    /// The largest centred area with the picture's aspect ratio.
    pub fn new(source: Size<i32, Physical>, scale: f64, target: Size<i32, Physical>) -> Self {
        let (sw, sh) = (i64::from(source.w.max(1)), i64::from(source.h.max(1)));
        let (tw, th) = (i64::from(target.w.max(0)), i64::from(target.h.max(0)));
        let (w, h) =
            if tw * sh <= th * sw { (tw, divide(tw * sh, sw).min(th)) } else { (divide(th * sw, sh).min(tw), th) };
        let loc = ((tw - w) / 2, (th - h) / 2);
        let area = Rectangle::new((loc.0 as i32, loc.1 as i32).into(), (w as i32, h as i32).into());
        Self { source, scale, area }
    }

    /// Whether the picture is shown pixel for pixel.
    pub fn is_exact(&self) -> bool {
        self.area.size == self.source
    }

    /// Maps a part of the picture to the screen. Adjacent parts stay adjacent.
    pub fn place(&self, part: Rectangle<i32, Physical>) -> Rectangle<i32, Physical> {
        self.spread(part, f64::round, f64::round)
    }

    /// As [`Fit::place`], rounded outwards, with the pixels that scaling blends.
    pub fn place_around(&self, part: Rectangle<i32, Physical>) -> Rectangle<i32, Physical> {
        if self.is_exact() {
            return self.place(part);
        }
        self.spread(part, |low| low.floor() - 1.0, |high| high.ceil() + 1.0)
    }

    /// As [`Fit::place`], rounded inwards: only pixels that the part covers alone.
    pub fn place_within(&self, part: Rectangle<i32, Physical>) -> Rectangle<i32, Physical> {
        self.spread(part, f64::ceil, f64::floor)
    }

    fn spread(
        &self,
        part: Rectangle<i32, Physical>,
        low: impl Fn(f64) -> f64,
        high: impl Fn(f64) -> f64,
    ) -> Rectangle<i32, Physical> {
        let x = f64::from(self.area.size.w) / f64::from(self.source.w.max(1));
        let y = f64::from(self.area.size.h) / f64::from(self.source.h.max(1));
        let (left, top) = (low(f64::from(part.loc.x) * x) as i32, low(f64::from(part.loc.y) * y) as i32);
        let right = high(f64::from(part.loc.x.saturating_add(part.size.w)) * x) as i32;
        let bottom = high(f64::from(part.loc.y.saturating_add(part.size.h)) * y) as i32;
        let at = (self.area.loc.x.saturating_add(left), self.area.loc.y.saturating_add(top));
        Rectangle::new(at.into(), ((right - left).max(0), (bottom - top).max(0)).into())
    }

    /// Maps a position on the screen to the picture, both as fractions of width and height. Positions outside of the
    /// picture map to its nearest edge.
    pub fn to_source(&self, place: (f64, f64), target: Size<i32, Physical>) -> (f64, f64) {
        let back = |part: f64, length: i32, start: i32, extent: i32| {
            ((part * f64::from(length) - f64::from(start)) / f64::from(extent.max(1))).clamp(0.0, 1.0)
        };
        let Rectangle { loc, size } = self.area;
        (back(place.0, target.w, loc.x, size.w), back(place.1, target.h, loc.y, size.h))
    }

    /// The areas beside the picture: at most two bars.
    pub fn bars(&self, target: Size<i32, Physical>) -> [Rectangle<i32, Physical>; 2] {
        let Rectangle { loc, size } = self.area;
        if size.h < target.h {
            let end = loc.y + size.h;
            [
                Rectangle::from_size((target.w, loc.y).into()),
                Rectangle::new((0, end).into(), (target.w, target.h - end).into()),
            ]
        } else {
            let end = loc.x + size.w;
            [
                Rectangle::from_size((loc.x, target.h).into()),
                Rectangle::new((end, 0).into(), (target.w - end, target.h).into()),
            ]
        }
    }
}

/// Division, rounded to the nearest.
fn divide(number: i64, by: i64) -> i64 {
    (number + by / 2) / by
}

/// Whether following mirrors from `start` leads into a circle; `source` gives each one's source.
pub fn goes_in_circles<T: PartialEq + Copy>(start: T, source: impl Fn(T) -> Option<T>) -> bool {
    let mut seen = vec![start];
    let mut at = start;
    while let Some(next) = source(at) {
        if seen.contains(&next) {
            return true;
        }
        seen.push(next);
        at = next;
    }
    false
}

/// The layout position of a position given as fractions of the upright picture.
pub fn in_layout(place: (f64, f64), area: Rectangle<i32, Logical>) -> Point<f64, Logical> {
    let size = area.size.to_f64();
    area.loc.to_f64() + Point::from((place.0 * size.w, place.1 * size.h))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fit(source: (i32, i32), target: (i32, i32)) -> Fit {
        Fit::new(source.into(), 1.0, target.into())
    }

    fn area(x: i32, y: i32, w: i32, h: i32) -> Rectangle<i32, Physical> {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    #[test]
    fn the_picture_is_as_large_as_it_can_be_and_in_the_middle() {
        assert_eq!(fit((1920, 1080), (1280, 1024)).area, area(0, 152, 1280, 720));
        assert_eq!(fit((1280, 1024), (1920, 1080)).area, area(285, 0, 1350, 1080));
        assert_eq!(fit((1080, 1920), (1920, 1080)).area, area(656, 0, 608, 1080));
        assert!(fit((800, 600), (800, 600)).is_exact());
    }

    #[test]
    fn circles_are_found_and_chains_are_not_circles() {
        let follow = |mirrors: &'static [(u32, u32)]| {
            move |at: u32| mirrors.iter().find(|(mirror, _)| *mirror == at).map(|(_, source)| *source)
        };
        assert!(goes_in_circles(1, follow(&[(1, 1)])));
        assert!(goes_in_circles(1, follow(&[(1, 2), (2, 3), (3, 1)])));
        assert!(goes_in_circles(1, follow(&[(1, 2), (2, 3), (3, 2)])));
        assert!(!goes_in_circles(1, follow(&[(1, 2), (2, 3)])));
    }

    proptest! {
        #[test]
        fn the_picture_keeps_its_shape_and_bars_cover_the_rest(
            source in (1i32..8_000, 1i32..8_000), target in (1i32..8_000, 1i32..8_000),
        ) {
            let fit = fit(source, target);
            let Rectangle { size, .. } = fit.area;
            prop_assert!(size.w == target.0 || size.h == target.1);
            let (right, wrong) = (f64::from(source.0) / f64::from(source.1), 0.5 + 1e-9);
            // Both are as long as the target's where the shorter was rounded up to it.
            let by_width = (f64::from(size.w) / right - f64::from(size.h)).abs() <= wrong;
            let by_height = (f64::from(size.h) * right - f64::from(size.w)).abs() <= wrong;
            prop_assert!((by_width && size.w == target.0) || (by_height && size.h == target.1));
            prop_assert_eq!(fit.place(Rectangle::from_size(source.into())), fit.area);
            let pixels = |size: Size<i32, Physical>| i64::from(size.w) * i64::from(size.h);
            let bars: i64 = fit.bars(target.into()).iter().map(|bar| pixels(bar.size)).sum();
            prop_assert_eq!(bars + pixels(size), pixels(target.into()));
        }

        #[test]
        fn a_place_comes_back_from_where_it_is_shown(
            source in (1i32..8_000, 1i32..8_000), target in (10i32..8_000, 10i32..8_000),
            x in 0.0f64..1.0, y in 0.0f64..1.0,
        ) {
            let fit = fit(source, target);
            let Rectangle { loc, size } = fit.area;
            let shown = (
                (f64::from(loc.x) + x * f64::from(size.w)) / f64::from(target.0),
                (f64::from(loc.y) + y * f64::from(size.h)) / f64::from(target.1),
            );
            let back = fit.to_source(shown, target.into());
            prop_assume!(size.w > 0 && size.h > 0);
            prop_assert!((back.0 - x).abs() < 1e-6 && (back.1 - y).abs() < 1e-6, "{back:?}");
        }
    }
}
