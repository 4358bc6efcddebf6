//! One D-Bus connection, to the bus or to a peer: reads calls, sends replies, and announces what changed
//! since the last state that this connection told.
//!
//! Reads are answered in order at once. A call for the event loop gets a task of its own, bounded by a quota,
//! so neither polkit nor a busy compositor holds up the others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use kiosk_core::authority::{Action, Denied};
use tokio::sync::oneshot;
use tokio::time::timeout;
use zbus::message::{Flags, Type};
use zbus::{Connection, Fd, Message, MessageStream};

use super::answer::Answer;
use super::diff;
use super::dispatch::dispatch;
use super::failure::Failure;
use super::shared::Shared;
use crate::command::{Call, Command, Reply};
use crate::snapshot::Snapshot;

/// How long an answer waits for the state it speaks of to be published.
const PUBLISH_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a peer may leave its socket full before it is dropped.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until the other side is gone. `caller` names it in quotas where the messages carry no sender.
pub(super) async fn serve(shared: Arc<Shared>, mut calls: MessageStream, caller: String) {
    let connection = Connection::from(&calls);
    let mut snapshots = shared.snapshots.clone();
    let mut told = snapshots.borrow_and_update().clone();
    loop {
        let going_on = tokio::select! {
            changed = snapshots.changed() => match changed {
                Err(_) => return,
                Ok(()) => {
                    let new = snapshots.borrow_and_update().clone();
                    announce(&connection, &told, &new).await.map(|()| told = new)
                }
            },
            call = calls.next() => match call {
                Some(Ok(call)) if call.message_type() == Type::MethodCall => {
                    answer(&shared, &connection, &call, &caller).await
                }
                Some(Ok(_)) => Ok(()),
                Some(Err(error)) => Err(error),
                None => return,
            },
        };
        if let Err(error) = going_on {
            tracing::debug!(%error, caller, "D-Bus connection dropped");
            return;
        }
    }
}

async fn announce(connection: &Connection, old: &Snapshot, new: &Snapshot) -> zbus::Result<()> {
    for signal in diff::signals(old, new)? {
        send(connection, &signal).await?;
    }
    Ok(())
}

async fn answer(shared: &Arc<Shared>, connection: &Connection, call: &Message, caller: &str) -> zbus::Result<()> {
    let snapshot = shared.snapshots.borrow().clone();
    match dispatch(&snapshot, call) {
        Ok(Answer::Reply(reply)) => reply_to(connection, call, Ok(reply)).await,
        Err(failure) => reply_to(connection, call, Err(failure)).await,
        Ok(Answer::Ask { action, request }) => {
            let header = call.header();
            let key = header.sender().map_or(caller, |s| s.as_str()).to_owned();
            let Some(place) = shared.calls.take(&key) else {
                let busy = Failure::not_ready("kioskd is busy with earlier calls: wait for their answers first");
                return reply_to(connection, call, Err(busy)).await;
            };
            let (shared, connection, call) = (shared.clone(), connection.clone(), call.clone());
            tokio::spawn(async move {
                let answered = ask(&shared, &connection, &call, action, request).await;
                // The caller can be gone by now; the connection's own task notices that too.
                if let Err(error) = reply_to(&connection, &call, answered).await {
                    tracing::debug!(%error, "a reply could not be sent");
                }
                drop(place);
            });
            Ok(())
        }
    }
}

/// Checks the caller's right, asks the loop, and makes its answer a message.
async fn ask(
    shared: &Shared,
    connection: &Connection,
    call: &Message,
    action: Action,
    request: Command,
) -> Result<Message, Failure> {
    let header = call.header();
    shared.authority.check(connection, &header, action).await.map_err(|denied| {
        tracing::info!(%denied, sender = header.sender().map(|s| s.as_str()), "a D-Bus call was refused");
        match denied {
            Denied::TooMany => Failure::not_ready(denied.to_string()),
            denied => Failure::not_authorized(denied.to_string()),
        }
    })?;
    let applies = matches!(request, Command::ApplyOutputs { .. });
    let returns_serial = applies && header.member().is_some_and(|m| m.as_str() == "ApplyOutputs");
    let (reply, answer) = oneshot::channel();
    (shared.to_loop)(Call { request, reply });
    let answer = match timeout(shared.patience, answer).await {
        Ok(Ok(answer)) => answer?,
        Ok(Err(_dropped)) => return Err(Failure::not_ready("kioskd is ending, try again when it is back")),
        Err(_elapsed) => {
            let seconds = shared.patience.as_secs_f32();
            return Err(Failure::not_ready(format!(
                "kioskd did not answer within {seconds} s: its log (journalctl -u kiosk) may say why"
            )));
        }
    };
    if let Reply::Serial(serial) = answer {
        published(shared, serial).await;
    }
    let back = Message::method_return(&header);
    Ok(match answer {
        Reply::Serial(serial) if returns_serial => back.build(&serial)?,
        Reply::Done if returns_serial => back.build(&shared.snapshots.borrow().serial)?,
        Reply::Png(png) => back.build(&Fd::from(png))?,
        Reply::Done | Reply::Serial(_) => back.build(&())?,
    })
}

/// Waits until the layout with `serial` is what callers read, so that whoever has the answer sees its effect.
async fn published(shared: &Shared, serial: u32) {
    let mut snapshots = shared.snapshots.clone();
    let reached = snapshots.wait_for(|s| s.serial.wrapping_sub(serial) <= u32::MAX / 2);
    // Later than that the answer is more use than the order.
    let _ = timeout(PUBLISH_TIMEOUT, reached).await;
}

async fn reply_to(connection: &Connection, call: &Message, answer: Result<Message, Failure>) -> zbus::Result<()> {
    if call.primary_header().flags().contains(Flags::NO_REPLY_EXPECTED) {
        return Ok(());
    }
    let header = call.header();
    let error = |failure: Failure| Message::error(&header, failure.name.as_str()).build(&failure.text);
    match answer {
        Err(failure) => send(connection, &error(failure)?).await,
        Ok(reply) => match send(connection, &reply).await {
            // What zbus says of a file descriptor where the peer has not agreed to get any.
            Err(zbus::Error::Unsupported) => {
                let failure = Failure::unsupported("this connection can't carry a file descriptor");
                send(connection, &error(failure)?).await
            }
            sent => sent,
        },
    }
}

async fn send(connection: &Connection, message: &Message) -> zbus::Result<()> {
    match timeout(WRITE_TIMEOUT, connection.send(message)).await {
        Ok(sent) => sent,
        Err(_elapsed) => Err(zbus::Error::Failure("the other side does not read".into())),
    }
}
