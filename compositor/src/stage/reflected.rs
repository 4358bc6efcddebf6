//! Elements for mirrors: a screen's elements with other positions and sizes.
//!
//! [`super::Frame`] wraps every element in one; on a screen that is not a mirror it changes nothing.

use smithay::{
    backend::renderer::{
        Renderer, RendererSuper,
        element::{Element, Id, Kind, RenderElement, UnderlyingStorage},
        utils::{CommitCounter, DamageSet, OpaqueRegions},
    },
    utils::{Buffer, Physical, Point, Rectangle, Scale, Transform},
};

use crate::screens::mirror::Fit;

/// An element with the placement of its picture on the screen; `None`: unchanged.
pub struct Reflected<E> {
    inner: E,
    fit: Option<Fit>,
}

impl<E: Element> Reflected<E> {
    /// Wraps `inner` for a mirror with this `fit`; `None`: not a mirror.
    pub fn new(inner: E, fit: Option<Fit>) -> Self {
        Self { inner, fit }
    }

    /// Maps parts of the element, in its own coordinates, to the mirrored element.
    fn parts(
        &self,
        fit: &Fit,
        parts: &[Rectangle<i32, Physical>],
        place: fn(&Fit, Rectangle<i32, Physical>) -> Rectangle<i32, Physical>,
    ) -> Vec<Rectangle<i32, Physical>> {
        let own = self.inner.geometry(fit.scale.into());
        let shown = fit.place(own);
        let whole = Rectangle::from_size(own.size);
        let part = |part: &Rectangle<i32, Physical>| {
            if *part == whole {
                return Some(Rectangle::from_size(shown.size));
            }
            let mut placed = place(fit, Rectangle::new(part.loc + own.loc, part.size));
            placed.loc -= shown.loc;
            placed.intersection(Rectangle::from_size(shown.size))
        };
        parts.iter().filter_map(part).collect()
    }
}

impl<E: Element> Element for Reflected<E> {
    fn id(&self) -> &Id {
        self.inner.id()
    }
    fn current_commit(&self) -> CommitCounter {
        self.inner.current_commit()
    }
    fn location(&self, scale: Scale<f64>) -> Point<i32, Physical> {
        match &self.fit {
            Some(_) => self.geometry(scale).loc,
            None => self.inner.location(scale),
        }
    }
    fn src(&self) -> Rectangle<f64, Buffer> {
        self.inner.src()
    }
    fn transform(&self) -> Transform {
        self.inner.transform()
    }
    fn geometry(&self, scale: Scale<f64>) -> Rectangle<i32, Physical> {
        match &self.fit {
            Some(fit) => fit.place(self.inner.geometry(fit.scale.into())),
            None => self.inner.geometry(scale),
        }
    }
    fn damage_since(&self, scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        match &self.fit {
            Some(fit) => {
                let damage = self.inner.damage_since(fit.scale.into(), commit);
                self.parts(fit, &damage, Fit::place_around).into_iter().collect()
            }
            None => self.inner.damage_since(scale, commit),
        }
    }
    fn opaque_regions(&self, scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        match &self.fit {
            Some(fit) => {
                let opaque = self.inner.opaque_regions(fit.scale.into());
                self.parts(fit, &opaque, Fit::place_within).into_iter().collect()
            }
            None => self.inner.opaque_regions(scale),
        }
    }
    fn alpha(&self) -> f32 {
        self.inner.alpha()
    }
    fn kind(&self) -> Kind {
        match &self.fit {
            // A cursor plane does not scale.
            Some(fit) if !fit.is_exact() => Kind::Unspecified,
            _ => self.inner.kind(),
        }
    }
}

/// Pixels by which a buffer is drawn beyond its area on each side, hidden by other elements. When pixman enlarges, it
/// blends the outermost pixels with transparency outside of the buffer, which would make them dim.
fn margin(src: Rectangle<f64, Buffer>, dst: Rectangle<i32, Physical>) -> i32 {
    let shown = f64::from(dst.size.w) * f64::from(dst.size.h);
    let factor = (shown / (src.size.w * src.size.h).max(1.0)).sqrt();
    if factor > 1.0 { (factor / 2.0).ceil() as i32 } else { 0 }
}

impl<R: Renderer, E: RenderElement<R>> RenderElement<R> for Reflected<E> {
    fn draw(
        &self,
        frame: &mut <R as RendererSuper>::Frame<'_, '_>,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        opaque_regions: &[Rectangle<i32, Physical>],
    ) -> Result<(), R::Error> {
        let margin = self.fit.filter(|fit| !fit.is_exact()).map_or(0, |_| margin(src, dst));
        if margin == 0 {
            return self.inner.draw(frame, src, dst, damage, opaque_regions);
        }
        let inwards = |parts: &[Rectangle<i32, Physical>]| -> Vec<Rectangle<i32, Physical>> {
            parts.iter().map(|part| Rectangle::new(part.loc + Point::from((margin, margin)), part.size)).collect()
        };
        let grown = Rectangle::new(
            dst.loc - Point::from((margin, margin)),
            (dst.size.w + 2 * margin, dst.size.h + 2 * margin).into(),
        );
        self.inner.draw(frame, src, grown, &inwards(damage), &inwards(opaque_regions))
    }

    fn underlying_storage(&self, renderer: &mut R) -> Option<UnderlyingStorage<'_>> {
        match &self.fit {
            // Scaling differs between planes; the picture should look the same everywhere.
            Some(fit) if !fit.is_exact() => None,
            _ => self.inner.underlying_storage(renderer),
        }
    }
}
