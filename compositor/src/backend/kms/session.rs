//! The seat session in the event loop: pause and resume, libinput, and which virtual terminal is in front.

use std::time::Duration;

use libseat::SeatEvent;
use smithay::{
    backend::{
        input::InputEvent,
        libinput::{LibinputInputBackend, LibinputSessionInterface},
        session::Session,
    },
    reexports::{
        calloop::{Interest, Mode, PostAction, generic::Generic},
        input::{
            Event as LibinputEvent, Libinput,
            event::{DeviceEvent, EventTrait},
        },
    },
};

use super::{
    KmsError,
    seat::{Manager, Seat, SeatError},
};
use crate::{backend::Host, event_loop::Handle};

/// The kernel's file that names the virtual terminal in front.
const ACTIVE_TTY: &str = "/sys/class/tty/tty0/active";

/// Opens the seat and watches it.
pub fn open<H: Host>(handle: &Handle<H>) -> Result<Seat, KmsError> {
    let seat = Seat::open().map_err(KmsError::Seat)?;
    let connection = seat.connection().try_clone_to_owned().map_err(|error| KmsError::Watch(error.into()))?;
    let watched = seat.clone();
    let source = Generic::new(connection, Interest::READ, Mode::Level);
    handle
        .insert_source(source, move |_, _, host| {
            let going_on = watched.dispatch();
            while let Some(event) = watched.next_event() {
                match event {
                    SeatEvent::Enable => host.session_resumed(),
                    SeatEvent::Disable => {
                        host.session_paused();
                        watched.released();
                    }
                }
            }
            Ok(match going_on {
                Ok(()) => PostAction::Continue,
                Err(error) => {
                    report_loss(watched.manager(), error);
                    host.lost();
                    PostAction::Remove
                }
            })
        })
        .map_err(|error| KmsError::Watch(error.error))?;
    Ok(seat)
}

/// The connection to the seat's manager has ended, and its devices are or will be revoked: the program exits and gets a
/// seat when it is restarted.
fn report_loss(manager: Manager, error: SeatError) {
    let name = match manager {
        Manager::Seatd => "seatd",
        Manager::Own => "the seat's manager",
        // logind does not reconnect to a restarted message bus.
        Manager::Logind => "logind (to be restarted where the message bus was)",
    };
    tracing::error!(manager = name, %error, "connection to the seat's manager ended; exiting for a restart");
}

/// Whether an inactive session can become active: not where libseat's built-in manager lacks the rights. It reports no
/// error, and would wait for ever.
pub fn may_become_active(seat: &Seat) -> bool {
    seat.manager() != Manager::Own || rustix::process::geteuid().is_root()
}

/// The number of the virtual terminal in front; 0 where there are none.
pub fn front_vt() -> u32 {
    let text = std::fs::read_to_string(ACTIVE_TTY).unwrap_or_default();
    text.trim().strip_prefix("tty").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Opens the seat's input devices and hands their events to the host.
pub fn start_input<H: Host>(handle: &Handle<H>, session: &Seat) -> Option<Libinput> {
    let seat = session.seat();
    let mut context = Libinput::new_with_udev::<LibinputSessionInterface<Seat>>(session.clone().into());
    if context.udev_assign_seat(&seat).is_err() {
        tracing::warn!(seat, "no input: libinput could not take the seat");
        return None;
    }
    let source = LibinputInputBackend::new(context.clone());
    let inserted = handle.insert_source(source, |event, _, host| host.input(event));
    if let Err(error) = inserted {
        tracing::warn!(%error, "no input: libinput is not watched");
        return None;
    }
    announce_devices(handle, &context);
    Some(context)
}

// WORKAROUND(libinput:queued-devices)
/// Dispatches libinput once for devices that were opened or closed just now. Their events are queued, but its file
/// descriptor becomes readable only at the next input.
pub fn announce_devices<H: Host>(handle: &Handle<H>, context: &Libinput) {
    let mut context = context.clone();
    handle.after(Duration::ZERO, move |host| {
        if let Err(error) = context.dispatch() {
            tracing::warn!(%error, "libinput dispatch failed");
        }
        for event in &mut context {
            match event {
                LibinputEvent::Device(DeviceEvent::Added(added)) => {
                    host.input::<LibinputInputBackend>(InputEvent::DeviceAdded { device: added.device() });
                }
                LibinputEvent::Device(DeviceEvent::Removed(removed)) => {
                    host.input::<LibinputInputBackend>(InputEvent::DeviceRemoved { device: removed.device() });
                }
                _ => {}
            }
        }
    });
}
