//! wlr-screencopy, used by grim, wayvnc and many more. For trusted tools.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use smithay::{
    reexports::{
        wayland_protocols_wlr::screencopy::v1::server::{
            zwlr_screencopy_frame_v1::{self, Error, ZwlrScreencopyFrameV1},
            zwlr_screencopy_manager_v1::{self, ZwlrScreencopyManagerV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource,
            backend::{ClientId, ObjectId},
            protocol::wl_output::WlOutput,
        },
    },
    utils::{Physical, Rectangle},
};

use super::{
    Captures, Copy, Target,
    area::{Shape, screen_of, to_buffer},
    fits, pixels,
};
use crate::{
    backend::watched::View,
    kiosk::Kiosk,
    limits::refusal,
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 3;

pub(super) fn offer(display: &DisplayHandle) {
    display.create_global::<Kiosk, ZwlrScreencopyManagerV1, ()>(VERSION, ());
}

/// Data of a frame. `of` is `None` for one that has failed already.
pub struct FrameData {
    of: Option<Source>,
    used: AtomicBool,
}

struct Source {
    manager: ObjectId,
    view: View,
    shape: Shape,
    area: Rectangle<i32, Physical>,
}

impl Kiosk {
    /// The requested capture; `None`: the screen is not visible, or the area is empty.
    fn screencopy_of(
        &self,
        manager: ObjectId,
        output: &WlOutput,
        pointer: bool,
        area: impl FnOnce(&Shape) -> Option<Rectangle<i32, Physical>>,
    ) -> Option<Source> {
        let screen = screen_of(&self.screens, output).filter(|screen| self.is_seen(screen.id))?;
        let shape = Shape::of(screen);
        let area = area(&shape)?;
        Some(Source { manager, view: View { screen: screen.id, pointer }, shape, area })
    }
}

impl Dispatch<ZwlrScreencopyManagerV1, (), Kiosk> for Captures {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        manager: &ZwlrScreencopyManagerV1,
        request: zwlr_screencopy_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use zwlr_screencopy_manager_v1::Request;
        let (frame, of) = match request {
            Request::CaptureOutput { frame, overlay_cursor, output } => {
                (frame, kiosk.screencopy_of(manager.id(), &output, overlay_cursor != 0, |shape| Some(shape.whole())))
            }
            Request::CaptureOutputRegion { frame, overlay_cursor, output, x, y, width, height } => {
                let part = |shape: &Shape| shape.part(x, y, width, height);
                (frame, kiosk.screencopy_of(manager.id(), &output, overlay_cursor != 0, part))
            }
            _ => return,
        };
        let size = of.as_ref().map(|of| of.area.size);
        let frame = init.init(frame, FrameData { of, used: AtomicBool::new(false) });
        let Some(size) = size else { return frame.failed() };
        let (width, height) = (size.w.unsigned_abs(), size.h.unsigned_abs());
        frame.buffer(pixels::FORMAT, width, height, width * 4);
        if frame.version() >= zwlr_screencopy_frame_v1::EVT_BUFFER_DONE_SINCE {
            frame.buffer_done();
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, manager: &ZwlrScreencopyManagerV1, (): &()) {
        kiosk.protocols.captures.forget_watcher(&manager.id());
        kiosk.forget_unwatched();
    }
}

impl Dispatch<ZwlrScreencopyFrameV1, FrameData, Kiosk> for Captures {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        frame: &ZwlrScreencopyFrameV1,
        request: zwlr_screencopy_frame_v1::Request,
        data: &FrameData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        use zwlr_screencopy_frame_v1::Request;
        let (buffer, damage) = match request {
            Request::Copy { buffer } => (buffer, false),
            Request::CopyWithDamage { buffer } => (buffer, true),
            _ => return,
        };
        if data.used.swap(true, Relaxed) {
            return refusal::post(frame, Error::AlreadyUsed, "a frame is copied once");
        }
        let Some(of) = &data.of else { return };
        if !fits(&buffer, to_buffer(of.area)) {
            let (w, h) = (of.area.size.w, of.area.size.h);
            let sentence = format!("the buffer must be shared memory of {w}x{h} pixels in XRGB8888");
            return refusal::post(frame, Error::InvalidBuffer, &sentence);
        }
        let copy = Copy {
            target: Target::Screencopy { frame: frame.clone(), damage },
            watcher: of.manager.clone(),
            view: of.view,
            area: of.area,
            shape: of.shape,
            buffer,
            waits: damage,
            looked_at: false,
        };
        kiosk.protocols.captures.ask(copy, &of.shape);
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, frame: &ZwlrScreencopyFrameV1, _: &FrameData) {
        let id = frame.id();
        kiosk.protocols.captures.take(|copy| copy.is_for(&id));
    }
}

plain! {
    ZwlrScreencopyManagerV1 => Captures;
}
objects! {
    ZwlrScreencopyManagerV1, () => Captures;
    ZwlrScreencopyFrameV1, FrameData => Captures;
}
