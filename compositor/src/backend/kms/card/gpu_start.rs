//! Starting a card's GPU. It takes far longer than everything else before the first picture (EGL loads the driver, which
//! may load a compiler), so the CPU draws that one into a dumb buffer, and [`super::Card::present`] hands each display
//! over with the first frame after the start.

use super::{Card, CardError};
use crate::{
    backend::kms::{gles::Gles, renderer::CardRenderer},
    options::RendererChoice,
};

impl Card {
    /// Starts the GPU, if the card may have one and it is not started yet. Without one the CPU goes on drawing. The error:
    /// a GPU was asked for by name, and there is none.
    pub fn start_gpu(&mut self, choice: RendererChoice) -> Result<(), CardError> {
        if std::mem::take(&mut self.gpu_to_start) {
            match Gles::new(&self.fd, choice == RendererChoice::Gles) {
                Ok(gles) => self.renderer = CardRenderer::Gles(Box::new(gles)),
                Err(reason) if choice == RendererChoice::Gles => return Err(CardError::NoGpu(reason)),
                Err(reason) => tracing::info!(%reason, "drawing without a GPU"),
            }
        }
        tracing::info!(card = %self.path.display(), renderer = self.renderer.name(), "renderer");
        Ok(())
    }

    /// Whether the first picture may be shown before the GPU is started. Without atomic mode setting smithay tests a
    /// compositor's buffers by showing them, which are empty: a display would be black for a moment when it is handed over.
    pub fn may_start_later(&self) -> bool {
        self.drm.is_atomic()
    }
}
