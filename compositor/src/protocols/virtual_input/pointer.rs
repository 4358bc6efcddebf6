//! wlr-virtual-pointer, used by wayvnc. For trusted tools.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use smithay::{
    backend::input::{Axis, AxisSource, ButtonState, InputEvent},
    reexports::{
        wayland_protocols_wlr::virtual_pointer::v1::server::{
            zwlr_virtual_pointer_manager_v1::{self, ZwlrVirtualPointerManagerV1},
            zwlr_virtual_pointer_v1::{self, Error, Request, ZwlrVirtualPointerV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, WEnum,
            backend::ClientId,
            protocol::{wl_output::WlOutput, wl_pointer},
        },
    },
    utils::{Logical, Point, Rectangle},
};

use super::{
    Remote, VirtualInput,
    device::{self, Action, Kind, Scroll, VirtualDevice},
    refuse_more,
};
use crate::{
    kiosk::Kiosk,
    limits::refusal,
    protocols::{
        capture::screen_of,
        dispatch::{objects, plain},
    },
    screens::ScreenId,
};

/// Highest supported version of the protocol.
const VERSION: u32 = 2;
/// Buttons that one pointer can hold. The kernel knows 16 mouse buttons.
const HELD: usize = 32;
/// Movements and clicks of one frame. A longer frame is carried out in parts.
const OF_A_FRAME: usize = 64;

pub(super) fn offer(display: &DisplayHandle) {
    display.create_global::<Kiosk, ZwlrVirtualPointerManagerV1, ()>(VERSION, ());
}

/// Data of a pointer.
pub struct PointerData {
    device: Option<VirtualDevice>,
    /// The screen that it points on; `None`: all screens.
    screen: Option<ScreenId>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Steps to carry out when the frame ends, in order.
    waiting: Vec<Step>,
    scroll: Scroll,
    held: HashSet<u32>,
}

/// A part of a frame.
enum Step {
    /// Relative, logical pixels.
    By(Point<f64, Logical>),
    /// Absolute, as a fraction of the picture.
    To((f64, f64)),
    /// A button and whether it is down.
    Button(u32, bool),
}

impl PointerData {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kiosk {
    /// The place in the layout for a fraction of the upright picture.
    fn virtual_place(&self, screen: Option<ScreenId>, (x, y): (f64, f64)) -> Option<Point<f64, Logical>> {
        let area: Rectangle<i32, Logical> = match screen {
            Some(screen) => self.screens.get(screen)?.geometry(),
            None => self.screens.iter().map(crate::screens::Screen::geometry).reduce(Rectangle::merge)?,
        };
        let (at, size) = (area.loc.to_f64(), area.size.to_f64());
        Some((at.x + x * size.w, at.y + y * size.h).into())
    }
}

fn share(value: u32, extent: u32) -> f64 {
    if extent == 0 { 0.0 } else { (f64::from(value) / f64::from(extent)).min(1.0) }
}

impl Dispatch<ZwlrVirtualPointerManagerV1, (), Kiosk> for VirtualInput {
    fn request(
        kiosk: &mut Kiosk,
        client: &Client,
        manager: &ZwlrVirtualPointerManagerV1,
        request: zwlr_virtual_pointer_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use zwlr_virtual_pointer_manager_v1::Request;
        let (id, output): (_, Option<WlOutput>) = match request {
            Request::CreateVirtualPointer { id, .. } => (id, None),
            Request::CreateVirtualPointerWithOutput { id, output, .. } => (id, output),
            _ => return,
        };
        let full = kiosk.protocols.virtual_input.is_full(client);
        let device = (!full).then(|| kiosk.plug_in_virtual(client, Kind::Pointer));
        let screen = output.and_then(|output| screen_of(&kiosk.screens, &output).map(|screen| screen.id));
        init.init(id, PointerData { device, screen, state: Mutex::default() });
        if full {
            refuse_more(manager);
        }
    }
}

impl Dispatch<ZwlrVirtualPointerV1, PointerData, Kiosk> for VirtualInput {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        pointer: &ZwlrVirtualPointerV1,
        request: zwlr_virtual_pointer_v1::Request,
        data: &PointerData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let Some(device) = &data.device else { return };
        match request {
            Request::Motion { dx, dy, .. } => kiosk.add_step(device, data, Step::By((dx, dy).into())),
            Request::MotionAbsolute { x, y, x_extent, y_extent, .. } => {
                kiosk.add_step(device, data, Step::To((share(x, x_extent), share(y, y_extent))));
            }
            Request::Button { button, state: WEnum::Value(state), .. } => {
                kiosk.add_step(device, data, Step::Button(button, state == wl_pointer::ButtonState::Pressed));
            }
            Request::Button { .. } => {}
            Request::Frame => {
                kiosk.do_steps(device, data);
                let scroll = std::mem::take(&mut data.state().scroll);
                if scroll.amount != [None; 2] || scroll.v120 != [None; 2] {
                    let event = kiosk.event_of(device, Action::Scroll(scroll));
                    kiosk.input(InputEvent::<Remote>::PointerAxis { event });
                }
            }
            Request::Destroy => {}
            scroll => {
                if let Err((code, sentence)) = gather(&mut data.state().scroll, &scroll) {
                    refusal::post(pointer, code, &sentence);
                }
            }
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, _: &ZwlrVirtualPointerV1, data: &PointerData) {
        let Some(device) = &data.device else { return };
        let held = std::mem::take(&mut data.state().held);
        held.into_iter().for_each(|button| kiosk.click_virtual(device, button, false));
        kiosk.pull_out_virtual(device);
    }
}

impl Kiosk {
    fn add_step(&mut self, device: &VirtualDevice, data: &PointerData, step: Step) {
        let is_full = {
            let waiting = &mut data.state().waiting;
            waiting.push(step);
            waiting.len() >= OF_A_FRAME
        };
        if is_full {
            self.do_steps(device, data);
        }
    }

    fn do_steps(&mut self, device: &VirtualDevice, data: &PointerData) {
        let waiting = std::mem::take(&mut data.state().waiting);
        for step in waiting {
            match step {
                Step::By(by) => self.move_virtual(device, by),
                Step::To(share) => {
                    let at = self.virtual_place(data.screen, share);
                    let now = self.seat.seat.get_pointer().map(|pointer| pointer.current_location());
                    // As a relative motion, so that pointer locks and confinements apply.
                    if let (Some(at), Some(now)) = (at, now) {
                        self.move_virtual(device, at - now);
                    }
                }
                Step::Button(button, pressed) => {
                    let is_news = {
                        let held = &mut data.state().held;
                        if pressed { held.len() < HELD && held.insert(button) } else { held.remove(&button) }
                    };
                    if is_news {
                        self.click_virtual(device, button, pressed);
                    }
                }
            }
        }
    }

    fn move_virtual(&mut self, device: &VirtualDevice, by: Point<f64, Logical>) {
        let event = self.event_of(device, Action::Move(by.x, by.y));
        self.input(InputEvent::<Remote>::PointerMotion { event });
    }

    fn click_virtual(&mut self, device: &VirtualDevice, button: u32, pressed: bool) {
        let state = if pressed { ButtonState::Pressed } else { ButtonState::Released };
        let event = self.event_of(device, Action::Button(button, state));
        self.input(InputEvent::<Remote>::PointerButton { event });
    }
}

/// Adds one more event to a frame of scrolling.
fn gather(scroll: &mut Scroll, request: &Request) -> Result<(), (u32, String)> {
    let axis = |axis: &WEnum<wl_pointer::Axis>| match axis {
        WEnum::Value(wl_pointer::Axis::HorizontalScroll) => Ok(Axis::Horizontal),
        WEnum::Value(wl_pointer::Axis::VerticalScroll) => Ok(Axis::Vertical),
        other => Err((Error::InvalidAxis.into(), format!("there is no axis {other:?}"))),
    };
    match request {
        Request::Axis { axis: which, value, .. } => *device::of(&mut scroll.amount, axis(which)?) = Some(*value),
        Request::AxisDiscrete { axis: which, value, discrete, .. } => {
            let which = axis(which)?;
            *device::of(&mut scroll.amount, which) = Some(*value);
            *device::of(&mut scroll.v120, which) = Some(f64::from(*discrete) * 120.0);
        }
        Request::AxisStop { axis: which, .. } => *device::of(&mut scroll.amount, axis(which)?) = Some(0.0),
        Request::AxisSource { axis_source } => {
            scroll.source = Some(match axis_source {
                WEnum::Value(wl_pointer::AxisSource::Wheel) => AxisSource::Wheel,
                WEnum::Value(wl_pointer::AxisSource::Finger) => AxisSource::Finger,
                WEnum::Value(wl_pointer::AxisSource::Continuous) => AxisSource::Continuous,
                WEnum::Value(wl_pointer::AxisSource::WheelTilt) => AxisSource::WheelTilt,
                other => {
                    return Err((Error::InvalidAxisSource.into(), format!("there is no axis source {other:?}")));
                }
            });
        }
        _ => {}
    }
    Ok(())
}

plain! {
    ZwlrVirtualPointerManagerV1 => VirtualInput;
}
objects! {
    ZwlrVirtualPointerManagerV1, () => VirtualInput;
    ZwlrVirtualPointerV1, PointerData => VirtualInput;
}
