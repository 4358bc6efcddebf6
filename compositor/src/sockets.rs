//! Listening sockets in the runtime directory: the shell's Wayland socket, the admin's, and the way they are made.

use std::{
    io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use kiosk_core::api::{ADMIN_GROUP, WAYLAND_ADMIN_SOCKET, shell_socket};
use rustix::fs::{AtFlags, CWD, Gid, chownat};
use smithay::reexports::wayland_server::Display;

use crate::{clients, kiosk::Kiosk, privilege::Privilege};

/// Binds a socket with these permissions. A socket that a dead predecessor left is replaced; a living one's is not.
pub fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    if path.exists() {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("{} is in use: another kioskd runs here", path.display()),
            ));
        }
        std::fs::remove_file(path)?;
    }
    // Whoever waits for the socket to appear finds it listening, with its permissions: it is made under another
    // name.
    let mut hidden = path.as_os_str().to_owned();
    hidden.push(".new");
    let hidden = PathBuf::from(hidden);
    let _ = std::fs::remove_file(&hidden);
    let listener = UnixListener::bind(&hidden)?;
    listener.set_nonblocking(true)?;
    std::fs::set_permissions(&hidden, std::fs::Permissions::from_mode(mode))?;
    std::fs::rename(&hidden, path)?;
    Ok(listener)
}

/// Opens the Wayland sockets in `directory` and starts to serve clients. Returns the path of each shell's socket.
pub fn open_wayland(kiosk: &mut Kiosk, display: Display<Kiosk>, directory: &Path) -> io::Result<Vec<PathBuf>> {
    clients::serve(kiosk, display)?;
    let shells: Vec<PathBuf> =
        (0..kiosk.stage.shells.len()).map(|number| directory.join(shell_socket(number))).collect();
    for (number, path) in shells.iter().enumerate() {
        listen(kiosk, path, Privilege::Shell, number)?;
    }
    remove_stale(directory, shells.len());
    let admin = directory.join(WAYLAND_ADMIN_SOCKET);
    listen(kiosk, &admin, Privilege::Admin, 0)?;
    if let Some(group) = group_id(ADMIN_GROUP)
        && let Err(error) = chownat(CWD, &admin, None, Some(group), AtFlags::empty())
    {
        tracing::debug!(%error, group = ADMIN_GROUP, "the admin socket stays with our own group");
    }
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
    let listener = bind(path, 0o660)?;
    clients::accept_from(kiosk, listener, privilege, shell)
}

/// The group's number, from `/etc/group`; a system without that file has no groups to ask for.
fn group_id(name: &str) -> Option<Gid> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    let line = groups.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok().map(Gid::from_raw)
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
