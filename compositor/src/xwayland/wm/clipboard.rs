//! The X side of copy and paste between X programs and Wayland clients, for the clipboard and the primary selection:
//! owners, targets (MIME types), and transfers through pipes. The root state decides whether a transfer is allowed.
//!
//! The number of transfers and the buffered part of each are bounded. A transfer that stalls is dropped for the next.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::PollFlags,
    fs::{OFlags, fcntl_setfl},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use smithay::wayland::selection::SelectionTarget;
use x11rb::{
    CURRENT_TIME, NONE,
    connection::Connection as _,
    protocol::{
        xfixes::{ConnectionExt as _, SelectionEventMask, SelectionNotifyEvent as OwnerEvent},
        xproto::{
            Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Property, PropertyNotifyEvent,
            SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
        },
    },
    wrapper::ConnectionExt as _,
};

use super::{
    News,
    atoms::Atoms,
    error::{SessionError, answer},
    stream::Connection,
};

/// Most transfers at a time, in each direction.
const TRANSFERS: usize = 8;
/// Most targets of a selection that are read, each with a request of its own.
const TARGETS: usize = 128;
/// Most targets of a selection that are passed on.
pub const FORMS: usize = 32;
/// The longest name of a target, bytes.
pub const FORM_NAME: usize = 128;
/// Part of a property that is read at a time, bytes.
const PIECE: u32 = 64 * 1024;
/// Most bytes given to an X program: more would need an incremental transfer (INCR).
const MOST_GIVEN: usize = 4 * 1024 * 1024;
/// The MIME type of text.
const TEXT: &str = "text/plain;charset=utf-8";
const PLAIN: &str = "text/plain";

/// Both selections, in the order of [`index`].
pub const KINDS: [SelectionTarget; 2] = [SelectionTarget::Clipboard, SelectionTarget::Primary];

/// A selection's index in [`KINDS`].
pub fn index(kind: SelectionTarget) -> usize {
    match kind {
        SelectionTarget::Clipboard => 0,
        SelectionTarget::Primary => 1,
    }
}

/// A Wayland client requests an X program's selection.
#[derive(Debug)]
pub struct Paste {
    /// The selection.
    pub kind: SelectionTarget,
    /// The MIME type.
    pub form: String,
    /// The pipe to write to.
    pub into: OwnedFd,
}

/// A transfer from an X program to a pipe.
struct Incoming {
    /// Our window that the program answers to.
    window: Window,
    kind: SelectionTarget,
    into: OwnedFd,
    /// Data that is read but not written yet.
    held: VecDeque<u8>,
    /// Next offset in the property, in units of four bytes; `None`: nothing to read now.
    offset: Option<u32>,
    /// It is incremental (INCR).
    pieces: bool,
    done: bool,
}

/// A transfer from a pipe to an X program.
struct Outgoing {
    request: SelectionRequestEvent,
    from: OwnedFd,
    held: Vec<u8>,
}

/// Both selections on the X side.
pub(super) struct Clipboard {
    own: Window,
    /// MIME types that Wayland clients offer, while we own the selection for them.
    offered: [Option<Vec<String>>; 2],
    incoming: VecDeque<Incoming>,
    outgoing: VecDeque<Outgoing>,
}

impl Clipboard {
    /// `own`: our window, as the selections' owner.
    pub(super) fn new(x: &Connection, atoms: &Atoms, own: Window) -> Result<Self, SessionError> {
        let mask = SelectionEventMask::SET_SELECTION_OWNER
            | SelectionEventMask::SELECTION_WINDOW_DESTROY
            | SelectionEventMask::SELECTION_CLIENT_CLOSE;
        for kind in KINDS {
            x.xfixes_select_selection_input(own, atom_of(atoms, kind), mask)?;
        }
        Ok(Self { own, offered: [None, None], incoming: VecDeque::new(), outgoing: VecDeque::new() })
    }

    /// Sets what Wayland clients offer; `None`: nothing.
    pub(super) fn offer(
        &mut self,
        x: &Connection,
        atoms: &Atoms,
        kind: SelectionTarget,
        forms: Option<Vec<String>>,
    ) -> Result<(), SessionError> {
        let owner = if forms.is_some() { self.own } else { NONE };
        if let Some(offered) = self.offered.get_mut(index(kind)) {
            *offered = forms;
        }
        x.set_selection_owner(owner, atom_of(atoms, kind), CURRENT_TIME)?;
        Ok(())
    }

    /// A selection has a new owner. If it is not us, its targets are requested.
    pub(super) fn owner_changed(
        &mut self,
        x: &Connection,
        atoms: &Atoms,
        event: &OwnerEvent,
    ) -> Result<Option<News>, SessionError> {
        let Some(kind) = kind_of(atoms, event.selection).filter(|_| event.owner != self.own) else { return Ok(None) };
        if let Some(offered) = self.offered.get_mut(index(kind)) {
            *offered = None;
        }
        if event.owner == NONE {
            return Ok(Some(News::Copied { kind, forms: Vec::new() }));
        }
        x.convert_selection(self.own, event.selection, atoms.TARGETS, property_of(atoms, kind), CURRENT_TIME)?;
        Ok(None)
    }

    /// An owner has answered: with its targets, or with the data of a transfer.
    pub(super) fn answered(
        &mut self,
        x: &Connection,
        atoms: &Atoms,
        event: &SelectionNotifyEvent,
    ) -> Result<Option<News>, SessionError> {
        if event.requestor == self.own {
            let Some(kind) = kind_of(atoms, event.selection).filter(|_| event.target == atoms.TARGETS) else {
                return Ok(None);
            };
            let forms = if event.property == NONE { Vec::new() } else { self.forms(x, atoms, kind)? };
            return Ok(Some(News::Copied { kind, forms }));
        }
        if let Some(at) = self.incoming.iter().position(|transfer| transfer.window == event.requestor) {
            if event.property == NONE {
                self.end_incoming(x, at)?;
            } else if let Some(transfer) = self.incoming.get_mut(at) {
                transfer.offset = Some(0);
            }
        }
        Ok(None)
    }

    fn forms(&self, x: &Connection, atoms: &Atoms, kind: SelectionTarget) -> Result<Vec<String>, SessionError> {
        let length = u32::try_from(TARGETS).unwrap_or(u32::MAX);
        let reply =
            answer(x.get_property(true, self.own, property_of(atoms, kind), AtomEnum::ATOM, 0, length)?.reply())?;
        let targets = reply.and_then(|reply| Some(reply.value32()?.take(TARGETS).collect()));
        let targets: Vec<Atom> = targets.unwrap_or_default();
        let mut forms: Vec<String> = Vec::new();
        if targets.contains(&atoms.UTF8_STRING) {
            forms.extend([TEXT.to_owned(), PLAIN.to_owned()]);
        }
        for target in targets {
            if forms.len() >= FORMS {
                break;
            }
            let Some(reply) = answer(x.get_atom_name(target)?.reply())? else { continue };
            // Only MIME types; other targets are specific to X.
            if let Ok(name) = String::from_utf8(reply.name)
                && name.contains('/')
                && name.len() <= FORM_NAME
                && !name.contains('\0')
                && !forms.contains(&name)
            {
                forms.push(name);
            }
        }
        Ok(forms)
    }

    /// A Wayland client requests an X program's selection.
    pub(super) fn paste(&mut self, x: &Connection, atoms: &Atoms, paste: Paste) -> Result<(), SessionError> {
        // The pipe must be non-blocking.
        if fcntl_setfl(&paste.into, OFlags::WRONLY | OFlags::NONBLOCK).is_err() {
            return Ok(());
        }
        if self.incoming.len() >= TRANSFERS {
            self.end_incoming(x, 0)?;
        }
        let target = match paste.form.as_str() {
            TEXT | PLAIN => atoms.UTF8_STRING,
            // The atom exists, as it was in an owner's list.
            other => x.intern_atom(true, other.as_bytes())?.reply()?.atom,
        };
        let window = x.generate_id()?;
        let events = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        let root = x.setup().roots.first().map_or(NONE, |screen| screen.root);
        x.create_window(0, window, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &events)?;
        x.convert_selection(window, atom_of(atoms, paste.kind), target, atoms._KIOSK_CONTENTS, CURRENT_TIME)?;
        self.incoming.push_back(Incoming {
            window,
            kind: paste.kind,
            into: paste.into,
            held: VecDeque::new(),
            offset: None,
            pieces: false,
            done: false,
        });
        Ok(())
    }

    /// A property of one of our windows has changed: it may be the next part.
    pub(super) fn property_changed(&mut self, atoms: &Atoms, event: &PropertyNotifyEvent) {
        let is_piece = event.state == Property::NEW_VALUE && event.atom == atoms._KIOSK_CONTENTS;
        let of = |transfer: &&mut Incoming| is_piece && transfer.pieces && transfer.window == event.window;
        if let Some(transfer) = self.incoming.iter_mut().find(of) {
            transfer.offset = Some(0);
        }
    }

    /// Reads the next part of a transfer after the last one is written.
    fn read_on(&mut self, x: &Connection, atoms: &Atoms, at: usize) -> Result<(), SessionError> {
        let Some(transfer) = self.incoming.get_mut(at) else { return Ok(()) };
        let Some(offset) = transfer.offset.filter(|_| transfer.held.is_empty()) else { return Ok(()) };
        let name = atoms._KIOSK_CONTENTS;
        let property = x.get_property(false, transfer.window, name, AtomEnum::ANY, offset, PIECE / 4)?.reply();
        let Some(reply) = answer(property)? else {
            transfer.offset = None;
            transfer.done = true;
            return Ok(());
        };
        if reply.type_ == atoms.INCR {
            transfer.pieces = true;
            transfer.offset = None;
            // Deleting the property requests the first part.
            x.delete_property(transfer.window, name)?;
            return Ok(());
        }
        transfer.done = reply.bytes_after == 0 && (!transfer.pieces || (offset == 0 && reply.value.is_empty()));
        transfer.offset = (reply.bytes_after > 0).then(|| offset.saturating_add(PIECE / 4));
        transfer.held.extend(&reply.value);
        if reply.bytes_after == 0 {
            x.delete_property(transfer.window, name)?;
        }
        Ok(())
    }

    /// Writes as much as the pipe takes. Returns whether the transfer has ended.
    fn write_on(&mut self, at: usize) -> bool {
        let Some(transfer) = self.incoming.get_mut(at) else { return false };
        while !transfer.held.is_empty() {
            match rustix::io::write(&transfer.into, transfer.held.as_slices().0) {
                Ok(written) => drop(transfer.held.drain(..written)),
                Err(Errno::AGAIN) => return false,
                Err(Errno::INTR) => {}
                // The reader has closed it.
                Err(_) => return true,
            }
        }
        transfer.done
    }

    fn end_incoming(&mut self, x: &Connection, at: usize) -> Result<(), SessionError> {
        if let Some(transfer) = self.incoming.remove(at) {
            tracing::trace!(kind = ?transfer.kind, "what an X program had has been passed on");
            x.destroy_window(transfer.window)?;
        }
        Ok(())
    }

    /// Handles an X program's request for a Wayland client's selection.
    pub(super) fn requested(
        &mut self,
        x: &Connection,
        atoms: &Atoms,
        request: SelectionRequestEvent,
    ) -> Result<Option<News>, SessionError> {
        let forms = kind_of(atoms, request.selection).and_then(|kind| {
            let forms = self.offered.get(index(kind))?.clone()?;
            Some((kind, forms))
        });
        let Some((kind, forms)) = forms else {
            reply(x, &request, false)?;
            return Ok(None);
        };
        if request.target == atoms.TARGETS {
            let mut targets = vec![atoms.TARGETS];
            if form_for_text(&forms).is_some() {
                targets.extend([atoms.UTF8_STRING, atoms.TEXT, u32::from(AtomEnum::STRING)]);
            }
            for form in &forms {
                targets.push(x.intern_atom(false, form.as_bytes())?.reply()?.atom);
            }
            let property = property_for(&request);
            x.change_property32(PropMode::REPLACE, request.requestor, property, AtomEnum::ATOM, &targets)?;
            reply(x, &request, true)?;
            return Ok(None);
        }
        let is_text = [atoms.UTF8_STRING, atoms.TEXT, u32::from(AtomEnum::STRING)].contains(&request.target);
        let form = if is_text {
            form_for_text(&forms).cloned()
        } else {
            let name = answer(x.get_atom_name(request.target)?.reply())?.map(|reply| reply.name);
            forms.into_iter().find(|form| Some(form.as_bytes()) == name.as_deref())
        };
        let pipe = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK);
        let (Some(form), Ok((from, into))) = (form, pipe) else {
            reply(x, &request, false)?;
            return Ok(None);
        };
        // Only our end is non-blocking: clients may expect a blocking pipe.
        if fcntl_setfl(&into, OFlags::WRONLY).is_err() {
            reply(x, &request, false)?;
            return Ok(None);
        }
        if self.outgoing.len() >= TRANSFERS
            && let Some(oldest) = self.outgoing.pop_front()
        {
            reply(x, &oldest.request, false)?;
        }
        self.outgoing.push_back(Outgoing { request, from, held: Vec::new() });
        Ok(Some(News::Wanted { kind, form, into }))
    }

    /// The descriptors to poll: each transfer's pipe with its events.
    pub(super) fn waits(&self) -> Vec<(BorrowedFd<'_>, PollFlags)> {
        let writing = self.incoming.iter().filter(|transfer| !transfer.held.is_empty());
        let writing = writing.map(|transfer| (transfer.into.as_fd(), PollFlags::OUT));
        writing.chain(self.outgoing.iter().map(|transfer| (transfer.from.as_fd(), PollFlags::IN))).collect()
    }

    /// Whether a transfer can continue at once.
    pub(super) fn is_busy(&self) -> bool {
        self.incoming.iter().any(|transfer| transfer.held.is_empty() && (transfer.offset.is_some() || transfer.done))
    }

    /// Continues all transfers that can, each by one part.
    pub(super) fn go_on(&mut self, x: &Connection, atoms: &Atoms) -> Result<(), SessionError> {
        for at in (0..self.incoming.len()).rev() {
            self.read_on(x, atoms, at)?;
            if self.write_on(at) {
                self.end_incoming(x, at)?;
            }
        }
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let mut buffer = vec![0; PIECE as usize];
        for at in (0..self.outgoing.len()).rev() {
            let Some(transfer) = self.outgoing.get_mut(at) else { continue };
            let ended = match rustix::io::read(&transfer.from, &mut buffer) {
                Ok(0) => Some(true),
                Ok(length) => {
                    transfer.held.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    (transfer.held.len() > MOST_GIVEN).then_some(false)
                }
                Err(Errno::AGAIN | Errno::INTR) => None,
                Err(_) => Some(false),
            };
            let Some(whole) = ended else { continue };
            let Some(Outgoing { request, held, .. }) = self.outgoing.remove(at) else { continue };
            if whole {
                let kind = match request.target == atoms.TEXT {
                    true => atoms.UTF8_STRING,
                    false => request.target,
                };
                x.change_property8(PropMode::REPLACE, request.requestor, property_for(&request), kind, &held)?;
            } else {
                tracing::warn!(most = MOST_GIVEN, "clipboard content too long for an X program");
            }
            reply(x, &request, whole)?;
        }
        Ok(())
    }
}

/// The plain text type among these MIME types.
fn form_for_text(forms: &[String]) -> Option<&String> {
    let find = |wanted: &str| forms.iter().find(|form| form.eq_ignore_ascii_case(wanted));
    find(TEXT).or_else(|| find("UTF8_STRING")).or_else(|| find(PLAIN))
}

fn atom_of(atoms: &Atoms, kind: SelectionTarget) -> Atom {
    match kind {
        SelectionTarget::Clipboard => atoms.CLIPBOARD,
        SelectionTarget::Primary => u32::from(AtomEnum::PRIMARY),
    }
}

fn kind_of(atoms: &Atoms, selection: Atom) -> Option<SelectionTarget> {
    KINDS.into_iter().find(|kind| atom_of(atoms, *kind) == selection)
}

/// The property for an owner's targets.
fn property_of(atoms: &Atoms, kind: SelectionTarget) -> Atom {
    match kind {
        SelectionTarget::Clipboard => atoms._KIOSK_CLIPBOARD_FORMS,
        SelectionTarget::Primary => atoms._KIOSK_PRIMARY_FORMS,
    }
}

/// Programs older than ICCCM name no property.
fn property_for(request: &SelectionRequestEvent) -> Atom {
    if request.property == NONE { request.target } else { request.property }
}

fn reply(x: &Connection, request: &SelectionRequestEvent, given: bool) -> Result<(), SessionError> {
    let event = SelectionNotifyEvent {
        response_type: SELECTION_NOTIFY_EVENT,
        sequence: 0,
        time: request.time,
        requestor: request.requestor,
        selection: request.selection,
        target: request.target,
        property: if given { property_for(request) } else { NONE },
    };
    x.send_event(false, request.requestor, EventMask::NO_EVENT, event)?;
    Ok(())
}
