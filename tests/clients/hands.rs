//! A mouse of the test (wlr-virtual-pointer on the admin socket), which clicks on on-screen keyboards.

use std::{os::unix::net::UnixStream, path::Path};

use wayland_client::{
    Connection, Dispatch, EventQueue, QueueHandle, delegate_noop,
    protocol::{wl_pointer::ButtonState, wl_registry, wl_seat::WlSeat},
};
use wayland_protocols_wlr::virtual_pointer::v1::client::{
    zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1, zwlr_virtual_pointer_v1::ZwlrVirtualPointerV1,
};

/// The kernel's code for the left button.
const LEFT: u32 = 0x110;
/// Size of the mouse's screen.
const SCREEN: (u32, u32) = (800, 600);

#[derive(Default)]
struct Found(Option<ZwlrVirtualPointerManagerV1>);

impl Dispatch<wl_registry::WlRegistry, ()> for Found {
    fn event(
        found: &mut Self,
        registry: &wl_registry::WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        if let wl_registry::Event::Global { name, interface, .. } = event
            && interface == "zwlr_virtual_pointer_manager_v1"
        {
            found.0 = Some(registry.bind(name, 1, handle, ()));
        }
    }
}

delegate_noop!(Found: ZwlrVirtualPointerManagerV1);
delegate_noop!(Found: ZwlrVirtualPointerV1);
delegate_noop!(Found: ignore WlSeat);

/// The mouse.
pub struct Mouse {
    queue: EventQueue<Found>,
    found: Found,
    pointer: ZwlrVirtualPointerV1,
}

impl Mouse {
    /// Connects to this socket.
    pub fn new(socket: &Path) -> Self {
        let connection = Connection::from_socket(UnixStream::connect(socket).unwrap()).unwrap();
        let mut queue = connection.new_event_queue();
        let handle = queue.handle();
        connection.display().get_registry(&handle, ());
        let mut found = Found::default();
        queue.roundtrip(&mut found).unwrap();
        let manager = found.0.clone().expect("the admin socket has virtual pointers");
        let pointer = manager.create_virtual_pointer(None, &handle, ());
        Self { queue, found, pointer }
    }

    /// Clicks at this position, and waits until kioskd has handled it.
    pub fn click(&mut self, (x, y): (u32, u32)) {
        // With a motion, as a person's: wvkbd ignores the position of a pointer's enter.
        for x in [x - 1, x] {
            self.pointer.motion_absolute(0, x, y, SCREEN.0, SCREEN.1);
            self.pointer.frame();
        }
        for state in [ButtonState::Pressed, ButtonState::Released] {
            self.pointer.button(0, LEFT, state);
            self.pointer.frame();
            self.queue.roundtrip(&mut self.found).unwrap();
        }
    }
}

/// The positions of the keys of an American keyboard, on a screen of 800x600.
pub struct Keys {
    /// The centre of the first key of each letter row, and the distance of keys.
    rows: [((u32, u32), u32); 3],
    enter: (u32, u32),
}

/// kioskd's on-screen keyboard.
pub const OWN: Keys = Keys { rows: [((40, 408), 80), ((80, 463), 80), ((160, 517), 80)], enter: (740, 572) };
/// wvkbd-mobintl.
pub const WVKBD: Keys = Keys { rows: [((77, 460), 76), ((115, 500), 76), ((160, 540), 80)], enter: (720, 580) };

impl Keys {
    /// squeekboard with this top edge: four rows, and above them another one with this fraction of its height.
    pub fn of_squeekboard(top: u32, above: f64) -> Self {
        let height = f64::from(SCREEN.1 - top);
        let row = height * (1.0 - above) / 4.0;
        let y = |number: f64| (f64::from(top) + height * above + row * (number + 0.5)) as u32;
        let rows = [((40, y(0.0)), 80), ((80, y(1.0)), 80), ((160, y(2.0)), 80)];
        Self { rows, enter: (740, y(3.0)) }
    }

    /// The key of this letter.
    pub fn letter(&self, c: char) -> (u32, u32) {
        let rows = ["qwertyuiop", "asdfghjkl", "zxcvbnm"].into_iter().zip(self.rows);
        let found = rows.into_iter().find_map(|(letters, ((x, y), step))| {
            letters.find(c).map(|column| (x + step * u32::try_from(column).unwrap(), y))
        });
        found.unwrap_or_else(|| panic!("{c:?} is no letter of it"))
    }

    /// Enter.
    pub fn enter(&self) -> (u32, u32) {
        self.enter
    }
}
