//! WLCS's C interface (`wlcs/display_server.h`, `pointer.h`, `touch.h`, `keyboard.h`), and nothing else.
//!
//! Version 4 of the server's: older suites take its first fields. Every object begins with the table that the suite
//! calls it by, so a pointer to the table is one to the object.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr::null_mut,
    sync::atomic::{AtomicU32, Ordering},
};

use smithay::reexports::calloop::channel::Sender;

use crate::{
    Command, Order, Server,
    extensions::{DESCRIPTOR, Descriptor},
    hands::Act,
    order,
};

/// The suite's, for numbers with a fraction of a 256th. Touches come in whole pixels all the same (as in Mir).
type Fixed = i32;

unsafe extern "C" {
    // Of libwayland-client, which the suite brings.
    fn wl_display_get_fd(display: *mut c_void) -> c_int;
    fn wl_proxy_get_id(proxy: *mut c_void) -> u32;
}

#[repr(C)]
struct ServerObject {
    version: u32,
    start: unsafe extern "C" fn(*mut ServerObject),
    stop: unsafe extern "C" fn(*mut ServerObject),
    create_client_socket: unsafe extern "C" fn(*mut ServerObject) -> c_int,
    position_window_absolute: unsafe extern "C" fn(*mut ServerObject, *mut c_void, *mut c_void, c_int, c_int),
    create_pointer: unsafe extern "C" fn(*mut ServerObject) -> *mut PointerObject,
    create_touch: unsafe extern "C" fn(*mut ServerObject) -> *mut TouchObject,
    get_descriptor: unsafe extern "C" fn(*const ServerObject) -> *const Descriptor,
    start_on_this_thread: Option<unsafe extern "C" fn(*mut ServerObject, *mut c_void)>,
    create_keyboard: unsafe extern "C" fn(*mut ServerObject) -> *mut KeyboardObject,
    server: Server,
}

#[repr(C)]
struct PointerObject {
    version: u32,
    move_absolute: unsafe extern "C" fn(*mut PointerObject, Fixed, Fixed),
    move_relative: unsafe extern "C" fn(*mut PointerObject, Fixed, Fixed),
    button_up: unsafe extern "C" fn(*mut PointerObject, c_int),
    button_down: unsafe extern "C" fn(*mut PointerObject, c_int),
    destroy: unsafe extern "C" fn(*mut PointerObject),
    hand: Hand,
}

#[repr(C)]
struct TouchObject {
    version: u32,
    touch_down: unsafe extern "C" fn(*mut TouchObject, c_int, c_int),
    touch_move: unsafe extern "C" fn(*mut TouchObject, c_int, c_int),
    touch_up: unsafe extern "C" fn(*mut TouchObject),
    destroy: unsafe extern "C" fn(*mut TouchObject),
    hand: Hand,
    finger: u32,
}

#[repr(C)]
struct KeyboardObject {
    version: u32,
    key_down: unsafe extern "C" fn(*mut KeyboardObject, c_int),
    key_up: unsafe extern "C" fn(*mut KeyboardObject, c_int),
    destroy: unsafe extern "C" fn(*mut KeyboardObject),
    hand: Hand,
}

/// What a device reaches the compositor by.
struct Hand(Option<Sender<Order>>);

impl Hand {
    /// Returns when it is done.
    fn does(&self, act: Act) {
        if let Some(sender) = &self.0 {
            order(sender, Command::Act(act));
        }
    }
}

/// The suite's entry.
#[repr(C)]
pub struct Integration {
    version: u32,
    create_server: unsafe extern "C" fn(c_int, *const *const c_char) -> *mut ServerObject,
    destroy_server: unsafe extern "C" fn(*mut ServerObject),
}

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static wlcs_server_integration: Integration = Integration { version: 1, create_server, destroy_server };

unsafe extern "C" fn create_server(_: c_int, _: *const *const c_char) -> *mut ServerObject {
    Box::into_raw(Box::new(ServerObject {
        version: 4,
        start,
        stop,
        create_client_socket,
        position_window_absolute,
        create_pointer,
        create_touch,
        get_descriptor,
        start_on_this_thread: None,
        create_keyboard,
        server: Server::default(),
    }))
}

// SAFETY, here and below: the suite calls with what it was given, from one thread, and not after having destroyed it.

unsafe extern "C" fn destroy_server(object: *mut ServerObject) {
    drop(unsafe { Box::from_raw(object) });
}

unsafe extern "C" fn start(object: *mut ServerObject) {
    unsafe { &mut *object }.server.start();
}

unsafe extern "C" fn stop(object: *mut ServerObject) {
    unsafe { &mut *object }.server.stop();
}

unsafe extern "C" fn create_client_socket(object: *mut ServerObject) -> c_int {
    unsafe { &*object }.server.connect().unwrap_or(-1)
}

unsafe extern "C" fn position_window_absolute(
    object: *mut ServerObject,
    display: *mut c_void,
    surface: *mut c_void,
    x: c_int,
    y: c_int,
) {
    let (client, surface) = unsafe { (wl_display_get_fd(display), wl_proxy_get_id(surface)) };
    unsafe { &*object }.server.order(Command::Place { client, surface, at: (x, y) });
}

unsafe extern "C" fn get_descriptor(_: *const ServerObject) -> *const Descriptor {
    &raw const *DESCRIPTOR
}

fn hand(object: *mut ServerObject) -> Hand {
    Hand(unsafe { &*object }.server.sender())
}

unsafe extern "C" fn create_pointer(object: *mut ServerObject) -> *mut PointerObject {
    unsafe extern "C" fn move_absolute(object: *mut PointerObject, x: Fixed, y: Fixed) {
        unsafe { &*object }.hand.does(Act::Point { x: number(x), y: number(y) });
    }
    unsafe extern "C" fn move_relative(object: *mut PointerObject, dx: Fixed, dy: Fixed) {
        unsafe { &*object }.hand.does(Act::Move { dx: number(dx), dy: number(dy) });
    }
    unsafe extern "C" fn button_up(object: *mut PointerObject, code: c_int) {
        unsafe { &*object }.hand.does(Act::Button { code: code as u32, pressed: false });
    }
    unsafe extern "C" fn button_down(object: *mut PointerObject, code: c_int) {
        unsafe { &*object }.hand.does(Act::Button { code: code as u32, pressed: true });
    }
    let hand = hand(object);
    let destroy = destroy::<PointerObject>;
    let object = PointerObject { version: 1, move_absolute, move_relative, button_up, button_down, destroy, hand };
    if object.hand.0.is_some() { Box::into_raw(Box::new(object)) } else { null_mut() }
}

unsafe extern "C" fn create_touch(object: *mut ServerObject) -> *mut TouchObject {
    unsafe extern "C" fn touch_down(object: *mut TouchObject, x: c_int, y: c_int) {
        let object = unsafe { &*object };
        object.hand.does(Act::Touch { finger: object.finger, x: x.into(), y: y.into() });
    }
    unsafe extern "C" fn touch_move(object: *mut TouchObject, x: c_int, y: c_int) {
        let object = unsafe { &*object };
        object.hand.does(Act::Slide { finger: object.finger, x: x.into(), y: y.into() });
    }
    unsafe extern "C" fn touch_up(object: *mut TouchObject) {
        let object = unsafe { &*object };
        object.hand.does(Act::Lift { finger: object.finger });
    }
    static FINGERS: AtomicU32 = AtomicU32::new(0);
    let finger = FINGERS.fetch_add(1, Ordering::Relaxed);
    let hand = hand(object);
    let destroy = destroy::<TouchObject>;
    let object = TouchObject { version: 1, touch_down, touch_move, touch_up, destroy, hand, finger };
    if object.hand.0.is_some() { Box::into_raw(Box::new(object)) } else { null_mut() }
}

unsafe extern "C" fn create_keyboard(object: *mut ServerObject) -> *mut KeyboardObject {
    unsafe extern "C" fn key_down(object: *mut KeyboardObject, code: c_int) {
        unsafe { &*object }.hand.does(Act::Key { code: code as u32, pressed: true });
    }
    unsafe extern "C" fn key_up(object: *mut KeyboardObject, code: c_int) {
        unsafe { &*object }.hand.does(Act::Key { code: code as u32, pressed: false });
    }
    let hand = hand(object);
    let object = KeyboardObject { version: 1, key_down, key_up, destroy: destroy::<KeyboardObject>, hand };
    if object.hand.0.is_some() { Box::into_raw(Box::new(object)) } else { null_mut() }
}

unsafe extern "C" fn destroy<T>(object: *mut T) {
    drop(unsafe { Box::from_raw(object) });
}

fn number(fixed: Fixed) -> f64 {
    f64::from(fixed) / 256.0
}
