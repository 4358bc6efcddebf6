//! Which client may see and bind which global.
//!
//! Clients connect through the shells' sockets, the admin's, the command's, or the socket of a security context.
//! [`table`] says which clients a global is for. Protocols create globals with `globals!` ([`crate::protocols`]), so
//! that none can be offered without this check.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod table;

use std::{
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smithay::{
    reexports::wayland_server::{
        Client, Resource,
        backend::{ClientData, ClientId, DisconnectReason},
        protocol::wl_surface::WlSurface,
    },
    wayland::compositor::CompositorClientState,
};

use table::{Group, Who};

use crate::limits::{
    Limits,
    counts::{Counts, OBJECT_IDS, TooMany},
    object_ids::SERVER_IDS,
    refusal::Repeated,
    table::REGISTRIES,
    tallies::Tallies,
    unread,
};

/// Presses, touches and keys that are sent to a client that does not read, until they are withheld too. With its
/// release each takes kernel buffers of at most 1280 bytes: together less than the three quarters of a socket's 208 KiB
/// that are left when [`ClientState::reads`] becomes false. A person takes some ten seconds for so many.
const BEGINNINGS_UNREAD: u32 = 50;

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Privilege {
    /// The shell's socket: show windows, take input.
    Shell,
    /// The socket of the command in cage's place (`kioskd -- COMMAND`): the same, and manage outputs.
    Command,
    /// The socket of an external on-screen keyboard: also layers, input method and virtual keyboards, no other context.
    Keyboard,
    /// The admin socket: also manage outputs, capture, inject input.
    Admin,
    /// The X server's connection: the windows of all X programs.
    Xwayland,
}

/// A security context: limits its clients to what its app-id is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The app-id, as set by the context's creator.
    pub app_id: String,
    /// Beside showing windows.
    pub allow: Vec<Group>,
}

/// The data of each client.
pub struct ClientState {
    /// smithay's.
    pub compositor: CompositorClientState,
    /// By the socket that it connected through.
    pub privilege: Privilege,
    /// The number of the shell through whose socket it came: its windows are on that one's screen.
    pub shell: usize,
    /// Its security context, if it is in one.
    pub context: Option<Arc<Context>>,
    /// How many objects it has.
    pub counts: Counts,
    /// Counts within single objects.
    pub tallies: Tallies,
    /// A duplicate of its socket, to check whether it reads; `None`: unknown or closed. Dropped at disconnect, as this
    /// data may live longer, and an open duplicate would keep the peer from seeing the end.
    socket: Mutex<Option<OwnedFd>>,
    /// Presses sent since it was last seen to read.
    begun_unread: AtomicU32,
    /// Descriptors sent since its socket was last empty.
    unread: AtomicU32,
    /// The highest id that it has used.
    highest_id: AtomicU32,
    /// Number of commits of its surfaces.
    commits: AtomicU64,
    /// Number of `wl_registry` objects and binds of `wl_compositor`.
    registries: AtomicU32,
    registry_flooders: RegistryFlooders,
}

/// Clients that exceeded the limit of registries, which libwayland creates and keeps by itself.
pub type RegistryFlooders = Arc<Mutex<Vec<ClientId>>>;

impl ClientState {
    /// For a client of this user with the privilege of its socket, and the number of its shell. Errors: the limit that
    /// was reached.
    pub fn new(
        limits: &mut Limits,
        privilege: Privilege,
        user: u32,
        shell: usize,
        socket: Option<OwnedFd>,
        context: Option<Arc<Context>>,
    ) -> Result<Arc<Self>, TooMany> {
        Ok(Arc::new(Self {
            compositor: CompositorClientState::default(),
            privilege,
            shell,
            context,
            counts: limits.client(privilege, user)?,
            tallies: Tallies::default(),
            socket: Mutex::new(socket),
            begun_unread: AtomicU32::new(0),
            unread: AtomicU32::new(0),
            highest_id: AtomicU32::new(0),
            commits: AtomicU64::new(0),
            registries: AtomicU32::new(0),
            registry_flooders: limits.registry_flooders.clone(),
        }))
    }

    /// Closes the duplicate of its socket: it is gone.
    pub(crate) fn forget_socket(&self) {
        drop(self.socket.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Whether it reads its events: the kernel reports a socket as writable while at most a quarter of its buffer is
    /// used. True if unknown.
    pub fn reads(&self) -> bool {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(socket) = &*socket else { return true };
        let mut polled = PollFd::new(socket, PollFlags::OUT);
        let known = poll(std::slice::from_mut(&mut polled), Some(&Timespec::default())).is_ok();
        !known || polled.revents().contains(PollFlags::OUT)
    }

    /// Whether it may get one more press, touch or key; counts it. True if it reads, or if few were sent since it last
    /// did.
    pub fn accepts_press(&self) -> bool {
        if self.reads() {
            self.begun_unread.store(0, Relaxed);
            return true;
        }
        let one_more = |begun: u32| (begun < BEGINNINGS_UNREAD).then_some(begun + 1);
        self.begun_unread.fetch_update(Relaxed, Relaxed, one_more).is_ok()
    }

    /// Counts descriptors that are sent to it. `false`: with them it would have more than `most` unread. If it has read
    /// everything, it is sent any number.
    pub fn takes_descriptors(&self, count: u32, most: u32) -> bool {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if socket.as_ref().is_none_or(unread::is_empty) {
            self.unread.store(count, Relaxed);
            return true;
        }
        let more = |unread: u32| unread.checked_add(count).filter(|all| *all <= most);
        self.unread.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// An object with this id was made. Errors: the client has used too many different ids.
    pub fn takes_id(&self, id: u32) -> Result<(), TooMany> {
        if id >= SERVER_IDS || self.highest_id.fetch_max(id, Relaxed) >= id {
            return Ok(());
        }
        // One more: libwayland takes only the lowest id that was never used, or one that is free again.
        self.counts.take(OBJECT_IDS)
    }

    /// The client destroyed one of its registries.
    pub fn registry_ended(&self) {
        let one_less = |registries: u32| registries.checked_sub(1);
        // The count does not go below zero.
        let _ = self.registries.fetch_update(Relaxed, Relaxed, one_less);
    }

    /// Counts a commit of its surfaces.
    pub fn has_drawn(&self) {
        self.commits.fetch_add(1, Relaxed);
    }

    /// Number of commits of its surfaces.
    pub fn drawn(&self) -> u64 {
        self.commits.load(Relaxed)
    }

    /// The number of the shell whose client has this surface.
    pub fn shell_of(surface: &WlSurface) -> usize {
        let client = surface.client();
        client.and_then(|client| client.get_data::<Self>().map(|state| state.shell)).unwrap_or_default()
    }
}

impl ClientData for ClientState {
    fn initialized(&self, _client: ClientId) {}
    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        self.forget_socket();
        match reason {
            DisconnectReason::ConnectionClosed => tracing::debug!(?client, "client left"),
            DisconnectReason::ProtocolError(error) => {
                static LOG: Repeated = Repeated::new();
                if let Some(more) = LOG.count() {
                    tracing::warn!(
                        ?client,
                        object = error.object_interface,
                        code = error.code,
                        message = error.message,
                        more,
                        "client disconnected for a protocol error"
                    );
                }
            }
        }
    }
}

/// Whether the client reads its events; see [`ClientState::reads`].
pub fn reads(client: &Client) -> bool {
    client.get_data::<ClientState>().is_none_or(ClientState::reads)
}

/// Whether the client may get one more press, touch or key; see [`ClientState::accepts_press`].
pub fn accepts_press(client: &Client) -> bool {
    client.get_data::<ClientState>().is_none_or(ClientState::accepts_press)
}

/// Whether the client may see and bind the global.
pub fn may_bind(client: &Client, interface: &str) -> bool {
    let Some(state) = client.get_data::<ClientState>() else { return allows(Privilege::Shell, None, interface) };
    // Every registry of a toolkit binds it.
    if interface == "wl_compositor" && state.registries.fetch_add(1, Relaxed) == REGISTRIES {
        state.registry_flooders.lock().unwrap_or_else(PoisonError::into_inner).push(client.id());
    }
    allows(state.privilege, state.context.as_deref(), interface)
}

fn allows(privilege: Privilege, context: Option<&Context>, interface: &str) -> bool {
    if privilege == Privilege::Xwayland {
        return table::XWAYLAND.contains(&interface);
    }
    table::find(interface).is_some_and(|global| match global.who {
        Who::Xwayland => false,
        Who::Everyone => true,
        // A client in a context cannot create another one.
        Who::Unconfined => context.is_none() && privilege != Privilege::Keyboard,
        Who::Trusted(group) => match context {
            Some(context) => context.allow.contains(&group),
            None => match privilege {
                Privilege::Admin => true,
                Privilege::Command => group == Group::Screens,
                Privilege::Keyboard => table::KEYBOARD.contains(&interface),
                Privilege::Shell | Privilege::Xwayland => false,
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_does_not_see_what_is_for_trusted_tools() {
        for global in table::GLOBALS {
            let for_tools = matches!(global.who, Who::Trusted(_) | Who::Xwayland);
            assert_eq!(allows(Privilege::Shell, None, global.interface), !for_tools, "{}", global.interface);
            let for_admin = global.who != Who::Xwayland;
            assert_eq!(allows(Privilege::Admin, None, global.interface), for_admin, "{}", global.interface);
        }
    }

    #[test]
    fn the_command_in_cages_place_has_the_screens_and_nothing_else_of_the_tools() {
        for global in table::GLOBALS {
            let wanted = match global.who {
                Who::Trusted(group) => group == Group::Screens,
                Who::Everyone | Who::Unconfined => true,
                Who::Xwayland => false,
            };
            assert_eq!(allows(Privilege::Command, None, global.interface), wanted, "{}", global.interface);
        }
    }

    #[test]
    fn an_external_keyboard_is_shown_and_types_and_does_nothing_else_of_the_tools() {
        for global in table::GLOBALS {
            let wanted = global.who == Who::Everyone || table::KEYBOARD.contains(&global.interface);
            assert_eq!(allows(Privilege::Keyboard, None, global.interface), wanted, "{}", global.interface);
        }
        for other in ["zwlr_virtual_pointer_manager_v1", "zwlr_screencopy_manager_v1", "ext_data_control_manager_v1"] {
            assert!(!allows(Privilege::Keyboard, None, other), "{other}");
        }
        let is_trusted =
            |interface: &&str| table::find(interface).is_some_and(|global| matches!(global.who, Who::Trusted(_)));
        assert!(table::KEYBOARD.iter().all(is_trusted));
    }

    #[test]
    fn a_context_has_what_it_is_allowed_and_can_make_no_other() {
        let context = Context { app_id: "a".into(), allow: vec![Group::Capture] };
        for privilege in [Privilege::Shell, Privilege::Command, Privilege::Admin] {
            for global in table::GLOBALS {
                let wanted = match global.who {
                    Who::Everyone => true,
                    Who::Unconfined | Who::Xwayland => false,
                    Who::Trusted(group) => group == Group::Capture,
                };
                assert_eq!(allows(privilege, Some(&context), global.interface), wanted, "{}", global.interface);
            }
        }
    }

    #[test]
    fn the_x_server_has_what_x_windows_need_and_no_say_in_anything_else() {
        for global in table::GLOBALS {
            let wanted = table::XWAYLAND.contains(&global.interface);
            assert_eq!(allows(Privilege::Xwayland, None, global.interface), wanted, "{}", global.interface);
            assert!(!wanted || !matches!(global.who, Who::Trusted(_)), "{}", global.interface);
        }
        assert!(table::XWAYLAND.iter().all(|interface| table::find(interface).is_some()));
        // Its window manager makes its windows and transfers the clipboard.
        for other in ["xdg_wm_base", "wl_data_device_manager", "zwp_text_input_manager_v3", "ext_idle_notifier_v1"] {
            assert!(!allows(Privilege::Xwayland, None, other), "{other}");
        }
    }

    #[test]
    fn what_the_table_does_not_name_is_offered_to_no_client() {
        assert!(!allows(Privilege::Admin, None, "zwlr_unheard_of_v1"));
    }
}
