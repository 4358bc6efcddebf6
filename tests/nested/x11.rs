//! kioskd in a window of an X server: the window's real content and size, and its input.

use rustix::process::Signal;
use x11rb::{
    connection::Connection,
    protocol::{
        xproto::{
            BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConfigureWindowAux, ConnectionExt, EventMask,
            ImageFormat, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, Window,
        },
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
};

use super::{
    guest::Guest,
    host::Host,
    picture::{BLUE, GREEN, Picture, RED, YELLOW},
    seen::{KeySeen, PointerSeen},
};

pub(super) struct X {
    connection: RustConnection,
    root: Window,
}

impl X {
    pub(super) fn new(host: &Host) -> Self {
        let (connection, screen) = x11rb::connect(Some(host.display())).unwrap();
        let root = connection.setup().roots[screen].root;
        Self { connection, root }
    }

    /// kioskd's window. It exists already: kioskd opens its sockets afterwards.
    pub(super) fn window(&self) -> Window {
        let tree = self.connection.query_tree(self.root).unwrap().reply().unwrap();
        let large = |window: &&Window| {
            let geometry = self.connection.get_geometry(**window).unwrap().reply();
            geometry.is_ok_and(|geometry| geometry.width > 100)
        };
        *tree.children.iter().find(large).expect("kioskd has no window")
    }

    /// A pixel of a window, as R, G, B.
    pub(super) fn pixel(&self, window: Window, x: i16, y: i16) -> [u8; 3] {
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, window, x, y, 1, 1, u32::MAX).unwrap();
        let data = image.reply().unwrap().data;
        [data[2], data[1], data[0]]
    }
}

impl X {
    /// Moves the pointer to this position of the window.
    pub(super) fn point(&self, window: Window, at: (i16, i16)) {
        self.fake(MOTION_NOTIFY_EVENT, 0, window, at);
    }

    /// Presses or releases the left button at this position of the window.
    pub(super) fn button(&self, window: Window, at: (i16, i16), pressed: bool) {
        self.point(window, at);
        self.fake(if pressed { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT }, 1, window, at);
    }

    fn fake(&self, kind: u8, detail: u8, window: Window, (x, y): (i16, i16)) {
        let at = self.connection.translate_coordinates(window, self.root, x, y).unwrap().reply().unwrap();
        let sent = self.connection.xtest_fake_input(kind, detail, 0, self.root, at.dst_x, at.dst_y, 0);
        sent.unwrap().check().unwrap();
    }

    pub(super) fn click(&self, window: Window, at: (i16, i16)) {
        self.button(window, at, true);
        self.button(window, at, false);
    }

    /// Gives the window the keyboard: there is no window manager to do so.
    pub(super) fn focus(&self, window: Window) {
        let focus = x11rb::protocol::xproto::InputFocus::POINTER_ROOT;
        self.connection.set_input_focus(focus, window, x11rb::CURRENT_TIME).unwrap().check().unwrap();
    }

    /// Presses and releases this key. X's key codes are 8 higher than the kernel's.
    pub(super) fn key(&self, code: u8) {
        for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            self.connection.xtest_fake_input(kind, code, 0, self.root, 0, 0, 0).unwrap().check().unwrap();
        }
    }
}

/// Four colours, clockwise from the top left.
type Corners = [[u8; 3]; 4];

impl X {
    fn corners(&self, window: Window, (width, height): (i16, i16)) -> Corners {
        let (right, bottom) = (width - 3, height - 3);
        [(2, 2), (right, 2), (right, bottom), (2, bottom)].map(|(x, y)| self.pixel(window, x, y))
    }

    /// A presented frame is in the window at most one frame later: each try draws one.
    #[track_caller]
    fn assert_corners(&self, window: Window, size: (i16, i16), wanted: Corners, guest: &mut Guest) {
        let mut seen = self.corners(window, size);
        for _ in 0..10 {
            if seen == wanted {
                return;
            }
            guest.fill(Picture::Corners);
            seen = self.corners(window, size);
        }
        assert_eq!(seen, wanted, "in a window of {size:?}");
    }
}

const UPRIGHT: Corners = [RED, GREEN, YELLOW, BLUE];

#[test]
fn the_window_shows_the_client_and_follows_its_size() {
    let host = Host::xvfb();
    let mut kioskd = host.kioskd(&["--output=640x400", "--session=none", "--no-splash"]);
    let mut guest = Guest::new(&mut kioskd, &host.kiosk_directory(), Picture::Corners);
    let x = X::new(&host);
    let window = x.window();
    let mut size = (640i16, 400i16);
    for _ in 0..3 {
        x.assert_corners(window, size, UPRIGHT, &mut guest);
        size = (size.0 - 80, size.1 + 40);
        let aux = ConfigureWindowAux::new().width(size.0 as u32).height(size.1 as u32);
        x.connection.configure_window(window, &aux).unwrap().check().unwrap();
        guest.until_size((i32::from(size.0), i32::from(size.1)));
        guest.fill(Picture::Corners);
    }
    kioskd.signal(Signal::INT);
    assert_eq!(kioskd.end().code(), Some(0), "{}", kioskd.log());
}

#[test]
fn the_picture_in_the_window_rotates_clockwise() {
    let host = Host::xvfb();
    let mut kioskd = host.kioskd(&["--output=640x400", "--session=none", "--no-splash"]);
    let mut guest = Guest::new(&mut kioskd, &host.kiosk_directory(), Picture::Corners);
    kioskd.wait_for(&host.kiosk_directory().join("compositor.sock"));
    let x = X::new(&host);
    let window = x.window();
    for (degrees, quarters, size) in
        [("90", 1, (400, 640)), ("180", 2, (640, 400)), ("270", 3, (400, 640)), ("0", 0, (640, 400))]
    {
        let output = host.kioskctl(&["rotate", degrees]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        guest.until_size(size);
        guest.fill(Picture::Corners);
        // The window is the panel as it is mounted: rotated clockwise, the picture's top left is at its top right.
        let mut wanted = UPRIGHT;
        wanted.rotate_right(quarters);
        x.assert_corners(window, (640, 400), wanted, &mut guest);
    }
}

#[test]
fn pointer_and_keys_come_through_the_window() {
    let host = Host::xvfb();
    let mut kioskd = host.kioskd(&["--output=640x400", "--session=none", "--no-splash"]);
    let mut guest = Guest::new(&mut kioskd, &host.kiosk_directory(), Picture::Solid(GREEN));
    let x = X::new(&host);
    let window = x.window();
    let at = x.connection.translate_coordinates(window, x.root, 0, 0).unwrap().reply().unwrap();
    let point = |px: i16, py: i16| {
        let (px, py) = (at.dst_x + px, at.dst_y + py);
        x.connection.xtest_fake_input(MOTION_NOTIFY_EVENT, 0, 0, x.root, px, py, 0).unwrap().check().unwrap();
    };
    point(100, 100);
    point(200, 150);
    guest.until("the pointer", |client| {
        let there = |x: f64, y: f64| (x - 200.0).abs() < 1.0 && (y - 150.0).abs() < 1.0;
        client.seen.pointer.iter().any(|seen| match seen {
            PointerSeen::Motion { x, y } | PointerSeen::Enter { x, y, .. } => there(*x, *y),
            _ => false,
        })
    });
    // Without a window manager the window has the focus only under the pointer, or by request.
    x.focus(window);
    // A.
    x.key(30 + 8);
    guest.until("the key", |client| client.seen.keyboard.contains(&KeySeen::Key { code: 30, pressed: false }));
}

#[test]
fn closing_the_window_ends_kioskd_in_order() {
    let host = Host::xvfb();
    let mut kioskd = host.kioskd(&["--session=none"]);
    kioskd.wait_for(&host.kiosk_directory().join("wayland-0"));
    let x = X::new(&host);
    let window = x.window();
    let atom = |name: &[u8]| x.connection.intern_atom(false, name).unwrap().reply().unwrap().atom;
    let (protocols, delete) = (atom(b"WM_PROTOCOLS"), atom(b"WM_DELETE_WINDOW"));
    let event = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
    x.connection.send_event(false, window, EventMask::NO_EVENT, event).unwrap().check().unwrap();
    assert_eq!(kioskd.end().code(), Some(0), "{}", kioskd.log());
}
