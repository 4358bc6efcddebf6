//! Why the connection to the X server has ended.

use std::io;

use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};

/// Why the connection has ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("the X server did not take the window manager: {0}")]
    Connect(#[from] ConnectError),
    #[error("the connection to the X server ended: {0}")]
    Connection(#[from] ConnectionError),
    #[error("the X server refused the window manager: {0}")]
    Reply(#[from] ReplyError),
    #[error("the X server has no numbers left: {0}")]
    Id(#[from] ReplyOrIdError),
    #[error("the X server's connection cannot be waited for: {0}")]
    Wait(#[from] io::Error),
}

/// A window may be destroyed at any time: the server's error about such a window is ignored.
pub fn answer<T>(reply: Result<T, ReplyError>) -> Result<Option<T>, SessionError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(error)) => Err(error.into()),
    }
}
