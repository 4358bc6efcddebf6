//! Waiting for a service that is not there yet: for its name on the bus and for its socket in the runtime
//! directory, whichever comes first.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use zbus::{Connection, MessageStream};

use super::Service;
use super::changes::owner_rule;
use kiosk_core::socket_watch::SocketWatch;

/// A socket is seen when it is bound, a moment before its owner listens on it and sets its permissions; the first
/// has no event. The service is tried again after this time.
const LISTEN_DELAY: Duration = Duration::from_millis(50);

/// A watch on everything that announces a service, good for one announcement.
#[derive(Debug)]
pub struct Arrival {
    bus: Option<MessageStream>,
    socket: Option<SocketWatch>,
    /// The socket was seen.
    seen: bool,
}

impl Arrival {
    pub(super) async fn new(service: Service, bus: Option<&Connection>, directory: &Path) -> Self {
        let bus = match (bus, owner_rule(service)) {
            (Some(bus), Ok(rule)) => MessageStream::for_match_rule(rule, bus, None).await.ok(),
            _ => None,
        };
        Arrival { bus, socket: SocketWatch::new(&directory.join(service.socket())).ok(), seen: false }
    }

    /// Until something was announced; then connect again, with a new watch made before. Never returns where
    /// nothing can be watched. May be dropped and called again.
    pub async fn wait(&mut self) {
        let Arrival { bus, socket, seen } = self;
        let name = async {
            let came = match bus {
                Some(bus) => bus.next().await.is_some(),
                None => false,
            };
            if !came {
                std::future::pending::<()>().await;
            }
        };
        let Some(socket) = socket else { return name.await };
        let listening = async {
            if !*seen {
                socket.appeared().await;
                *seen = true;
            }
            tokio::time::sleep(LISTEN_DELAY).await;
        };
        tokio::select! {
            () = name => {}
            () = listening => {}
        }
    }
}
