//! The tint of `KIOSKD_DEBUG=damage`: a translucent colour over the whole screen that reports no damage of its own. So
//! it is drawn only where other elements are damaged, and each repainted part keeps the colour of its frame.

use smithay::{
    backend::renderer::{
        Color32F,
        element::{Id, Kind, solid::SolidColorRenderElement},
        utils::CommitCounter,
    },
    utils::{Physical, Rectangle, Size},
};

/// The colours of successive frames, distinguishable over any picture.
const COLORS: [[f32; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// Opacity.
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
    /// Advances to the next colour after a frame.
    pub fn step(&mut self) {
        self.frames = self.frames.wrapping_add(1);
    }

    /// The topmost element.
    pub fn element(&self, size: Size<i32, Physical>) -> SolidColorRenderElement {
        let [r, g, b] = COLORS[self.frames % COLORS.len()].map(|channel| channel * ALPHA);
        let (area, unchanged) = (Rectangle::from_size(size), CommitCounter::default());
        SolidColorRenderElement::new(self.id.clone(), area, unchanged, Color32F::new(r, g, b, ALPHA), Kind::Unspecified)
    }
}
