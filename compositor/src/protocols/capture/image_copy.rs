//! ext-image-copy-capture: sessions with their buffer constraints, and their frames. For trusted tools. The pointer is
//! drawn into the picture on request; cursor sessions are not supported and get `stopped` at once.

use std::sync::{Arc, Mutex, PoisonError};

use smithay::{
    reexports::{
        wayland_protocols::ext::image_copy_capture::v1::server::{
            ext_image_copy_capture_cursor_session_v1::{
                self, Error as CursorError, ExtImageCopyCaptureCursorSessionV1,
            },
            ext_image_copy_capture_frame_v1::{self, Error as FrameError, ExtImageCopyCaptureFrameV1, FailureReason},
            ext_image_copy_capture_manager_v1::{self, Error, ExtImageCopyCaptureManagerV1, Options},
            ext_image_copy_capture_session_v1::{self, Error as SessionError, ExtImageCopyCaptureSessionV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource, WEnum,
            backend::{ClientId, ObjectId},
            protocol::wl_buffer::WlBuffer,
        },
    },
    utils::{Physical, Rectangle, Size},
};

use super::{
    Captures, Copy, Failure, Target,
    area::Shape,
    buffer::{Memory, Unfit},
    pixels,
    source::SourceData,
};
use crate::{
    backend::{Backend, capture_formats::CaptureFormats, watched::View},
    kiosk::Kiosk,
    limits::refusal,
    protocols::dispatch::{objects, plain},
    screens::Screen,
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;

pub(super) fn offer(display: &DisplayHandle) {
    display.create_global::<Kiosk, ExtImageCopyCaptureManagerV1, ()>(VERSION, ());
}

/// An active session.
pub struct Session {
    resource: ExtImageCopyCaptureSessionV1,
    view: View,
    /// What was sent.
    constraints: Constraints,
}

/// What a session's buffers have to be.
#[derive(PartialEq)]
struct Constraints {
    size: Size<i32, Physical>,
    /// Of the GPU's buffers; `None`: shared memory only.
    formats: Option<Arc<CaptureFormats>>,
}

/// A frame before and after it is captured.
#[derive(Default)]
pub struct FrameState {
    buffer: Option<WlBuffer>,
    stale: Option<Rectangle<i32, Physical>>,
    captured: bool,
}

/// Data of a frame: its session and its state.
pub struct FrameData {
    session: ObjectId,
    state: Mutex<FrameState>,
}

/// Data of a session: its frame, at most one at a time.
#[derive(Default)]
pub struct SessionData {
    frame: Mutex<Option<ExtImageCopyCaptureFrameV1>>,
}

/// Data of a cursor session: whether its capture session was requested.
#[derive(Default)]
pub struct CursorData {
    captured: Mutex<bool>,
}

impl Constraints {
    fn of(backend: &dyn Backend, screen: &Screen) -> Self {
        Self { size: screen.panel_size(), formats: backend.capture_formats(screen.head()) }
    }

    fn tell(&self, session: &ExtImageCopyCaptureSessionV1) {
        session.buffer_size(self.size.w.unsigned_abs(), self.size.h.unsigned_abs());
        session.shm_format(pixels::FORMAT);
        if let Some(known) = &self.formats {
            session.dmabuf_device(known.device.to_ne_bytes().to_vec());
            for (code, modifiers) in &known.formats {
                let bytes = modifiers.iter().flat_map(|modifier| u64::from(*modifier).to_ne_bytes());
                session.dmabuf_format(*code as u32, bytes.collect());
            }
        }
        session.done();
    }
}

impl Kiosk {
    /// Sends the new constraints to sessions whose screen changed them, and `stopped` to those whose screen is gone.
    pub(super) fn tell_capture_sessions(&mut self) {
        let Self { screens, protocols, hardware, main_loop, .. } = self;
        let mut stopped = Vec::new();
        protocols.captures.sessions.retain_mut(|session| {
            let Some(screen) = screens.get(session.view.screen) else {
                session.resource.stopped();
                stopped.push(session.resource.id());
                return false;
            };
            let constraints = Constraints::of(hardware.backend.as_ref(), screen);
            if session.constraints != constraints {
                constraints.tell(&session.resource);
                session.constraints = constraints;
            }
            true
        });
        for session in stopped {
            let copies = protocols.captures.take(|copy| copy.watcher == session);
            copies.iter().for_each(|copy| copy.fail(Failure::Stopped));
            protocols.captures.finishing.stop(&main_loop.handle, &session);
            protocols.captures.forget_watcher(&session);
        }
    }
}

impl Dispatch<ExtImageCopyCaptureManagerV1, (), Kiosk> for Captures {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        manager: &ExtImageCopyCaptureManagerV1,
        request: ext_image_copy_capture_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use ext_image_copy_capture_manager_v1::Request;
        match request {
            Request::CreateSession { session, source, options } => {
                let resource = init.init(session, SessionData::default());
                let options = match options {
                    WEnum::Value(options) => options,
                    WEnum::Unknown(bits) => {
                        return refusal::post(
                            manager,
                            Error::InvalidOption,
                            &format!("there are no options {bits:#x}"),
                        );
                    }
                };
                let screen = source.data::<SourceData>().and_then(|source| kiosk.screens.get(source.0?));
                let Some(screen) = screen else { return resource.stopped() };
                let view = View { screen: screen.id, pointer: options.contains(Options::PaintCursors) };
                let constraints = Constraints::of(kiosk.hardware.backend.as_ref(), screen);
                constraints.tell(&resource);
                kiosk.protocols.captures.sessions.push(Session { resource, view, constraints });
            }
            Request::CreatePointerCursorSession { session, .. } => {
                init.init(session, CursorData::default());
            }
            _ => {}
        }
    }
}

impl Dispatch<ExtImageCopyCaptureCursorSessionV1, CursorData, Kiosk> for Captures {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        cursor: &ExtImageCopyCaptureCursorSessionV1,
        request: ext_image_copy_capture_cursor_session_v1::Request,
        data: &CursorData,
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use ext_image_copy_capture_cursor_session_v1::Request;
        let Request::GetCaptureSession { session } = request else { return };
        let resource = init.init(session, SessionData::default());
        if std::mem::replace(&mut *data.captured.lock().unwrap_or_else(PoisonError::into_inner), true) {
            return refusal::post(cursor, CursorError::DuplicateSession, "a cursor has one capture session");
        }
        resource.stopped();
    }
}

impl Dispatch<ExtImageCopyCaptureSessionV1, SessionData, Kiosk> for Captures {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        session: &ExtImageCopyCaptureSessionV1,
        request: ext_image_copy_capture_session_v1::Request,
        data: &SessionData,
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use ext_image_copy_capture_session_v1::Request;
        let Request::CreateFrame { frame } = request else { return };
        let frame = init.init(frame, FrameData { session: session.id(), state: Mutex::default() });
        let mut known = data.frame.lock().unwrap_or_else(PoisonError::into_inner);
        if known.replace(frame).is_some_and(|last| last.is_alive()) {
            refusal::post(session, SessionError::DuplicateFrame, "a session has one frame at a time");
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, session: &ExtImageCopyCaptureSessionV1, _: &SessionData) {
        let captures = &mut kiosk.protocols.captures;
        captures.sessions.retain(|known| known.resource != *session);
        captures.forget_watcher(&session.id());
        kiosk.forget_unwatched();
    }
}

impl Dispatch<ExtImageCopyCaptureFrameV1, FrameData, Kiosk> for Captures {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        frame: &ExtImageCopyCaptureFrameV1,
        request: ext_image_copy_capture_frame_v1::Request,
        data: &FrameData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        use ext_image_copy_capture_frame_v1::Request;
        let mut state = data.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.captured && !matches!(request, Request::Destroy) {
            return refusal::post(frame, FrameError::AlreadyCaptured, "a frame is captured once");
        }
        match request {
            Request::AttachBuffer { buffer } => state.buffer = Some(buffer),
            Request::DamageBuffer { x, y, width, height } => {
                if x < 0 || y < 0 || width <= 0 || height <= 0 {
                    let sentence = format!("no part of a buffer: {width}x{height} at {x},{y}");
                    return refusal::post(frame, FrameError::InvalidBufferDamage, &sentence);
                }
                // Clamped, so that the rectangle's end does not overflow.
                let (w, h) = (width.min(i32::MAX - x), height.min(i32::MAX - y));
                let part = Rectangle::new((x, y).into(), (w, h).into());
                state.stale = Some(state.stale.map_or(part, |stale| stale.merge(part)));
            }
            Request::Capture => {
                let Some(buffer) = state.buffer.clone() else {
                    return refusal::post(frame, FrameError::NoBuffer, "a frame is captured into a buffer");
                };
                state.captured = true;
                kiosk.capture_frame(frame, &data.session, buffer, state.stale);
            }
            _ => {}
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, frame: &ExtImageCopyCaptureFrameV1, _: &FrameData) {
        let id = frame.id();
        kiosk.forget_copy(&id);
    }
}

impl Kiosk {
    fn capture_frame(
        &mut self,
        frame: &ExtImageCopyCaptureFrameV1,
        session: &ObjectId,
        buffer: WlBuffer,
        stale: Option<Rectangle<i32, Physical>>,
    ) {
        let captures = &mut self.protocols.captures;
        let Some(session) = captures.sessions.iter().find(|known| known.resource.id() == *session) else {
            return frame.failed(FailureReason::Stopped);
        };
        let Some(screen) = self.screens.get(session.view.screen) else {
            return frame.failed(FailureReason::Stopped);
        };
        let shape = Shape::of(screen);
        let memory = Memory::of(&buffer, shape.panel, session.constraints.formats.as_deref());
        let Ok(memory) = memory.and_then(|memory| match session.constraints.size == shape.panel {
            true => Ok(memory),
            false => Err(Unfit::Kind),
        }) else {
            return frame.failed(FailureReason::BufferConstraints);
        };
        let copy = Copy {
            target: Target::ImageCopy {
                frame: frame.clone(),
                stale: stale.and_then(|stale| stale.intersection(shape.whole())),
            },
            watcher: session.resource.id(),
            view: session.view,
            area: shape.whole(),
            shape,
            buffer,
            memory,
            // For a session's first copy the whole picture counts as damage.
            waits: true,
            looked_at: false,
        };
        captures.ask(copy, &shape);
    }
}

plain! {
    ExtImageCopyCaptureManagerV1 => Captures;
}
objects! {
    ExtImageCopyCaptureManagerV1, () => Captures;
    ExtImageCopyCaptureCursorSessionV1, CursorData => Captures;
    ExtImageCopyCaptureSessionV1, SessionData => Captures;
    ExtImageCopyCaptureFrameV1, FrameData => Captures;
}
