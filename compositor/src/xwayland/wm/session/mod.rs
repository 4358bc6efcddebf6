//! The connection to the X server: becomes its window manager, feeds its events to [`Model`] and carries out the wanted
//! state. It may block on the server at any time, so it runs on its own thread.

mod apply;

use std::{
    collections::BTreeSet,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{Mutex, PoisonError},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smithay::reexports::calloop::channel::SyncSender;
use x11rb::{
    NONE,
    connection::Connection as _,
    errors::ConnectionError,
    protocol::{
        Event,
        xproto::{
            AtomEnum, ChangeWindowAttributesAux, ConfigureRequestEvent, ConfigureWindowAux, ConnectionExt as _,
            EventMask, PropMode, Window,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use crate::xwayland::wm::{
    News, Told, Wanted,
    atoms::Atoms,
    clipboard::Clipboard,
    error::{SessionError, answer},
    model::{Geometry, Hints, Kind, Model, SurfaceName, TooMany},
    properties, setup,
    stream::{Bounded, Connection},
};

/// Events handled before the wanted state is checked again.
const EVENTS_A_TURN: usize = 64;
/// `WM_STATE`: NormalState and WithdrawnState.
const NORMAL: u32 = 1;
const WITHDRAWN: u32 = 0;

/// Runs until the connection ends, or the receiver of the events is gone.
pub(super) fn serve(
    stream: UnixStream,
    told: &Mutex<Told>,
    wake: &OwnedFd,
    news: &SyncSender<News>,
) -> Result<(), SessionError> {
    let mut session = Session::new(stream, news.clone())?;
    session.tell(News::Ready);
    loop {
        let Told { wanted, pastes, closing, pinging } = {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            let wanted = told.wanted.clone();
            std::mem::replace(&mut *told, Told { wanted, ..Told::default() })
        };
        session.carry_out(wanted)?;
        for window in closing {
            session.close(window)?;
        }
        for window in pinging {
            session.ping(window)?;
        }
        let Session { clipboard, connection, atoms, .. } = &mut session;
        for paste in pastes {
            clipboard.paste(connection, atoms, paste)?;
        }
        clipboard.go_on(connection, atoms)?;
        let mut more = true;
        for _ in 0..EVENTS_A_TURN {
            let Some(event) = session.next_event()? else {
                more = false;
                break;
            };
            session.event(event)?;
        }
        more |= session.tell_names()?;
        if session.unheard {
            return Ok(());
        }
        session.connection.flush()?;
        // Events that came while waiting for a reply are in the connection's own queue.
        if more {
            continue;
        }
        let mut ready = vec![
            PollFd::from_borrowed_fd(session.connection.stream().as_fd(), PollFlags::IN),
            PollFd::new(wake, PollFlags::IN),
        ];
        ready.extend(session.clipboard.waits().into_iter().map(|(fd, what)| PollFd::from_borrowed_fd(fd, what)));
        let timeout = session.clipboard.is_busy().then(Timespec::default);
        match poll(&mut ready, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        let _ = rustix::io::read(wake, &mut [0u8; 8]);
    }
}

struct Session {
    connection: Connection,
    atoms: Atoms,
    root: Window,
    model: Model,
    clipboard: Clipboard,
    /// The state that was last carried out.
    done: Wanted,
    /// The number of the last ping.
    pings: u32,
    /// Windows whose names have changed: they are read once a turn.
    renamed: BTreeSet<Window>,
    news: SyncSender<News>,
    unheard: bool,
}

impl Session {
    fn new(stream: UnixStream, news: SyncSender<News>) -> Result<Self, SessionError> {
        let connection = RustConnection::connect_to_stream(Bounded::new(stream)?, 0)?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let setup = connection.setup();
        let (root, mask) = (setup.roots.first().map_or(NONE, |screen| screen.root), setup.resource_id_mask);
        let own = setup::become_manager(&connection, &atoms, root)?;
        let clipboard = Clipboard::new(&connection, &atoms, own)?;
        connection.flush()?;
        Ok(Self {
            atoms,
            root,
            model: Model::new(mask),
            clipboard,
            done: Wanted::default(),
            pings: 0,
            renamed: BTreeSet::new(),
            news,
            unheard: false,
            connection,
        })
    }

    /// The next event that has come; reads from the server when there is none.
    fn next_event(&self) -> Result<Option<Event>, ConnectionError> {
        self.connection.stream().only_without_events(true);
        let event = self.connection.poll_for_event();
        self.connection.stream().only_without_events(false);
        event
    }

    fn tell(&mut self, news: News) {
        self.unheard |= self.news.send(news).is_err();
    }

    fn event(&mut self, event: Event) -> Result<(), SessionError> {
        // Ignores synthetic events of clients, except a selection owner's answer and that to a ping.
        match &event {
            Event::SelectionNotify(_) => {}
            Event::ClientMessage(message) if event.sent_event() => {
                let [protocol, number, window, ..] = message.data.as_data32();
                let is_pong = message.type_ == self.atoms.WM_PROTOCOLS && protocol == self.atoms._NET_WM_PING;
                if is_pong && message.window == self.root && self.model.answered(window, number) {
                    self.tell(News::Answered { window });
                }
                return Ok(());
            }
            other if other.sent_event() => return Ok(()),
            _ => {}
        }
        let Self { clipboard, connection, atoms, .. } = self;
        match event {
            Event::CreateNotify(new) if new.parent == self.root => {
                let place = place(new.x, new.y, new.width, new.height);
                self.created(new.window, new.override_redirect, place)?;
            }
            Event::ReparentNotify(moved) if moved.parent == self.root => {
                let Some(geometry) = answer(self.connection.get_geometry(moved.window)?.reply())? else {
                    return Ok(());
                };
                let place = place(moved.x, moved.y, geometry.width, geometry.height);
                self.created(moved.window, moved.override_redirect, place)?;
            }
            // It is not a top-level window any more.
            Event::ReparentNotify(moved) => self.gone(moved.window)?,
            Event::DestroyNotify(gone) => self.gone(gone.window)?,
            Event::MapRequest(request) => self.map(request.window)?,
            Event::MapNotify(mapped) if mapped.override_redirect => {
                match self.model.map(mapped.window, true, Hints::default()).map(|known| known.is_some()) {
                    Ok(true) => self.tell_mapped(mapped.window),
                    Ok(false) => {}
                    Err(TooMany) => self.end_client_of(mapped.window)?,
                }
            }
            Event::UnmapNotify(unmapped) if self.model.unmap(unmapped.window) => {
                self.unfocus(unmapped.window)?;
                self.set_state(unmapped.window, WITHDRAWN)?;
                self.list_windows()?;
                self.tell(News::Gone { window: unmapped.window });
            }
            Event::ConfigureRequest(request) => self.configure(&request)?,
            Event::ConfigureNotify(told) => {
                let place = place(told.x, told.y, told.width, told.height);
                if self.model.placed(told.window, place).is_some() {
                    self.tell(News::Placed { window: told.window, place });
                }
            }
            Event::ClientMessage(message) => {
                let [low, high, ..] = message.data.as_data32();
                let surface = match message.type_ {
                    name if name == self.atoms.WL_SURFACE_ID => SurfaceName::Object(low),
                    name if name == self.atoms.WL_SURFACE_SERIAL => {
                        SurfaceName::Serial(u64::from(high) << 32 | u64::from(low))
                    }
                    _ => return Ok(()),
                };
                self.tell(News::Surface { window: message.window, surface });
            }
            Event::XfixesSelectionNotify(change) => {
                if let Some(news) = clipboard.owner_changed(connection, atoms, &change)? {
                    self.tell(news);
                }
            }
            Event::SelectionNotify(notice) => {
                if let Some(news) = clipboard.answered(connection, atoms, &notice)? {
                    self.tell(news);
                }
            }
            Event::SelectionRequest(request) => {
                if let Some(news) = clipboard.requested(connection, atoms, request)? {
                    self.tell(news);
                }
            }
            Event::PropertyNotify(change) if properties::is_name(atoms, change.atom) => {
                self.renamed.insert(change.window);
            }
            Event::PropertyNotify(change) => clipboard.property_changed(atoms, &change),
            Event::Error(error) => tracing::debug!(kind = ?error.error_kind, "the X server refused a request"),
            _ => {}
        }
        Ok(())
    }

    fn created(&mut self, window: Window, free: bool, place: Geometry) -> Result<(), SessionError> {
        match self.model.created(window, free, place) {
            Ok(()) => Ok(()),
            Err(TooMany) => self.end_client_of(window),
        }
    }

    /// Kills the X client of this window, as it reached a limit.
    fn end_client_of(&self, window: Window) -> Result<(), SessionError> {
        tracing::warn!(window, "X client killed: too many windows");
        self.connection.kill_client(window)?;
        Ok(())
    }

    fn gone(&mut self, window: Window) -> Result<(), SessionError> {
        if self.model.remove(window) {
            self.unfocus(window)?;
            self.list_windows()?;
            self.tell(News::Gone { window });
        }
        Ok(())
    }

    /// Handles a map request. A main window gets its size before it is mapped.
    fn map(&mut self, window: Window) -> Result<(), SessionError> {
        let hints = properties::hints(&self.connection, &self.atoms, self.root, window)?;
        let area = self.done.area;
        let known = match self.model.map(window, false, hints) {
            Ok(Some(known)) => known,
            // Mapped already, or its client is being killed.
            Ok(None) => return Ok(()),
            Err(TooMany) => return self.end_client_of(window),
        };
        if known.kind() == Kind::Main && area.width > 0 {
            self.move_to(window, area)?;
            let full = [self.atoms._NET_WM_STATE_FULLSCREEN];
            let state = self.atoms._NET_WM_STATE;
            self.connection.change_property32(PropMode::REPLACE, window, state, AtomEnum::ATOM, &full)?;
        }
        self.set_state(window, NORMAL)?;
        // Sent first, so that the window is known when its surface is named.
        self.tell_mapped(window);
        let news = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        self.connection.change_window_attributes(window, &news)?;
        self.renamed.insert(window);
        self.connection.map_window(window)?;
        self.list_windows()
    }

    /// Tells of the names of windows that have new ones. Returns whether the server was asked for any.
    fn tell_names(&mut self) -> Result<bool, SessionError> {
        let renamed = std::mem::take(&mut self.renamed);
        let requested = !renamed.is_empty();
        for window in renamed {
            if !self.model.get(window).is_some_and(|known| known.mapped && !known.free) {
                continue;
            }
            let names = properties::names(&self.connection, &self.atoms, window)?;
            if self.model.named(window, names.clone()) {
                self.tell(News::Named { window, names });
            }
        }
        Ok(requested)
    }

    fn tell_mapped(&mut self, window: Window) {
        let Some(known) = self.model.get(window) else { return };
        let (kind, place, answers) = (known.kind(), known.place, known.hints.answers);
        self.tell(News::Mapped { window, kind, place, answers });
    }

    /// Handles a configure request. An unmapped window gets what it asks for; a mapped one at most its size, and a
    /// ConfigureNotify in any case.
    fn configure(&mut self, request: &ConfigureRequestEvent) -> Result<(), SessionError> {
        let mapped =
            self.model.get(request.window).filter(|known| known.mapped).map(|known| (known.kind(), known.place));
        let values = ConfigureWindowAux::from_configure_request(request);
        match mapped {
            None => drop(self.connection.configure_window(request.window, &values)?),
            Some((Kind::Main, place)) => self.tell_place(request.window, place)?,
            Some((Kind::Dialog | Kind::Free, place)) => {
                let size =
                    ConfigureWindowAux { width: values.width, height: values.height, ..ConfigureWindowAux::new() };
                self.connection.configure_window(request.window, &size)?;
                let (width, height) = (values.width.unwrap_or(place.width), values.height.unwrap_or(place.height));
                self.tell_place(request.window, Geometry { width, height, ..place })?;
            }
        }
        Ok(())
    }
}

fn place(x: i16, y: i16, width: u16, height: u16) -> Geometry {
    Geometry { x: x.into(), y: y.into(), width: width.into(), height: height.into() }
}
