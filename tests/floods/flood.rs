//! Clients that flood a socket without end: each is a thread that connects anew whenever it is disconnected.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::kiosk::Kiosk;
use crate::wire::{Arg, DISPLAY, Wire};

/// One kind of them.
pub struct Flood {
    pub name: &'static str,
    socket: &'static str,
    /// What a connection does until it is thrown out; gives how many times it wrote.
    shout: fn(&mut UnixStream, &AtomicBool) -> u64,
}

pub const FLOODS: &[Flood] = &[
    Flood { name: "a client that asks without pause", socket: "wayland-0", shout: ask },
    Flood { name: "a client that asks and never reads", socket: "wayland-0", shout: ask_deaf },
    Flood { name: "clients that make 4,000 surfaces and leave", socket: "wayland-0", shout: make_and_leave },
    Flood { name: "connections that say nothing", socket: "wayland-0", shout: |_, _| 1 },
    Flood { name: "lines on control.sock", socket: "control.sock", shout: lines },
    Flood { name: "D-Bus callers with long messages", socket: "compositor.sock", shout: callers },
];

/// One that is under way.
pub struct Running {
    over: Arc<AtomicBool>,
    did: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

pub fn begin(kiosk: &Kiosk, flood: &'static Flood) -> Running {
    let (over, did) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let path = kiosk.socket(flood.socket);
    let thread = thread::spawn({
        let (over, did) = (over.clone(), did.clone());
        move || go_on(flood, &path, &over, &did)
    });
    Running { over, did, thread }
}

fn go_on(flood: &Flood, path: &Path, over: &AtomicBool, did: &AtomicU64) {
    while !over.load(Relaxed) {
        if let Ok(mut stream) = UnixStream::connect(path) {
            // A server that has thrown it out without a word is noticed.
            stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            did.fetch_add((flood.shout)(&mut stream, over), Relaxed);
        }
    }
}

impl Running {
    /// Stops it; gives how many times it wrote.
    pub fn end(self) -> u64 {
        self.over.store(true, Relaxed);
        self.thread.join().unwrap();
        self.did.load(Relaxed)
    }
}

/// Writes the same bytes again and again.
fn repeat(stream: &mut UnixStream, bytes: &[u8], over: &AtomicBool, mut after: impl FnMut(&mut UnixStream)) -> u64 {
    let mut count = 0;
    while !over.load(Relaxed) && stream.write_all(bytes).is_ok() {
        count += 1;
        after(stream);
    }
    count
}

/// A registry each time: some forty answers for twelve bytes.
fn registries(first: u32) -> Vec<u8> {
    (first..first + 100).flat_map(|id| Wire::message(DISPLAY, 1, &[Arg::Word(id)])).collect()
}

fn ask(stream: &mut UnixStream, over: &AtomicBool) -> u64 {
    let mut reader = stream.try_clone().unwrap();
    let reading = thread::spawn(move || while matches!(reader.read(&mut [0; 1 << 16]), Ok(count) if count > 0) {});
    // The same number again and again: done and free with each answer, as long as they come in order.
    let question: Vec<u8> = (2..1002).flat_map(|id| Wire::message(DISPLAY, 0, &[Arg::Word(id)])).collect();
    let count = repeat(stream, &question, over, |_| {});
    let _ = stream.shutdown(std::net::Shutdown::Both);
    reading.join().unwrap();
    count
}

fn ask_deaf(stream: &mut UnixStream, over: &AtomicBool) -> u64 {
    let mut first = 2;
    let mut count = 0;
    while !over.load(Relaxed) && stream.write_all(&registries(first)).is_ok() {
        (first, count) = (first + 100, count + 1);
    }
    count
}

fn make_and_leave(stream: &mut UnixStream, over: &AtomicBool) -> u64 {
    const REGISTRY: u32 = 2;
    const COMPOSITOR: u32 = 3;
    let _ = stream.write_all(&Wire::message(DISPLAY, 1, &[Arg::Word(REGISTRY)]));
    let Some(name) = global(stream, "wl_compositor") else { return 0 };
    let bind = [Arg::Word(name), Arg::Text("wl_compositor"), Arg::Word(1), Arg::Word(COMPOSITOR)];
    let _ = stream.write_all(&Wire::message(REGISTRY, 0, &bind));
    let mut count = 0;
    for id in COMPOSITOR + 1..COMPOSITOR + 4001 {
        if over.load(Relaxed) || stream.write_all(&Wire::message(COMPOSITOR, 0, &[Arg::Word(id)])).is_err() {
            break;
        }
        count += 1;
    }
    count
}

/// The number of a global, read from the registry's events.
fn global(stream: &mut UnixStream, wanted: &str) -> Option<u32> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    loop {
        let mut head = [0; 8];
        stream.read_exact(&mut head).ok()?;
        let word = |bytes: &[u8]| bytes.try_into().map(u32::from_ne_bytes).ok();
        let length = (word(head.get(4..)?)? >> 16) as usize;
        let mut body = vec![0; length.checked_sub(8)?];
        stream.read_exact(&mut body).ok()?;
        if body.get(8..)?.starts_with(wanted.as_bytes()) && body.get(8 + wanted.len()) == Some(&0) {
            return word(body.get(..4)?);
        }
    }
}

fn lines(stream: &mut UnixStream, over: &AtomicBool) -> u64 {
    let lines = "{\"shell\":0,\"state\":\"ready\"}\nnonsense\n".repeat(1000);
    repeat(stream, lines.as_bytes(), over, |_| {})
}

fn callers(stream: &mut UnixStream, over: &AtomicBool) -> u64 {
    let uid: String =
        rustix::process::getuid().as_raw().to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    let _ = stream.write_all(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes());
    let _ = stream.read(&mut [0; 256]);
    let _ = stream.write_all(b"BEGIN\r\n");
    // A header that announces 64 KiB of body, then that body, again and again.
    let mut message = vec![b'l', 1, 0, 1];
    for word in [64u32 << 10, 1, 0] {
        message.extend_from_slice(&word.to_le_bytes());
    }
    message.resize(16 + (64 << 10), 0);
    repeat(stream, &message, over, |_| {})
}
