//! Looks at the kiosk's state whenever a service says that it has changed, in a task of its own: a service that takes its time
//! delays no sign of life.

use std::time::Duration;

use kiosk_client::{Client, Link, Service, Status, array};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::told::Board;
use super::topics;

/// Between two looks: what changes faster is told as it is then.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// The boards, the newest alone.
pub fn start(tasks: &mut JoinSet<()>) -> watch::Receiver<Board> {
    let (sender, receiver) = watch::channel(Board::new());
    tasks.spawn(look(sender));
    receiver
}

async fn look(boards: watch::Sender<Board>) {
    let client = Client::from_environment();
    let mut session = Link::open(&client, Service::Session).await;
    let mut compositor = Link::open(&client, Service::Compositor).await;
    loop {
        let status = Status::of(&session, &compositor).await;
        let aids = aids(&compositor).await;
        let board = topics::of(&status, aids.as_deref(), &boards.borrow());
        boards.send_if_modified(|last| {
            let differs = *last != board;
            *last = board;
            differs
        });
        tokio::time::sleep(LOOK_INTERVAL).await;
        tokio::select! {
            () = session.event() => {}
            () = compositor.event() => {}
        }
        session.refresh(&client).await;
        compositor.refresh(&client).await;
    }
}

/// That are on.
async fn aids(compositor: &Link) -> Option<Vec<String>> {
    Some(array(&compositor.peer().ok()?.properties().await.ok()?, "Accessibility"))
}
