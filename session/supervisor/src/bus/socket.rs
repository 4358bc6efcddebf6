//! Where `session.sock` is. Called by [`super::serve`], each time that the socket is to be made.

use std::path::Path;

use kiosk_bus::Socket;
use kiosk_core::api::{SESSION_DIR, SESSION_SOCKET, session_socket_target};
use kiosk_core::sockets::{Access, BindError, SocketDir, SocketFile};

/// In messages about a socket that somebody else listens to.
const PROGRAM: &str = "kiosk-session";

/// In a directory of our own: only kioskd's user makes names in the runtime directory. Where that is our user too, or
/// was so kind, the name that people know leads there.
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
