//! Input events from the back end to the seat: VT keys first, then the device's mapping and the screen's rotation, then
//! the seat.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod admission;
pub mod aids;
pub mod classification;
mod constraint;
pub mod devices;
mod facts;
mod gestures;
pub mod keymaps;
pub mod keys;
pub mod layouts;
pub mod mapping;
mod method_keys;
mod on_screen;
mod pace;
mod pen;
mod pointer;
mod popup_grab;
mod rate;
mod requests;
pub mod stuck;
mod swallow;
mod target;
mod touch;
mod touch_grab;
mod trust;
mod wake;

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
};

use kiosk_core::config::{Input as Settings, Keyboard, OnScreenKeyboard};
use smithay::{
    backend::input::{InputBackend, InputEvent, Keycode, TabletToolDescriptor, TouchSlot},
    desktop::PopupGrab,
    input::{
        Seat, SeatState,
        keyboard::{LedState, XkbConfig},
    },
    reexports::wayland_server::DisplayHandle,
    utils::{Logical, Point},
    wayland::tablet_manager::TabletSeatTrait,
};

use crate::{
    backend::input_device::InputDevice,
    keyboard::board::Finger as BoardFinger,
    kiosk::{KeyboardControl, Kiosk},
    seat_pause::SeatSession,
};
use aids::KeyAids;
use devices::Devices;
use gestures::Gesture;
use keymaps::Keymaps;
use layouts::Layouts;
use pace::MissedMotion;
use rate::Rate;
use stuck::Held;
use swallow::{Act, Swallow};
use touch::Finger;
use touch_grab::NoFinger;

/// The seat's name: libseat's default too.
pub const SEAT: &str = "seat0";

/// The seat and what belongs to it.
pub struct SeatParts {
    /// smithay's: what `wl_seat` tells clients.
    pub seat: Seat<Kiosk>,
    /// All input devices.
    pub devices: Devices,
    /// Keys whose press was not sent to clients: their releases are not sent either.
    swallowed: HashSet<Keycode>,
    /// Input that woke the screens and is not sent to clients.
    pub swallow: Swallow,
    /// Position of the focused surface at the last pointer event sent to it.
    pointer_origin: Option<Point<f64, Logical>>,
    /// The surface under the pointer may have changed.
    pointer_focus_stale: bool,
    /// Whether a pointer position was withheld from its client.
    missed_motion: MissedMotion,
    /// How long fingers have been down.
    held: Held,
    /// Event rate of each device.
    rate: Rate,
    /// The mouse buttons that are down and count, by device.
    buttons: HashSet<(String, u32)>,
    /// The fingers that are down and count, by device and the device's slot number.
    fingers: HashMap<(String, TouchSlot), Finger>,
    /// Last position of a finger in this loop turn, lifted or not: a short touch may begin and end in one turn.
    touched: Option<Point<f64, Logical>>,
    /// A drag and drop is in progress.
    drags: bool,
    /// It has just begun, and no surface has been offered it yet.
    drag_unoffered: bool,
    /// The current gesture of each touchpad.
    gestures: HashMap<String, Gesture>,
    /// Fingers on the on-screen keyboard, not sent to clients.
    board_fingers: HashMap<(String, TouchSlot), BoardFinger>,
    /// The next number of such a finger.
    next_board_finger: BoardFinger,
    /// The mouse button that is down on it.
    board_button: Option<(String, u32)>,
    /// The pen that is near each tablet.
    pens: HashMap<String, TabletToolDescriptor>,
    /// The popup that has the grab, and its parents.
    pub popup_grab: Option<PopupGrab<Kiosk>>,
    /// Keymaps of virtual keyboards.
    pub keymaps: Keymaps,
    /// Sticky, slow and bounce keys.
    pub aids: KeyAids,
    /// Configured layouts of single keyboards.
    pub layouts: Layouts,
    /// Whether Ctrl+Alt+F1..F12 switch.
    vt_switching: bool,
    /// Whether its devices are ours to use.
    pub session: SeatSession,
    /// Whether the keyboard is on the screen, and why.
    pub keyboard_control: KeyboardControl,
}

/// The environment variable from which xkb takes the layout when none is given.
const XKB_LAYOUT_ENV: &str = "XKB_DEFAULT_LAYOUT";

/// The keymap that the configuration names does not exist.
#[derive(Debug, thiserror::Error)]
#[error(
    "input.keyboard: xkb has no layout {:?} variant {:?} model {:?} options {:?}; {}",
    wanted.layout, wanted.variant, wanted.model, wanted.options,
    if *fallback { "the default layout is used" } else { "there is no keyboard" }
)]
pub struct KeymapError {
    wanted: Box<Keyboard>,
    /// The default one is used instead.
    fallback: bool,
}

impl KeymapError {
    /// It only checks the names: at start-up the default one is used instead.
    fn of(wanted: &Keyboard) -> Self {
        Self { wanted: Box::new(wanted.clone()), fallback: true }
    }
}

/// The layout for xkb; empty: xkb takes the environment's, as in cage and other compositors, if none is configured.
/// (The other names are empty unless configured.)
fn layout<'a>(keyboard: &'a Keyboard, environment: Option<&OsStr>) -> &'a str {
    let named = environment.is_some_and(|layout| !layout.is_empty());
    if named && keyboard.layout == Keyboard::default().layout && keyboard.variant.is_empty() {
        ""
    } else {
        &keyboard.layout
    }
}

/// The names for xkb, for everything that compiles the seat's keymap.
pub(crate) fn xkb_config(keyboard: &Keyboard) -> XkbConfig<'_> {
    XkbConfig {
        rules: &keyboard.rules,
        model: &keyboard.model,
        layout: layout(keyboard, std::env::var_os(XKB_LAYOUT_ENV).as_deref()),
        variant: &keyboard.variant,
        options: Some(keyboard.options.clone()).filter(|options| !options.is_empty()),
    }
}

impl SeatParts {
    /// The seat with pointer and touch; the keyboard comes with [`SeatParts::add_keyboard`], after the first frame.
    pub fn new(
        state: &mut SeatState<Kiosk>,
        display: &DisplayHandle,
        settings: &Settings,
        on_screen: &OnScreenKeyboard,
    ) -> Self {
        let mut seat = state.new_wl_seat(display, SEAT);
        seat.add_pointer();
        seat.add_touch_with_default_grab(|| Box::new(NoFinger::default()));
        Self {
            seat,
            devices: Devices::default(),
            swallowed: HashSet::new(),
            swallow: Swallow::default(),
            pointer_origin: None,
            pointer_focus_stale: false,
            missed_motion: MissedMotion::default(),
            held: Held::default(),
            rate: Rate::default(),
            buttons: HashSet::new(),
            fingers: HashMap::new(),
            touched: None,
            drags: false,
            drag_unoffered: false,
            gestures: HashMap::new(),
            board_fingers: HashMap::new(),
            next_board_finger: 0,
            board_button: None,
            pens: HashMap::new(),
            popup_grab: None,
            keymaps: Keymaps::default(),
            aids: KeyAids::default(),
            layouts: Layouts::default(),
            vt_switching: settings.vt_switching,
            session: SeatSession::default(),
            keyboard_control: KeyboardControl::new(on_screen),
        }
    }

    /// Compiles the keymap, which takes tens of milliseconds: called after the first frame. An unknown layout falls
    /// back to the default one; the error names it.
    pub fn add_keyboard(&mut self, settings: &Settings) -> Result<(), KeymapError> {
        let keyboard = &settings.keyboard;
        let (delay, rate) = (keyboard.repeat_delay as i32, keyboard.repeat_rate as i32);
        let wanted = xkb_config(keyboard);
        match self.seat.add_keyboard(wanted, delay, rate) {
            Ok(_) => Ok(()),
            Err(_) => {
                let fallback = self.seat.add_keyboard(XkbConfig::default(), delay, rate);
                Err(KeymapError { wanted: Box::new(keyboard.clone()), fallback: fallback.is_ok() })
            }
        }
    }

    /// Whether Ctrl+Alt+F1..F12 switch virtual terminals.
    pub fn vt_switching(&self) -> bool {
        self.vt_switching
    }

    /// Sets whether Ctrl+Alt+F1..F12 switch virtual terminals.
    pub fn set_vt_switching(&mut self, allowed: bool) {
        self.vt_switching = allowed;
    }

    /// A drag and drop began or ended.
    pub(crate) fn set_dragging(&mut self, drags: bool) {
        self.drags = drags;
        self.drag_unoffered = drags;
    }

    /// A turn of the loop is over.
    pub(crate) fn end_turn(&mut self) {
        self.rate.turn_ends();
    }

    /// Where a finger is, if any is down.
    pub fn finger(&self) -> Option<Point<f64, Logical>> {
        self.fingers.values().next().map(|finger| finger.location)
    }

    /// The last position of a finger since the last call, if any.
    pub(crate) fn take_touched(&mut self) -> Option<Point<f64, Logical>> {
        self.touched.take()
    }

    /// Lights on every keyboard.
    pub fn set_leds(&mut self, leds: LedState) {
        for known in self.devices.list.iter_mut().filter(|known| known.facts.keyboard) {
            known.device.set_leds(leds);
        }
    }
}

impl Kiosk {
    /// Takes one event of any back end.
    pub fn input<B: InputBackend>(&mut self, event: InputEvent<B>)
    where
        B::Device: InputDevice,
    {
        // Lid and other switches are not used, and devices with nothing else are not listed.
        if matches!(event, InputEvent::SwitchToggle { .. }) {
            return;
        }
        self.watch_rate(&event);
        if self.seat.devices.keeps_out(&event) {
            return;
        }
        if self.is_of_stuck_finger(&event) {
            return;
        }
        let woke = self.wake_on_input(&event);
        let act = wake::act(&event);
        let unread = self.is_withheld(&event, &act);
        // The end of an earlier contact is always sent.
        let goes_on = matches!(act, Act::GoesOn(_) | Act::Once);
        // A pen whose tip was withheld stays withheld until it leaves.
        let whole = !goes_on || matches!(event, InputEvent::TabletToolTip { .. });
        if self.seat.swallow.takes(act, woke || (unread && whole)) || (unread && goes_on) {
            if let InputEvent::TouchMotion { event } = &event {
                self.touch_motion_missed(event);
            }
            return;
        }
        match event {
            InputEvent::Keyboard { event } => self.key(&event, woke),
            InputEvent::PointerMotion { event } => self.pointer_moved(&event),
            InputEvent::PointerMotionAbsolute { event } => self.pointer_moved_to(&event),
            InputEvent::PointerButton { event } => self.pointer_button(&event),
            InputEvent::PointerAxis { event } => self.pointer_axis(&event),
            InputEvent::GestureSwipeBegin { event } => self.swipe_begin(&event),
            InputEvent::GestureSwipeUpdate { event } => self.swipe_update(&event),
            InputEvent::GestureSwipeEnd { event } => self.swipe_end(&event),
            InputEvent::GesturePinchBegin { event } => self.pinch_begin(&event),
            InputEvent::GesturePinchUpdate { event } => self.pinch_update(&event),
            InputEvent::GesturePinchEnd { event } => self.pinch_end(&event),
            InputEvent::GestureHoldBegin { event } => self.hold_begin(&event),
            InputEvent::GestureHoldEnd { event } => self.hold_end(&event),
            InputEvent::TouchDown { event } => self.touch_down(&event),
            InputEvent::TouchMotion { event } => self.touch_motion(&event),
            InputEvent::TouchUp { event } => self.touch_up(&event),
            InputEvent::TouchCancel { .. } => self.touch_cancel(),
            InputEvent::TouchFrame { .. } => self.touch_frame(),
            InputEvent::TabletToolAxis { event } => self.tool_moved(&event),
            InputEvent::TabletToolProximity { event } => self.tool_proximity(&event),
            InputEvent::TabletToolTip { event } => self.tool_tip(&event),
            InputEvent::TabletToolButton { event } => self.tool_button(&event),
            InputEvent::DeviceAdded { device } => self.device_added(&device),
            InputEvent::DeviceRemoved { device } => self.device_removed(&device),
            InputEvent::SwitchToggle { .. } | InputEvent::Special(_) => {}
        }
    }

    /// Offers a tablet's tool to clients.
    pub(crate) fn tablet_seat(&self) -> smithay::wayland::tablet_manager::TabletSeatHandle {
        self.seat.seat.tablet_seat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_layout_where_the_configuration_does_not() {
        let (plain, german) = (Keyboard::default(), Keyboard { layout: "de".into(), ..Keyboard::default() });
        let variant = Keyboard { variant: "dvorak".into(), ..Keyboard::default() };
        let fr = Some(OsStr::new("fr"));
        assert_eq!(layout(&plain, fr), "");
        assert_eq!(layout(&plain, None), "us");
        assert_eq!(layout(&plain, Some(OsStr::new(""))), "us");
        assert_eq!(layout(&german, fr), "de");
        assert_eq!(layout(&variant, fr), "us", "a variant is of its own layout");
    }
}
