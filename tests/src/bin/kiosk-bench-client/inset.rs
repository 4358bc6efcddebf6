//! A still picture on a subsurface: what a plane of its own may show over the window.

use anyhow::{Context, Result};
use wayland_client::protocol::wl_subcompositor::WlSubcompositor;
use wayland_client::protocol::wl_subsurface::WlSubsurface;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{QueueHandle, delegate_noop};

use super::buffers::Buffer;
use super::window::{SMALL, Window};

/// Its top left corner in the window: nowhere near the middle, so that a turn is seen.
const AT: (i32, i32) = (40, 90);
/// Of the buffers, the one whose shades the window's first picture does not have.
const PICTURE: usize = 2;

/// The subsurface, once the window is drawn.
#[derive(Default)]
pub struct Inset {
    pub subcompositor: Option<WlSubcompositor>,
    shown: Option<(WlSurface, WlSubsurface, Vec<Buffer>)>,
}

impl Window {
    /// Lays it over the window, with the window's next commit.
    pub fn lay_inset(&mut self, queue: &QueueHandle<Self>) -> Result<()> {
        let Some(inset) = &self.inset else { return Ok(()) };
        let parent = self.surface.as_ref().context("no surface")?;
        let surface = self.compositor.as_ref().context("no wl_compositor")?.create_surface(queue, ());
        let subcompositor = inset.subcompositor.as_ref().context("no wl_subcompositor")?;
        let subsurface = subcompositor.get_subsurface(&surface, parent, queue, ());
        subsurface.set_position(AT.0, AT.1);
        let buffers = self.make_buffers((SMALL, SMALL), queue)?;
        surface.attach(buffers.get(PICTURE).map(|buffer| &buffer.wl), 0, 0);
        surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        surface.commit();
        if let Some(inset) = &mut self.inset {
            inset.shown = Some((surface, subsurface, buffers));
        }
        Ok(())
    }
}

delegate_noop!(Window: WlSubcompositor);
delegate_noop!(Window: WlSubsurface);
