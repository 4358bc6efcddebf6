//! Translucent surfaces (alpha-modifier) with the pixman renderer.
//!
//! WORKAROUND(smithay:pixman-opaque-fade): pixman's renderer writes pixels that have no alpha of their own over what is
//! below, also where they are to be mixed with it: a faded surface would lie on black. Such a surface is drawn from a copy of
//! its pixels that has alpha, made for each frame in which it is faded.

use std::any::TypeId;

use smithay::{
    backend::{
        allocator::{Fourcc, format::has_alpha},
        renderer::{
            ExportMem, Frame, ImportAll, ImportMem, Renderer, RendererSuper, Texture,
            element::{
                Element, Id, Kind, RenderElement, UnderlyingStorage,
                surface::{WaylandSurfaceRenderElement, WaylandSurfaceTexture},
            },
            pixman::PixmanRenderer,
            utils::{CommitCounter, DamageSet, OpaqueRegions},
        },
    },
    utils::{Buffer, Physical, Point, Rectangle, Scale, Size, Transform},
};

use super::elements::StageElement;

/// A surface's element, with the pixels that it is drawn from.
pub struct FadedElement<R: Renderer> {
    inner: WaylandSurfaceRenderElement<R>,
    pixels: R::TextureId,
}

/// The number of pixels that may be copied for one frame, as many surfaces may show one large buffer. Surfaces beyond
/// it are drawn on black.
pub struct Budget(usize);

impl Budget {
    /// The budget, in screens of this size.
    const SCREENS: usize = 4;

    /// The budget for a frame of this size.
    pub fn of(size: Size<i32, Physical>) -> Self {
        let side = |length: i32| usize::try_from(length).unwrap_or_default();
        Self(side(size.w).saturating_mul(side(size.h)).saturating_mul(Self::SCREENS))
    }

    fn take(&mut self, size: Size<i32, Buffer>) -> bool {
        let side = |length: i32| usize::try_from(length).unwrap_or_default();
        let left = self.0.checked_sub(side(size.w).saturating_mul(side(size.h)));
        left.map(|left| self.0 = left).is_some()
    }
}

/// The element in a form that this renderer draws correctly.
pub fn drawable<R>(renderer: &mut R, element: WaylandSurfaceRenderElement<R>, budget: &mut Budget) -> StageElement<R>
where
    R: Renderer + ImportAll + ImportMem + ExportMem + 'static,
    R::TextureId: Clone + Send + 'static,
{
    if element.alpha() >= 1.0 || TypeId::of::<R>() != TypeId::of::<PixmanRenderer>() {
        return element.into();
    }
    let pixels = match element.texture() {
        WaylandSurfaceTexture::Texture(texture)
            if texture.format().is_some_and(|format| !has_alpha(format)) && budget.take(texture.size()) =>
        {
            with_alpha(renderer, &texture.clone())
        }
        _ => None,
    };
    match pixels {
        Some(pixels) => FadedElement { inner: element, pixels }.into(),
        None => element.into(),
    }
}

/// A copy of all of these pixels with alpha; `None`: they could not be read.
fn with_alpha<R: Renderer + ImportMem + ExportMem>(renderer: &mut R, texture: &R::TextureId) -> Option<R::TextureId> {
    let size = texture.size();
    let copy = renderer.copy_texture(texture, Rectangle::from_size(size), Fourcc::Argb8888).ok()?;
    let pixels = renderer.map_texture(&copy).ok()?.to_vec();
    renderer.import_memory(&pixels, Fourcc::Argb8888, size, false).ok()
}

impl<R: Renderer + ImportAll> Element for FadedElement<R> {
    fn id(&self) -> &Id {
        self.inner.id()
    }
    fn current_commit(&self) -> CommitCounter {
        self.inner.current_commit()
    }
    fn location(&self, scale: Scale<f64>) -> Point<i32, Physical> {
        self.inner.location(scale)
    }
    fn src(&self) -> Rectangle<f64, Buffer> {
        self.inner.src()
    }
    fn transform(&self) -> Transform {
        self.inner.transform()
    }
    fn geometry(&self, scale: Scale<f64>) -> Rectangle<i32, Physical> {
        self.inner.geometry(scale)
    }
    fn damage_since(&self, scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        self.inner.damage_since(scale, commit)
    }
    fn opaque_regions(&self, scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        self.inner.opaque_regions(scale)
    }
    fn alpha(&self) -> f32 {
        self.inner.alpha()
    }
    fn kind(&self) -> Kind {
        self.inner.kind()
    }
}

impl<R> RenderElement<R> for FadedElement<R>
where
    R: Renderer + ImportAll,
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
        let (transform, alpha) = (self.inner.transform(), self.inner.alpha());
        frame.render_texture_from_to(&self.pixels, src, dst, damage, opaque_regions, transform, alpha)
    }

    fn underlying_storage(&self, renderer: &mut R) -> Option<UnderlyingStorage<'_>> {
        self.inner.underlying_storage(renderer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_copies_a_few_screens_and_no_more() {
        let mut budget = Budget::of(Size::from((320, 200)));
        let copied = (0..250).filter(|_| budget.take(Size::from((320, 200)))).count();
        assert_eq!(copied, Budget::SCREENS);
        assert!(!Budget::of(Size::from((320, 200))).take(Size::from((8192, 8192))));
        assert!(Budget::of(Size::from((320, 200))).take(Size::from((0, -1))));
    }
}
