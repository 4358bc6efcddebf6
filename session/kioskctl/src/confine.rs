//! `kioskctl confine`: a Wayland socket whose programs are held in a security context, for as long as this runs. Speaks
//! the handful of Wayland messages that it takes by itself: no library, and nothing that draws. Needs the admin socket.

use std::{
    io::{IoSlice, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use kiosk_core::api::{RUNTIME_DIR, WAYLAND_ADMIN_SOCKET};
use kioskctl::client::Exit;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::json;

use super::outcome::{Failure, Outcome};

const MANAGER: &str = "wp_security_context_manager_v1";
/// Who makes the context, for logs.
const ENGINE: &str = "org.kioskd";

/// Our names of objects.
const DISPLAY: u32 = 1;
const REGISTRY: u32 = 2;
const MANAGER_ID: u32 = 4;
const CONTEXT: u32 = 5;
/// Room for two descriptors in a message.
const TWO_DESCRIPTORS: usize = rustix::cmsg_space!(ScmRights(2));

struct Wire(UnixStream);

fn text(words: &mut Vec<u8>, text: &str) {
    let length = text.len() + 1;
    words.extend_from_slice(&(length as u32).to_ne_bytes());
    words.extend_from_slice(text.as_bytes());
    words.resize(words.len() + (length.next_multiple_of(4) - text.len()), 0);
}

fn lost(error: std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the connection to kioskd ended: {error}"))
}

impl Wire {
    fn send(&mut self, object: u32, opcode: u32, body: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        let size = (8 + body.len()) as u32;
        let mut message = object.to_ne_bytes().to_vec();
        message.extend_from_slice(&(size << 16 | opcode).to_ne_bytes());
        message.extend_from_slice(body);
        let mut space = [std::mem::MaybeUninit::uninit(); TWO_DESCRIPTORS];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(fds));
        }
        // Less than a socket takes at once.
        let sent = sendmsg(&self.0, &[IoSlice::new(&message)], &mut control, SendFlags::NOSIGNAL);
        sent.map(drop).map_err(|error| lost(error.into()))
    }

    /// The next event: object, opcode, and what it says.
    fn event(&mut self) -> Result<(u32, u32, Vec<u8>), Failure> {
        let mut head = [0; 8];
        self.0.read_exact(&mut head).map_err(lost)?;
        let [a, b, c, d, e, f, g, h] = head;
        let (object, word) = (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h]));
        let mut body = vec![0; (word >> 16).saturating_sub(8) as usize];
        self.0.read_exact(&mut body).map_err(lost)?;
        Ok((object, word & 0xffff, body))
    }

    /// Everything that was asked is done. `said` hears of all that the registry has.
    fn sync(&mut self, callback: u32, mut said: impl FnMut(u32, &str)) -> Result<(), Failure> {
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
                    let why = string(8).unwrap_or("without a reason");
                    return Err(Failure::new(Exit::Failed, format!("kioskd refuses the security context: {why}")));
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

/// The admin socket: `WAYLAND_DISPLAY` as every Wayland program reads it, else kioskd's own.
fn admin_socket() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match (set("WAYLAND_DISPLAY"), set("XDG_RUNTIME_DIR")) {
        (Some(display), Some(directory)) => directory.join(display),
        (Some(display), None) => display,
        (None, _) => Path::new(RUNTIME_DIR).join(WAYLAND_ADMIN_SOCKET),
    }
}

/// Listens at `socket` for programs that are held to what `app_id` is allowed, until kioskd ends.
pub fn run(app_id: &str, socket: &Path) -> Result<Outcome, Failure> {
    let admin = admin_socket();
    let stream = UnixStream::connect(&admin).map_err(|error| {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::NotAllowed,
            _ => Exit::NotRunning,
        };
        Failure::new(exit, format!("kioskd's admin socket {} cannot be used: {error}", admin.display()))
    })?;
    let mut wire = Wire(stream);
    wire.send(DISPLAY, 1, &REGISTRY.to_ne_bytes(), &[])?;
    let mut manager = None;
    wire.sync(3, |name, interface| {
        if interface == MANAGER {
            manager = Some(name);
        }
    })?;
    let Some(name) = manager else {
        return Err(Failure::new(Exit::Failed, format!("{} offers no security contexts", admin.display())));
    };
    // One that a predecessor left.
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket)
        .map_err(|error| Failure::new(Exit::Failed, format!("{} cannot be made: {error}", socket.display())))?;
    let (close, _open) = std::io::pipe().map_err(lost)?;
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
    wire.sync(6, |_, _| {})?;
    drop((listener, close));
    // Nothing more is said until kioskd goes.
    while wire.event().is_ok() {}
    let _ = std::fs::remove_file(socket);
    Ok(Outcome::new("kioskd has ended", json!({ "ended": true })))
}
