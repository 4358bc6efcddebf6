//! Pictures for displays whose card has no GPU (a DisplayLink adapter, a simple framebuffer) beside a card that has
//! one. Clients draw on that GPU, and only it can read their buffers: such a display would be black. So the GPU draws
//! these frames too, into memory, and the display's own renderer copies them to the screen.

use smithay::{
    backend::renderer::{
        element::{Kind, RenderElementStates},
        gles::{GlesRenderer, GlesTexture},
        pixman::PixmanRenderer,
    },
    utils::Point,
};

use crate::{
    backend::{
        PresentError,
        capture::{Capture, draw},
    },
    stage::{Frame, aided::Canvas, elements::PixelElement},
};

/// A frame as a GPU drew it: upright, with the pointer.
pub struct GpuPicture {
    picture: Capture,
    /// The render states of its elements.
    pub states: RenderElementStates,
}

impl GpuPicture {
    /// Has this GPU draw the frame; `None`: it cannot, which is logged.
    pub fn draw(gles: &mut GlesRenderer, frame: &Frame<'_>) -> Option<Self> {
        match draw::<_, GlesTexture>(gles, frame, true) {
            Ok((picture, states)) => Some(Self { picture, states }),
            Err(error) => {
                tracing::debug!(%error, screen = frame.screen.name, "the GPU of another card does not draw this frame");
                None
            }
        }
    }
}

/// The last picture that another card's GPU drew for a display, as the display's own renderer shows it.
#[derive(Default)]
pub struct ShownPicture(Canvas);

impl ShownPicture {
    /// The picture as an element that covers the screen. Only rows that changed are drawn anew.
    pub fn show(
        &mut self,
        renderer: &mut PixmanRenderer,
        picture: &GpuPicture,
    ) -> Result<PixelElement<PixmanRenderer>, PresentError> {
        let buffer = self.0.show((picture.picture.width, picture.picture.height), &picture.picture.rgba);
        PixelElement::new(renderer, buffer, Point::default(), 1.0, Kind::Unspecified).map_err(PresentError::draw)
    }
}
