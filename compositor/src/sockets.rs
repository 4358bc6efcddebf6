//! The Wayland sockets in the runtime directory: each shell's, the admin's, an external keyboard's, and the one
//! of a command in cage's place.
//! [`kiosk_core::sockets`] makes the sockets, [`clients`] accepts the clients.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{io, os::unix::net::UnixListener, path::PathBuf};

use kiosk_core::{
    api::{
        ADMIN_GROUP, KEYBOARD_GROUP, WAYLAND_ADMIN_SOCKET, WAYLAND_COMMAND_SOCKET, WAYLAND_KEYBOARD_SOCKET,
        shell_socket,
    },
    authority::group,
    config::KeyboardUse,
    sockets::{Access, BindError, SocketDir},
};
use smithay::reexports::wayland_server::Display;

use crate::{backend::kms, clients, kiosk::Kiosk, privilege::Privilege};

/// Our name in messages about sockets that are in use.
pub const PROGRAM: &str = "kioskd";

/// Why there are no Wayland sockets.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A socket can't be made.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The event loop does not take it.
    #[error("no Wayland client can be served: {0}")]
    Serve(#[from] io::Error),
}

/// Opens the Wayland sockets in `directory` and starts to serve clients. Returns the path of each shell's socket; with a
/// command, which is the only shell, that is the command's own.
pub fn open_wayland(
    kiosk: &mut Kiosk,
    display: Display<Kiosk>,
    directory: &SocketDir,
) -> Result<Vec<PathBuf>, OpenError> {
    clients::serve(kiosk, display)?;
    let shells: Vec<String> = (0..kiosk.stage.shells.len()).map(shell_socket).collect();
    for (number, name) in shells.iter().enumerate() {
        let listener = directory.bind(name, Access::GROUP, PROGRAM)?;
        clients::accept_from(kiosk, listener, Privilege::Shell, number)?;
    }
    // An earlier run that was killed may have had more shells.
    let _last = (shells.len()..).find(|number| !directory.remove_stale(&shell_socket(*number)));
    let listener = bind_for(kiosk, directory, WAYLAND_ADMIN_SOCKET, ADMIN_GROUP, "wlr-randr and its like")?;
    clients::accept_from(kiosk, listener, Privilege::Admin, 0)?;
    if kiosk.settings.config.keyboard.when == KeyboardUse::External {
        let listener = bind_for(kiosk, directory, WAYLAND_KEYBOARD_SOCKET, KEYBOARD_GROUP, "an on-screen keyboard")?;
        clients::accept_from(kiosk, listener, Privilege::Keyboard, 0)?;
    } else {
        directory.remove_stale(WAYLAND_KEYBOARD_SOCKET);
    }
    if kiosk.settings.options.command.is_empty() {
        // A stale socket would be mistaken for the command's.
        directory.remove_stale(WAYLAND_COMMAND_SOCKET);
        return Ok(shells.iter().map(|name| directory.path().join(name)).collect());
    }
    // For our own user only, who may use the admin socket too: users of the shell's socket get no more rights.
    let listener = directory.bind(WAYLAND_COMMAND_SOCKET, Access::OWNER, PROGRAM)?;
    clients::accept_from(kiosk, listener, Privilege::Command, 0)?;
    Ok(vec![directory.path().join(WAYLAND_COMMAND_SOCKET)])
}

/// Opens a socket for a group, or else for our own user alone. `whose`: who would use it, for the message.
fn bind_for(
    kiosk: &mut Kiosk,
    directory: &SocketDir,
    name: &str,
    group_name: &str,
    whose: &str,
) -> Result<UnixListener, BindError> {
    let bind = |access| directory.bind(name, access, PROGRAM);
    let why = match group(group_name).map(|group| bind(Access::of_group(group))) {
        None => format!("there is no group {group_name} (systemd-sysusers makes it)"),
        Some(Err(error @ BindError::Group { .. })) => error.to_string(),
        Some(done) => return done,
    };
    let problem = format!("Only root can use {name}, for {whose}: {why}");
    // A window on a desktop has no such group and needs none.
    if kiosk.hardware.backend.name() == kms::NAME {
        kiosk.problem(problem)
    } else {
        tracing::debug!("{problem}")
    }
    bind(Access::OWNER)
}
