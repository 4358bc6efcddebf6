//! GLES on GBM: the renderer for a card with a real GPU, its own or (as on a Raspberry Pi) another's that Mesa pairs
//! with the display. Software EGL is used only on request: pixman on dumb buffers is faster and needs less.

use std::sync::Arc;

use smithay::backend::{
    allocator::{dmabuf::Dmabuf, format::FormatSet, gbm::GbmDevice},
    drm::{DrmDeviceFd, DrmNode},
    egl::{self, EGLContext, EGLDevice, EGLDisplay, context::ContextPriority},
    renderer::{
        Bind, ImportDma,
        gles::{GlesError as GlesLibraryError, GlesRenderer},
    },
};

use crate::backend::capture_formats::CaptureFormats;

/// Why the GPU is not used.
#[derive(Debug, thiserror::Error)]
pub enum GlesError {
    /// The driver has no GBM.
    #[error("no GBM: {0}")]
    Gbm(#[source] std::io::Error),
    /// EGL does not know the device.
    #[error("no EGL: {0}")]
    Display(#[source] egl::Error),
    /// EGL does not say which device it draws with.
    #[error("no EGL device: {0}")]
    Device(#[source] egl::Error),
    /// It draws by the CPU, which pixman does with less.
    #[error("EGL is software here")]
    Software,
    /// EGL knows the device, but creates no context on it.
    #[error("no EGL context: {0}")]
    Context(#[source] egl::Error),
    /// The driver lacks a part of OpenGL ES 2 that drawing needs.
    #[error("no GLES: {0}")]
    Renderer(#[source] GlesLibraryError),
}

/// The renderer and its allocator.
pub struct Gles {
    /// Allocates the buffers to draw into.
    pub gbm: GbmDevice<DrmDeviceFd>,
    /// Draws, and takes clients' buffers.
    pub renderer: GlesRenderer,
    /// The node that clients are to render on.
    pub node: Option<DrmNode>,
    /// Buffers that pictures are copied into for capture clients.
    pub capture: Option<Arc<CaptureFormats>>,
}

impl Gles {
    /// Starts the GPU's renderer. The error says why pixman is used instead. `software`: accept EGL without a GPU.
    #[allow(unsafe_code)]
    pub fn new(fd: &DrmDeviceFd, software: bool) -> Result<Self, GlesError> {
        let gbm = GbmDevice::new(fd.clone()).map_err(GlesError::Gbm)?;
        // SAFETY: the display lives as long as the GBM device it was made of: EGLDisplay keeps a clone of it.
        let display = unsafe { EGLDisplay::new(gbm.clone()) }.map_err(GlesError::Display)?;
        let device = EGLDevice::device_for_display(&display).map_err(GlesError::Device)?;
        if device.is_software() && !software {
            return Err(GlesError::Software);
        }
        let node = device.try_get_render_node().ok().flatten().or_else(|| DrmNode::from_file(fd).ok());
        let context = EGLContext::new_with_priority(&display, ContextPriority::High).map_err(GlesError::Context)?;
        // SAFETY: the context is current on no other thread, and all rendering stays on this one.
        let renderer = unsafe { GlesRenderer::new(context) }.map_err(GlesError::Renderer)?;
        let drawn = Bind::<Dmabuf>::supported_formats(&renderer).unwrap_or_default();
        let capture =
            node.and_then(|node| CaptureFormats::new(node.dev_id(), &drawn, &renderer.dmabuf_formats())).map(Arc::new);
        Ok(Self { gbm, renderer, node, capture })
    }

    /// Formats that clients' buffers may have.
    pub fn import_formats(&self) -> FormatSet {
        self.renderer.dmabuf_formats()
    }

    /// Whether a client's buffer can be drawn.
    pub fn import(&mut self, dmabuf: &Dmabuf) -> bool {
        let imported = self.renderer.import_dmabuf(dmabuf, None).is_ok();
        if imported && let Some(node) = self.node {
            // Scanout is tried only for buffers that are known to be of this device.
            dmabuf.set_node(node);
        }
        imported
    }
}
