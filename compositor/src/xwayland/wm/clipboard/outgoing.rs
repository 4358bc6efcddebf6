//! Transfers of what Wayland clients have copied from their pipes to X programs: each is kept until it is whole.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use x11rb::{
    protocol::xproto::{PropMode, SelectionRequestEvent},
    wrapper::ConnectionExt as _,
};

use super::{PIECE, TRANSFERS, property_for, reply};
use crate::xwayland::wm::{atoms::Atoms, error::SessionError, stream::Connection};

/// Most bytes given to an X program: more would need an incremental transfer (INCR).
const MOST_GIVEN: usize = 4 * 1024 * 1024;

/// One of them.
struct Transfer {
    request: SelectionRequestEvent,
    from: OwnedFd,
    held: Vec<u8>,
}

/// All of them, the oldest first.
#[derive(Default)]
pub(super) struct Outgoing {
    transfers: VecDeque<Transfer>,
}

impl Outgoing {
    /// An X program requests a Wayland client's selection. Returns the end of the pipe to write to; `None`: there is
    /// none, and the program was refused. The oldest transfer ends when there are too many.
    pub(super) fn start(
        &mut self,
        x: &Connection,
        request: SelectionRequestEvent,
    ) -> Result<Option<OwnedFd>, SessionError> {
        let pipe = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok();
        // Only our end is non-blocking: clients may expect a blocking pipe.
        let pipe = pipe.filter(|(_, into)| fcntl_setfl(into, OFlags::WRONLY).is_ok());
        let Some((from, into)) = pipe else {
            reply(x, &request, false)?;
            return Ok(None);
        };
        if self.transfers.len() >= TRANSFERS
            && let Some(oldest) = self.transfers.pop_front()
        {
            reply(x, &oldest.request, false)?;
        }
        self.transfers.push_back(Transfer { request, from, held: Vec::new() });
        Ok(Some(into))
    }

    /// The pipes that must be waited for.
    pub(super) fn waits(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.transfers.iter().map(|transfer| transfer.from.as_fd())
    }

    /// Continues all transfers that can, each by one part.
    pub(super) fn go_on(&mut self, x: &Connection, atoms: &Atoms) -> Result<(), SessionError> {
        if self.transfers.is_empty() {
            return Ok(());
        }
        let mut buffer = vec![0; PIECE as usize];
        for at in (0..self.transfers.len()).rev() {
            let Some(transfer) = self.transfers.get_mut(at) else { continue };
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
            let Some(Transfer { request, held, .. }) = self.transfers.remove(at) else { continue };
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
