//! The client's own pointer picture: plain, so that it looks the same whichever compositor draws it, and with a mark that tells
//! which way up it is.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result};
use rustix::fs::{MemfdFlags, memfd_create};
use wayland_client::protocol::wl_pointer::{self, WlPointer};
use wayland_client::protocol::wl_seat::{self, WlSeat};
use wayland_client::protocol::wl_shm::Format;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum};

use super::window::Window;

/// Pixels. Wider than high, so that a turn is seen.
const SIZE: (i32, i32) = (32, 20);
/// Where it points, from its top left corner.
const HOTSPOT: (i32, i32) = (4, 3);
/// Of the body, and of the mark at its top left.
const COLORS: [[u8; 4]; 2] = [[0xff, 0xff, 0xff, 0xff], [0x00, 0x00, 0xff, 0xff]];

/// The picture, made when the pointer first comes.
#[derive(Debug, Default)]
pub struct Pointer {
    surface: Option<WlSurface>,
}

impl Dispatch<WlSeat, ()> for Window {
    fn event(
        window: &mut Self,
        seat: &WlSeat,
        event: wl_seat::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        let wl_seat::Event::Capabilities { capabilities: WEnum::Value(capabilities) } = event else { return };
        if window.pointer.is_some() && capabilities.contains(wl_seat::Capability::Pointer) {
            seat.get_pointer(queue, ());
        }
        if window.keys.is_some() && capabilities.contains(wl_seat::Capability::Keyboard) {
            seat.get_keyboard(queue, ());
        }
    }
}

impl Dispatch<WlPointer, ()> for Window {
    fn event(
        window: &mut Self,
        pointer: &WlPointer,
        event: wl_pointer::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        let wl_pointer::Event::Enter { serial, .. } = event else { return };
        match window.pointer_picture(queue) {
            Ok(surface) => pointer.set_cursor(serial, Some(&surface), HOTSPOT.0, HOTSPOT.1),
            Err(error) => eprintln!("no pointer picture: {error:#}"),
        }
    }
}

impl Window {
    fn pointer_picture(&mut self, queue: &QueueHandle<Self>) -> Result<WlSurface> {
        if let Some(surface) = self.pointer.as_ref().and_then(|pointer| pointer.surface.clone()) {
            return Ok(surface);
        }
        let (width, height) = SIZE;
        let file = File::from(memfd_create("pointer", MemfdFlags::CLOEXEC)?);
        let pixels: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).map(move |x| COLORS[usize::from(x < width / 4 && y < height / 4)]))
            .flatten()
            .collect();
        file.write_all_at(&pixels, 0)?;
        let shm = self.shm.as_ref().context("no wl_shm")?;
        let pool = shm.create_pool(file.as_fd(), width * height * 4, queue, ());
        let buffer = pool.create_buffer(0, width, height, width * 4, Format::Argb8888, queue, ());
        pool.destroy();
        let surface = self.compositor.as_ref().context("no wl_compositor")?.create_surface(queue, ());
        surface.attach(Some(&buffer), 0, 0);
        surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        surface.commit();
        self.pointer = Some(Pointer { surface: Some(surface.clone()) });
        Ok(surface)
    }
}
