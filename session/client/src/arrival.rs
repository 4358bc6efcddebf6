//! Waits for a service to appear: its name on the bus or its socket in the runtime directory, whichever comes first.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use zbus::{Connection, MessageStream};

use super::Service;
use super::changes::owner_rule;
use kiosk_core::socket_watch::SocketWatch;

/// Delay before connecting to a new socket: it appears when it is bound, before its owner listens, for which there is
/// no event.
const LISTEN_DELAY: Duration = Duration::from_millis(50);

/// A watch for a service's appearance, for one use.
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

    /// Waits for the service; then connect again, with a new watch made before. Never returns if nothing can be
    /// watched. May be dropped and called again.
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
