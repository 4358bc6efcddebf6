//! The render elements of a frame, for any renderer.

use super::faded::FadedElement;
use smithay::{
    backend::renderer::{
        ImportAll, ImportMem, Renderer, RendererSuper,
        element::{
            Element, Id, Kind, RenderElement, UnderlyingStorage,
            memory::{MemoryRenderBuffer, MemoryRenderBufferRenderElement},
            solid::SolidColorRenderElement,
            surface::WaylandSurfaceRenderElement,
        },
        utils::{CommitCounter, DamageSet, OpaqueRegions},
    },
    utils::{Buffer, Physical, Point, Rectangle, Scale, Transform},
};

smithay::backend::renderer::element::render_elements! {
    /// One element of a frame: a client's surface, a picture of our own, or a rectangle of one colour.
    #[allow(missing_docs)] // Smithay's macro takes no lines for the variants.
    pub StageElement<R> where R: ImportAll + ImportMem;
    Surface = WaylandSurfaceRenderElement<R>,
    Faded = FadedElement<R>,
    Pixels = PixelElement<R>,
    Solid = SolidColorRenderElement,
}

/// A picture of our own (splash, cursor), shown pixel for pixel: its size does not follow the output's scale.
pub struct PixelElement<R: Renderer> {
    inner: MemoryRenderBufferRenderElement<R>,
    location: Point<i32, Physical>,
}

impl<R> PixelElement<R>
where
    R: Renderer + ImportMem,
    R::TextureId: Send + Clone + 'static,
{
    /// `location` in pixels of the upright picture; `alpha` 0.0 to 1.0.
    pub fn new(
        renderer: &mut R,
        buffer: &MemoryRenderBuffer,
        location: Point<i32, Physical>,
        alpha: f32,
        kind: Kind,
    ) -> Result<Self, R::Error> {
        let inner = MemoryRenderBufferRenderElement::from_buffer(
            renderer,
            location.to_f64(),
            buffer,
            Some(alpha),
            None,
            None,
            kind,
        )?;
        Ok(Self { inner, location })
    }
}

const UNSCALED: Scale<f64> = Scale { x: 1.0, y: 1.0 };

impl<R: Renderer> Element for PixelElement<R> {
    fn id(&self) -> &Id {
        self.inner.id()
    }
    fn current_commit(&self) -> CommitCounter {
        self.inner.current_commit()
    }
    fn location(&self, _scale: Scale<f64>) -> Point<i32, Physical> {
        self.location
    }
    fn src(&self) -> Rectangle<f64, Buffer> {
        self.inner.src()
    }
    fn transform(&self) -> Transform {
        self.inner.transform()
    }
    fn geometry(&self, _scale: Scale<f64>) -> Rectangle<i32, Physical> {
        self.inner.geometry(UNSCALED)
    }
    fn damage_since(&self, _scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        self.inner.damage_since(UNSCALED, commit)
    }
    fn opaque_regions(&self, _scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        self.inner.opaque_regions(UNSCALED)
    }
    fn alpha(&self) -> f32 {
        self.inner.alpha()
    }
    fn kind(&self) -> Kind {
        self.inner.kind()
    }
}

impl<R> RenderElement<R> for PixelElement<R>
where
    R: Renderer + ImportMem,
    R::TextureId: 'static,
{
    fn draw(
        &self,
        frame: &mut <R as RendererSuper>::Frame<'_, '_>,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        opaque_regions: &[Rectangle<i32, Physical>],
    ) -> Result<(), R::Error> {
        self.inner.draw(frame, src, dst, damage, opaque_regions)
    }

    fn underlying_storage(&self, renderer: &mut R) -> Option<UnderlyingStorage<'_>> {
        self.inner.underlying_storage(renderer)
    }
}
