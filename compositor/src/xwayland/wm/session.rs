//! The connection to the X server: becomes its window manager, feeds its events to [`Model`] and carries out the wanted
//! state. It may block on the server at any time, so it runs on its own thread.

use std::{
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
    CURRENT_TIME, NONE,
    connection::Connection as _,
    errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError},
    protocol::{
        Event,
        composite::{ConnectionExt as _, Redirect},
        xfixes::{ClientDisconnectFlags, ConnectionExt as _},
        xproto::{
            AtomEnum, CONFIGURE_NOTIFY_EVENT, ChangeWindowAttributesAux, ClientMessageEvent, ConfigureNotifyEvent,
            ConfigureRequestEvent, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask,
            GetPropertyReply, InputFocus, PropMode, StackMode, Window, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use super::{
    News, Told, Wanted,
    atoms::Atoms,
    clipboard::{Clipboard, KINDS, index},
    model::{Geometry, Hints, Kind, Model, SurfaceName, TooMany},
    stream::Bounded,
};

/// The connection, with bounds for what the server says.
pub(super) type Connection = RustConnection<Bounded>;

/// Events handled before the wanted state is checked again.
const EVENTS_A_TURN: usize = 64;
/// Length that is read of a property, in units of four bytes.
const PROPERTY: u32 = 32;
/// The first version of XFixes with which a server terminates while its window manager is connected.
const XFIXES: (u32, u32) = (6, 0);
/// Largest position and size in X.
const MOST: u32 = 32_767;
/// `WM_STATE`: NormalState and WithdrawnState.
const NORMAL: u32 = 1;
const WITHDRAWN: u32 = 0;
/// Dots per inch where one logical pixel is one pixel.
const DPI: f64 = 96.0;
/// `WM_HINTS`: the flag in its first word that its second, the input field, is set.
const INPUT_HINT: u32 = 1;

/// Why the connection has ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("the X server did not take the window manager: {0}")]
    Connect(#[from] ConnectError),
    #[error("the connection to the X server ended: {0}")]
    Connection(#[from] ConnectionError),
    #[error("the X server refused the window manager: {0}")]
    Reply(#[from] ReplyError),
    #[error("the X server has no numbers left: {0}")]
    Id(#[from] ReplyOrIdError),
    #[error("the X server's connection cannot be waited for: {0}")]
    Wait(#[from] io::Error),
}

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
        let (wanted, pastes) = {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            (told.wanted.clone(), std::mem::take(&mut told.pastes))
        };
        session.carry_out(wanted)?;
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
    news: SyncSender<News>,
    unheard: bool,
}

impl Session {
    fn new(stream: UnixStream, news: SyncSender<News>) -> Result<Self, SessionError> {
        let connection = RustConnection::connect_to_stream(Bounded::new(stream)?, 0)?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let setup = connection.setup();
        let (root, mask) = (setup.roots.first().map_or(NONE, |screen| screen.root), setup.resource_id_mask);
        let own = become_manager(&connection, &atoms, root)?;
        let clipboard = Clipboard::new(&connection, &atoms, own)?;
        connection.flush()?;
        Ok(Self {
            atoms,
            root,
            model: Model::new(mask),
            clipboard,
            done: Wanted::default(),
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
        // Ignores synthetic events of clients, except a selection owner's answer.
        if event.sent_event() && !matches!(event, Event::SelectionNotify(_)) {
            return Ok(());
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
        let hints = self.hints(window)?;
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
        self.connection.map_window(window)?;
        self.list_windows()
    }

    fn tell_mapped(&mut self, window: Window) {
        let Some(known) = self.model.get(window) else { return };
        let (kind, place) = (known.kind(), known.place);
        self.tell(News::Mapped { window, kind, place });
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

    /// The synthetic ConfigureNotify that ICCCM requires when a request is not granted.
    fn tell_place(&self, window: Window, place: Geometry) -> Result<(), SessionError> {
        let event = ConfigureNotifyEvent {
            response_type: CONFIGURE_NOTIFY_EVENT,
            sequence: 0,
            event: window,
            window,
            above_sibling: NONE,
            x: coordinate(place.x),
            y: coordinate(place.y),
            width: extent(place.width),
            height: extent(place.height),
            border_width: 0,
            override_redirect: false,
        };
        self.connection.send_event(false, window, EventMask::STRUCTURE_NOTIFY, event)?;
        Ok(())
    }

    fn move_to(&self, window: Window, place: Geometry) -> Result<(), SessionError> {
        let aux = ConfigureWindowAux::new()
            .x(i32::from(coordinate(place.x)))
            .y(i32::from(coordinate(place.y)))
            .width(u32::from(extent(place.width)))
            .height(u32::from(extent(place.height)))
            .border_width(0);
        self.connection.configure_window(window, &aux)?;
        Ok(())
    }

    fn carry_out(&mut self, wanted: Wanted) -> Result<(), SessionError> {
        if wanted == self.done {
            return Ok(());
        }
        for (window, known) in self.model.mapped() {
            let lies = (known.place.x, known.place.y);
            match (known.kind(), wanted.at.get(&window)) {
                (Kind::Main, _) if known.place != wanted.area && wanted.area != self.done.area => {
                    self.move_to(window, wanted.area)?;
                }
                // Its program chooses its size.
                (Kind::Dialog | Kind::Free, Some(at)) if *at != lies && self.done.at.get(&window) != Some(at) => {
                    let aux = ConfigureWindowAux::new().x(i32::from(coordinate(at.0))).y(i32::from(coordinate(at.1)));
                    self.connection.configure_window(window, &aux)?;
                }
                _ => {}
            }
        }
        if wanted.scale != self.done.scale && wanted.scale > 0.0 {
            let text = format!("Xft.dpi:\t{}\n", (wanted.scale * DPI).round());
            let database = AtomEnum::RESOURCE_MANAGER;
            self.connection.change_property8(
                PropMode::REPLACE,
                self.root,
                database,
                AtomEnum::STRING,
                text.as_bytes(),
            )?;
        }
        let focus = wanted.focus.filter(|window| self.model.get(*window).is_some_and(|known| known.mapped));
        if focus != self.done.focus {
            self.focus(focus)?;
        }
        for kind in KINDS {
            let at = index(kind);
            if let (Some(offer), Some(done)) = (wanted.offers.get(at), self.done.offers.get(at))
                && offer != done
            {
                self.clipboard.offer(&self.connection, &self.atoms, kind, offer.forms.clone())?;
            }
        }
        // An unmapped window gets the focus when it is mapped.
        self.done = Wanted { focus, ..wanted };
        Ok(())
    }

    /// A window was unmapped. If it is mapped again before another focus is wanted, it is focused again.
    fn unfocus(&mut self, window: Window) -> Result<(), SessionError> {
        if self.done.focus == Some(window) {
            self.focus(None)?;
            self.done.focus = None;
        }
        Ok(())
    }

    fn focus(&mut self, focus: Option<Window>) -> Result<(), SessionError> {
        let known = focus.and_then(|window| Some((window, self.model.get(window).filter(|known| known.mapped)?.hints)));
        let active = known.map_or(NONE, |(window, _)| window);
        match known {
            Some((window, hints)) => {
                let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
                self.connection.configure_window(window, &above)?;
                if hints.takes_keys {
                    self.connection.set_input_focus(InputFocus::POINTER_ROOT, window, CURRENT_TIME)?;
                }
                if hints.takes_focus {
                    let words = [self.atoms.WM_TAKE_FOCUS, CURRENT_TIME, 0, 0, 0];
                    let message = ClientMessageEvent::new(32, window, self.atoms.WM_PROTOCOLS, words);
                    self.connection.send_event(false, window, EventMask::NO_EVENT, message)?;
                }
            }
            None => drop(self.connection.set_input_focus(InputFocus::NONE, NONE, CURRENT_TIME)?),
        }
        let name = self.atoms._NET_ACTIVE_WINDOW;
        self.connection.change_property32(PropMode::REPLACE, self.root, name, AtomEnum::WINDOW, &[active])?;
        Ok(())
    }

    fn set_state(&self, window: Window, state: u32) -> Result<(), SessionError> {
        let name = self.atoms.WM_STATE;
        self.connection.change_property32(PropMode::REPLACE, window, name, name, &[state, NONE])?;
        Ok(())
    }

    fn list_windows(&self) -> Result<(), SessionError> {
        let windows: Vec<Window> =
            self.model.mapped().filter(|(_, known)| !known.free).map(|(window, _)| window).collect();
        let name = self.atoms._NET_CLIENT_LIST;
        self.connection.change_property32(PropMode::REPLACE, self.root, name, AtomEnum::WINDOW, &windows)?;
        Ok(())
    }

    fn hints(&self, window: Window) -> Result<Hints, SessionError> {
        let atoms = &self.atoms;
        let atoms_of = |property: Option<GetPropertyReply>| -> Vec<u32> {
            property.and_then(|property| Some(property.value32()?.collect())).unwrap_or_default()
        };
        let types = atoms_of(self.property(window, atoms._NET_WM_WINDOW_TYPE)?);
        let states = atoms_of(self.property(window, atoms._NET_WM_STATE)?);
        let protocols = atoms_of(self.property(window, atoms.WM_PROTOCOLS)?);
        let parent = atoms_of(self.property(window, u32::from(AtomEnum::WM_TRANSIENT_FOR))?);
        let manager = atoms_of(self.property(window, u32::from(AtomEnum::WM_HINTS))?);
        let parts = [
            atoms._NET_WM_WINDOW_TYPE_DIALOG,
            atoms._NET_WM_WINDOW_TYPE_SPLASH,
            atoms._NET_WM_WINDOW_TYPE_TOOLBAR,
            atoms._NET_WM_WINDOW_TYPE_UTILITY,
        ];
        let input = match manager.as_slice() {
            [flags, input, ..] if flags & INPUT_HINT != 0 => *input != 0,
            _ => true,
        };
        Ok(Hints {
            // Transient for the root or for none means for the whole group: some programs set that on their main
            // window.
            transient: parent.first().is_some_and(|parent| *parent != NONE && *parent != self.root),
            dialog: types.first().is_some_and(|first| parts.contains(first))
                || states.contains(&atoms._NET_WM_STATE_MODAL),
            takes_keys: input,
            takes_focus: protocols.contains(&atoms.WM_TAKE_FOCUS),
        })
    }

    /// The beginning of a property of 32-bit values; `None`: there is no such property or window.
    fn property(&self, window: Window, name: u32) -> Result<Option<GetPropertyReply>, SessionError> {
        answer(self.connection.get_property(false, window, name, AtomEnum::ANY, 0, PROPERTY)?.reply())
    }
}

/// Returns our window, which represents the window manager.
fn become_manager(connection: &Connection, atoms: &Atoms, root: Window) -> Result<Window, SessionError> {
    let events = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
    let attributes = ChangeWindowAttributesAux::new().event_mask(events);
    connection.change_window_attributes(root, &attributes)?.check()?;
    connection.composite_query_version(0, 4)?.reply()?;
    connection.composite_redirect_subwindows(root, Redirect::MANUAL)?.check()?;
    let version = connection.xfixes_query_version(XFIXES.0, XFIXES.1)?.reply()?;
    if (version.major_version, version.minor_version) >= XFIXES {
        connection.xfixes_set_client_disconnect_mode(ClientDisconnectFlags::TERMINATE)?;
    }
    let own = connection.generate_id()?;
    let input_only = CreateWindowAux::new();
    connection.create_window(0, own, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &input_only)?;
    for window in [root, own] {
        connection.change_property32(
            PropMode::REPLACE,
            window,
            atoms._NET_SUPPORTING_WM_CHECK,
            AtomEnum::WINDOW,
            &[own],
        )?;
    }
    connection.change_property8(PropMode::REPLACE, own, atoms._NET_WM_NAME, atoms.UTF8_STRING, b"kioskd")?;
    let supported = [
        atoms._NET_ACTIVE_WINDOW,
        atoms._NET_CLIENT_LIST,
        atoms._NET_WM_STATE,
        atoms._NET_WM_STATE_FULLSCREEN,
        atoms._NET_WM_STATE_MODAL,
        atoms._NET_WM_WINDOW_TYPE,
    ];
    connection.change_property32(PropMode::REPLACE, root, atoms._NET_SUPPORTED, AtomEnum::ATOM, &supported)?;
    // Last, as Xwayland begins to accept clients then.
    connection.set_selection_owner(own, atoms.WM_S0, CURRENT_TIME)?;
    Ok(own)
}

/// A window may be destroyed at any time: the server's error about such a window is ignored.
pub(super) fn answer<T>(reply: Result<T, ReplyError>) -> Result<Option<T>, SessionError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(error)) => Err(error.into()),
    }
}

fn place(x: i16, y: i16, width: u16, height: u16) -> Geometry {
    Geometry { x: x.into(), y: y.into(), width: width.into(), height: height.into() }
}

fn coordinate(value: i32) -> i16 {
    i16::try_from(value.clamp(-(MOST as i32), MOST as i32)).unwrap_or_default()
}

fn extent(value: u32) -> u16 {
    u16::try_from(value.clamp(1, MOST)).unwrap_or(1)
}
