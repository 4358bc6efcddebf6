//! A connection to a service that may stop and start, for what keeps running: `status --watch`, `wait`, streams of events.

use super::{Arrival, Changes, Client, ClientError, Peer, Service};

/// The current connection or watch.
#[derive(Debug)]
pub struct Link {
    service: Service,
    peer: Result<Peer, ClientError>,
    changes: Option<Changes>,
    arrival: Option<Arrival>,
}

impl Link {
    /// Connects, or watches for the service to appear.
    pub async fn open(client: &Client, service: Service) -> Link {
        // Watched first, so that a service that starts in between is not missed.
        let arrival = client.arrival(service).await;
        let connected = async {
            let peer = client.connect(service).await?;
            let changes = peer.changes().await?;
            Ok((peer, changes))
        };
        match connected.await {
            Ok((peer, changes)) => Link { service, peer: Ok(peer), changes: Some(changes), arrival: None },
            Err(error) => Link { service, peer: Err(error), changes: None, arrival: Some(arrival) },
        }
    }

    /// The service, or why it could not be connected to.
    pub fn peer(&self) -> Result<&Peer, ClientError> {
        self.peer.as_ref().map_err(Clone::clone)
    }

    /// Waits until the service's state changes, or it stops or starts. May be dropped and called again.
    pub async fn event(&mut self) {
        match (&mut self.changes, &mut self.arrival) {
            (Some(changes), _) => changes.next().await,
            (None, Some(arrival)) => arrival.wait().await,
            (None, None) => std::future::pending().await,
        }
    }

    /// Whether there is no connection, or the service has ended since.
    pub fn is_over(&self) -> bool {
        self.changes.as_ref().is_none_or(Changes::is_over)
    }

    /// Reconnects if needed; call it after [`Link::event`], and not in a `select!`.
    pub async fn refresh(&mut self, client: &Client) {
        if self.is_over() {
            *self = Link::open(client, self.service).await;
        }
    }
}
