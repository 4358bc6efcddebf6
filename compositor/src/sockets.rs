//! Listening sockets in the runtime directory: the shell's Wayland socket, the admin's, and the way they are made.

use std::{
    io,
    os::unix::{fs::FileTypeExt, net::UnixListener},
    path::{Path, PathBuf},
};

use kiosk_core::{
    api::{ADMIN_GROUP, WAYLAND_ADMIN_SOCKET, shell_socket},
    authority::admin_group,
    sockets::{self, Access, BindError},
};
use smithay::reexports::wayland_server::Display;

use crate::{clients, kiosk::Kiosk, privilege::Privilege};

/// In messages about sockets that somebody else listens to.
pub const PROGRAM: &str = "kioskd";

/// Opens the Wayland sockets in `directory` and starts to serve clients. Returns the path of each shell's socket.
pub fn open_wayland(kiosk: &mut Kiosk, display: Display<Kiosk>, directory: &Path) -> io::Result<Vec<PathBuf>> {
    clients::serve(kiosk, display)?;
    let shells: Vec<PathBuf> =
        (0..kiosk.stage.shells.len()).map(|number| directory.join(shell_socket(number))).collect();
    for (number, path) in shells.iter().enumerate() {
        listen(kiosk, path, Privilege::Shell, number)?;
    }
    remove_stale(directory, shells.len());
    listen(kiosk, &directory.join(WAYLAND_ADMIN_SOCKET), Privilege::Admin, 0)?;
    Ok(shells)
}

/// Removes the sockets that a killed predecessor with more shells left, from this number on. One that somebody
/// listens to is not ours to touch.
fn remove_stale(directory: &Path, from: usize) {
    for path in (from..).map(|number| directory.join(shell_socket(number))) {
        let is_socket = std::fs::symlink_metadata(&path).is_ok_and(|data| data.file_type().is_socket());
        if !is_socket || std::os::unix::net::UnixStream::connect(&path).is_ok() {
            return;
        }
        if let Err(error) = std::fs::remove_file(&path) {
            return tracing::debug!(%error, path = %path.display(), "a stale socket stays");
        }
    }
}

fn listen(kiosk: &mut Kiosk, path: &Path, privilege: Privilege, shell: usize) -> io::Result<()> {
    let listener = match privilege {
        Privilege::Admin => bind_admin(path)?,
        _ => sockets::bind(path, Access::GROUP, PROGRAM)?,
    };
    clients::accept_from(kiosk, listener, privilege, shell)
}

/// Without its group the admin socket is for our own user alone.
fn bind_admin(path: &Path) -> io::Result<UnixListener> {
    let own = Access { mode: 0o600, group: None };
    let Some(group) = admin_group() else { return Ok(sockets::bind(path, own, PROGRAM)?) };
    match sockets::bind(path, Access { mode: 0o660, group: Some(group) }, PROGRAM) {
        Err(error @ BindError::Group { .. }) => {
            tracing::warn!(%error, group = ADMIN_GROUP, "the admin socket is for our own user alone");
            Ok(sockets::bind(path, own, PROGRAM)?)
        }
        bound => Ok(bound?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_shells_that_are_gone_go_and_living_ones_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = |number| directory.path().join(shell_socket(number));
        for stale in [1, 2] {
            drop(UnixListener::bind(path(stale)).unwrap());
        }
        let _living = UnixListener::bind(path(3)).unwrap();
        remove_stale(directory.path(), 1);
        assert_eq!([1, 2, 3].map(|number| path(number).exists()), [false, false, true]);
        std::fs::write(path(1), "not a socket").unwrap();
        remove_stale(directory.path(), 1);
        assert!(path(1).exists());
    }
}
