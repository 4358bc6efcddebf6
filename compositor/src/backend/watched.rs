//! Copies of the screens' pictures for capture clients, in panel orientation. Each back end keeps one set for its
//! renderer and draws only what changed since the last time. Clients and buffers are handled by `protocols::capture`.

use std::collections::HashMap;

use smithay::{
    backend::{
        allocator::{Buffer as _, dmabuf::Dmabuf},
        renderer::{
            Bind, ExportMem, Frame as _, ImportAll, ImportMem, Offscreen, Renderer, TextureFilter,
            damage::OutputDamageTracker,
            gles::{GlesError, GlesRenderer, GlesTexture},
            sync::SyncPoint,
        },
    },
    utils::{Buffer, Physical, Point, Rectangle, Size, Transform},
};

use super::{
    capture::{CaptureError, FORMAT},
    rotated::{PanelRotation, RotatedRenderer},
};
use crate::{screens::ScreenId, stage::Frame};

/// Which picture: of which screen, and whether the pointer is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct View {
    /// The screen.
    pub screen: ScreenId,
    /// With the pointer and its drag icon.
    pub pointer: bool,
}

struct Kept<Target> {
    rotation: PanelRotation,
    scale: f64,
    tracker: OutputDamageTracker,
    target: Target,
}

/// The pictures that are watched, in buffers of type `Target`: two a screen at most.
pub struct Watched<Target> {
    kept: HashMap<View, Kept<Target>>,
}

impl<Target> Default for Watched<Target> {
    fn default() -> Self {
        Self { kept: HashMap::new() }
    }
}

impl<Target> Watched<Target> {
    /// Brings the picture up to date. Returns what of it changed, in pixels of the panel.
    pub fn draw<R>(
        &mut self,
        renderer: &mut R,
        frame: &Frame<'_>,
        pointer: bool,
    ) -> Result<Vec<Rectangle<i32, Physical>>, CaptureError>
    where
        R: Renderer + ImportAll + ImportMem + Bind<Target> + Offscreen<Target> + ExportMem + 'static,
        R::TextureId: Clone + Send + 'static,
        R::Error: Send + Sync + 'static,
    {
        let view = View { screen: frame.screen.id, pointer };
        // A buffer whose drawing failed is not used again.
        let known = self.kept.remove(&view);
        let (rotation, scale, size) =
            (PanelRotation::of(frame.screen), frame.screen.scale(), frame.screen.panel_size());
        let (mut kept, age) = match known {
            Some(kept) if (kept.rotation, kept.scale) == (rotation, scale) => (kept, 1),
            _ => {
                let target = create(renderer, size)?;
                (Kept { rotation, scale, tracker: OutputDamageTracker::new(size, scale, Transform::Normal), target }, 0)
            }
        };
        let elements = rotation.elements(frame.elements(renderer, pointer));
        let mut framebuffer = renderer.bind(&mut kept.target).map_err(CaptureError::render)?;
        let mut rotated = RotatedRenderer::new(renderer, rotation);
        let drawn = kept
            .tracker
            .render_output(&mut rotated, &mut framebuffer, age, &elements, frame.clear_color())
            .map_err(CaptureError::render)?;
        let damage = drawn.damage.cloned().unwrap_or_default();
        drop(framebuffer);
        self.kept.insert(view, kept);
        Ok(damage)
    }

    /// Hands out this part of the picture as it was drawn last: R, G, B and one more byte, rows without padding.
    pub fn read<R>(
        &mut self,
        renderer: &mut R,
        view: View,
        part: Rectangle<i32, Buffer>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CaptureError>
    where
        R: Bind<Target> + ExportMem + 'static,
        R::Error: Send + Sync + 'static,
    {
        let kept = self.kept.get_mut(&view).ok_or(CaptureError::NoDevice)?;
        let framebuffer = renderer.bind(&mut kept.target).map_err(CaptureError::render)?;
        let mapping = renderer.copy_framebuffer(&framebuffer, part, FORMAT).map_err(CaptureError::render)?;
        take(renderer.map_texture(&mapping).map_err(CaptureError::render)?);
        Ok(())
    }

    /// Drops the picture: it is not captured any more.
    pub fn forget(&mut self, view: View) {
        self.kept.remove(&view);
    }
}

impl Watched<GlesTexture> {
    /// Draws this part of the picture, as it was drawn last, into a buffer of the GPU. The buffer is complete when the
    /// sync point is reached.
    pub fn copy(
        &mut self,
        renderer: &mut GlesRenderer,
        view: View,
        part: Rectangle<i32, Buffer>,
        buffer: &mut Dmabuf,
        at: Point<i32, Physical>,
    ) -> Result<SyncPoint, CaptureError> {
        // Pixel for pixel: linear filters round, in some drivers, also where nothing is scaled.
        filter(renderer, TextureFilter::Nearest).map_err(CaptureError::render)?;
        let drawn = self.draw_into(renderer, view, part, buffer, at);
        filter(renderer, TextureFilter::Linear).map_err(CaptureError::render)?;
        drawn
    }

    fn draw_into(
        &self,
        renderer: &mut GlesRenderer,
        view: View,
        part: Rectangle<i32, Buffer>,
        buffer: &mut Dmabuf,
        at: Point<i32, Physical>,
    ) -> Result<SyncPoint, CaptureError> {
        let kept = self.kept.get(&view).ok_or(CaptureError::NoDevice)?;
        let size: Size<i32, Buffer> = buffer.size();
        let to: Rectangle<i32, Physical> = Rectangle::new(at, (part.size.w, part.size.h).into());
        // Relative to `to`. As opaque, so that nothing of the client's pixels is mixed in.
        let all = [Rectangle::from_size(to.size)];
        let mut framebuffer = renderer.bind(buffer).map_err(CaptureError::render)?;
        let mut drawing = renderer
            .render(&mut framebuffer, (size.w, size.h).into(), Transform::Normal)
            .map_err(CaptureError::render)?;
        drawing
            .render_texture_from_to(&kept.target, part.to_f64(), to, &all, &all, Transform::Normal, 1.0, None, &[])
            .map_err(CaptureError::render)?;
        drawing.finish().map_err(CaptureError::render)
    }
}

/// How all textures are sampled from now on; smithay's own way is linear.
fn filter(renderer: &mut GlesRenderer, filter: TextureFilter) -> Result<(), GlesError> {
    renderer.downscale_filter(filter)?;
    renderer.upscale_filter(filter)
}

fn create<R, Target>(renderer: &mut R, size: Size<i32, Physical>) -> Result<Target, CaptureError>
where
    R: Offscreen<Target>,
    R::Error: Send + Sync + 'static,
{
    renderer.create_buffer(FORMAT, (size.w, size.h).into()).map_err(CaptureError::render)
}
