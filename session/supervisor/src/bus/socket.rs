//! Makes `session.sock`. Called by [`super::serve`], also when the socket was lost.

use std::path::Path;

use kiosk_bus::Socket;
use kiosk_core::api::{SESSION_DIR, SESSION_SOCKET, session_socket_target};
use kiosk_core::sockets::{Access, BindError, SocketDir, SocketFile};

/// Our name in messages about a socket that is in use.
const PROGRAM: &str = "kiosk-session";

/// Listens in a directory of our own, as only kioskd's user can create files in the runtime directory. The well-known
/// path is a link to it, made here if we have the rights, else by systemd-tmpfiles.
pub(super) fn listen(runtime_dir: &Path) -> Result<Socket, BindError> {
    let directory = SocketDir::open(&runtime_dir.join(SESSION_DIR))?;
    let listener = directory.bind(SESSION_SOCKET, Access::EVERYBODY, PROGRAM)?;
    let path = directory.path().join(SESSION_SOCKET);
    let file = SocketFile::of(&path).map_err(|error| BindError::Make { path: path.clone(), error })?;
    let (link, target) = (runtime_dir.join(SESSION_SOCKET), session_socket_target());
    let leads = std::fs::read_link(&link).is_ok_and(|there| there == Path::new(&target));
    if !leads
        && let Err(error) =
            SocketDir::open(runtime_dir).and_then(|directory| directory.link(SESSION_SOCKET, &target, PROGRAM))
    {
        tracing::debug!(%error, "the link can't be made");
        let (link, path) = (link.display(), path.display());
        tracing::warn!(
            "{link} does not lead to {path}: kioskctl needs the system bus, or that link (systemd-tmpfiles --create makes it)"
        );
    }
    Ok(Socket { listener, file, path, link: Some(link) })
}
