//! The reading half of a connection's socket, which does not trust announced lengths.
//!
//! zbus's own (6.2.1) allocates a message's announced length, up to 128 MiB, at its first 16 bytes, waits for the rest
//! for ever, queues up to 64 whole messages, and takes every descriptor that comes. Here the buffer grows with the
//! received bytes, a message has a time limit, and one that is too large or carries descriptors is refused with an
//! error reply. Calls bypass zbus's queue and go through a short channel to [`crate::connection`]: while it is full,
//! nothing more is read.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use kiosk_core::quota::{Permit, Quota};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, Shutdown, recvmsg, shutdown};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::Message;
use zbus::connection::socket::ReadHalf;
use zbus::export::async_trait::async_trait;
use zbus::fdo::ConnectionCredentials;
use zbus::message::Type;

/// How long a message may take from its first byte to its last.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(5);
/// The fixed part of a message (D-Bus specification, "Message Format").
const FIXED: usize = 16;
/// Longest array of header fields, bytes: path, interface, member, sender, destination and signature.
const MAX_FIELDS: usize = 16 * 1024;
/// Largest body of a normal message, bytes: a change of many screens has some thousands.
const SMALL: usize = 32 * 1024;
/// Largest body that is accepted, bytes: the longest URL with some overhead.
const LARGE: usize = 2 * 1024 * 1024;
/// Largest message of the specification, bytes.
const MAX_ANNOUNCED: usize = 128 * 1024 * 1024;
/// Bytes read and allocated at a time.
const CHUNK: usize = 16 * 1024;
/// Descriptors that are received with one message and closed: no method takes one.
const MAX_DESCRIPTORS: usize = 4;
/// Longest authentication handshake, bytes.
const MAX_HANDSHAKE: usize = 16 * 1024;

/// Why a call is refused before it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its size, bytes.
    #[error("the message has {0} bytes, at most {LARGE} are taken")]
    TooLarge(usize),
    /// All places for large messages are taken.
    #[error("other large messages are being answered: try again when they are")]
    Busy,
    /// They are closed at once.
    #[error("no method here takes a file descriptor")]
    Descriptors,
}

/// A call that has arrived.
#[derive(Debug)]
pub struct Incoming {
    /// The message; its body is not parsed yet.
    pub call: Message,
    /// `None`: it is accepted.
    pub refusal: Option<Refusal>,
    /// The place of a large message, held until it is answered.
    pub large: Option<Permit<String>>,
}

/// zbus's reading half, which takes no more than the limits allow.
#[derive(Debug)]
pub struct Reader {
    socket: Arc<UnixStream>,
    calls: mpsc::Sender<Incoming>,
    large: Quota<String>,
    /// Names the connection in quotas.
    name: String,
    /// Whether the other side is a bus, which answers and signals too.
    bus: bool,
    /// Bytes that the handshake may still have.
    handshake: usize,
}

impl Reader {
    /// Sends calls to `calls`; replies to our own calls go to zbus.
    pub fn new(
        socket: Arc<UnixStream>,
        calls: mpsc::Sender<Incoming>,
        large: Quota<String>,
        name: String,
        bus: bool,
    ) -> Self {
        Reader { socket, calls, large, name, bus, handshake: MAX_HANDSHAKE }
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let received = self.socket.async_io(Interest::READABLE, || receive(&self.socket, buffer)).await?;
        if received.0 == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(received) }
    }
}

/// Unread data makes the kernel reset the connection on close, and the peer loses replies that it has not read yet. So
/// it is drained; it is bounded by the socket's buffer.
impl Drop for Reader {
    fn drop(&mut self) {
        let _ = shutdown(&self.socket, Shutdown::Read);
        let mut scratch = [0; CHUNK];
        while matches!(receive(&self.socket, &mut scratch), Ok((1.., _))) {}
    }
}

#[async_trait]
impl ReadHalf for Reader {
    async fn receive_message(
        &mut self,
        seq: u64,
        early: &mut Vec<u8>,
        early_fds: &mut Vec<OwnedFd>,
    ) -> zbus::Result<Message> {
        loop {
            let mut arriving = Arriving { bytes: Vec::new(), fds: std::mem::take(early_fds), early };
            // No time limit between messages.
            arriving.fill(self, 1).await?;
            let whole = timeout(MESSAGE_TIMEOUT, arriving.rest(self)).await;
            let whole =
                whole.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "a message was begun and not ended"))??;
            let Some(whole) = whole else { continue };
            let (refusal, large) = (whole.refusal, whole.large);
            let message = MessageReader::message(whole.bytes, whole.fds, seq).await?;
            if message.message_type() != Type::MethodCall {
                if self.bus {
                    return Ok(message);
                }
                // Replies and signals of peers are ignored.
                tokio::task::yield_now().await;
                continue;
            }
            let refusal =
                refusal.or(message.header().unix_fds().filter(|count| *count > 0).map(|_| Refusal::Descriptors));
            let incoming = Incoming { call: message, refusal, large };
            // Without a receiver the connection has ended.
            self.calls.send(incoming).await.map_err(|_| io::Error::from(io::ErrorKind::ConnectionAborted))?;
        }
    }

    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let received = self.receive(buffer).await?;
        let left = self.handshake.checked_sub(received.0);
        self.handshake = left.ok_or_else(|| io::Error::other("the handshake does not end"))?;
        Ok(received)
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }

    async fn peer_credentials(&mut self) -> io::Result<ConnectionCredentials> {
        Ok(ConnectionCredentials::default().set_unix_user_id(self.socket.peer_cred()?.uid()))
    }
}

/// A partially received message.
struct Arriving<'a> {
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
    /// Bytes that the handshake read beyond its end.
    early: &'a mut Vec<u8>,
}

struct Complete {
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
    refusal: Option<Refusal>,
    large: Option<Permit<String>>,
}

impl Arriving<'_> {
    /// Reads until `length` bytes are there; allocates only for received bytes.
    async fn fill(&mut self, reader: &Reader, length: usize) -> io::Result<()> {
        while self.bytes.len() < length {
            let have = self.bytes.len();
            let chunk = (length - have).min(CHUNK);
            if !self.early.is_empty() {
                let taken = chunk.min(self.early.len());
                self.bytes.extend(self.early.drain(..taken));
                continue;
            }
            self.bytes.resize(have + chunk, 0);
            let (count, fds) = reader.receive(self.bytes.get_mut(have..).unwrap_or_default()).await?;
            self.bytes.truncate(have + count);
            self.fds.extend(fds);
            if self.fds.len() > MAX_DESCRIPTORS {
                return Err(io::Error::other("too many file descriptors with one message"));
            }
        }
        Ok(())
    }

    /// Reads the rest; `None`: it needs no reply.
    async fn rest(&mut self, reader: &Reader) -> io::Result<Option<Complete>> {
        self.fill(reader, FIXED).await?;
        let (fields, body) = lengths(&self.bytes)?;
        let header = (FIXED + fields).next_multiple_of(8);
        self.fill(reader, header).await?;
        if body <= SMALL {
            self.fill(reader, header + body).await?;
            return Ok(Some(self.complete(None, None)));
        }
        let (call, answered) = match self.bytes.as_slice() {
            [_, kind, flags, ..] => (*kind == Type::MethodCall as u8, flags & NO_REPLY_EXPECTED == 0),
            _ => (false, false),
        };
        let place = reader.large.take(&reader.name).filter(|_| body <= LARGE && call && answered);
        if place.is_some() {
            self.fill(reader, header + body).await?;
            return Ok(Some(self.complete(None, place)));
        }
        let mut left = body;
        while left > 0 {
            self.bytes.truncate(header);
            let piece = left.min(CHUNK);
            self.fill(reader, header + piece).await?;
            left -= piece;
        }
        self.bytes.truncate(header);
        // The rest is a message without a body, which is refused by its header.
        self.bytes.get_mut(BODY_LENGTH).unwrap_or_default().fill(0);
        let refusal = if body > LARGE { Refusal::TooLarge(header + body) } else { Refusal::Busy };
        Ok((call && answered).then(|| self.complete(Some(refusal), None)))
    }

    fn complete(&mut self, refusal: Option<Refusal>, large: Option<Permit<String>>) -> Complete {
        Complete { bytes: std::mem::take(&mut self.bytes), fds: std::mem::take(&mut self.fds), refusal, large }
    }
}

/// Where the body's length is in the fixed part, and the flag of a call that is not answered.
const BODY_LENGTH: std::ops::Range<usize> = 4..8;
const NO_REPLY_EXPECTED: u8 = 1;

/// Parses `bytes` as a connection does: exactly one complete message within the limits.
pub async fn read_message(bytes: Vec<u8>) -> zbus::Result<Message> {
    let (fields, body) = lengths(&bytes)?;
    if bytes.len() != (FIXED + fields).next_multiple_of(8) + body || body > LARGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "these bytes are not one message").into());
    }
    MessageReader::message(bytes, Vec::new(), 0).await
}

/// The lengths of header fields and body that the fixed part announces.
fn lengths(fixed: &[u8]) -> io::Result<(usize, usize)> {
    let number = |range: std::ops::Range<usize>| {
        let bytes = fixed.get(range).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).unwrap_or_default();
        match fixed.first() {
            Some(b'B') => u32::from_be_bytes(bytes) as usize,
            _ => u32::from_le_bytes(bytes) as usize,
        }
    };
    let (body, fields) = (number(BODY_LENGTH), number(12..16));
    if fields > MAX_FIELDS || body > MAX_ANNOUNCED {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message has a header or body that is none"));
    }
    Ok((fields, body))
}

/// A complete message as a reader for zbus, which parses messages only while it reads them.
#[derive(Debug)]
struct MessageReader {
    bytes: Vec<u8>,
    read: usize,
    fds: Vec<OwnedFd>,
}

impl MessageReader {
    async fn message(bytes: Vec<u8>, fds: Vec<OwnedFd>, seq: u64) -> zbus::Result<Message> {
        MessageReader { bytes, read: 0, fds }.receive_message(seq, &mut Vec::new(), &mut Vec::new()).await
    }
}

#[async_trait]
impl ReadHalf for MessageReader {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.read += count;
        Ok((count, std::mem::take(&mut self.fds)))
    }
}

fn receive(socket: &UnixStream, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    // Further descriptors are closed by the kernel.
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let received = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
    let rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    Ok((received.bytes, rights.flatten().collect()))
}
