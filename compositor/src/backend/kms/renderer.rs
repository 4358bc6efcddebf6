//! What draws for a card: a GPU by GLES, or the CPU by pixman. Everything that is asked of either is here; how frames
//! reach planes is in [`super::present`].

use std::sync::Arc;

use smithay::{
    backend::{
        allocator::dmabuf::Dmabuf,
        renderer::{
            ImportMemWl, element::RenderElementStates, gles::GlesTexture, pixman::PixmanRenderer,
            utils::import_surface_tree,
        },
    },
    reexports::{
        pixman::Image,
        wayland_server::protocol::{wl_shm, wl_surface::WlSurface},
    },
};

use super::gles::Gles;
use crate::{
    backend::{
        capture::{Capture, CaptureError, capture, draw},
        capture_formats::CaptureFormats,
    },
    stage::Frame,
};

/// What draws for a card.
pub enum CardRenderer {
    /// A GPU draws, and clients' buffers may go to planes as they are.
    Gles(Box<Gles>),
    /// The CPU draws, into dumb buffers.
    Pixman(PixmanRenderer),
}

impl CardRenderer {
    /// `gles` or `pixman`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gles(_) => "gles",
            Self::Pixman(_) => "pixman",
        }
    }

    /// The frame as an upright picture, for a screenshot.
    pub fn capture(&mut self, frame: &Frame<'_>) -> Result<Capture, CaptureError> {
        match self {
            Self::Gles(gles) => capture::<_, GlesTexture>(&mut gles.renderer, frame),
            Self::Pixman(pixman) => capture::<_, Image<'static, 'static>>(pixman, frame),
        }
    }

    /// The same with the pointer, and the render states of clients' surfaces.
    pub fn picture(&mut self, frame: &Frame<'_>) -> Result<(Capture, RenderElementStates), CaptureError> {
        match self {
            Self::Gles(gles) => draw::<_, GlesTexture>(&mut gles.renderer, frame, true),
            Self::Pixman(pixman) => draw::<_, Image<'static, 'static>>(pixman, frame, true),
        }
    }

    /// Buffers of the GPU that pictures can be copied into.
    pub fn capture_formats(&self) -> Option<Arc<CaptureFormats>> {
        match self {
            Self::Gles(gles) => gles.capture.clone(),
            Self::Pixman(_) => None,
        }
    }

    /// Formats of shared memory that it draws.
    pub fn shm_formats(&self) -> Vec<wl_shm::Format> {
        match self {
            Self::Gles(gles) => gles.renderer.shm_formats().collect(),
            Self::Pixman(pixman) => pixman.shm_formats().collect(),
        }
    }

    /// Whether a client's GPU buffer can be drawn.
    pub fn import(&mut self, dmabuf: &Dmabuf) -> bool {
        match self {
            Self::Gles(gles) => gles.import(dmabuf),
            Self::Pixman(_) => false,
        }
    }

    /// Uploads a client's new buffers now instead of during the frame. Pixman reads shared memory directly.
    pub fn early_import(&mut self, surface: &WlSurface) {
        if let Self::Gles(gles) = self
            && let Err(error) = import_surface_tree(&mut gles.renderer, surface)
        {
            tracing::debug!(%error, "a buffer could not be imported early");
        }
    }
}
