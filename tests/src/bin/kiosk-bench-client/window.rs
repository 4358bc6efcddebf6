//! The client's one window: its Wayland objects and when it draws.

use std::time::Instant;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use wayland_client::protocol::wl_buffer::{self, WlBuffer};
use wayland_client::protocol::wl_callback::{self, WlCallback};
use wayland_client::protocol::wl_compositor::WlCompositor;
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_seat::WlSeat;
use wayland_client::protocol::wl_shm::WlShm;
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1;
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1;
use wayland_protocols::wp::presentation_time::client::wp_presentation::{self, WpPresentation};
use wayland_protocols::wp::presentation_time::client::wp_presentation_feedback::{self, Kind, WpPresentationFeedback};
use wayland_protocols::xdg::shell::client::xdg_surface::{self, XdgSurface};
use wayland_protocols::xdg::shell::client::xdg_toplevel::{self, XdgToplevel};
use wayland_protocols::xdg::shell::client::xdg_wm_base::{self, XdgWmBase};

use super::buffers::{self, Buffer, Pictures};
use super::explicit::Explicit;
use super::inset::Inset;
use super::keys::Keys;
use super::pointer::Pointer;
use super::{Memory, Show};
use kiosk_tests::frames::{Frame, Frames};

/// Side of the small window, pixels.
pub const SMALL: i32 = 250;
/// When a compositor leaves the size to us.
const DEFAULT_SIZE: (i32, i32) = (1280, 800);

/// The window and all that it is made of.
pub struct Window {
    show: Show,
    pictures: Pictures,
    /// Its own pointer picture, if it wants one.
    pub pointer: Option<Pointer>,
    /// What lies over it, if anything does.
    pub inset: Option<Inset>,
    /// The keyboard that it presses, if it answers one.
    pub keys: Option<Keys>,
    /// Its fences, if it has any.
    pub explicit: Option<Explicit>,
    failure: Option<anyhow::Error>,
    pub compositor: Option<WlCompositor>,
    pub shm: Option<WlShm>,
    dmabuf: Option<ZwpLinuxDmabufV1>,
    shell: Option<XdgWmBase>,
    presentation: Option<WpPresentation>,
    clock: ClockId,
    pub surface: Option<WlSurface>,
    toplevel: Option<(XdgSurface, XdgToplevel)>,
    size: (i32, i32),
    configured: bool,
    buffers: Vec<Buffer>,
    next: usize,
    /// A frame may be drawn: the first, or the compositor has asked for one.
    pub due: bool,
    pub frames: Frames,
    pub closed: bool,
}

impl Window {
    pub fn new(show: Show, pictures: Pictures, pointer: bool, inset: bool, keys: Option<Keys>) -> Self {
        Self {
            keys,
            show,
            pictures,
            pointer: pointer.then(Pointer::default),
            inset: inset.then(Inset::default),
            explicit: None,
            failure: None,
            compositor: None,
            shm: None,
            dmabuf: None,
            shell: None,
            presentation: None,
            clock: ClockId::Monotonic,
            surface: None,
            toplevel: None,
            size: DEFAULT_SIZE,
            configured: false,
            buffers: Vec::new(),
            next: 0,
            due: true,
            frames: Frames::default(),
            closed: false,
        }
    }

    /// Asks for the window; it is drawn once it has been configured.
    pub fn open(&mut self, queue: &QueueHandle<Self>) -> Result<()> {
        let surface = self.compositor.as_ref().context("no wl_compositor")?.create_surface(queue, ());
        let shell = self.shell.as_ref().context("no xdg_wm_base")?;
        let xdg_surface = shell.get_xdg_surface(&surface, queue, ());
        let toplevel = xdg_surface.get_toplevel(queue, ());
        toplevel.set_title("kiosk-bench-client".into());
        toplevel.set_app_id("kiosk-bench-client".into());
        if !self.show.is_small() {
            toplevel.set_fullscreen(None);
        }
        if let Some(explicit) = &mut self.explicit {
            explicit.open(&surface, &self.pictures.node, queue)?;
        }
        surface.commit();
        self.surface = Some(surface);
        self.toplevel = Some((xdg_surface, toplevel));
        Ok(())
    }

    /// Draws when a frame is due and a buffer is free.
    pub fn draw(&mut self, queue: &QueueHandle<Self>) -> Result<()> {
        if !(self.configured && self.due) {
            return Ok(());
        }
        if self.buffers.is_empty() {
            let size = if self.show.is_small() { (SMALL, SMALL) } else { self.size };
            self.buffers = self.make_buffers(size, queue)?;
            self.lay_inset(queue)?;
        }
        let surface = self.surface.as_ref().context("no surface")?;
        let index = self.next;
        let buffer = &mut self.buffers[index];
        // With fences its release point says so.
        if buffer.busy && self.explicit.is_none() {
            return Ok(());
        }
        buffer.busy = true;
        self.next = (index + 1) % buffers::COUNT;
        self.due = false;
        surface.attach(Some(&buffer.wl), 0, 0);
        surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        if self.show.is_animated() {
            surface.frame(queue, ());
        }
        let now = self.now();
        self.presentation.as_ref().context("no wp_presentation")?.feedback(surface, queue, now);
        if let Some(explicit) = &mut self.explicit {
            explicit.commit(index, now)?;
        }
        surface.commit();
        Ok(())
    }

    /// When [`Self::check`] is to be called.
    pub fn signal_due(&self) -> Option<Instant> {
        self.explicit.as_ref().and_then(Explicit::due)
    }

    /// Signals what is due, and fails if the compositor did wrong.
    pub fn check(&mut self) -> Result<()> {
        self.explicit.as_mut().map_or(Ok(()), Explicit::signal)?;
        self.failure.take().map_or(Ok(()), Err)
    }
}

impl Window {
    /// By the clock of the compositor's frames, nanoseconds.
    pub fn now(&self) -> u64 {
        let now = clock_gettime(self.clock);
        nanoseconds(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs())
    }

    /// Presses the key that is due.
    pub fn press(&mut self) -> Result<()> {
        let now = self.now();
        self.keys.as_mut().map_or(Ok(()), |keys| keys.press(Instant::now(), || now))
    }

    /// Buffers of this size in the memory that is asked for.
    pub fn make_buffers(&self, size: (i32, i32), queue: &QueueHandle<Self>) -> Result<Vec<Buffer>> {
        match self.pictures.memory {
            Memory::Shm => buffers::in_shm(self.shm.as_ref().context("no wl_shm")?, &self.pictures, size, queue),
            Memory::Dmabuf => {
                let dmabuf = self.dmabuf.as_ref().context("no zwp_linux_dmabuf_v1")?;
                buffers::in_dmabuf(dmabuf, &self.pictures, size, queue)
            }
        }
    }
}

fn nanoseconds(seconds: u64, nanoseconds: u64) -> u64 {
    seconds * 1_000_000_000 + nanoseconds
}

impl Dispatch<WlRegistry, ()> for Window {
    fn event(
        window: &mut Self,
        registry: &WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        let wl_registry::Event::Global { name, interface, version } = event else { return };
        match interface.as_str() {
            "wl_compositor" => window.compositor = Some(registry.bind(name, version.min(4), queue, ())),
            "wl_subcompositor" => {
                if let Some(inset) = &mut window.inset {
                    inset.subcompositor = Some(registry.bind(name, 1, queue, ()));
                }
            }
            "wl_shm" => window.shm = Some(registry.bind(name, 1, queue, ())),
            "wp_linux_drm_syncobj_manager_v1" => {
                if let Some(explicit) = &mut window.explicit {
                    explicit.manager = Some(registry.bind(name, 1, queue, ()));
                }
            }
            "xdg_wm_base" => window.shell = Some(registry.bind(name, 1, queue, ())),
            "wl_seat" if window.pointer.is_some() || window.keys.is_some() => {
                drop(registry.bind::<WlSeat, _, _>(name, 1, queue, ()))
            }
            "wp_presentation" => window.presentation = Some(registry.bind(name, 1, queue, ())),
            "zwp_linux_dmabuf_v1" if version >= 2 => {
                window.dmabuf = Some(registry.bind(name, version.min(3), queue, ()))
            }
            _ => {}
        }
    }
}

impl Dispatch<XdgWmBase, ()> for Window {
    fn event(
        _: &mut Self,
        shell: &XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            shell.pong(serial);
        }
    }
}

impl Dispatch<XdgSurface, ()> for Window {
    fn event(
        window: &mut Self,
        surface: &XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            window.configured = true;
        }
    }
}

impl Dispatch<XdgToplevel, ()> for Window {
    fn event(
        window: &mut Self,
        _: &XdgToplevel,
        event: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            // A later size is not followed: the figures are of one size.
            xdg_toplevel::Event::Configure { width, height, .. } if width > 0 && height > 0 => {
                window.size = (width, height);
            }
            xdg_toplevel::Event::Close => window.closed = true,
            _ => {}
        }
    }
}

impl Dispatch<WlBuffer, ()> for Window {
    fn event(
        window: &mut Self,
        wl: &WlBuffer,
        event: wl_buffer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_buffer::Event::Release = event
            && let Some(buffer) = window.buffers.iter_mut().find(|buffer| buffer.wl == *wl)
        {
            buffer.busy = false;
        }
    }
}

impl Dispatch<WlCallback, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlCallback,
        event: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_callback::Event::Done { .. } = event {
            window.due = true;
        }
    }
}

impl Dispatch<WpPresentation, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WpPresentation,
        event: wp_presentation::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        // The compositors that are compared use one of these two.
        if let wp_presentation::Event::ClockId { clk_id } = event {
            window.clock = if clk_id == 4 { ClockId::MonotonicRaw } else { ClockId::Monotonic };
        }
    }
}

/// The user data is the time of the commit.
impl Dispatch<WpPresentationFeedback, u64> for Window {
    fn event(
        window: &mut Self,
        _: &WpPresentationFeedback,
        event: wp_presentation_feedback::Event,
        committed: &u64,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wp_presentation_feedback::Event::Presented { tv_sec_hi, tv_sec_lo, tv_nsec, flags, refresh, .. } => {
                let presented = nanoseconds((u64::from(tv_sec_hi) << 32) | u64::from(tv_sec_lo), u64::from(tv_nsec));
                let zero_copy = matches!(flags, WEnum::Value(kind) if kind.contains(Kind::ZeroCopy));
                if let Some(Err(error)) = window.explicit.as_ref().map(|explicit| explicit.presented(*committed)) {
                    window.failure = Some(error);
                }
                let frame = Frame { committed: *committed, presented, zero_copy };
                window.frames.refresh = u64::from(refresh);
                window.frames.presented.push(frame);
                let answer = window.keys.as_mut().and_then(|keys| keys.presented(&frame));
                window.frames.answers.extend(answer);
            }
            wp_presentation_feedback::Event::Discarded => window.frames.discarded += 1,
            _ => {}
        }
    }
}

delegate_noop!(Window: WlCompositor);
delegate_noop!(Window: ignore WlSurface);
delegate_noop!(Window: ignore WlShm);
delegate_noop!(Window: WlShmPool);
delegate_noop!(Window: ignore ZwpLinuxDmabufV1);
delegate_noop!(Window: ignore ZwpLinuxBufferParamsV1);
