//! The client side of both D-Bus services, for the programs that control a kiosk: on the system bus where the service has
//! its name there, else peer to peer over its socket in the runtime directory. `KIOSK_RUNTIME_DIR` set means peer to peer,
//! there and nowhere else. Signals only indicate a change; the values are always read.
//!
//! [`Client`] and what is beside it speak D-Bus; the public modules have what is asked of the services and what is answered,
//! for machines (`docs/schemas`) and, where it is one sentence, for people. Command lines and tables are not here.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod advice;
mod arrival;
pub mod boot;
pub mod change;
mod changes;
pub mod devtools;
mod error;
pub mod frames;
pub mod inputs;
mod link;
mod outcome;
pub mod outputs;
pub mod page;
mod peer;
pub mod screen;
pub mod state;
mod status;
mod values;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::OnceCell;
use zbus::Connection;
use zbus::connection::Builder;

use kiosk_core::api;

pub use advice::ServiceManager;
pub use arrival::Arrival;
pub use changes::Changes;
pub use error::{ClientError, Exit};
pub use link::Link;
pub use outcome::{Failure, Outcome};
pub use peer::{Objects, Options, Peer};
pub use status::Status;
pub use values::{Properties, array, boolean, booleans, failure, float, floats, integer, modes, pairs, text, triple};

/// Time limit for connecting, which takes milliseconds, in case the other side hangs.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `org.kioskd.Compositor1`.
    Compositor,
    /// `org.kioskd.Session1`.
    Session,
}

impl Service {
    /// Its name on the system bus, and of the interface of its main object.
    pub fn name(self) -> &'static str {
        match self {
            Service::Compositor => "org.kioskd.Compositor1",
            Service::Session => "org.kioskd.Session1",
        }
    }

    /// Its main object.
    pub fn path(self) -> &'static str {
        match self {
            Service::Compositor => "/org/kioskd/Compositor1",
            Service::Session => "/org/kioskd/Session1",
        }
    }

    /// The file name of its socket.
    pub fn socket(self) -> &'static str {
        match self {
            Service::Compositor => api::COMPOSITOR_SOCKET,
            Service::Session => api::SESSION_SOCKET,
        }
    }

    /// The name of the program behind it.
    pub fn program(self) -> &'static str {
        match self {
            Service::Compositor => "kioskd",
            Service::Session => "kiosk-session",
        }
    }

    /// The systemd unit that runs it.
    pub fn unit(self) -> &'static str {
        match self {
            Service::Compositor => "kiosk.service",
            Service::Session => "kiosk-session.service",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

/// Where services are looked for.
#[derive(Debug)]
pub struct Client {
    runtime_dir: PathBuf,
    /// Whether the system bus is left out.
    only_sockets: bool,
    bus: OnceCell<Option<Connection>>,
}

impl Client {
    /// From the environment: see [`api::RUNTIME_DIR_ENV`].
    pub fn from_environment() -> Self {
        let only_sockets = std::env::var_os(api::RUNTIME_DIR_ENV).is_some_and(|value| !value.is_empty());
        Client { runtime_dir: api::runtime_dir(), only_sockets, bus: OnceCell::new() }
    }

    /// Connects to a running service; starts none. Errors: [`ClientError::NotRunning`],
    /// [`ClientError::NotAllowed`] where its socket may not be opened, or that it does not answer.
    pub async fn connect(&self, service: Service) -> Result<Peer, ClientError> {
        if let Some(bus) = self.bus().await
            && owned(bus, service).await
        {
            return Ok(Peer::new(service, bus.clone(), true));
        }
        let path = self.socket_path(service);
        let stream = std::os::unix::net::UnixStream::connect(&path)
            .map_err(|error| ClientError::from_connect(service, &path, &error))?;
        let handshake = Builder::unix_stream(stream).p2p().build();
        let connection = tokio::time::timeout(CONNECT_TIMEOUT, handshake)
            .await
            .map_err(|_| ClientError::NoAnswer { service })?
            .map_err(|error| ClientError::from_call(service, error))?;
        Ok(Peer::new(service, connection, false))
    }

    /// A watch for `service` to appear; create it before [`Client::connect`], so that nothing is missed in between.
    pub async fn arrival(&self, service: Service) -> Arrival {
        Arrival::new(service, self.bus().await, &self.runtime_dir).await
    }

    fn socket_path(&self, service: Service) -> PathBuf {
        self.runtime_dir.join(service.socket())
    }

    /// The system bus, connected to once; `None` where there is none.
    async fn bus(&self) -> Option<&Connection> {
        let connect = async {
            if self.only_sockets {
                return None;
            }
            tokio::time::timeout(CONNECT_TIMEOUT, Builder::system().build()).await.ok()?.ok()
        };
        self.bus.get_or_init(|| connect).await.as_ref()
    }

    /// The properties of an object of another service on the system bus; `None`: no bus is used, or it does not answer.
    async fn bus_properties(
        &self,
        name: &str,
        path: &str,
        interface: &str,
    ) -> Option<HashMap<String, zbus::OwnedVariant>> {
        let properties = "org.freedesktop.DBus.Properties";
        let bus = self.bus().await?;
        let call = bus.call_method(Some(name), path, Some(properties), "GetAll", &interface);
        tokio::time::timeout(CONNECT_TIMEOUT, call).await.ok()?.ok()?.body().deserialize().ok()
    }
}

/// If the bus fails, the socket is tried next.
async fn owned(bus: &Connection, service: Service) -> bool {
    let (daemon, name) = ("org.freedesktop.DBus", service.name());
    let call = bus.call_method(Some(daemon), "/org/freedesktop/DBus", Some(daemon), "NameHasOwner", &name);
    match tokio::time::timeout(CONNECT_TIMEOUT, call).await {
        Ok(Ok(reply)) => reply.body().deserialize().unwrap_or(false),
        _ => false,
    }
}
