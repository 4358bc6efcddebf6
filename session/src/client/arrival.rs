//! Waiting for a service that is not there yet: for its name on the bus and for its socket in the runtime
//! directory, whichever comes first.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;
use zbus::{Connection, MessageStream};

use super::Service;
use super::changes::owner_rule;

/// A socket is seen when it is bound, a moment before its owner listens on it and sets its permissions; that
/// moment has no event. The service is tried again after this time.
const LISTEN_DELAY: Duration = Duration::from_millis(50);

/// A watch on everything that announces a service, good for one announcement.
#[derive(Debug)]
pub struct Arrival {
    bus: Option<MessageStream>,
    directory: Option<AsyncFd<OwnedFd>>,
}

impl Arrival {
    pub(super) async fn new(service: Service, bus: Option<&Connection>, directory: &Path) -> Self {
        let bus = match (bus, owner_rule(service)) {
            (Some(bus), Ok(rule)) => MessageStream::for_match_rule(rule, bus, None).await.ok(),
            _ => None,
        };
        Arrival { bus, directory: watch(directory).ok() }
    }

    /// Until something was announced; then connect again, with a new watch made before. Never returns where
    /// nothing can be watched. May be dropped and called again.
    pub async fn wait(&mut self) {
        let Arrival { bus, directory } = self;
        let name = async {
            let came = match bus {
                Some(bus) => bus.next().await.is_some(),
                None => false,
            };
            if !came {
                std::future::pending::<()>().await;
            }
        };
        let Some(directory) = directory else { return name.await };
        tokio::select! {
            () = name => {}
            _ = directory.readable() => {
                tokio::time::sleep(LISTEN_DELAY).await;
            }
        }
    }
}

/// Watches the directory, and, as it may not be there yet, the nearest one above it.
fn watch(directory: &Path) -> std::io::Result<AsyncFd<OwnedFd>> {
    let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ATTRIB | WatchFlags::DELETE_SELF;
    for place in directory.ancestors() {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match inotify::add_watch(&fd, place, flags) {
            Ok(_) => return register(fd),
            Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(std::io::ErrorKind::NotFound.into())
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for types that give changing descriptors; this one owns its own"
)]
fn register(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}
