//! Makes a Wayland socket whose clients are in a security context (wp_security_context_v1). It speaks the few Wayland
//! messages that this takes itself, without a library. For `kioskctl confine` and for shells in containers.

use std::io::{Error, IoSlice, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

const MANAGER: &str = "wp_security_context_manager_v1";
/// The context's `sandbox_engine`.
const ENGINE: &str = "org.kioskd";

/// Object ids on our connection.
const DISPLAY: u32 = 1;
const REGISTRY: u32 = 2;
const REGISTRY_DONE: u32 = 3;
const MANAGER_ID: u32 = 4;
const CONTEXT: u32 = 5;
const CONTEXT_DONE: u32 = 6;
/// Room for two descriptors in a message.
const TWO_DESCRIPTORS: usize = rustix::cmsg_space!(ScmRights(2));

/// Why there is no such socket.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// kioskd's own socket, and what the kernel said.
    #[error("kioskd's socket {} cannot be used: {error}", socket.display())]
    Unreachable {
        /// kioskd's.
        socket: PathBuf,
        /// Why.
        error: Error,
    },
    /// kioskd's socket lacks the global.
    #[error("{} offers no security contexts", .0.display())]
    NoContexts(PathBuf),
    /// kioskd answered with a protocol error.
    #[error("kioskd refuses the security context: {0}")]
    Refused(String),
    /// The connection ended in between.
    #[error("the connection to kioskd ended: {0}")]
    Lost(Error),
    /// The new socket, and what the kernel said.
    #[error("{} cannot be made: {error}", socket.display())]
    NotMade {
        /// The new one.
        socket: PathBuf,
        /// Why.
        error: Error,
    },
}

/// A socket on which kioskd listens until this is dropped.
#[derive(Debug)]
pub struct Confined {
    wire: Wire,
    socket: PathBuf,
    /// Its other end is kioskd's.
    open: std::io::PipeWriter,
}

impl Confined {
    /// Makes `socket` by way of kioskd's own `display`; what comes through it is held to what `app_id` is allowed.
    ///
    /// # Errors
    ///
    /// kioskd can't be reached or refuses, or the socket can't be made.
    pub fn make(display: &Path, app_id: &str, socket: &Path) -> Result<Self, ContextError> {
        let stream = UnixStream::connect(display)
            .map_err(|error| ContextError::Unreachable { socket: display.to_owned(), error })?;
        let mut wire = Wire(stream);
        wire.send(DISPLAY, 1, &REGISTRY.to_ne_bytes(), &[])?;
        let mut manager = None;
        wire.sync(REGISTRY_DONE, |name, interface| {
            if interface == MANAGER {
                manager = Some(name);
            }
        })?;
        let name = manager.ok_or_else(|| ContextError::NoContexts(display.to_owned()))?;
        // One that a predecessor left.
        let _ = std::fs::remove_file(socket);
        let listener =
            UnixListener::bind(socket).map_err(|error| ContextError::NotMade { socket: socket.to_owned(), error })?;
        let (close, open) = std::io::pipe().map_err(ContextError::Lost)?;
        let mut body = name.to_ne_bytes().to_vec();
        text(&mut body, MANAGER);
        body.extend_from_slice(&1u32.to_ne_bytes());
        body.extend_from_slice(&MANAGER_ID.to_ne_bytes());
        wire.send(REGISTRY, 0, &body, &[])?;
        wire.send(MANAGER_ID, 1, &CONTEXT.to_ne_bytes(), &[listener.as_fd(), close.as_fd()])?;
        for (opcode, said) in [(1, ENGINE), (2, app_id)] {
            let mut body = Vec::new();
            text(&mut body, said);
            wire.send(CONTEXT, opcode, &body, &[])?;
        }
        wire.send(CONTEXT, 4, &[], &[])?;
        wire.sync(CONTEXT_DONE, |_, _| {})?;
        Ok(Self { wire, socket: socket.to_owned(), open })
    }

    /// Waits until kioskd has ended.
    pub fn wait(&mut self) {
        // No event is expected until then.
        while self.wire.event().is_ok() {}
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        let _ = (&self.open, std::fs::remove_file(&self.socket));
    }
}

#[derive(Debug)]
struct Wire(UnixStream);

fn text(words: &mut Vec<u8>, text: &str) {
    let length = text.len() + 1;
    words.extend_from_slice(&(length as u32).to_ne_bytes());
    words.extend_from_slice(text.as_bytes());
    words.resize(words.len() + (length.next_multiple_of(4) - text.len()), 0);
}

impl Wire {
    fn send(&mut self, object: u32, opcode: u32, body: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), ContextError> {
        let size = (8 + body.len()) as u32;
        let mut message = object.to_ne_bytes().to_vec();
        message.extend_from_slice(&(size << 16 | opcode).to_ne_bytes());
        message.extend_from_slice(body);
        let mut space = [std::mem::MaybeUninit::uninit(); TWO_DESCRIPTORS];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(fds));
        }
        // The message is smaller than a socket's buffer: it is sent whole.
        let sent = sendmsg(&self.0, &[IoSlice::new(&message)], &mut control, SendFlags::NOSIGNAL);
        sent.map(drop).map_err(|error| ContextError::Lost(error.into()))
    }

    /// The next event: object, opcode, and what it says.
    fn event(&mut self) -> Result<(u32, u32, Vec<u8>), ContextError> {
        let mut head = [0; 8];
        self.0.read_exact(&mut head).map_err(ContextError::Lost)?;
        let [a, b, c, d, e, f, g, h] = head;
        let (object, word) = (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h]));
        let mut body = vec![0; (word >> 16).saturating_sub(8) as usize];
        self.0.read_exact(&mut body).map_err(ContextError::Lost)?;
        Ok((object, word & 0xffff, body))
    }

    /// A round trip (`wl_display.sync`). `said` is called for each global of the registry.
    fn sync(&mut self, callback: u32, mut said: impl FnMut(u32, &str)) -> Result<(), ContextError> {
        self.send(DISPLAY, 0, &callback.to_ne_bytes(), &[])?;
        loop {
            let (object, opcode, body) = self.event()?;
            if object == callback {
                return Ok(());
            }
            let word = |at: usize| body.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_ne_bytes);
            let string = |at: usize| {
                let length = word(at)? as usize;
                std::str::from_utf8(body.get(at + 4..(at + 4 + length).checked_sub(1)?)?).ok()
            };
            match (object, opcode) {
                (DISPLAY, 0) => {
                    return Err(ContextError::Refused(string(8).unwrap_or("without a reason").to_owned()));
                }
                (REGISTRY, 0) => {
                    if let (Some(name), Some(interface)) = (word(0), string(4)) {
                        said(name, interface);
                    }
                }
                _ => {}
            }
        }
    }
}
