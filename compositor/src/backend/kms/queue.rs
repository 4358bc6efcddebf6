//! Renders a frame with the GPU and queues it through smithay's `DrmCompositor`: elements that planes do not show are
//! composed. [`super::present`] gives the elements.

use smithay::{
    backend::{
        allocator::gbm::GbmAllocator,
        drm::{
            DrmDeviceFd,
            compositor::{DrmCompositor, FrameError, FrameFlags, PrimaryPlaneElement},
        },
        renderer::gles::GlesRenderer,
    },
    desktop::utils::OutputPresentationFeedback,
};

use super::{exporter::Exporter, refusal::refusal};
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

/// Shows frames of the GPU on one display.
pub type GlesCompositor = DrmCompositor<GbmAllocator<DrmDeviceFd>, Exporter, Feedback, DrmDeviceFd>;

/// Composes the elements (top first, in panel coordinates) that are not on planes of their own, and queues the page flip.
pub fn queue(
    compositor: &mut GlesCompositor,
    renderer: &mut GlesRenderer,
    frame: &Frame<'_>,
    elements: Vec<Reflected<StageElement<GlesRenderer>>>,
    rotation: PanelRotation,
    flags: FrameFlags,
) -> Result<Presented, PresentError> {
    compositor.set_output_mode_source(rotation.output(frame.screen.scale()));
    let elements = rotation.elements(elements);
    let drawn = compositor
        .render_frame(&mut RotatedRenderer::new(renderer, rotation), &elements, frame.clear_color(), flags)
        .map_err(PresentError::draw)?;
    frame.report_planes(&elements, &drawn.states);
    frame.note_scanout(&drawn.states);
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
    let feedback = frame.take_feedback(&drawn.states);
    drop(drawn);
    match compositor.queue_frame(Some(feedback)) {
        Ok(()) => Ok(Presented { queued: true, scanout, another: false }),
        Err(FrameError::EmptyFrame) => Ok(Presented { queued: false, scanout, another: false }),
        Err(error) => Err(refusal(error)),
    }
}
