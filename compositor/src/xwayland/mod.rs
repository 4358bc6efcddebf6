//! X11 programs: rootless Xwayland, started by the first of them, ending after the last.
//!
//! [`display`] is the X socket, [`machine`] decides when to start the server, [`process`] starts it, or [`mod@unit`] as
//! another user, and [`server`] ties them to the event loop. As a Wayland client the server has its own globals and limits
//! ([`crate::privilege::Privilege::Xwayland`]). [`wm`] is its window manager, on a thread of its own; its events go to
//! [`windows`], which puts X windows on the stage under the same policy as all others, and to [`clipboard`].

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod clipboard;
pub mod display;
pub mod machine;
pub mod process;
mod server;
pub mod unit;
mod windows;
pub mod wm;

use std::{collections::HashMap, net::Shutdown, os::unix::net::UnixStream};

use rustix::process::{Pid, Signal, kill_process};
use smithay::reexports::{
    calloop::RegistrationToken,
    wayland_server::{Client, protocol::wl_surface::WlSurface},
};

use clipboard::Copied;
use display::Display;
use machine::Machine;
use wm::{Manager, SurfaceName, WindowId};

/// The state of X11 support.
#[derive(Default)]
pub struct X11 {
    /// The X socket; `None`: there is none.
    display: Option<Display>,
    machine: Machine,
    /// Watches for the first X client.
    listener: Option<RegistrationToken>,
    server: Option<Server>,
    /// Number of servers so far: events of earlier ones are dropped.
    servers: u64,
    /// X windows on the stage whose surface does not exist yet.
    awaited: HashMap<WindowId, SurfaceName>,
    /// The selections and their owners.
    copied: Copied,
    /// Surfaces by their xwayland-shell serial.
    numbered: HashMap<u64, WlSurface>,
}

/// A connected X server.
struct Server {
    client: Client,
    manager: Manager,
    news: RegistrationToken,
    /// `None`: it has ended.
    process: Option<Process>,
}

/// What ends an X server that does not end by itself.
#[derive(Debug)]
enum Process {
    /// Our child.
    Child(Pid),
    /// A unit's, by its connection.
    Unit(UnixStream),
}

impl Process {
    fn kill(&self) {
        // It may have ended already.
        match self {
            Self::Child(pid) => drop(kill_process(*pid, Signal::KILL)),
            Self::Unit(connection) => drop(connection.shutdown(Shutdown::Both)),
        }
    }
}

impl X11 {
    /// The value of `DISPLAY`; `None`: X programs cannot run.
    pub fn display(&self) -> Option<String> {
        self.display.as_ref().map(Display::name)
    }

    /// A surface is gone.
    pub(crate) fn forget(&mut self, surface: &WlSurface) {
        self.numbered.retain(|_, other| other != surface);
    }
}
