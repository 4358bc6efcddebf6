//! Rotated screens. A frame is drawn rotated, and everything about it (positions of elements, damage, the rotation of a
//! client's buffer on a plane) is in the panel's own pixels, as the display driver counts them.
//!
//! smithay could rotate frames itself, but version 0.7.0 then passes damage in pixels of the upright picture
//! (`FB_DAMAGE_CLIPS`, its issue 1651): a driver that honours it updates the wrong parts of the screen. So its output
//! is never rotated, and back ends put [`Rotated`] elements and a [`RotatedRenderer`] into it.
//!
//! Only a client's own buffer is rotated by its plane, where the driver supports that. Composed frames are always drawn
//! rotated, even where a plane could rotate: for a GPU that costs nothing and for pixman some cache misses, while
//! rotation on planes is restricted (90° needs a tiled format on some, others know only 180°), reads memory less
//! efficiently, and would need a swapchain for each case and a fallback when a test fails.

use smithay::{
    backend::renderer::{
        Bind, Color32F, ContextId, DebugFlags, Frame, Renderer, RendererSuper, TextureFilter,
        element::{Element, Id, Kind, RenderElement, UnderlyingStorage},
        sync::SyncPoint,
        utils::{CommitCounter, DamageSet, OpaqueRegions},
    },
    output::OutputModeSource,
    utils::{Buffer, Physical, Point, Rectangle, Scale, Size, Transform},
};

use crate::screens::Screen;

// WORKAROUND(smithay#1651)
/// The rotation of a picture on its panel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PanelRotation {
    /// The transform in the renderers' sense.
    transform: Transform,
    panel: Size<i32, Physical>,
    picture: Size<i32, Physical>,
    /// Elements may go on planes: see [`PanelRotation::with_planes`].
    planes: bool,
}

impl PanelRotation {
    /// The current rotation of a screen.
    pub fn of(screen: &Screen) -> Self {
        // The protocol's transform is the inverse of the renderers'.
        let transform = screen.output.current_transform().invert();
        Self { transform, panel: screen.panel_size(), picture: screen.picture_size(), planes: false }
    }

    /// Sets whether clients' buffers may be on planes. For a buffer that its plane rotates smithay passes damage in
    /// panel pixels instead of buffer pixels (the same issue), so such a buffer is damaged as a whole, which costs no
    /// drawing.
    pub fn with_planes(self, planes: bool) -> Self {
        Self { planes, ..self }
    }

    /// The output mode and transform to give to smithay.
    pub fn output(&self, scale: f64) -> OutputModeSource {
        OutputModeSource::Static { size: self.panel, scale: Scale::from(scale), transform: Transform::Normal }
    }

    /// The elements as they lie on the panel.
    pub fn elements<E>(self, elements: Vec<E>) -> Vec<Rotated<E>> {
        elements.into_iter().map(|inner| Rotated { inner, rotation: self }).collect()
    }

    fn to_panel(self, rect: Rectangle<i32, Physical>) -> Rectangle<i32, Physical> {
        self.transform.transform_rect_in(rect, &self.picture)
    }

    fn to_picture(self, rect: Rectangle<i32, Physical>) -> Rectangle<i32, Physical> {
        self.transform.invert().transform_rect_in(rect, &self.panel)
    }

    /// Parts of an area on the panel as parts of that area in the picture.
    fn parts_to_picture(self, parts: &[Rectangle<i32, Physical>], area: Size<i32, Physical>) -> Vec<Part> {
        parts.iter().map(|part| self.transform.invert().transform_rect_in(*part, &area)).collect()
    }
}

type Part = Rectangle<i32, Physical>;

/// An element of the upright picture as it lies on the panel.
pub struct Rotated<E> {
    inner: E,
    rotation: PanelRotation,
}

impl<E: Element> Rotated<E> {
    /// Parts of the element in the picture as parts of it on the panel.
    fn parts<'a>(&self, parts: impl Iterator<Item = &'a Part>, scale: Scale<f64>) -> impl Iterator<Item = Part> {
        let area = self.inner.geometry(scale).size;
        let transform = self.rotation.transform;
        parts.map(move |part| transform.transform_rect_in(*part, &area))
    }
}

impl<E: Element> Element for Rotated<E> {
    fn id(&self) -> &Id {
        self.inner.id()
    }
    fn current_commit(&self) -> CommitCounter {
        self.inner.current_commit()
    }
    fn location(&self, scale: Scale<f64>) -> Point<i32, Physical> {
        self.geometry(scale).loc
    }
    fn src(&self) -> Rectangle<f64, Buffer> {
        self.inner.src()
    }
    fn transform(&self) -> Transform {
        // The rotation for a plane that shows the buffer directly.
        self.inner.transform() + self.rotation.transform
    }
    fn geometry(&self, scale: Scale<f64>) -> Rectangle<i32, Physical> {
        self.rotation.to_panel(self.inner.geometry(scale))
    }
    fn damage_since(&self, scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        let damage = self.inner.damage_since(scale, commit);
        if self.rotation.planes && !damage.is_empty() && self.transform() != Transform::Normal {
            return DamageSet::from_slice(&[Rectangle::from_size(self.geometry(scale).size)]);
        }
        self.parts(damage.iter(), scale).collect()
    }
    fn opaque_regions(&self, scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        self.parts(self.inner.opaque_regions(scale).iter(), scale).collect()
    }
    fn alpha(&self) -> f32 {
        self.inner.alpha()
    }
    fn kind(&self) -> Kind {
        self.inner.kind()
    }
}

impl<R: Renderer, E: RenderElement<R>> RenderElement<RotatedRenderer<'_, R>> for Rotated<E> {
    fn draw(
        &self,
        frame: &mut RotatedFrame<R::Frame<'_, '_>>,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        opaque_regions: &[Rectangle<i32, Physical>],
    ) -> Result<(), R::Error> {
        let rotation = self.rotation;
        let (damage, opaque) =
            (rotation.parts_to_picture(damage, dst.size), rotation.parts_to_picture(opaque_regions, dst.size));
        self.inner.draw(&mut frame.inner, src, rotation.to_picture(dst), &damage, &opaque)
    }

    fn underlying_storage(&self, renderer: &mut RotatedRenderer<'_, R>) -> Option<UnderlyingStorage<'_>> {
        self.inner.underlying_storage(renderer.inner)
    }
}

/// A renderer that takes panel coordinates and draws onto a rotated frame.
#[derive(Debug)]
pub struct RotatedRenderer<'r, R> {
    inner: &'r mut R,
    rotation: PanelRotation,
}

impl<'r, R: Renderer> RotatedRenderer<'r, R> {
    /// Draws with `inner` for a panel that is mounted with this `rotation`.
    pub fn new(inner: &'r mut R, rotation: PanelRotation) -> Self {
        Self { inner, rotation }
    }
}

impl<R: Renderer> RendererSuper for RotatedRenderer<'_, R> {
    type Error = R::Error;
    type TextureId = R::TextureId;
    type Framebuffer<'buffer> = R::Framebuffer<'buffer>;
    type Frame<'frame, 'buffer>
        = RotatedFrame<R::Frame<'frame, 'buffer>>
    where
        'buffer: 'frame,
        Self: 'frame;
}

impl<R: Renderer> Renderer for RotatedRenderer<'_, R> {
    fn context_id(&self) -> ContextId<R::TextureId> {
        self.inner.context_id()
    }
    fn downscale_filter(&mut self, filter: TextureFilter) -> Result<(), R::Error> {
        self.inner.downscale_filter(filter)
    }
    fn upscale_filter(&mut self, filter: TextureFilter) -> Result<(), R::Error> {
        self.inner.upscale_filter(filter)
    }
    fn set_debug_flags(&mut self, flags: DebugFlags) {
        self.inner.set_debug_flags(flags);
    }
    fn debug_flags(&self) -> DebugFlags {
        self.inner.debug_flags()
    }
    fn render<'frame, 'buffer>(
        &'frame mut self,
        framebuffer: &'frame mut R::Framebuffer<'buffer>,
        output_size: Size<i32, Physical>,
        _upright: Transform,
    ) -> Result<Self::Frame<'frame, 'buffer>, R::Error>
    where
        'buffer: 'frame,
    {
        let inner = self.inner.render(framebuffer, output_size, self.rotation.transform)?;
        Ok(RotatedFrame { inner, rotation: self.rotation })
    }
    fn wait(&mut self, sync: &SyncPoint) -> Result<(), R::Error> {
        self.inner.wait(sync)
    }
    fn cleanup_texture_cache(&mut self) -> Result<(), R::Error> {
        self.inner.cleanup_texture_cache()
    }
}

impl<R: Bind<Target>, Target> Bind<Target> for RotatedRenderer<'_, R> {
    fn bind<'a>(&mut self, target: &'a mut Target) -> Result<R::Framebuffer<'a>, R::Error> {
        self.inner.bind(target)
    }
}

/// A frame that is drawn rotated, in the panel's pixels.
pub struct RotatedFrame<F> {
    inner: F,
    rotation: PanelRotation,
}

impl<F: Frame> Frame for RotatedFrame<F> {
    type Error = F::Error;
    type TextureId = F::TextureId;

    fn context_id(&self) -> ContextId<F::TextureId> {
        self.inner.context_id()
    }
    fn clear(&mut self, color: Color32F, at: &[Rectangle<i32, Physical>]) -> Result<(), F::Error> {
        // The usual case: what changed is opaque. pixman's renderer prepares a picture of the colour all the same.
        if at.is_empty() {
            return Ok(());
        }
        let at: Vec<_> = at.iter().map(|rect| self.rotation.to_picture(*rect)).collect();
        self.inner.clear(color, &at)
    }
    fn draw_solid(
        &mut self,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        color: Color32F,
    ) -> Result<(), F::Error> {
        let damage = self.rotation.parts_to_picture(damage, dst.size);
        self.inner.draw_solid(self.rotation.to_picture(dst), &damage, color)
    }
    fn render_texture_from_to(
        &mut self,
        texture: &F::TextureId,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        opaque_regions: &[Rectangle<i32, Physical>],
        src_transform: Transform,
        alpha: f32,
    ) -> Result<(), F::Error> {
        let rotation = self.rotation;
        let (damage, opaque) =
            (rotation.parts_to_picture(damage, dst.size), rotation.parts_to_picture(opaque_regions, dst.size));
        // Undoes the panel's rotation within the picture.
        let transform = src_transform + rotation.transform.invert();
        self.inner.render_texture_from_to(texture, src, rotation.to_picture(dst), &damage, &opaque, transform, alpha)
    }
    fn transformation(&self) -> Transform {
        Transform::Normal
    }
    fn wait(&mut self, sync: &SyncPoint) -> Result<(), F::Error> {
        self.inner.wait(sync)
    }
    fn finish(self) -> Result<SyncPoint, F::Error> {
        self.inner.finish()
    }
}

#[cfg(test)]
#[path = "rotated_tests.rs"]
mod tests;
