//! The window manager of the X server: what Xwayland needs beside a Wayland compositor. The root state starts one for each
//! X server ([`Manager::start`]), says what it wants ([`Wanted`]) and hears what X clients do ([`News`]).
//!
//! It is a thread of its own: a question to the X server waits for the answer, and an X client that grabs the server lets
//! everybody wait for as long as it likes. Nothing else of the kiosk waits with it, and what is wanted in the meantime is
//! kept as a state and not as a list, so that it does not grow.
//!
//! smithay has such a manager (`X11Wm`). It asks the X server on the caller's own thread, keeps windows and properties
//! without a bound, and takes for granted that the client's data is smithay's own.
//!
//! Only [`session`] speaks to the X server; [`model`] is what is known of its windows. Nothing here knows the kiosk.

mod atoms;
mod clipboard;
mod model;
mod session;

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::Shutdown,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rustix::event::{EventfdFlags, eventfd};
use smithay::{reexports::calloop::channel::SyncSender, wayland::selection::SelectionTarget};

pub use clipboard::{FORM_NAME, FORMS, KINDS, Paste, index};
pub use model::{Kind, Place, SurfaceName};

/// An X window's number.
pub type WindowId = u32;

/// News that may wait for the root state: what comes on top makes the thread wait, and with it who causes it.
pub const NEWS: usize = 64;

/// What has happened in the X server.
#[derive(Debug)]
pub enum News {
    /// Clients can come from now on.
    Ready,
    /// A window wants to be seen.
    Mapped {
        /// Which.
        window: WindowId,
        /// What it is.
        kind: Kind,
        /// Where it lies.
        place: Place,
    },
    /// Which Wayland surface shows a window.
    Surface {
        /// Which window.
        window: WindowId,
        /// As the X server names it.
        surface: SurfaceName,
    },
    /// A window that may lie where it likes has gone there, or has another size.
    Placed {
        /// Which.
        window: WindowId,
        /// Where it lies.
        place: Place,
    },
    /// A window is not to be seen any more.
    Gone {
        /// Which.
        window: WindowId,
    },
    /// An X program has copied something; without forms: there is nothing any more.
    Copied {
        /// Of which kind.
        kind: SelectionTarget,
        /// MIME types, at most [`FORMS`].
        forms: Vec<String>,
    },
    /// An X program wants what Wayland clients offer.
    Wanted {
        /// Of which kind.
        kind: SelectionTarget,
        /// In this one of the forms that were offered.
        form: String,
        /// Where it is to be written to.
        into: OwnedFd,
    },
    /// The connection to the X server is over.
    Ended {
        /// For the log.
        reason: String,
    },
}

/// What the X server is to be like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Where a main window lies.
    pub area: Place,
    /// X pixels of one logical pixel, for programs that ask for the resolution.
    pub scale: f64,
    /// Where the left upper corners of other windows are to lie, where these are not left alone.
    pub at: HashMap<WindowId, (i32, i32)>,
    /// The window that has the keyboard.
    pub focus: Option<WindowId>,
    /// What Wayland clients have copied, by [`index`].
    pub offers: [Offer; 2],
}

/// What X programs can paste of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offer {
    /// Another one for each time that something was copied.
    pub number: u64,
    /// MIME types, at most [`FORMS`] of at most [`FORM_NAME`] bytes; `None`: there is nothing.
    pub forms: Option<Vec<String>>,
}

/// Wishes for what X programs have copied that may wait: the oldest goes when one more comes.
const PASTES: usize = 8;

/// What the thread is told.
#[derive(Debug, Default)]
struct Told {
    wanted: Wanted,
    pastes: VecDeque<Paste>,
}

/// The thread's handle. Dropped, it ends the connection, and with it the thread.
#[derive(Debug)]
pub struct Manager {
    told: Arc<Mutex<Told>>,
    wake: Arc<OwnedFd>,
    stream: UnixStream,
}

impl Manager {
    /// Starts the thread on this connection to an X server, which may still be starting. `news` is how the root state hears
    /// of it; when nobody listens any more, the thread ends.
    pub fn start(stream: UnixStream, wanted: Wanted, news: SyncSender<News>) -> io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let told = Arc::new(Mutex::new(Told { wanted, pastes: VecDeque::new() }));
        let own = stream.try_clone()?;
        let shared = (told.clone(), wake.clone());
        thread::Builder::new().name("x11".into()).spawn(move || {
            let reason = match session::serve(own, &shared.0, &shared.1, &news) {
                Ok(()) => "nobody wants to know any more".to_owned(),
                Err(error) => error.to_string(),
            };
            // Where nobody listens there is nobody to tell.
            let _ = news.send(News::Ended { reason });
        })?;
        Ok(Self { told, wake, stream })
    }

    /// Says what is wanted from now on.
    pub fn want(&self, wanted: Wanted) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.wanted == wanted {
            return;
        }
        told.wanted = wanted;
        drop(told);
        self.wake();
    }

    /// A Wayland client wants what an X program has copied.
    pub fn paste(&self, paste: Paste) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.pastes.len() >= PASTES {
            told.pastes.pop_front();
        }
        told.pastes.push_back(paste);
        drop(told);
        self.wake();
    }

    fn wake(&self) {
        // A counter that is full has woken it already.
        let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // It is over already where this fails.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
