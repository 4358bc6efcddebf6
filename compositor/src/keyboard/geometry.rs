//! The layout of keys, in pixels of the keyboard's own picture. Pure.

use super::page::{Key, LETTER};

/// An area in pixels, from the keyboard's top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Top edge; negative above the keyboard.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

impl Rect {
    /// Whether the point is in it, or at most `margin` outside.
    pub fn has(&self, (x, y): (f64, f64), margin: i32) -> bool {
        let within = |at: f64, start: i32, length: i32| {
            at >= f64::from(start.saturating_sub(margin)) && at < f64::from(start + length.saturating_add(margin))
        };
        within(x, self.x, self.w) && within(y, self.y, self.h)
    }
}

/// A key with its area. Cells touch each other, so that there are no gaps between keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The area that reacts to touches.
    pub area: Rect,
    /// The key.
    pub key: Key,
}

/// Widest letter key in proportion to its height; on wide screens the keys are centred.
const MAX_ASPECT: f64 = 1.7;
/// Least width of a key that takes the rest of its row.
const LEAST: i32 = 4;

fn units(row: &[Key]) -> i32 {
    row.iter().map(|key| if key.width == 0 { LEAST } else { i32::from(key.width) }).sum()
}

/// Computes the areas of rows in a picture of this size, pixels.
pub fn place(rows: &[Vec<Key>], width: i32, height: i32) -> Vec<Cell> {
    let count = i32::try_from(rows.len()).unwrap_or(i32::MAX).max(1);
    let most = rows.iter().map(|row| units(row)).max().unwrap_or(0).max(1);
    let row_height = f64::from(height) / f64::from(count);
    let unit = (f64::from(width) / f64::from(most)).min(row_height * MAX_ASPECT / f64::from(LETTER));
    let left = (f64::from(width) - unit * f64::from(most)) / 2.0;
    let mut cells = Vec::new();
    for (number, row) in (0i32..).zip(rows) {
        let (top, bottom) = (f64::from(number) * row_height, f64::from(number + 1) * row_height);
        let flexible = row.iter().filter(|key| key.width == 0).count();
        let fixed: i32 = row.iter().map(|key| i32::from(key.width)).sum();
        let rest = if flexible == 0 { 0.0 } else { f64::from(most - fixed) / flexible as f64 };
        let used = if flexible == 0 { f64::from(fixed) } else { f64::from(most) };
        let mut x = left + unit * (f64::from(most) - used) / 2.0;
        for key in row {
            let end = x + unit * if key.width == 0 { rest } else { f64::from(key.width) };
            let (x0, y0) = (x.round() as i32, top.round() as i32);
            let area = Rect { x: x0, y: y0, w: end.round() as i32 - x0, h: bottom.round() as i32 - y0 };
            cells.push(Cell { area, key: *key });
            x = end;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyboard::{
        field::Field,
        keymap::{Keymap, Names},
        page::{Page, rows},
    };

    #[test]
    fn cells_fill_the_picture_and_never_lie_over_each_other() {
        let keymap = Keymap::compile(&Names { rules: "", model: "", layout: "us,de,ru,cz", variant: "", options: "" });
        for layout in &keymap.layouts {
            for page in [Page::Letters, Page::Symbols, Page::More, Page::Digits] {
                for (width, height) in [(320, 120), (480, 160), (800, 240), (1920, 350), (3840, 700), (720, 400)] {
                    let cells = place(&rows(page, layout, true, &Field::default()), width, height);
                    for (number, cell) in cells.iter().enumerate() {
                        let Rect { x, y, w, h } = cell.area;
                        assert!(w > 0 && h > 0 && x >= 0 && y >= 0 && x + w <= width && y + h <= height, "{cell:?}");
                        for other in &cells[..number] {
                            let o = other.area;
                            let apart = x >= o.x + o.w || o.x >= x + w || y >= o.y + o.h || o.y >= y + h;
                            assert!(apart, "{cell:?} {other:?}");
                        }
                    }
                }
            }
        }
    }
}
