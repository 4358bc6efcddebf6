//! The X side of copy and paste between X programs and Wayland clients, for the clipboard and the primary selection:
//! owners and targets (MIME types), and transfers through pipes: from X programs ([`incoming`]) and to them
//! ([`outgoing`]). The root state decides whether a transfer is allowed.
//!
//! The number of transfers and the buffered part of each are bounded. A transfer that stalls is dropped for the next.

mod incoming;
mod outgoing;

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::PollFlags;
use smithay::wayland::selection::SelectionTarget;
use x11rb::{
    CURRENT_TIME, NONE,
    protocol::{
        xfixes::{ConnectionExt as _, SelectionEventMask, SelectionNotifyEvent as OwnerEvent},
        xproto::{
            Atom, AtomEnum, ConnectionExt as _, EventMask, PropMode, PropertyNotifyEvent, SELECTION_NOTIFY_EVENT,
            SelectionNotifyEvent, SelectionRequestEvent, Window,
        },
    },
    wrapper::ConnectionExt as _,
};

use self::{incoming::Incoming, outgoing::Outgoing};
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

/// Both selections on the X side.
pub(super) struct Clipboard {
    own: Window,
    /// MIME types that Wayland clients offer, while we own the selection for them.
    offered: [Option<Vec<String>>; 2],
    incoming: Incoming,
    outgoing: Outgoing,
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
        Ok(Self { own, offered: [None, None], incoming: Incoming::default(), outgoing: Outgoing::default() })
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
        self.incoming.answered(x, event)?;
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
        self.incoming.start(x, atoms, paste)
    }

    /// A property of one of our windows has changed: it may be the next part.
    pub(super) fn property_changed(&mut self, atoms: &Atoms, event: &PropertyNotifyEvent) {
        self.incoming.property_changed(atoms, event);
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
        let Some(form) = form else {
            reply(x, &request, false)?;
            return Ok(None);
        };
        Ok(self.outgoing.start(x, request)?.map(|into| News::Wanted { kind, form, into }))
    }

    /// The descriptors to poll: each transfer's pipe with its events.
    pub(super) fn waits(&self) -> Vec<(BorrowedFd<'_>, PollFlags)> {
        let writing = self.incoming.waits().map(|pipe| (pipe, PollFlags::OUT));
        writing.chain(self.outgoing.waits().map(|pipe| (pipe, PollFlags::IN))).collect()
    }

    /// Whether a transfer can continue at once.
    pub(super) fn is_busy(&self) -> bool {
        self.incoming.is_busy()
    }

    /// Continues all transfers that can, each by one part.
    pub(super) fn go_on(&mut self, x: &Connection, atoms: &Atoms) -> Result<(), SessionError> {
        self.incoming.go_on(x, atoms)?;
        self.outgoing.go_on(x, atoms)
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
