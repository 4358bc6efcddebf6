//! A connection to a service that may come and go, for the verbs that stay: `status --watch` and `wait`.

use kioskctl::client::{Arrival, Changes, Client, ClientError, Peer, Service};

/// The present state of the connection, and what to watch for in it.
pub struct Link {
    service: Service,
    peer: Result<Peer, ClientError>,
    changes: Option<Changes>,
    arrival: Option<Arrival>,
}

impl Link {
    pub async fn open(client: &Client, service: Service) -> Link {
        // Watched for first: a service that comes in between is not missed.
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

    pub fn peer(&self) -> Result<&Peer, ClientError> {
        self.peer.as_ref().map_err(Clone::clone)
    }

    /// Until the service says that something changed, ends or comes. May be dropped and called again.
    pub async fn event(&mut self) {
        match (&mut self.changes, &mut self.arrival) {
            (Some(changes), _) => changes.next().await,
            (None, Some(arrival)) => arrival.wait().await,
            (None, None) => std::future::pending().await,
        }
    }

    /// Connects again where that is needed; call it after [`Link::event`], and not in a `select!`.
    pub async fn refresh(&mut self, client: &Client) {
        let over = self.changes.as_ref().is_none_or(Changes::is_over);
        if over {
            *self = Link::open(client, self.service).await;
        }
    }
}
