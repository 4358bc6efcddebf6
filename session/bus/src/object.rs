//! One object of a daemon: an interface by zbus's macro, and its writable properties, which the macro does not support
//! as needed.
//!
//! A setter by the macro announces its property as soon as it returns (zbus 6.2.1, `zbus_macros` `iface.rs`): once for
//! each property, with the value from before the call, and even without a change. Here a change is announced when it is
//! in force, once for each interface. So properties are written through [`Served::write`], and the macro has only
//! getters.

use std::sync::Arc;

use zbus::export::async_trait::async_trait;
use zbus::message::Header;
use zbus::names::InterfaceName;
use zbus::object_server::Interface;
use zbus::{Connection, Variant};

use crate::Failure;

/// An interface of ours. Its methods and getters take `&self`.
#[async_trait]
pub trait Served: Interface {
    /// The properties that can be written.
    fn writable(&self) -> &'static [&'static str] {
        &[]
    }

    /// Writes one of [`Served::writable`]; checks the value and the caller's right.
    async fn write(
        &self,
        _property: &str,
        _value: &Variant<'_>,
        _connection: &Connection,
        _header: &Header<'_>,
    ) -> Result<(), Failure> {
        Ok(())
    }
}

/// The object at a path.
#[derive(Clone)]
pub struct Object {
    pub(crate) name: InterfaceName<'static>,
    pub(crate) interface: Arc<dyn Served>,
}

impl Object {
    /// An object with this interface and the standard ones.
    pub fn new<I: Served>(interface: I) -> Self {
        Object { name: I::name(), interface: Arc::new(interface) }
    }
}
