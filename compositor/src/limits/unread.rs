//! Limits of the descriptors that a client is sent and does not read: pastes of what it copied, keymaps, format tables.
//!
//! The kernel counts descriptors that lie in sockets by user: kioskd's may have as many there as it may have files open.
//! Beyond that no client could be sent a keymap, and each that needs one would be disconnected. They are counted since
//! the client's socket was last empty. Those of the current turn that libwayland still keeps do not show there: at most
//! 28 more.

use std::os::fd::AsFd;

use rustix::{
    io,
    ioctl::{Getter, Opcode, ioctl},
    process::{Resource, getrlimit},
};
use smithay::reexports::wayland_server::{
    Client, Resource as _,
    backend::{DisconnectReason, protocol::ProtocolError},
    protocol::wl_keyboard::WlKeyboard,
};

use super::{Limits, refusal::LIMIT};
use crate::{kiosk::Kiosk, privilege::ClientState};

/// Descriptors that a client may have unread. It reads each keymap and table when it asks for it, and needs a few.
const MAX_UNREAD: u32 = 64;
/// The least, with a low limit of open files: what toolkits need when they start.
const MIN_UNREAD: u32 = 32;
/// A client's part of the limit of open files: if all the 128 that may be connected read nothing, half of it is left.
const PART: u64 = 256;
/// Keyboards of one client: at a change of the keymap each is sent a descriptor. Toolkits make one or two.
pub const MAX_KEYBOARDS: u32 = 32;

/// The ioctl of sockets that tells how much was sent and not read; the kernel's `SIOCOUTQ`.
const SIOCOUTQ: Opcode = 0x5411;

/// The protocol error's text.
pub const UNREAD: &str = "too many file descriptors were sent to this client, which does not read";

/// What a descriptor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// A paste, requested by another client: half of what there is, so that pastes never end a connection.
    Paste,
    /// A keymap or a table.
    Own,
}

impl Sent {
    /// How many a client may have unread.
    pub fn most(self) -> u32 {
        let open = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let all = u32::try_from(open / PART).unwrap_or(u32::MAX).clamp(MIN_UNREAD, MAX_UNREAD);
        match self {
            Self::Paste => all / 2,
            Self::Own => all,
        }
    }
}

/// Whether the peer of the socket has read everything. True if unknown.
#[allow(unsafe_code)]
pub fn is_empty(socket: impl AsFd) -> bool {
    // SAFETY: the ioctl takes no argument, and writes one `int`.
    let waiting: io::Result<i32> = unsafe { ioctl(socket, Getter::<SIOCOUTQ, i32>::new()) };
    !waiting.is_ok_and(|bytes| bytes > 0)
}

/// Counts descriptors that are sent to the client. `false`: it reads nothing, and must not be sent any.
pub fn takes(client: &Client, count: u32, sent: Sent) -> bool {
    client.get_data::<ClientState>().is_none_or(|state| state.takes_descriptors(count, sent.most()))
}

impl Kiosk {
    /// Every keyboard was sent the keymap: marks the clients that do not read theirs.
    pub(crate) fn keymap_sent(&mut self) {
        let Limits { connected, leaving, .. } = &mut self.protocols.limits;
        let most = Sent::Own.most();
        for (client, state) in connected {
            let Some(state) = state.upgrade() else { continue };
            let count = state.counts.used(WlKeyboard::interface().name);
            if count > 0 && !state.takes_descriptors(count, most) {
                leaving.push((client.clone(), UNREAD));
            }
        }
    }

    /// Forgets the clients that have gone. wayland-backend tells of no end that follows a protocol error, and their
    /// data, which a window that was focused may keep, has a duplicate of their socket.
    fn forget_gone_clients(&mut self) {
        let display = self.main_loop.display.backend_handle();
        self.protocols.limits.connected.retain(|(client, state)| {
            let here = display.get_client_data(client.clone()).is_ok();
            if !here && let Some(state) = state.upgrade() {
                state.forget_socket();
            }
            here
        });
    }

    /// Disconnects the marked clients. Not while clients are dispatched: it may be one of them.
    pub(crate) fn disconnect_marked(&mut self) {
        for (client, why) in std::mem::take(&mut self.protocols.limits.leaving) {
            let message = why.to_owned();
            let error = ProtocolError { code: LIMIT, object_id: 1, object_interface: "wl_display".into(), message };
            let reason = DisconnectReason::ProtocolError(error);
            self.main_loop.display.backend_handle().kill_client(client, reason);
        }
        self.forget_gone_clients();
    }
}
