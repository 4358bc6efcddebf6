//! security-context: a socket whose clients have restricted rights. Sandboxes create one for each of their programs.
//! `[privilege."APP-ID"]` grants such clients more than showing windows, but only if the context was created on the
//! admin socket: on a shell's socket any client could claim any app-id.

use std::{
    io::ErrorKind,
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    net::{AddressFamily, Shutdown, SocketType, shutdown, sockopt},
};
use smithay::reexports::{
    calloop::{
        Interest, Mode, PostAction,
        channel::{Event as ChannelEvent, SyncSender, sync_channel},
        generic::Generic,
    },
    wayland_protocols::wp::security_context::v1::server::{
        wp_security_context_manager_v1::{self, Error as ManagerError, WpSecurityContextManagerV1},
        wp_security_context_v1::{self, Error, WpSecurityContextV1},
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle},
};

use crate::{
    kiosk::Kiosk,
    limits::{
        descriptors::{self, Use},
        refusal,
    },
    privilege::{ClientState, Context, Privilege},
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
/// The limit of open contexts: each has two descriptors and a thread.
const CONTEXTS: usize = 32;
/// The limit of those created on the shells' sockets: the rest is reserved for those that can grant rights.
const CONTEXTS_OF_SHELLS: usize = 16;
/// Accepted connections that may wait; more wait in the socket.
const WAITING: usize = 4;
/// Stack size of the accepting thread, bytes.
const STACK: usize = 64 << 10;
/// Time until connections are accepted again after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// The state of the protocol.
#[derive(Debug)]
pub struct SecurityContexts {
    /// Number of open contexts.
    open: usize,
    /// Number of those created on a shell's socket.
    of_shells: usize,
}

impl SecurityContexts {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, WpSecurityContextManagerV1, ()>(VERSION, ());
        Self { open: 0, of_shells: 0 }
    }

    /// Number of open contexts, for tests.
    pub fn open(&self) -> usize {
        self.open
    }
}

/// A context before its commit; `None` inside: committed.
pub struct ContextData(Mutex<Option<Made>>);

struct Made {
    listener: UnixListener,
    close: OwnedFd,
    engine: Option<String>,
    app_id: Option<String>,
    instance: Option<String>,
}

/// Whether the descriptor is a listening Unix stream socket.
fn is_listener(fd: &OwnedFd) -> bool {
    sockopt::socket_domain(fd) == Ok(AddressFamily::UNIX)
        && sockopt::socket_type(fd) == Ok(SocketType::STREAM)
        && sockopt::socket_acceptconn(fd) == Ok(true)
}

impl Dispatch<WpSecurityContextManagerV1, (), Kiosk> for SecurityContexts {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        manager: &WpSecurityContextManagerV1,
        request: wp_security_context_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use wp_security_context_manager_v1::Request;
        let Request::CreateListener { id, listen_fd, close_fd } = request else { return };
        let sound = is_listener(&listen_fd);
        let spare = !descriptors::is_of_reserve(&listen_fd, Use::Connection);
        let made = Made {
            listener: UnixListener::from(listen_fd),
            close: close_fd,
            engine: None,
            app_id: None,
            instance: None,
        };
        init.init(id, ContextData(Mutex::new((sound && spare).then_some(made))));
        if !sound {
            refusal::post(manager, ManagerError::InvalidListenFd, "this is no Unix socket that is listened to");
        } else if !spare {
            refusal::post(manager, refusal::LIMIT, descriptors::NONE_LEFT);
        }
    }
}

fn set(context: &WpSecurityContextV1, field: &mut Option<String>, value: String) {
    if field.replace(value).is_some() {
        refusal::post(context, Error::AlreadySet, "this was said already");
    }
}

impl Dispatch<WpSecurityContextV1, ContextData, Kiosk> for SecurityContexts {
    fn request(
        kiosk: &mut Kiosk,
        client: &Client,
        context: &WpSecurityContextV1,
        request: wp_security_context_v1::Request,
        data: &ContextData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        use wp_security_context_v1::Request;
        if matches!(request, Request::Destroy) {
            return;
        }
        let mut state = data.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(made) = &mut *state else {
            return refusal::post(context, Error::AlreadyUsed, "the context is made");
        };
        match request {
            Request::SetSandboxEngine { name } => set(context, &mut made.engine, name),
            Request::SetAppId { app_id } => set(context, &mut made.app_id, app_id),
            Request::SetInstanceId { instance_id } => set(context, &mut made.instance, instance_id),
            Request::Commit => {
                let Some(made) = state.take() else { return };
                if kiosk.protocols.security_contexts.open >= CONTEXTS {
                    let sentence = format!("too many security contexts: there may be {CONTEXTS} at a time");
                    return refusal::post(context, refusal::LIMIT, &sentence);
                }
                if let Err(error) = kiosk.open_context(client, made) {
                    refusal::post(context, refusal::LIMIT, &format!("the socket cannot be listened to: {error}"));
                }
            }
            _ => {}
        }
    }
}

impl Kiosk {
    /// Accepts clients on the context's socket, until its creator closes the other descriptor.
    fn open_context(&mut self, client: &Client, made: Made) -> std::io::Result<()> {
        let maker = client.get_data::<ClientState>();
        let (privilege, shell) = maker.map_or((Privilege::Shell, 0), |state| (state.privilege, state.shell));
        let of_shell = privilege != Privilege::Admin;
        if of_shell && self.protocols.security_contexts.of_shells >= CONTEXTS_OF_SHELLS {
            let sentence = format!("programs on the shells' sockets may have {CONTEXTS_OF_SHELLS} contexts at a time");
            return Err(std::io::Error::other(sentence));
        }
        let app_id = made.app_id.unwrap_or_default();
        let allow = match privilege {
            Privilege::Admin => self.settings.config.allowed_to(&app_id),
            Privilege::Shell | Privilege::Command | Privilege::Keyboard | Privilege::Xwayland => Vec::new(),
        };
        tracing::info!(
            app_id,
            engine = made.engine.unwrap_or_default(),
            instance = made.instance.unwrap_or_default(),
            allow = ?allow,
            "security context made"
        );
        let context = Arc::new(Context { app_id, allow });
        let stop = made.listener.try_clone()?;
        let (sender, accepted) = sync_channel(WAITING);
        let accepts = self.main_loop.handle.insert_source(accepted, move |event, (), kiosk| {
            if let ChannelEvent::Msg(stream) = event {
                let _ = kiosk.take_into(stream, Privilege::Shell, shell, Some(context.clone()));
            }
        });
        let accepts = accepts.map_err(|error| std::io::Error::other(error.to_string()))?;
        let listener = made.listener;
        let thread = thread::Builder::new().name("context".into()).stack_size(STACK);
        if let Err(error) = thread.spawn(move || accept(&listener, &sender)) {
            self.main_loop.handle.remove(accepts);
            return Err(error);
        }
        // The other end was closed or written to: both end the context.
        let close = Generic::new(made.close, Interest::READ, Mode::Level);
        let inserted = self.main_loop.handle.insert_source(close, move |_, _, kiosk| {
            kiosk.main_loop.handle.remove(accepts);
            // Wakes the thread, so that it ends.
            let _ = shutdown(&stop, Shutdown::Both);
            let contexts = &mut kiosk.protocols.security_contexts;
            contexts.open -= 1;
            contexts.of_shells -= usize::from(of_shell);
            Ok(PostAction::Remove)
        });
        if let Err(error) = inserted {
            self.main_loop.handle.remove(accepts);
            return Err(std::io::Error::other(error.to_string()));
        }
        let contexts = &mut self.protocols.security_contexts;
        contexts.open += 1;
        contexts.of_shells += usize::from(of_shell);
        Ok(())
    }
}

/// Accepts on a thread of its own, as the context's creator shares the socket and can make accept(2) block at any time.
/// Ends with the context.
fn accept(listener: &UnixListener, accepted: &SyncSender<UnixStream>) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if accepted.send(stream).is_err() {
                    return;
                }
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => {
                    let _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], None);
                }
                ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                // It was shut down, by us or by its creator.
                ErrorKind::InvalidInput => return,
                // No descriptor is left, for now.
                _ => thread::sleep(PAUSE),
            },
        }
    }
}

plain! {
    WpSecurityContextManagerV1 => SecurityContexts;
}
objects! {
    WpSecurityContextManagerV1, () => SecurityContexts;
    WpSecurityContextV1, ContextData => SecurityContexts;
}
