//! The D-Bus service of both daemons: on the system bus where there is one, and always on a socket in the runtime
//! directory, where every client has a connection of its own.
//!
//! A daemon implements [`Service`]: its state, the objects that show it, and its own signals. Interfaces are written
//! with zbus's `interface` macro. [`serve`] does the rest: it waits for a late bus, recreates a lost socket, limits
//! callers ([`limits`]), finds objects and answers the standard interfaces ([`tree`]), and announces changes
//! ([`announce`]). Nothing here depends on what is served.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod announce;
mod bus;
mod caller;
mod connection;
mod facts;
mod failure;
mod limits;
mod names;
mod object;
mod peers;
mod reader;
mod standard_xml;
mod tree;
mod writer;

use std::collections::BTreeMap;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use kiosk_core::sockets::{BindError, SocketFile};
use tokio::sync::Notify;
use zbus::Message;

pub use bus::SYSTEM_BUS;
pub use failure::Failure;
pub use names::{escape, paths, quoted};
pub use object::{Object, Served};
pub use reader::read_message;
pub use standard_xml::XML_HEADER;

/// A daemon's service on D-Bus.
pub trait Service: Send + Sync + 'static {
    /// The published state, by value.
    type State: Clone + Send + Sync + 'static;
    /// Tells when the state changed.
    type Watch: Watch<State = Self::State>;

    /// The well-known name on the bus.
    const NAME: &'static str;
    /// The program's name, for messages.
    const PROGRAM: &'static str;
    /// The path of the object manager.
    const MANAGER: &'static str;
    /// Paths that exist even without objects below them.
    const BRANCHES: &'static [&'static str];

    /// A watch that begins with the current state.
    fn watch(&self) -> Self::Watch;
    /// The objects that show `state`, by path.
    fn objects(&self, state: &Self::State) -> BTreeMap<String, Object>;
    /// The signals of the daemon's own interfaces for the change from `old` to `new`.
    fn signals(&self, old: &Self::State, new: &Self::State) -> zbus::Result<Vec<Message>>;
}

/// A watch on a state: changes between two calls are seen as one.
pub trait Watch: Send + 'static {
    /// See [`Service::State`].
    type State;
    /// The current state, which counts as seen.
    fn now(&mut self) -> Self::State;
    /// Waits for a new state; false: there will be none. May be dropped and called again.
    fn changed(&mut self) -> impl Future<Output = bool> + Send;
}

/// The socket for peers.
#[derive(Debug)]
pub struct Socket {
    /// Non-blocking.
    pub listener: UnixListener,
    /// Its file, removed on drop.
    pub file: SocketFile,
    /// The file's path.
    pub path: PathBuf,
    /// The link to it, if peers connect by one.
    pub link: Option<PathBuf>,
}

impl Socket {
    /// Whether it still exists at its path.
    pub(crate) fn is_there(&self) -> bool {
        self.file.is_ours() && self.link.as_ref().is_none_or(|link| link.exists())
    }
}

/// Where the objects are served.
pub struct Endpoints {
    /// Makes the peers' socket, also after it was lost.
    pub listen: Box<dyn Fn() -> Result<Socket, BindError> + Send + Sync>,
    /// The address of the message bus; `None`: no bus.
    pub bus: Option<String>,
    /// A notification checks that the socket still exists; its file is watched too.
    pub look: Arc<Notify>,
}

/// The address of the system bus: the environment's, else the usual one.
pub fn system_bus() -> String {
    std::env::var("DBUS_SYSTEM_BUS_ADDRESS")
        .ok()
        .filter(|address| !address.is_empty())
        .unwrap_or_else(|| SYSTEM_BUS.into())
}

/// What all connections of a daemon share.
pub(crate) struct Shared<S> {
    /// What is served.
    pub service: Arc<S>,
    /// Quotas over all connections.
    pub limits: limits::Limits,
    /// Finds objects and introspects them.
    pub tree: tree::Tree,
}

/// Serves `service` for ever, on a tokio runtime.
pub async fn serve<S: Service>(endpoints: Endpoints, service: Arc<S>) {
    let shared = Arc::new(Shared { service, limits: limits::Limits::new(), tree: tree::Tree::new::<S>() });
    tokio::join!(peers::serve(&endpoints, &shared), bus::serve(endpoints.bus.as_deref(), &shared));
}
