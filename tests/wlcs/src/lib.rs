//! kioskd for WLCS, the Wayland conformance suite: a shared library that `wlcs` loads, with a whole kioskd on a thread of
//! its own, an offscreen back end, and hands that do as the suite says. `make test-conformance` builds and runs it.
//!
//! With the feature `conformance` windows lie where the suite puts them, and its own clients' early buffers are taken:
//! see the feature of that name in the compositor. `RUST_LOG` makes it log.

mod extensions;
mod ffi;
mod hands;
mod kiosk;

use std::{
    os::{
        fd::{IntoRawFd, RawFd},
        unix::net::UnixStream,
    },
    sync::mpsc,
    thread::JoinHandle,
};

use smithay::reexports::calloop::channel::{Sender, channel};

/// What the suite says to the compositor.
pub(crate) enum Command {
    /// A client joins by this end of a socket pair; the suite knows it by the number of the other end.
    Client(RawFd, UnixStream),
    /// A client's surface, by its protocol id, is to lie here in the space of all screens.
    Place { client: RawFd, surface: u32, at: (i32, i32) },
    /// A person does something.
    Act(hands::Act),
    /// The test is over.
    Stop,
}

/// A command, and whom to tell that it is done.
pub(crate) type Order = (Command, mpsc::Sender<()>);

/// A compositor as the suite holds it.
#[derive(Default)]
pub(crate) struct Server {
    running: Option<(Sender<Order>, JoinHandle<()>)>,
}

impl Server {
    fn start(&mut self) {
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("kioskd".into()).spawn(move || kiosk::run(receiver));
        self.running = thread.ok().map(|thread| (sender, thread));
    }

    fn stop(&mut self) {
        self.order(Command::Stop);
        if let Some((_, thread)) = self.running.take()
            && thread.join().is_err()
        {
            // No test may pass over it.
            eprintln!("the compositor panicked");
            std::process::abort();
        }
    }

    /// Gives a command and waits until it is done, so that what the suite does next comes after it.
    fn order(&self, command: Command) {
        if let Some((sender, _)) = &self.running {
            order(sender, command);
        }
    }

    /// The suite's end of a new client's connection.
    fn connect(&self) -> std::io::Result<RawFd> {
        let (theirs, ours) = UnixStream::pair()?;
        let fd = theirs.into_raw_fd();
        self.order(Command::Client(fd, ours));
        Ok(fd)
    }

    fn sender(&self) -> Option<Sender<Order>> {
        self.running.as_ref().map(|(sender, _)| sender.clone())
    }
}

/// Gives a command and waits until it is done. A compositor that panicked answers none: [`Server::stop`] tells.
pub(crate) fn order(sender: &Sender<Order>, command: Command) {
    let (done, wait) = mpsc::channel();
    if sender.send((command, done)).is_ok() {
        let _ = wait.recv();
    }
}
