//! Transfers of what X programs have copied to the pipes of Wayland clients: each next piece is read from its program
//! when the last is written.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::Errno,
};
use smithay::wayland::selection::SelectionTarget;
use x11rb::{
    CURRENT_TIME, NONE,
    connection::Connection as _,
    protocol::xproto::{
        AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, Property, PropertyNotifyEvent, SelectionNotifyEvent,
        Window, WindowClass,
    },
};

use super::{PIECE, PLAIN, Paste, TEXT, TRANSFERS, atom_of};
use crate::xwayland::wm::{
    atoms::Atoms,
    error::{SessionError, answer},
    stream::Connection,
};

/// One of them.
struct Transfer {
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

/// All of them, the oldest first.
#[derive(Default)]
pub(super) struct Incoming {
    transfers: VecDeque<Transfer>,
}

impl Incoming {
    /// A Wayland client requests an X program's selection. The oldest transfer ends when there are too many.
    pub(super) fn start(&mut self, x: &Connection, atoms: &Atoms, paste: Paste) -> Result<(), SessionError> {
        // The pipe must be non-blocking.
        if fcntl_setfl(&paste.into, OFlags::WRONLY | OFlags::NONBLOCK).is_err() {
            return Ok(());
        }
        if self.transfers.len() >= TRANSFERS {
            self.end(x, 0)?;
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
        self.transfers.push_back(Transfer {
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

    /// An owner has answered: the content is in the property, or it refuses.
    pub(super) fn answered(&mut self, x: &Connection, event: &SelectionNotifyEvent) -> Result<(), SessionError> {
        let Some(at) = self.transfers.iter().position(|transfer| transfer.window == event.requestor) else {
            return Ok(());
        };
        if event.property == NONE {
            self.end(x, at)?;
        } else if let Some(transfer) = self.transfers.get_mut(at) {
            transfer.offset = Some(0);
        }
        Ok(())
    }

    /// A property of one of our windows has changed: it may be the next part.
    pub(super) fn property_changed(&mut self, atoms: &Atoms, event: &PropertyNotifyEvent) {
        let is_piece = event.state == Property::NEW_VALUE && event.atom == atoms._KIOSK_CONTENTS;
        let of = |transfer: &&mut Transfer| is_piece && transfer.pieces && transfer.window == event.window;
        if let Some(transfer) = self.transfers.iter_mut().find(of) {
            transfer.offset = Some(0);
        }
    }

    /// The pipes that must be waited for.
    pub(super) fn waits(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.transfers.iter().filter(|transfer| !transfer.held.is_empty()).map(|transfer| transfer.into.as_fd())
    }

    /// Whether a transfer can continue at once.
    pub(super) fn is_busy(&self) -> bool {
        self.transfers.iter().any(|transfer| transfer.held.is_empty() && (transfer.offset.is_some() || transfer.done))
    }

    /// Continues all transfers that can, each by one part.
    pub(super) fn go_on(&mut self, x: &Connection, atoms: &Atoms) -> Result<(), SessionError> {
        for at in (0..self.transfers.len()).rev() {
            let Some(transfer) = self.transfers.get_mut(at) else { continue };
            transfer.read_on(x, atoms)?;
            if transfer.write_on() {
                self.end(x, at)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, x: &Connection, at: usize) -> Result<(), SessionError> {
        if let Some(transfer) = self.transfers.remove(at) {
            tracing::trace!(kind = ?transfer.kind, "what an X program had has been passed on");
            x.destroy_window(transfer.window)?;
        }
        Ok(())
    }
}

impl Transfer {
    /// Reads the next part after the last one is written.
    fn read_on(&mut self, x: &Connection, atoms: &Atoms) -> Result<(), SessionError> {
        let Some(offset) = self.offset.filter(|_| self.held.is_empty()) else { return Ok(()) };
        let name = atoms._KIOSK_CONTENTS;
        let property = x.get_property(false, self.window, name, AtomEnum::ANY, offset, PIECE / 4)?.reply();
        let Some(reply) = answer(property)? else {
            self.offset = None;
            self.done = true;
            return Ok(());
        };
        if reply.type_ == atoms.INCR {
            self.pieces = true;
            self.offset = None;
            // Deleting the property requests the first part.
            x.delete_property(self.window, name)?;
            return Ok(());
        }
        self.done = reply.bytes_after == 0 && (!self.pieces || (offset == 0 && reply.value.is_empty()));
        self.offset = (reply.bytes_after > 0).then(|| offset.saturating_add(PIECE / 4));
        self.held.extend(&reply.value);
        if reply.bytes_after == 0 {
            x.delete_property(self.window, name)?;
        }
        Ok(())
    }

    /// Writes as much as the pipe takes. Returns whether the transfer has ended.
    fn write_on(&mut self) -> bool {
        while !self.held.is_empty() {
            match rustix::io::write(&self.into, self.held.as_slices().0) {
                Ok(written) => drop(self.held.drain(..written)),
                Err(Errno::AGAIN) => return false,
                Err(Errno::INTR) => {}
                // The reader has closed it.
                Err(_) => return true,
            }
        }
        self.done
    }
}
