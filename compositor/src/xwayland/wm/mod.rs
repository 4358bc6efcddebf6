//! The X server's window manager. The root state starts one for each X server ([`Manager::start`]), sends the wanted
//! state ([`Wanted`]) and receives events ([`News`]).
//!
//! It runs on a thread of its own: a request to the X server blocks until the reply, and an X client that grabs the
//! server blocks all others. The wanted state is kept as one value and not as a queue, so that it does not grow
//! meanwhile.
//!
//! smithay's `X11Wm` is not used: it blocks the caller's thread, keeps windows and properties without a bound, and
//! requires smithay's own client data.
//!
//! [`session`] is the connection to the X server, [`model`] holds its windows. Nothing here depends on the root.

mod atoms;
mod clipboard;
mod error;
#[cfg(test)]
mod greedy;
#[cfg(test)]
mod hostile;
mod model;
mod properties;
mod session;
mod setup;
mod stream;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    io,
    net::Shutdown,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rustix::event::{EventfdFlags, eventfd};
use smithay::{reexports::calloop::channel::SyncSender, wayland::selection::SelectionTarget};

pub use clipboard::{FORM_NAME, FORMS, KINDS, Paste, index};
pub use model::{Geometry, Kind, Names, SurfaceName};

/// An X window id.
pub type WindowId = u32;

/// Capacity of the channel to the root state: when it is full the thread waits, and with it the X clients.
pub const NEWS: usize = 64;

/// An event of the X server.
#[derive(Debug)]
pub enum News {
    /// The server accepts clients.
    Ready,
    /// A window was mapped.
    Mapped {
        /// Which.
        window: WindowId,
        /// Its kind.
        kind: Kind,
        /// Its area.
        place: Geometry,
        /// Whether it answers [`Manager::ping`].
        answers: bool,
    },
    /// A window has answered the last ping.
    Answered {
        /// Which.
        window: WindowId,
    },
    /// A mapped window that is no menu has names, or other ones.
    Named {
        /// Which.
        window: WindowId,
        /// What it is called now.
        names: Names,
    },
    /// A window's Wayland surface.
    Surface {
        /// Which window.
        window: WindowId,
        /// The surface's id or serial.
        surface: SurfaceName,
    },
    /// A window that chooses its own place was moved or resized.
    Placed {
        /// Which.
        window: WindowId,
        /// Its area.
        place: Geometry,
    },
    /// A window was unmapped or destroyed.
    Gone {
        /// Which.
        window: WindowId,
    },
    /// An X program has set a selection; without MIME types: cleared it.
    Copied {
        /// The selection.
        kind: SelectionTarget,
        /// MIME types, at most [`FORMS`].
        forms: Vec<String>,
    },
    /// An X program requests a Wayland client's selection.
    Wanted {
        /// The selection.
        kind: SelectionTarget,
        /// One of the offered MIME types.
        form: String,
        /// The pipe to write to.
        into: OwnedFd,
    },
    /// The connection to the X server has ended.
    Ended {
        /// For the log.
        reason: String,
    },
}

/// The wanted state of the X server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The area of main windows.
    pub area: Geometry,
    /// X pixels per logical pixel, for `Xft.dpi`.
    pub scale: f64,
    /// Positions of other windows that we place.
    pub at: HashMap<WindowId, (i32, i32)>,
    /// The window with the keyboard focus.
    pub focus: Option<WindowId>,
    /// Wayland clients' selections, by [`index`].
    pub offers: [Offer; 2],
}

/// A Wayland client's selection, for X programs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offer {
    /// Changes each time the selection is set.
    pub number: u64,
    /// MIME types, at most [`FORMS`] of at most [`FORM_NAME`] bytes; `None`: there is nothing.
    pub forms: Option<Vec<String>>,
}

/// Most queued paste requests: then the oldest is dropped.
const PASTES: usize = 8;

/// Shared with the thread.
#[derive(Debug, Default)]
struct Told {
    wanted: Wanted,
    pastes: VecDeque<Paste>,
    /// Windows that are to close.
    closing: BTreeSet<WindowId>,
    /// Windows that are asked for an answer.
    pinging: BTreeSet<WindowId>,
}

/// The thread's handle. Dropping it closes the connection, which ends the thread.
#[derive(Debug)]
pub struct Manager {
    told: Arc<Mutex<Told>>,
    wake: Arc<OwnedFd>,
    stream: UnixStream,
}

impl Manager {
    /// Starts the thread on this connection to an X server, which may still be starting. `news` takes the events; the
    /// thread ends when its receiver is gone.
    pub fn start(stream: UnixStream, wanted: Wanted, news: SyncSender<News>) -> io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let told = Arc::new(Mutex::new(Told { wanted, ..Told::default() }));
        let own = stream.try_clone()?;
        let shared = (told.clone(), wake.clone());
        thread::Builder::new().name("x11".into()).spawn(move || {
            let reason = match session::serve(own, &shared.0, &shared.1, &news) {
                Ok(()) => "its reader has ended".to_owned(),
                Err(error) => error.to_string(),
            };
            // The receiver may be gone.
            let _ = news.send(News::Ended { reason });
        })?;
        Ok(Self { told, wake, stream })
    }

    /// Sets the wanted state.
    pub fn want(&self, wanted: Wanted) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.wanted == wanted {
            return;
        }
        told.wanted = wanted;
        drop(told);
        self.wake();
    }

    /// Requests an X program's selection for a Wayland client.
    pub fn paste(&self, paste: Paste) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.pastes.len() >= PASTES {
            told.pastes.pop_front();
        }
        told.pastes.push_back(paste);
        drop(told);
        self.wake();
    }

    /// Asks a window to close, and ends its program where that can't be asked.
    pub fn close(&self, window: WindowId) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).closing.insert(window);
        self.wake();
    }

    /// Asks a window for an answer. [`News::Answered`] follows, unless its program hangs or does not know pings.
    pub fn ping(&self, window: WindowId) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).pinging.insert(window);
        self.wake();
    }

    fn wake(&self) {
        // A full counter has woken the thread already.
        let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // It fails if the connection has ended already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
