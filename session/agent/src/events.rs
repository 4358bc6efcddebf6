//! The stream of events: the state of both services as `status` has it, now and whenever it changes, as server-sent events.
//! A slow reader delays no other and misses no state: while it does not read, changes are taken together, and a connection that
//! takes nothing for long is ended by [`super::serve`].

use bytes::Bytes;
use kiosk_client::{Client, Link, Service, Status};
use serde_json::Value;
use tokio::sync::mpsc;

use super::answer::{self, Answer};
use super::places::Place;

/// A stream that goes on until its reader leaves; `place` is held as long.
pub fn start(place: Place) -> Answer {
    // One that is being sent, one that waits.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let left = sender.clone();
        tokio::select! {
            () = tell(sender) => {}
            () = left.closed() => {}
        }
        drop(place);
    });
    answer::since_boot(answer::stream("text/event-stream", receiver))
}

async fn tell(sender: mpsc::Sender<Bytes>) {
    let client = Client::from_environment();
    let mut session = Link::open(&client, Service::Session).await;
    let mut compositor = Link::open(&client, Service::Compositor).await;
    let mut told = Value::Null;
    loop {
        let json = Status::of(&session, &compositor).await.json(None, None, None);
        if json != told {
            if sender.send(format!("event: status\ndata: {json}\n\n").into()).await.is_err() {
                return;
            }
            told = json;
        }
        tokio::select! {
            () = session.event() => {}
            () = compositor.event() => {}
        }
        session.refresh(&client).await;
        compositor.refresh(&client).await;
    }
}
