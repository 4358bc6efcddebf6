//! Accepts Wayland clients and dispatches their requests: a bounded number of new clients, and one read of each client,
//! per turn of the loop.
//!
//! libwayland's dispatch takes up to 32 readable clients, reads at most 4 KiB from each, and handles the requests; the
//! remaining clients follow in the next turn, in order. So a client that never stops writing gets one read a turn like
//! all others, and signals, timers and the watchdog run in between.

use std::{
    cell::{Cell, RefCell},
    io::{self, Write},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use rustix::net::sockopt::socket_peercred;
use smithay::reexports::{
    calloop::{Interest, Mode, PostAction, RegistrationToken, generic::Generic},
    wayland_server::{
        Client, Display,
        backend::{DisconnectReason, protocol::ProtocolError},
    },
};

use crate::{
    kiosk::Kiosk,
    limits::{
        descriptors::{self, NONE_LEFT, Use},
        object_ids,
        refusal::Repeated,
    },
    pings::Pings,
    privilege::{ClientState, Context, Privilege},
    xwayland::X11,
};

/// Most new clients of one socket in a turn.
const ACCEPTED_A_TURN: usize = 8;

/// Delay before the next accept when no file descriptor is left: the waiting client would wake the loop all the time.
const PAUSE: Duration = Duration::from_millis(200);

/// `wl_display.error`'s object, opcode, and the code for "no memory", the nearest to a limit that was reached.
const DISPLAY: u32 = 1;
const ERROR: u32 = 0;
const NO_MEMORY: u32 = 2;

/// The display, whether destructor events have to be completed, and pending round trips of clients.
#[derive(Default)]
pub struct Clients {
    display: Weak<RefCell<Display<Kiosk>>>,
    /// Frame callbacks were sent, which destroys the objects.
    pub answered: bool,
    /// Windows that are asked whether they are alive.
    pub pings: Pings,
    /// Programs that speak X11.
    pub x11: X11,
}

/// Dispatches clients' requests as they come.
pub fn serve(kiosk: &mut Kiosk, mut display: Display<Kiosk>) -> io::Result<()> {
    let fd = display.backend().poll_fd().try_clone_to_owned()?;
    let display = Rc::new(RefCell::new(display));
    kiosk.clients.display = Rc::downgrade(&display);
    let watched = kiosk.main_loop.handle.watch(fd, move |kiosk| dispatch(&display, kiosk));
    watched.map(drop).map_err(|error| io::Error::other(error.to_string()))
}

fn dispatch(display: &RefCell<Display<Kiosk>>, kiosk: &mut Kiosk) {
    if let Err(error) = display.borrow_mut().dispatch_clients(kiosk) {
        tracing::error!(%error, "Wayland clients not dispatched");
    }
    // It has completed those too.
    kiosk.clients.answered = false;
    for client in kiosk.protocols.limits.take_endless() {
        let message = "too many wl_registry objects".to_owned();
        let error = ProtocolError { code: NO_MEMORY, object_id: 1, object_interface: "wl_display".into(), message };
        kiosk.main_loop.display.backend_handle().kill_client(client, DisconnectReason::ProtocolError(error));
    }
}

/// Accepts the clients of this socket.
pub fn accept_from(kiosk: &mut Kiosk, listener: UnixListener, privilege: Privilege, shell: usize) -> io::Result<()> {
    accept_each(kiosk, listener, move |kiosk, stream| kiosk.take_in(stream, privilege, shell))
}

/// Passes connections to this socket on, a bounded number in each turn.
pub fn accept_each(
    kiosk: &mut Kiosk,
    listener: UnixListener,
    mut take: impl FnMut(&mut Kiosk, UnixStream) + 'static,
) -> io::Result<()> {
    let source = Generic::new(listener, Interest::READ, Mode::Level);
    let own: Rc<Cell<Option<RegistrationToken>>> = Rc::default();
    let token = own.clone();
    let inserted = kiosk.main_loop.handle.insert_source(source, move |_, listener, kiosk| {
        for _ in 0..ACCEPTED_A_TURN {
            match listener.accept() {
                Ok((stream, _)) => take(kiosk, stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // It closed the connection before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Ok(pause(kiosk, &error, token.get())),
            }
        }
        Ok(PostAction::Continue)
    });
    own.set(Some(inserted.map_err(|error| io::Error::other(error.to_string()))?));
    Ok(())
}

/// No client can be accepted for now: the listener is disabled for a while.
fn pause(kiosk: &mut Kiosk, error: &io::Error, listener: Option<RegistrationToken>) -> PostAction {
    static LOG: Repeated = Repeated::new();
    if let Some(more) = LOG.count() {
        tracing::warn!(%error, more, "clients not accepted for now");
    }
    kiosk.after(PAUSE, move |kiosk| {
        if let Some(listener) = listener
            && let Err(error) = kiosk.main_loop.handle.enable(&listener)
        {
            tracing::error!(%error, "Wayland socket not served any more");
        }
    });
    PostAction::Disable
}

impl Kiosk {
    /// Completes the objects that were destroyed by events since the last turn. Called before drawing, as it also
    /// dispatches clients' requests.
    ///
    /// WORKAROUND(wayland-rs:destructor-timer)
    pub fn end_answered(&mut self) {
        if std::mem::take(&mut self.clients.answered)
            && let Some(display) = self.clients.display.upgrade()
        {
            dispatch(&display, self);
        }
    }

    /// Makes a client of a connection, or sends the reason and closes it.
    pub fn take_in(&mut self, stream: UnixStream, privilege: Privilege, shell: usize) {
        self.take_into(stream, privilege, shell, None);
    }

    /// The same for a client in a security context. `None`: it was refused.
    pub fn take_into(
        &mut self,
        stream: UnixStream,
        privilege: Privilege,
        shell: usize,
        context: Option<Arc<Context>>,
    ) -> Option<Client> {
        let (reason, stream) = match self.try_to_take_in(stream, privilege, shell, context) {
            Ok(client) => return Some(client),
            Err(refused) => refused,
        };
        static LOG: Repeated = Repeated::new();
        if let Some(more) = LOG.count() {
            tracing::warn!(reason, more, "client refused");
        }
        if let Some(mut stream) = stream {
            // Best effort: a client that does not read misses it.
            let _ = stream.set_nonblocking(true).and_then(|()| stream.write_all(&display_error(&reason)));
        }
        None
    }

    fn try_to_take_in(
        &mut self,
        stream: UnixStream,
        privilege: Privilege,
        shell: usize,
        context: Option<Arc<Context>>,
    ) -> Result<Client, (String, Option<UnixStream>)> {
        if descriptors::is_of_reserve(&stream, Use::Connection) {
            return Err((NONE_LEFT.into(), Some(stream)));
        }
        let user = match socket_peercred(&stream) {
            Ok(peer) => peer.uid.as_raw(),
            Err(error) => return Err((format!("it cannot be told who it is: {error}"), None)),
        };
        let socket = stream.as_fd().try_clone_to_owned().ok();
        let state = match ClientState::new(&mut self.protocols.limits, privilege, user, shell, socket, context) {
            Ok(state) => state,
            Err(too_many) => return Err((too_many.to_string(), Some(stream))),
        };
        let inserted = self.main_loop.display.insert_client(stream, state.clone());
        let client = inserted.map_err(|error| (error.to_string(), None))?;
        object_ids::watch_newest(&self.main_loop.display, &state);
        self.protocols.limits.connected(client.id(), &state);
        Ok(client)
    }
}

/// The bytes of a `wl_display.error` event, for a connection that is not a client yet.
fn display_error(sentence: &str) -> Vec<u8> {
    let mut text = sentence.as_bytes().to_vec();
    text.push(0);
    let length = u32::try_from(text.len()).unwrap_or(0);
    text.resize(text.len().next_multiple_of(4), 0);
    let size = 20 + u32::try_from(text.len()).unwrap_or(0);
    let words = [DISPLAY, size << 16 | ERROR, DISPLAY, NO_MEMORY, length];
    words.iter().flat_map(|word| word.to_ne_bytes()).chain(text).collect()
}
