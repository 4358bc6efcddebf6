//! A client that draws one frame after the other for a headless kioskd, and the instructions that each of them takes:
//! counted by valgrind, so the same on a busy machine.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;
use wayland_client::protocol::wl_buffer::WlBuffer;

use super::{
    guest::Guest,
    picture::{Picture, RED},
    process::{Running, program},
    valgrind,
};

/// Frames before those that are counted: what is made once is made in them.
pub const FIRST: usize = 10;

/// More than a client may have by default: how the cost grows is the point, not where it ends.
const LIMITS: &str = "[limits]\nclients = 400\nclients-per-user = 400\nsurfaces = 4000\nsubsurfaces = 4000\npopups = 400\n\
                      toplevels = 400\nbuffers = 8000\n";

/// Starts kioskd with screens of these sizes and without a display, by the command of a program that watches it.
pub fn watched(mut command: Command, directory: &Path, outputs: &[(i32, i32)]) -> Running {
    let config = directory.join("kiosk.toml");
    std::fs::write(&config, LIMITS).unwrap();
    command
        .arg(program("kioskd"))
        .args(["--backend=headless", "--session=none", "--no-splash", "--config"])
        .arg(config);
    command.args(outputs.iter().map(|(width, height)| format!("--output={width}x{height}")));
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent").env("NO_COLOR", "1");
    command.env("RUST_LOG", "info,kioskd::memory=debug");
    for name in ["XDG_RUNTIME_DIR", "KIOSK_RUNTIME_DIR", "KIOSK_STATE_DIR"] {
        command.env(name, directory);
    }
    Running::start(command)
}

/// A client with a window as large as the screen, of which a part changes in each frame.
pub struct Painter {
    pub guest: Guest,
    buffers: [WlBuffer; 2],
    changing: (i32, i32),
}

impl Painter {
    /// `size`: of the screen, which is the window's; `changing`: the part of it that is damaged by each frame, from the
    /// upper left corner.
    pub fn new(kioskd: &mut Running, directory: &Path, size: (i32, i32), changing: (i32, i32)) -> Self {
        let guest = Guest::new(kioskd, directory, Picture::Corners);
        let buffers = [Picture::Corners, Picture::Solid(RED)];
        let buffers = buffers.map(|picture| guest.client.buffer(picture, size.0, size.1));
        Self { guest, buffers, changing }
    }

    /// Says that nothing below the window is seen.
    pub fn hide_what_is_below(&self) {
        let client = &self.guest.client;
        let region = client.bound().compositor.create_region(&client.handle, ());
        region.add(0, 0, i32::MAX, i32::MAX);
        self.guest.window.surface.set_opaque_region(Some(&region));
    }

    /// Draws so many frames, each when the one before was shown.
    pub fn draw(&mut self, frames: usize) {
        let Self { guest, buffers, changing } = self;
        let surface = guest.window.surface.clone();
        for buffer in buffers.iter().cycle().take(frames) {
            let before = guest.client.frames(&surface);
            surface.attach(Some(buffer), 0, 0);
            surface.damage_buffer(0, 0, changing.0, changing.1);
            guest.client.ask_frame(&surface);
            guest.client.ask_feedback(&surface);
            surface.commit();
            guest.until("the frame callback", |client| client.frames(&surface) > before);
        }
    }
}

/// What a frame is drawn on and among.
pub struct Scene {
    /// Sizes of the screens; the first is the window's.
    pub outputs: Vec<(i32, i32)>,
    /// The part of the window that changes in each frame.
    pub changing: (i32, i32),
    /// Other clients, with a window under it each.
    pub others: usize,
}

impl Scene {
    /// How many instructions of kioskd's main thread one of so many frames takes. `add` adds to the window; what it returns
    /// is kept until the end.
    pub fn instructions_a_frame<T>(&self, frames: usize, add: impl Fn(&mut Painter) -> T) -> u64 {
        // What the start, the scene and the end take is in both.
        let (some, more) = (self.instructions(frames, &add), self.instructions(2 * frames, &add));
        more.saturating_sub(some) / frames as u64
    }

    fn instructions<T>(&self, frames: usize, add: &impl Fn(&mut Painter) -> T) -> u64 {
        let directory = tempfile::tempdir().unwrap();
        let out: PathBuf = directory.path().join("instructions");
        let mut kioskd = watched(valgrind::counting(&out), directory.path(), &self.outputs);
        let guest = |_| Guest::new(&mut kioskd, directory.path(), Picture::Solid(RED));
        let _others: Vec<Guest> = (0..self.others).map(guest).collect();
        let mut painter = Painter::new(&mut kioskd, directory.path(), self.outputs[0], self.changing);
        let _added = add(&mut painter);
        // What is done once after the start is in no count, or in both.
        kioskd.wait_for_log("start given back");
        painter.draw(FIRST + frames);
        kioskd.signal(Signal::TERM);
        let status = kioskd.end();
        assert!(status.success(), "{status}:\n{}", kioskd.log());
        valgrind::main_thread(&out)
    }
}
