//! A connection to one service: calls, properties, objects. Made by [`super::Client::connect`].

use std::collections::{BTreeMap, HashMap};
use std::io::IsTerminal;
use std::time::Duration;

use serde::Serialize;
use zbus::fdo::ManagedObjects;
use zbus::proxy::{Builder, CacheProperties, MethodFlags, Proxy};
use zbus::wire::DynamicDeserialize;
use zbus::{Connection, DynamicType, Variant};

use super::{Changes, ClientError, Properties, Service};

/// A mode change with a slow monitor takes seconds; longer is a hang.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// A person may have to type a password for polkit.
const INTERACTIVE_TIMEOUT: Duration = Duration::from_secs(150);

/// The `a{sv}` at the end of most calls.
pub type Options<'a> = HashMap<&'a str, Variant<'a>>;

/// Below one object manager: by object path, then interface name.
pub type Objects = BTreeMap<String, BTreeMap<String, Properties>>;

/// A service that answered.
#[derive(Debug, Clone)]
pub struct Peer {
    service: Service,
    connection: Connection,
    on_bus: bool,
}

impl Peer {
    pub(super) fn new(service: Service, connection: Connection, on_bus: bool) -> Self {
        Peer { service, connection, on_bus }
    }

    /// Calls `method` of the service's main interface. `R` is the reply's type, `()` for none.
    pub async fn call<B, R>(&self, method: &str, body: &B) -> Result<R, ClientError>
    where
        B: Serialize + DynamicType,
        R: for<'d> DynamicDeserialize<'d>,
    {
        self.call_at(self.service.path(), self.service.name(), method, body).await
    }

    /// As [`Peer::call`], of another object of the same interface.
    pub async fn call_object<B, R>(&self, path: &str, method: &str, body: &B) -> Result<R, ClientError>
    where
        B: Serialize + DynamicType,
        R: for<'d> DynamicDeserialize<'d>,
    {
        self.call_at(path, self.service.name(), method, body).await
    }

    /// The properties of the service's main object.
    pub async fn properties(&self) -> Result<Properties, ClientError> {
        self.properties_of(self.service.path()).await
    }

    /// The properties of another object of the same interface.
    pub async fn properties_of(&self, path: &str) -> Result<Properties, ClientError> {
        let interface = "org.freedesktop.DBus.Properties";
        let all: HashMap<String, zbus::OwnedVariant> =
            self.call_at(path, interface, "GetAll", &self.service.name()).await?;
        Ok(all.into_iter().collect())
    }

    /// All objects below the main one.
    pub async fn objects(&self) -> Result<Objects, ClientError> {
        let interface = "org.freedesktop.DBus.ObjectManager";
        let objects: ManagedObjects = self.call_at(self.service.path(), interface, "GetManagedObjects", &()).await?;
        let named = objects.into_iter().map(|(path, interfaces)| {
            let interfaces = interfaces.into_iter();
            let interfaces = interfaces.map(|(name, all)| (name.to_string(), all.into_iter().collect()));
            (path.to_string(), interfaces.collect())
        });
        Ok(named.collect())
    }

    /// Writes a property of an object below the main one.
    pub async fn set(&self, path: &str, interface: &str, name: &str, value: Variant<'_>) -> Result<(), ClientError> {
        let properties = "org.freedesktop.DBus.Properties";
        self.call_at(path, properties, "Set", &(interface, name, value)).await
    }

    /// Subscribes to all changes from now on.
    pub async fn changes(&self) -> Result<Changes, ClientError> {
        Changes::subscribe(&self.connection, self.service, self.on_bus)
            .await
            .map_err(|error| ClientError::from_call(self.service, error))
    }

    async fn call_at<B, R>(&self, path: &str, interface: &str, method: &str, body: &B) -> Result<R, ClientError>
    where
        B: Serialize + DynamicType,
        R: for<'d> DynamicDeserialize<'d>,
    {
        let lost = |error| ClientError::from_call(self.service, error);
        let proxy: Proxy<'_> = Builder::new(&self.connection)
            .destination(self.service.name())
            .path(path)
            .interface(interface)
            .cache_properties(CacheProperties::No)
            .build()
            .await
            .map_err(lost)?;
        let mut flags = MethodFlags::NO_AUTO_START;
        let mut timeout = CALL_TIMEOUT;
        if self.on_bus && std::io::stdin().is_terminal() {
            flags |= MethodFlags::ALLOW_INTERACTIVE_AUTH;
            timeout = INTERACTIVE_TIMEOUT;
        }
        let reply = tokio::time::timeout(timeout, proxy.call_with_flags(method, flags, body))
            .await
            .map_err(|_| ClientError::NoAnswer { service: self.service })?
            .map_err(lost)?;
        reply.ok_or_else(|| ClientError::Strange { service: self.service, detail: format!("no reply to {method}") })
    }
}
