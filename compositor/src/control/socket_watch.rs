//! Waits for a socket file to appear, by inotify on its directory or, while that is missing, on the nearest
//! one above. No timer.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe::Receiver;

pub(super) struct SocketWatch {
    /// Not a pipe, but read like one: what counts is that there were events, not what they say.
    inotify: Receiver,
    socket: PathBuf,
}

impl SocketWatch {
    pub fn new(socket: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let inotify = Receiver::from_owned_fd_unchecked(inotify)?;
        let watch = Self { inotify, socket: socket.to_owned() };
        watch.aim()?;
        Ok(watch)
    }

    /// Returns when something was made in the socket's directory and the socket is there.
    pub async fn appeared(&mut self) {
        loop {
            let mut events = [0; 4096];
            if let Err(error) = self.inotify.readable().await {
                tracing::warn!(%error, "the bus's socket is no longer watched");
                return std::future::pending().await;
            }
            while matches!(self.inotify.try_read(&mut events), Ok(1..)) {}
            // The directory may have come, with the socket already in it: go nearer before looking.
            if let Err(error) = self.aim() {
                tracing::debug!(%error, "the bus's directory can't be watched");
            }
            if self.socket.exists() {
                return;
            }
        }
    }

    /// Watches the nearest existing directory. Adding a watch that there is changes nothing.
    fn aim(&self) -> io::Result<()> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for directory in self.socket.ancestors().skip(1) {
            match inotify::add_watch(&self.inotify, directory, WatchFlags::CREATE | WatchFlags::MOVED_TO) {
                Ok(_) => return Ok(()),
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_socket_is_seen_even_when_its_directories_come_with_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let socket = directory.path().join("run/dbus/socket");
            let mut watch = SocketWatch::new(&socket).unwrap();
            std::fs::write(directory.path().join("other"), "").unwrap();
            let soon = Duration::from_millis(50);
            assert!(tokio::time::timeout(soon, watch.appeared()).await.is_err(), "that was not the socket");
            for _ in 0..2 {
                let (seen, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(10), watch.appeared()), async {
                    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
                    tokio::task::yield_now().await;
                    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
                });
                seen.expect("the socket is there");
                std::fs::remove_file(&socket).unwrap();
            }
        });
    }
}
