//! The Wayland sockets in the runtime directory: each shell's, the admin's, and the one of a command in cage's place. How a socket is made is in
//! [`kiosk_core::sockets`], who is taken in there in [`clients`].

use std::{os::unix::net::UnixListener, path::PathBuf};

use kiosk_core::{
    api::{ADMIN_GROUP, WAYLAND_ADMIN_SOCKET, WAYLAND_COMMAND_SOCKET, shell_socket},
    authority::admin_group,
    sockets::{Access, BindError, SocketDir},
};
use smithay::reexports::wayland_server::Display;

use crate::{backend::kms, clients, kiosk::Kiosk, privilege::Privilege};

/// In messages about sockets that somebody else listens to.
pub const PROGRAM: &str = "kioskd";

/// Opens the Wayland sockets in `directory` and starts to serve clients. Returns the path of each shell's socket; with a
/// command, which is the only shell, that is the command's own.
pub fn open_wayland(kiosk: &mut Kiosk, display: Display<Kiosk>, directory: &SocketDir) -> anyhow::Result<Vec<PathBuf>> {
    clients::serve(kiosk, display)?;
    let shells: Vec<String> = (0..kiosk.stage.shells.len()).map(shell_socket).collect();
    for (number, name) in shells.iter().enumerate() {
        let listener = directory.bind(name, Access::GROUP, PROGRAM)?;
        clients::accept_from(kiosk, listener, Privilege::Shell, number)?;
    }
    // A killed predecessor may have had more shells.
    let _last = (shells.len()..).find(|number| !directory.remove_stale(&shell_socket(*number)));
    let listener = bind_admin(kiosk, directory)?;
    clients::accept_from(kiosk, listener, Privilege::Admin, 0)?;
    if kiosk.settings.options.command.is_empty() {
        // It would be taken for the command's by whoever knows the name.
        directory.remove_stale(WAYLAND_COMMAND_SOCKET);
        return Ok(shells.iter().map(|name| directory.path().join(name)).collect());
    }
    // Our own user's alone, who may use the admin's too: nothing is given away to others that know the shell's.
    let listener = directory.bind(WAYLAND_COMMAND_SOCKET, Access::OWNER, PROGRAM)?;
    clients::accept_from(kiosk, listener, Privilege::Command, 0)?;
    Ok(vec![directory.path().join(WAYLAND_COMMAND_SOCKET)])
}

/// The admin's socket is its group's, or else ours alone.
fn bind_admin(kiosk: &mut Kiosk, directory: &SocketDir) -> Result<UnixListener, BindError> {
    let bind = |access| directory.bind(WAYLAND_ADMIN_SOCKET, access, PROGRAM);
    let why = match admin_group().map(|group| bind(Access::of_group(group))) {
        None => format!("there is no group {ADMIN_GROUP} (systemd-sysusers makes it)"),
        Some(Err(error @ BindError::Group { .. })) => error.to_string(),
        Some(done) => return done,
    };
    let problem = format!("Only root can use {WAYLAND_ADMIN_SOCKET}, for wlr-randr and its like: {why}");
    // A window on somebody's desktop has no such group, and its user needs none.
    if kiosk.hardware.backend.name() == kms::NAME {
        kiosk.problem(problem)
    } else {
        tracing::debug!("{problem}")
    }
    bind(Access::OWNER)
}
