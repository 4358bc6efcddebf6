//! The seat: libseat's session and its comings and goings, libinput, and which virtual terminal is in front.

use std::path::PathBuf;

use smithay::{
    backend::{
        input::InputEvent,
        libinput::{LibinputInputBackend, LibinputSessionInterface},
        session::{Event as SessionEvent, Session, libseat::LibSeatSession},
    },
    reexports::{
        calloop::LoopHandle,
        input::{
            DeviceCapability, Event as LibinputEvent, Libinput,
            event::{DeviceEvent, EventTrait},
        },
    },
};

use super::{KmsError, seat::Seat};
use crate::kiosk::Kiosk;

/// The kernel's word on which virtual terminal is in front.
const ACTIVE_TTY: &str = "/sys/class/tty/tty0/active";
/// Where seatd listens.
const SEATD: &str = "/run/seatd.sock";
/// What logind knows of each user.
const LOGIND_USERS: &str = "/run/systemd/users";

/// Opens the seat and watches it.
pub fn open(handle: &LoopHandle<'static, Kiosk>) -> Result<Seat, KmsError> {
    let (session, notifier) = LibSeatSession::new().map_err(|error| KmsError::Seat(error.to_string()))?;
    handle
        .insert_source(notifier, |event, (), kiosk| match event {
            SessionEvent::PauseSession => kiosk.session_paused(),
            SessionEvent::ActivateSession => kiosk.session_resumed(),
        })
        .map_err(|error| KmsError::Watch(error.to_string()))?;
    Ok(Seat::new(session))
}

/// Whether an inactive session can become active: not where libseat's last resort, to be its own seat manager, runs
/// without the rights for it. It says so to nobody, and would wait for ever.
pub fn may_become_active() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let user = rustix::process::geteuid();
    let seatd = set("SEATD_SOCK").map_or_else(|| PathBuf::from(SEATD), PathBuf::from);
    // logind takes the session of the process, told by PAM, else the one in front of which its user sits.
    let graphical = std::fs::read_to_string(format!("{LOGIND_USERS}/{}", user.as_raw()))
        .is_ok_and(|user| user.lines().any(|line| line.strip_prefix("DISPLAY=").is_some_and(|id| !id.is_empty())));
    user.is_root() || seatd.exists() || set("XDG_SEAT").is_some() || graphical
}

/// The number of the virtual terminal in front; 0 where there are none.
pub fn front_vt() -> u32 {
    let text = std::fs::read_to_string(ACTIVE_TTY).unwrap_or_default();
    text.trim().strip_prefix("tty").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Opens the seat's input devices and hands their events to the root state.
pub fn start_input(handle: &LoopHandle<'static, Kiosk>, session: &Seat) -> Option<Libinput> {
    let seat = session.seat();
    let mut context = Libinput::new_with_udev::<LibinputSessionInterface<Seat>>(session.clone().into());
    if context.udev_assign_seat(&seat).is_err() {
        tracing::warn!(seat, "there is no input: libinput could not take the seat");
        return None;
    }
    let source = LibinputInputBackend::new(context.clone());
    let inserted = handle.insert_source(source, |event, _, kiosk| take(event, kiosk));
    if let Err(error) = inserted {
        tracing::warn!(%error, "there is no input");
        return None;
    }
    announce_devices(handle, &context);
    Some(context)
}

/// Makes the devices known that were opened or closed just now. libinput has that queued, and its file descriptor
/// tells of it only when one of them is used.
pub fn announce_devices(handle: &LoopHandle<'static, Kiosk>, context: &Libinput) {
    let mut context = context.clone();
    handle.insert_idle(move |kiosk| {
        if let Err(error) = context.dispatch() {
            tracing::warn!(%error, "input devices could not be looked at");
        }
        for event in &mut context {
            match event {
                LibinputEvent::Device(DeviceEvent::Added(added)) => {
                    take(InputEvent::DeviceAdded { device: added.device() }, kiosk);
                }
                LibinputEvent::Device(DeviceEvent::Removed(removed)) => {
                    take(InputEvent::DeviceRemoved { device: removed.device() }, kiosk);
                }
                _ => {}
            }
        }
    });
}

fn take(event: InputEvent<LibinputInputBackend>, kiosk: &mut Kiosk) {
    match &event {
        InputEvent::DeviceAdded { device } if device.has_capability(DeviceCapability::Keyboard) => {
            kiosk.seat.keyboards.push(device.clone());
            if let Some(keyboard) = kiosk.seat.seat.get_keyboard() {
                kiosk.seat.set_leds(keyboard.led_state());
            }
        }
        InputEvent::DeviceRemoved { device } => kiosk.seat.keyboards.retain(|known| known != device),
        _ => {}
    }
    kiosk.input(event);
}
