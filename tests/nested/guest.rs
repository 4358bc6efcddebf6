//! A client of the nested kioskd, over its real socket.

use std::{
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
    time::Instant,
};

use super::{
    client::{Client, Toplevel},
    picture::Picture,
    process::{PATIENCE, Running, readable},
};

/// A client with one window.
pub struct Guest {
    pub client: Client,
    socket: UnixStream,
    pub window: Toplevel,
}

impl Guest {
    /// Connects to kioskd's socket and shows a fullscreen picture.
    #[track_caller]
    pub fn new(kioskd: &mut Running, directory: &Path, picture: Picture) -> Self {
        let path = directory.join("wayland-0");
        kioskd.wait_for(&path);
        let socket = UnixStream::connect(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut client = Client::new(socket.try_clone().unwrap());
        until(&mut client, &socket, "the globals", |client| client.seen.globals.len() > 10);
        client.bind_all();
        let window = client.toplevel();
        window.surface.commit();
        until(&mut client, &socket, "the first configure", |client| client.configured(&window).is_some());
        let mut guest = Self { client, socket, window };
        guest.fill(picture);
        guest
    }

    /// Draws, and waits until it was presented.
    #[track_caller]
    pub fn fill(&mut self, picture: Picture) {
        let before = self.client.feedback(&self.window.surface).len();
        self.client.ask_feedback(&self.window.surface);
        self.client.fill(&self.window, picture);
        let surface = self.window.surface.clone();
        self.until("the picture on the screen", |client| client.feedback(&surface).len() > before);
    }

    /// Waits until the window was configured with this size.
    #[track_caller]
    pub fn until_size(&mut self, size: (i32, i32)) {
        let window = self.window.clone();
        self.until("the new size", |client| {
            client.configured(&window).is_some_and(|told| (told.width, told.height) == size)
        });
    }

    #[track_caller]
    pub fn until(&mut self, what: &str, done: impl FnMut(&mut Client) -> bool) {
        until(&mut self.client, &self.socket, what, done);
    }
}

#[track_caller]
fn until(client: &mut Client, socket: &UnixStream, what: &str, mut done: impl FnMut(&mut Client) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        client.pump();
        if done(client) {
            return;
        }
        assert!(!client.is_gone(), "kioskd hung up while waiting for {what}: {:?}", client.error());
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero() && readable(socket.as_fd(), left), "in vain waited for: {what}");
    }
}
