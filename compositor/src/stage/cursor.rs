//! The cursor: hidden until a real pointer moves and after a rest, else a client's surface or an arrow.
//!
//! The seat passes clients' cursor requests; the loop arms one timer for the rest. Touch never shows it.

use std::{sync::Mutex, time::Duration};

use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            ImportAll, ImportMem, Renderer,
            element::{
                Kind,
                memory::MemoryRenderBuffer,
                surface::{WaylandSurfaceRenderElement, render_elements_from_surface_tree},
            },
        },
    },
    input::pointer::{CursorImageAttributes, CursorImageStatus},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive, Logical, Physical, Point, Scale, Transform},
    wayland::compositor::with_states,
};

pub use kiosk_core::config::CursorPolicy as Policy;

use super::{
    arrow,
    elements::{PixelElement, StageElement},
};

/// Time without movement until the cursor is hidden.
pub const HIDE_TIMEOUT: Duration = Duration::from_secs(3);

/// The cursor.
pub struct Cursor {
    policy: Policy,
    status: CursorImageStatus,
    location: Point<f64, Logical>,
    moved_at: Option<Duration>,
    visible: bool,
    /// The drag icon and its position.
    dragged: Option<(WlSurface, Point<f64, Logical>)>,
    /// The arrow and the scale it was drawn for.
    arrow: Mutex<Option<(u32, MemoryRenderBuffer)>>,
}

impl Cursor {
    /// Hidden until the pointer moves, or always, by `policy`.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            status: CursorImageStatus::default_named(),
            location: Point::default(),
            moved_at: None,
            visible: policy == Policy::Always,
            dragged: None,
            arrow: Mutex::new(None),
        }
    }

    /// Sets the policy for hiding.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
        self.visible = match policy {
            Policy::Always => true,
            Policy::Never => false,
            // Until it moves.
            Policy::Auto => self.visible && self.moved_at.is_some(),
        };
    }

    /// Sets the cursor image of the client under the pointer. Returns whether the picture changes.
    pub fn set_status(&mut self, status: CursorImageStatus) -> bool {
        let changed = self.status != status;
        self.status = status;
        changed && self.visible
    }

    /// Its position, visible or not.
    pub fn location(&self) -> Point<f64, Logical> {
        self.location
    }

    /// A pointer moved or clicked. Returns whether the picture changes.
    pub fn moved(&mut self, location: Point<f64, Logical>, now: Duration) -> bool {
        let was = (self.visible, self.location);
        self.location = location;
        self.moved_at = Some(now);
        self.visible = self.policy != Policy::Never;
        (self.visible || was.0) && was != (self.visible, location)
    }

    /// Moves the pointer without user input: its visibility stays the same. Returns whether the picture changes.
    pub fn carry(&mut self, location: Point<f64, Logical>) -> bool {
        let changed = self.location != location;
        self.location = location;
        changed && self.visible
    }

    /// Hides it if its rest is over. Returns whether the picture changes.
    pub fn rest(&mut self, now: Duration) -> bool {
        let rested = self.moved_at.is_none_or(|moved| now.saturating_sub(moved) >= HIDE_TIMEOUT);
        let hide = self.policy == Policy::Auto && rested && self.visible;
        if hide {
            self.visible = false;
        }
        hide
    }

    /// How long until [`Cursor::rest`] hides it; `None`: it does not.
    pub fn hides_in(&self, now: Duration) -> Option<Duration> {
        let moved = self.moved_at.filter(|_| self.visible && self.policy == Policy::Auto)?;
        Some((moved + HIDE_TIMEOUT).saturating_sub(now))
    }

    /// Whether people see it.
    pub fn is_visible(&self) -> bool {
        self.visible && self.status != CursorImageStatus::Hidden
    }

    /// The client's cursor surface, if it uses one and it is alive.
    pub fn client_surface(&self) -> Option<&WlSurface> {
        match &self.status {
            CursorImageStatus::Surface(surface) if surface.alive() => Some(surface),
            _ => None,
        }
    }

    /// A drag begins where the pointer or finger is; `icon` is its picture, if it has one.
    pub fn start_drag(&mut self, icon: Option<WlSurface>, location: Point<f64, Logical>) {
        self.dragged = icon.map(|icon| (icon, location));
    }

    /// The pointer or finger that drags moved. Returns whether the picture changes.
    pub fn drag_to(&mut self, to: Point<f64, Logical>) -> bool {
        match &mut self.dragged {
            Some((_, at)) if *at != to => {
                *at = to;
                true
            }
            _ => false,
        }
    }

    /// The drag ended: removes its icon.
    pub fn end_drag(&mut self) {
        self.dragged = None;
    }

    /// The drag icon.
    pub fn drag_icon(&self) -> Option<&WlSurface> {
        self.dragged.as_ref().map(|(icon, _)| icon).filter(|icon| icon.alive())
    }

    /// Pushes the cursor and the drag icon for a screen that starts at `origin`.
    pub fn push_elements<R>(
        &self,
        renderer: &mut R,
        origin: Point<i32, Logical>,
        scale: Scale<f64>,
        elements: &mut Vec<StageElement<R>>,
    ) where
        R: Renderer + ImportAll + ImportMem,
        R::TextureId: Clone + Send + 'static,
    {
        if self.is_visible() {
            self.push_pointer(renderer, origin, scale, elements);
        }
        if let Some((icon, at)) = self.dragged.as_ref().filter(|(icon, _)| icon.alive()) {
            let at = (*at - origin.to_f64()).to_physical(scale).to_i32_round();
            let surfaces: Vec<WaylandSurfaceRenderElement<R>> =
                render_elements_from_surface_tree(renderer, icon, at, scale, 1.0, Kind::Unspecified);
            elements.extend(surfaces.into_iter().map(StageElement::from));
        }
    }

    fn push_pointer<R>(
        &self,
        renderer: &mut R,
        origin: Point<i32, Logical>,
        scale: Scale<f64>,
        elements: &mut Vec<StageElement<R>>,
    ) where
        R: Renderer + ImportAll + ImportMem,
        R::TextureId: Clone + Send + 'static,
    {
        let location = self.location - origin.to_f64();
        if let Some(surface) = self.client_surface() {
            let hotspot = with_states(surface, |states| {
                let attributes = states.data_map.get::<Mutex<CursorImageAttributes>>();
                attributes.and_then(|data| data.lock().ok().map(|data| data.hotspot)).unwrap_or_default()
            });
            let at = (location - hotspot.to_f64()).to_physical(scale).to_i32_round();
            let surfaces: Vec<WaylandSurfaceRenderElement<R>> =
                render_elements_from_surface_tree(renderer, surface, at, scale, 1.0, Kind::Cursor);
            elements.extend(surfaces.into_iter().map(StageElement::from));
            return;
        }
        let at: Point<i32, Physical> = location.to_physical(scale).to_i32_round();
        if let Some(buffer) = self.arrow(scale.x)
            && let Ok(element) = PixelElement::new(renderer, &buffer, at - arrow::hotspot(scale.x), 1.0, Kind::Cursor)
        {
            elements.push(element.into());
        }
    }

    /// The arrow for a scale, drawn once.
    fn arrow(&self, scale: f64) -> Option<MemoryRenderBuffer> {
        let size = arrow::size(scale);
        let mut cached = self.arrow.lock().ok()?;
        if let Some((drawn, buffer)) = cached.as_ref()
            && *drawn == size
        {
            return Some(buffer.clone());
        }
        let pixels = arrow::paint(size);
        let extent = (size as i32, size as i32);
        let buffer = MemoryRenderBuffer::from_slice(&pixels, Fourcc::Argb8888, extent, 1, Transform::Normal, None);
        *cached = Some((size, buffer.clone()));
        Some(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_cursor_is_hidden_until_it_moves_and_after_a_rest() {
        let mut cursor = Cursor::new(Policy::Auto);
        assert!(!cursor.is_visible());
        assert!(cursor.moved((10.0, 10.0).into(), T(1_000)));
        assert!(cursor.is_visible());
        assert_eq!(cursor.hides_in(T(2_000)), Some(T(2_000)));
        assert!(!cursor.rest(T(3_999)));
        assert!(cursor.rest(T(4_000)));
        assert!(!cursor.is_visible());
        assert_eq!(cursor.hides_in(T(4_000)), None, "hidden: no timer");
    }

    #[test]
    fn cursor_policies_never_and_always_are_constant() {
        let mut never = Cursor::new(Policy::Never);
        assert!(!never.moved((1.0, 1.0).into(), T(0)));
        assert!(!never.is_visible());
        let mut always = Cursor::new(Policy::Always);
        assert!(always.is_visible());
        assert!(!always.rest(T(1_000_000)));
    }
}
