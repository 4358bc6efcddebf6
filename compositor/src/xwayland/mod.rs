//! Programs that speak X11: Xwayland, rootless, started by the first of them and gone with the last.
//!
//! [`display`] is where X clients come, [`machine`] when the server is started, [`process`] how, [`server`] ties them to
//! the event loop. To Wayland the server is one client with its own few globals and limits
//! ([`crate::privilege::Privilege::Xwayland`]). [`wm`] is its window manager, on a thread of its own; what that says comes
//! to [`windows`], which puts X windows on the stage under the same policy as all others, and to [`clipboard`].

mod clipboard;
pub mod display;
pub mod machine;
pub mod process;
mod server;
mod windows;
pub mod wm;

use std::collections::HashMap;

use rustix::process::Pid;
use smithay::reexports::{
    calloop::RegistrationToken,
    wayland_server::{Client, protocol::wl_surface::WlSurface},
};

use clipboard::Copied;
use display::Display;
use machine::Machine;
use wm::{Manager, SurfaceName, WindowId};

/// What there is of X.
#[derive(Default)]
pub struct X11 {
    /// Where X clients come; `None`: none can.
    display: Option<Display>,
    machine: Machine,
    /// Watches for the first X client.
    listener: Option<RegistrationToken>,
    server: Option<Server>,
    /// How many servers there were: news of one that has gone are for nobody.
    servers: u64,
    /// Surfaces whose X window is known, and which are not there yet. Of windows on the stage alone.
    awaited: HashMap<WindowId, SurfaceName>,
    /// What is copied, and by whom.
    copied: Copied,
    /// By the numbers that the X server gave them.
    numbered: HashMap<u64, WlSurface>,
}

/// An X server that is connected.
struct Server {
    client: Client,
    manager: Manager,
    news: RegistrationToken,
    /// `None`: it has ended, or is somebody else's child.
    process: Option<Pid>,
}

impl X11 {
    /// What X programs find in `DISPLAY`; `None`: they cannot run.
    pub fn display(&self) -> Option<String> {
        self.display.as_ref().map(Display::name)
    }

    /// A surface is gone.
    pub(crate) fn forget(&mut self, surface: &WlSurface) {
        self.numbered.retain(|_, other| other != surface);
    }
}
