//! A frame on its way to the plane, whichever renderer draws it: given to smithay's `DrmCompositor`, composed as far as
//! planes do not show it, and queued. [`super::present`] says what it is made of.

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
        turned::{Turn, TurnedRenderer},
    },
    screens::Scanout,
    stage::{Frame, elements::StageElement, reflected::Reflected},
};

/// What clients are to be told when a frame is on the screen.
pub type Feedback = Option<OutputPresentationFeedback>;

/// What a frame is drawn of.
pub struct Drawing<R: Renderer + ImportAll + ImportMem> {
    /// Top first, as they lie on the panel: turned and fitted already.
    pub elements: Vec<Reflected<StageElement<R>>>,
    /// What became of clients' surfaces, where the elements are not theirs.
    pub states: Option<RenderElementStates>,
}

/// Draws a frame as far as planes do not show its elements by themselves, and queues its page flip.
pub fn queue<A, F, R>(
    compositor: &mut DrmCompositor<A, F, Feedback, DrmDeviceFd>,
    renderer: &mut R,
    frame: &Frame<'_>,
    drawing: Drawing<R>,
    turn: Turn,
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
    compositor.set_output_mode_source(turn.output(frame.screen.scale()));
    let elements = turn.elements(drawing.elements);
    let drawn = compositor
        .render_frame(&mut TurnedRenderer::new(renderer, turn), &elements, frame.clear_color(), flags)
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
