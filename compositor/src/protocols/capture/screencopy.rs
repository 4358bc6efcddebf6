//! wlr-screencopy, used by grim, wayvnc and many more. For trusted tools.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

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
    area::{Shape, screen_of},
    buffer::{Memory, Unfit},
    pixels,
};
use crate::{
    backend::{capture_formats::CaptureFormats, watched::View},
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
    /// Of the GPU's buffers; `None`: shared memory only.
    formats: Option<Arc<CaptureFormats>>,
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
        let formats = self.hardware.backend.capture_formats(screen.head());
        Some(Source { manager, view: View { screen: screen.id, pointer }, shape, area, formats })
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
        let told = of.as_ref().map(|of| (of.area.size, of.formats.clone()));
        let frame = init.init(frame, FrameData { of, used: AtomicBool::new(false) });
        let Some((size, formats)) = told else { return frame.failed() };
        let (width, height) = (size.w.unsigned_abs(), size.h.unsigned_abs());
        frame.buffer(pixels::FORMAT, width, height, width * 4);
        if frame.version() >= zwlr_screencopy_frame_v1::EVT_BUFFER_DONE_SINCE {
            // The protocol has room for one format.
            if let Some((code, _)) = formats.as_ref().and_then(|known| known.formats.first()) {
                frame.linux_dmabuf(*code as u32, width, height);
            }
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
        let memory = match Memory::of(&buffer, of.area.size, of.formats.as_deref()) {
            Ok(memory) => memory,
            // The protocol tells clients nothing of modifiers.
            Err(Unfit::Layout) => return frame.failed(),
            Err(Unfit::Kind) => {
                let (w, h) = (of.area.size.w, of.area.size.h);
                let gpu =
                    if of.formats.is_some() { ", or a dmabuf of that size in the format that was sent" } else { "" };
                let sentence = format!("the buffer must be shared memory of {w}x{h} pixels in XRGB8888{gpu}");
                return refusal::post(frame, Error::InvalidBuffer, &sentence);
            }
        };
        let copy = Copy {
            target: Target::Screencopy { frame: frame.clone(), damage },
            watcher: of.manager.clone(),
            view: of.view,
            area: of.area,
            shape: of.shape,
            buffer,
            memory,
            waits: damage,
            looked_at: false,
        };
        kiosk.protocols.captures.ask(copy, &of.shape);
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, frame: &ZwlrScreencopyFrameV1, _: &FrameData) {
        let id = frame.id();
        kiosk.forget_copy(&id);
    }
}

plain! {
    ZwlrScreencopyManagerV1 => Captures;
}
objects! {
    ZwlrScreencopyManagerV1, () => Captures;
    ZwlrScreencopyFrameV1, FrameData => Captures;
}
