//! The copies of screens that are kept for capture clients, of either renderer, with the card that draws each.

use std::collections::HashMap;

use smithay::{
    backend::{
        allocator::dmabuf::Dmabuf,
        renderer::{gles::GlesTexture, sync::SyncPoint},
    },
    reexports::pixman::Image,
    utils::{Buffer, Physical, Point, Rectangle},
};

use super::renderer::CardRenderer;
use crate::{
    backend::{
        capture::CaptureError,
        watched::{View, Watched},
    },
    stage::Frame,
};

/// The copies.
#[derive(Default)]
pub struct WatchedPictures {
    gles: Watched<GlesTexture>,
    pixman: Watched<Image<'static, 'static>>,
    /// The index of the card that drew each; valid until the list of cards changes.
    painters: HashMap<View, usize>,
}

impl WatchedPictures {
    /// Updates a copy by the renderer of the card of this index. Returns what changed since the last call.
    pub fn draw(
        &mut self,
        painter: usize,
        renderer: &mut CardRenderer,
        frame: &Frame<'_>,
        pointer: bool,
    ) -> Result<Vec<Rectangle<i32, Physical>>, CaptureError> {
        self.painters.insert(View { screen: frame.screen.id, pointer }, painter);
        match renderer {
            CardRenderer::Gles(gles) => self.gles.draw(&mut gles.renderer, frame, pointer),
            CardRenderer::Pixman(pixman) => self.pixman.draw(pixman, frame, pointer),
        }
    }

    /// The index of the card that drew it, whose renderer has to be given to the methods below.
    pub fn painter(&self, view: View) -> Result<usize, CaptureError> {
        self.painters.get(&view).copied().ok_or(CaptureError::NoDevice)
    }

    /// As [`super::Backend::read_watched`].
    pub fn read(
        &mut self,
        renderer: &mut CardRenderer,
        view: View,
        part: Rectangle<i32, Buffer>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CaptureError> {
        match renderer {
            CardRenderer::Gles(gles) => self.gles.read(&mut gles.renderer, view, part, take),
            CardRenderer::Pixman(pixman) => self.pixman.read(pixman, view, part, take),
        }
    }

    /// As [`super::Backend::copy_watched`].
    pub fn copy(
        &mut self,
        renderer: &mut CardRenderer,
        view: View,
        part: Rectangle<i32, Buffer>,
        buffer: &mut Dmabuf,
        at: Point<i32, Physical>,
    ) -> Result<SyncPoint, CaptureError> {
        match renderer {
            CardRenderer::Gles(gles) => self.gles.copy(&mut gles.renderer, view, part, buffer, at),
            CardRenderer::Pixman(_) => Err(CaptureError::NoGpu),
        }
    }

    /// It is not captured any more.
    pub fn forget(&mut self, view: View) {
        self.gles.forget(view);
        self.pixman.forget(view);
        self.painters.remove(&view);
    }
}
