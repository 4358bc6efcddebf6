//! The tint of `KIOSKD_DEBUG=damage`: a thin colour over the whole screen that never says it has changed. So it is
//! drawn only where something else has, and each repainted part keeps the colour of the frame that painted it.

use smithay::{
    backend::renderer::{
        Color32F,
        element::{Id, Kind, solid::SolidColorRenderElement},
        utils::CommitCounter,
    },
    utils::{Physical, Rectangle, Size},
};

/// One frame after the other: far enough apart to be told from each other over any picture.
const COLORS: [[f32; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// How much of what is below is hidden.
const ALPHA: f32 = 0.3;

/// One screen's tint.
#[derive(Debug)]
pub struct Tint {
    id: Id,
    frames: usize,
}

impl Default for Tint {
    fn default() -> Self {
        Self { id: Id::new(), frames: 0 }
    }
}

impl Tint {
    /// A frame was drawn: the next colour.
    pub fn step(&mut self) {
        self.frames = self.frames.wrapping_add(1);
    }

    /// The element, to lie over all others.
    pub fn element(&self, size: Size<i32, Physical>) -> SolidColorRenderElement {
        let [r, g, b] = COLORS[self.frames % COLORS.len()].map(|channel| channel * ALPHA);
        let (area, unchanged) = (Rectangle::from_size(size), CommitCounter::default());
        SolidColorRenderElement::new(self.id.clone(), area, unchanged, Color32F::new(r, g, b, ALPHA), Kind::Unspecified)
    }
}
