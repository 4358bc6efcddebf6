//! Popups of an input method: beside the cursor of the focused field, above windows and layers, below the on-screen
//! keyboard. [`crate::protocols`] puts them here, [`super::Frame`] draws them.

use smithay::{
    desktop::{WindowSurfaceType, utils::under_from_surface_tree},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive, Logical, Point, Rectangle, Size},
};

use crate::screens::ScreenId;

/// A popup that is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodPopup {
    /// Its surface, with subsurfaces.
    pub surface: WlSurface,
    /// Its screen.
    pub screen: ScreenId,
    /// The surface's origin, in the space of all screens.
    pub origin: Point<i32, Logical>,
}

/// All popups that are shown, the newest on top.
#[derive(Debug, Default)]
pub struct MethodPopups {
    shown: Vec<MethodPopup>,
}

impl MethodPopups {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Sets the popups that are shown. Returns the screens of the previous ones, if that is a change.
    pub fn set(&mut self, shown: Vec<MethodPopup>) -> Option<Vec<ScreenId>> {
        if self.shown == shown {
            return None;
        }
        let before = self.screens();
        self.shown = shown;
        Some(before)
    }

    /// Whether this surface is shown on this screen already.
    pub fn has(&self, popup: &MethodPopup) -> bool {
        self.shown.iter().any(|shown| shown.surface == popup.surface && shown.screen == popup.screen)
    }

    /// The screens with popups.
    pub fn screens(&self) -> Vec<ScreenId> {
        self.shown.iter().map(|shown| shown.screen).collect()
    }

    /// The screen of a popup with this root surface.
    pub fn screen_of(&self, surface: &WlSurface) -> Option<ScreenId> {
        self.shown.iter().find(|shown| shown.surface == *surface).map(|shown| shown.screen)
    }

    /// The popups of a screen, topmost first.
    pub fn on(&self, screen: ScreenId) -> impl Iterator<Item = &MethodPopup> {
        self.shown.iter().rev().filter(move |shown| shown.screen == screen && shown.surface.alive())
    }

    /// A screen's surface under a point, with its own origin.
    pub fn under(&self, screen: ScreenId, point: Point<f64, Logical>) -> Option<(WlSurface, Point<f64, Logical>)> {
        self.on(screen).find_map(|shown| {
            let (surface, at) =
                under_from_surface_tree(&shown.surface, point - shown.origin.to_f64(), (0, 0), WindowSurfaceType::ALL)?;
            Some((surface, (at + shown.origin).to_f64()))
        })
    }
}

/// Places a popup of this size in this area: below the cursor, or above it if there is room only there; at the lower
/// edge if the cursor's position is unknown. A popup larger than the area begins at its corner.
pub fn place(
    cursor: Option<Rectangle<i32, Logical>>,
    size: Size<i32, Logical>,
    area: Rectangle<i32, Logical>,
) -> Point<i32, Logical> {
    let right = area.loc.x.saturating_add(area.size.w).saturating_sub(size.w);
    let bottom = area.loc.y.saturating_add(area.size.h).saturating_sub(size.h);
    let within = |at: i32, low: i32, high: i32| at.min(high).max(low);
    let (x, y) = match cursor {
        None => (area.loc.x, bottom),
        Some(cursor) => {
            let below = cursor.loc.y.saturating_add(cursor.size.h);
            let above = cursor.loc.y.saturating_sub(size.h);
            (cursor.loc.x, if below > bottom && above >= area.loc.y { above } else { below })
        }
    };
    (within(x, area.loc.x, right), within(y, area.loc.y, bottom)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rect(x: i32, y: i32, w: i32, h: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    const AREA: (i32, i32, i32, i32) = (100, 50, 400, 300);

    fn at(cursor: Option<Rectangle<i32, Logical>>, size: (i32, i32)) -> (i32, i32) {
        let (x, y, w, h) = AREA;
        place(cursor, size.into(), rect(x, y, w, h)).into()
    }

    #[test]
    fn it_lies_below_the_cursor_and_above_it_at_the_lower_edge() {
        assert_eq!(at(Some(rect(150, 70, 1, 16)), (80, 40)), (150, 86));
        assert_eq!(at(Some(rect(150, 310, 1, 16)), (80, 40)), (150, 270));
        assert_eq!(at(Some(rect(480, 70, 1, 16)), (80, 40)), (420, 86));
        assert_eq!(at(None, (80, 40)), (100, 310));
        assert_eq!(at(Some(rect(150, 70, 1, 16)), (800, 900)), (100, 50), "its beginning is seen");
    }

    proptest! {
        #[test]
        fn whatever_a_client_says_it_lies_in_the_area(
            x in any::<i32>(), y in any::<i32>(), w in 0..i32::MAX, h in 0..i32::MAX, width in 1..400, height in 1..300,
        ) {
            let (left, top) = at(Some(rect(x, y, w, h)), (width, height));
            prop_assert!(left >= 100 && left + width <= 500 && top >= 50 && top + height <= 350, "{left} {top}");
        }
    }
}
