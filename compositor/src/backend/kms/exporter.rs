//! How buffers become framebuffers that planes can show: smithay's GBM exporter, and clients' buffers without a
//! modifier where the display driver knows no modifiers at all.

use smithay::{
    backend::{
        allocator::{
            Modifier,
            gbm::{GbmBuffer, GbmDevice},
        },
        drm::{
            DrmDeviceFd, DrmNode,
            exporter::{
                ExportBuffer, ExportFramebuffer,
                gbm::{Error, GbmFramebufferExporter},
            },
            gbm::{GbmFramebuffer, framebuffer_from_dmabuf},
        },
    },
    reexports::drm::{Device as _, DriverCapability},
    wayland::dmabuf::get_dmabuf,
};

// WORKAROUND(smithay:implicit-modifier)
/// The exporter of a card with a GPU.
#[derive(Debug, Clone)]
pub struct Exporter {
    inner: GbmFramebufferExporter<DrmDeviceFd>,
    gbm: GbmDevice<DrmDeviceFd>,
    node: Option<DrmNode>,
    /// The driver (virtio_gpu, older ones) takes no modifiers: a buffer of its own GPU without one has the only
    /// layout there is. With a driver that knows modifiers the layout would be a guess, and smithay rightly refuses.
    implicit: bool,
}

impl Exporter {
    /// `node`: where clients render; buffers of other devices are composed.
    pub fn new(fd: &DrmDeviceFd, gbm: GbmDevice<DrmDeviceFd>, node: Option<DrmNode>) -> Self {
        let modifiers = fd.get_driver_capability(DriverCapability::AddFB2Modifiers).unwrap_or(0);
        Self { inner: GbmFramebufferExporter::new(gbm.clone(), node), gbm, node, implicit: modifiers == 0 }
    }

    /// The client's buffer, if only this workaround can export it.
    fn implicit_dmabuf<'a>(
        &self,
        buffer: &'a ExportBuffer<'_, GbmBuffer>,
    ) -> Option<&'a smithay::backend::allocator::dmabuf::Dmabuf> {
        use smithay::backend::allocator::Buffer;
        let ExportBuffer::Wayland(buffer) = buffer else { return None };
        let dmabuf = get_dmabuf(buffer).ok()?;
        let ours = self.node.is_some() && dmabuf.node() == self.node;
        (self.implicit && ours && dmabuf.format().modifier == Modifier::Invalid).then_some(dmabuf)
    }
}

impl ExportFramebuffer<GbmBuffer> for Exporter {
    type Framebuffer = GbmFramebuffer;
    type Error = Error;

    fn add_framebuffer(
        &self,
        drm: &DrmDeviceFd,
        buffer: ExportBuffer<'_, GbmBuffer>,
        use_opaque: bool,
    ) -> Result<Option<Self::Framebuffer>, Self::Error> {
        if let Some(dmabuf) = self.implicit_dmabuf(&buffer) {
            return framebuffer_from_dmabuf(drm, &self.gbm, dmabuf, use_opaque, true).map(Some).map_err(Error::from);
        }
        self.inner.add_framebuffer(drm, buffer, use_opaque)
    }

    fn can_add_framebuffer(&self, buffer: &ExportBuffer<'_, GbmBuffer>) -> bool {
        self.inner.can_add_framebuffer(buffer)
    }
}
