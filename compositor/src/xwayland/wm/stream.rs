//! The bytes from the X server, before anything believes them: the library reserves what a packet announces, reads for as
//! long as there is something to read, and keeps what nobody asked for. Made by [`super::session`] alone.

use std::{
    cell::Cell,
    io::{Error, ErrorKind, Result},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use x11rb::{
    rust_connection::{DefaultStream, PollMode, RustConnection, Stream},
    utils::RawFdContainer,
};

/// The connection, with bounds for what the server sends.
pub type Connection = RustConnection<Bounded>;

/// Longest packet, bytes: what is asked for at a time are 64 KiB, and the server's description of itself has at most 256.
const MAX_PACKET: usize = 1 << 20;
/// Most bytes that are read at a time: then the thread looks at the rest of its work.
const MAX_AT_A_TIME: usize = 64 << 10;
/// Most bytes that may wait while the thread waits for one answer: some 100,000 events.
const MAX_WAITING: usize = 4 << 20;

/// How long a packet is told to be.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// The head of the server's description of itself.
    Setup,
    /// The head of a reply, an event or an error.
    Head,
    /// So many more bytes of it.
    Body(usize),
}

/// How many bytes a head has.
const SETUP: usize = 8;
const HEAD: usize = 32;

/// The connection to an X server.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: DefaultStream,
    part: Cell<Part>,
    /// The head that is being read, and how much of it there is.
    head: Cell<([u8; HEAD], usize)>,
    /// Bytes since the library last had to wait.
    read: Cell<usize>,
    /// Bytes since all events were taken.
    waiting: Cell<usize>,
    /// All events are taken: what is read next begins a new count.
    taken: Cell<bool>,
}

impl Bounded {
    pub(super) fn new(stream: UnixStream) -> Result<Self> {
        Ok(Self {
            inner: DefaultStream::from_unix_stream(stream)?.0,
            part: Cell::new(Part::Setup),
            head: Cell::new(([0; HEAD], 0)),
            read: Cell::new(0),
            waiting: Cell::new(0),
            taken: Cell::new(false),
        })
    }

    /// Whether the library reads only once it has no event left.
    pub(super) fn only_without_events(&self, only: bool) {
        self.taken.set(only);
    }

    /// Follows the packets. Errors: one is too long.
    fn follow(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let length = match self.part.get() {
                Part::Setup => SETUP,
                Part::Head => HEAD,
                Part::Body(left) => {
                    let taken = left.min(bytes.len());
                    self.part.set(if taken < left { Part::Body(left - taken) } else { Part::Head });
                    bytes = bytes.get(taken..).unwrap_or_default();
                    continue;
                }
            };
            let (mut head, had) = self.head.get();
            let (new, rest) = bytes.split_at(bytes.len().min(length - had));
            for (to, from) in head.iter_mut().skip(had).zip(new) {
                *to = *from;
            }
            bytes = rest;
            if had + new.len() < length {
                self.head.set((head, had + new.len()));
                return Ok(());
            }
            self.head.set(([0; HEAD], 0));
            let body = body(&head, length == SETUP);
            if body > MAX_PACKET {
                return Err(wrong(format!("announces a packet of {body} bytes")));
            }
            self.part.set(if body > 0 { Part::Body(body) } else { Part::Head });
        }
        Ok(())
    }
}

/// How many bytes follow this head.
fn body(head: &[u8; HEAD], setup: bool) -> usize {
    let [kind, _, _, _, a, b, c, d, ..] = *head;
    match (setup, kind & 0x7f) {
        (true, _) => usize::from(u16::from_ne_bytes([c, d])) * 4,
        // A reply, and an event of any length.
        (false, 1 | 35) => usize::try_from(u32::from_ne_bytes([a, b, c, d])).unwrap_or(usize::MAX).saturating_mul(4),
        (false, _) => 0,
    }
}

fn wrong(what: String) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the X server {what}"))
}

impl Stream for Bounded {
    fn poll(&self, mode: PollMode) -> Result<()> {
        self.inner.poll(mode)
    }

    fn read(&self, buffer: &mut [u8], descriptors: &mut Vec<RawFdContainer>) -> Result<usize> {
        if self.read.get() >= MAX_AT_A_TIME {
            self.read.set(0);
            return Err(ErrorKind::WouldBlock.into());
        }
        let read = self.inner.read(buffer, descriptors);
        // None is ever asked for.
        descriptors.clear();
        let length = match read {
            Ok(length) => length,
            Err(error) => {
                self.read.set(0);
                return Err(error);
            }
        };
        self.read.set(self.read.get() + length);
        self.waiting.set(length + if self.taken.take() { 0 } else { self.waiting.get() });
        if self.waiting.get() > MAX_WAITING {
            return Err(wrong("says more than it is asked for".into()));
        }
        self.follow(buffer.get(..length).unwrap_or_default())?;
        Ok(length)
    }

    fn write(&self, buffer: &[u8], descriptors: &mut Vec<RawFdContainer>) -> Result<usize> {
        self.inner.write(buffer, descriptors)
    }
}

impl AsFd for Bounded {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}
