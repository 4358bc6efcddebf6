//! Renders and queues a frame through smithay's `DrmCompositor`, for either renderer: elements that planes do not show
//! are composed. [`super::present`] gives the elements.

use smithay::{
    backend::{
        drm::{
            DrmDeviceFd,
            compositor::{DrmCompositor, FrameError, FrameFlags, PrimaryPlaneElement},
        },
        renderer::{Bind, ImportAll, ImportMem, Renderer, element::RenderElementStates},
    },
    desktop::utils::OutputPresentationFeedback,
};

use super::refusal::refusal;
use crate::{
    backend::{
        PresentError, Presented,
        rotated::{PanelRotation, RotatedRenderer},
    },
    screens::Scanout,
    stage::{Frame, elements::StageElement, reflected::Reflected},
};

/// The presentation feedback of a frame, sent when it is on the screen.
pub type Feedback = Option<OutputPresentationFeedback>;

/// The elements of a frame.
pub struct Drawing<R: Renderer + ImportAll + ImportMem> {
    /// Top first, in panel coordinates: already rotated and fitted.
    pub elements: Vec<Reflected<StageElement<R>>>,
    /// The render states of clients' surfaces, where the elements are not the clients' own.
    pub states: Option<RenderElementStates>,
}

/// Composes the elements that are not on planes of their own, and queues the page flip.
pub fn queue<A, F, R>(
    compositor: &mut DrmCompositor<A, F, Feedback, DrmDeviceFd>,
    renderer: &mut R,
    frame: &Frame<'_>,
    drawing: Drawing<R>,
    rotation: PanelRotation,
    flags: FrameFlags,
) -> Result<Presented, PresentError>
where
    A: smithay::backend::allocator::Allocator,
    A::Error: std::error::Error + Send + Sync + 'static,
    A::Buffer: smithay::backend::allocator::dmabuf::AsDmabuf,
    <A::Buffer as smithay::backend::allocator::dmabuf::AsDmabuf>::Error:
        std::error::Error + Send + Sync + std::fmt::Debug + 'static,
    F: smithay::backend::drm::exporter::ExportFramebuffer<A::Buffer>,
    F::Framebuffer: std::fmt::Debug + 'static,
    F::Error: std::error::Error + Send + Sync + 'static,
    R: Renderer + Bind<smithay::backend::allocator::dmabuf::Dmabuf> + ImportAll + ImportMem,
    R::TextureId: smithay::backend::renderer::Texture + Clone + Send + 'static,
    R::Error: Send + Sync + 'static,
{
    compositor.set_output_mode_source(rotation.output(frame.screen.scale()));
    let elements = rotation.elements(drawing.elements);
    let drawn = compositor
        .render_frame(&mut RotatedRenderer::new(renderer, rotation), &elements, frame.clear_color(), flags)
        .map_err(PresentError::draw)?;
    frame.report_planes(&elements, &drawn.states);
    frame.note_scanout(drawing.states.as_ref().unwrap_or(&drawn.states));
    if drawn.is_empty {
        return Ok(Presented::default());
    }
    let scanout = match &drawn.primary_element {
        PrimaryPlaneElement::Element(_) => Scanout::Direct,
        PrimaryPlaneElement::Swapchain(_) => Scanout::of_composed(&drawn.states),
    };
    if drawn.needs_sync()
        && let PrimaryPlaneElement::Swapchain(element) = &drawn.primary_element
        && element.sync.wait().is_err()
    {
        tracing::debug!("waiting for the GPU was interrupted");
    }
    let feedback = frame.take_feedback(drawing.states.as_ref().unwrap_or(&drawn.states));
    drop(drawn);
    match compositor.queue_frame(Some(feedback)) {
        Ok(()) => Ok(Presented { queued: true, scanout, another: false }),
        Err(FrameError::EmptyFrame) => Ok(Presented { queued: false, scanout, another: false }),
        Err(error) => Err(refusal(error)),
    }
}
