//! One D-Bus connection, to the bus or to a peer: answers calls, and announces what changed since the last state that
//! this connection told.
//!
//! Reads are answered in order at once. A method or a written property gets a task of its own, bounded by quotas, so
//! neither polkit nor a busy daemon holds up the others.

use std::sync::Arc;

use tokio::net::UnixStream;
use tokio::sync::mpsc;
use zbus::connection::Builder;
use zbus::connection::socket::{BoxedSplit, Split};
use zbus::message::Flags;
use zbus::object_server::DispatchResult;
use zbus::{Connection, DBusError, Message};

use crate::announce::{self, Step, Told};
use crate::caller::Callers;
use crate::reader::{Incoming, Reader};
use crate::tree::{Answer, unknown_method};
use crate::writer::Writer;
use crate::{Failure, Service, Shared, Watch};

/// Queued calls that are not handled yet.
const QUEUE: usize = 4;

/// The receiving side of a connection: zbus's builder, and the incoming calls.
pub struct AcceptedConnection {
    /// For zbus, with the socket split into reader and writer.
    pub builder: Builder<'static>,
    /// Calls in the order in which they came; bounded, so a caller that floods waits.
    pub calls: mpsc::Receiver<Incoming>,
    /// Names the connection in quotas and in the log.
    pub name: String,
}

impl AcceptedConnection {
    /// `name` tells the connection from others; `bus`: the peer is a message bus and speaks for many.
    pub fn new<S>(shared: &Shared<S>, stream: UnixStream, name: String, bus: bool) -> Self {
        let stream = Arc::new(stream);
        let (sender, calls) = mpsc::channel(QUEUE);
        let reader = Reader::new(stream.clone(), sender, shared.limits.large.clone(), name.clone(), bus);
        let split: BoxedSplit = Split::new(Box::new(reader), Box::new(Writer(stream)));
        AcceptedConnection { builder: Builder::socket(split), calls, name }
    }
}

/// Serves until the other side is gone.
pub async fn serve<S: Service>(
    shared: &Arc<Shared<S>>,
    connection: Connection,
    mut calls: mpsc::Receiver<Incoming>,
    name: &str,
) {
    let mut watch = shared.service.watch();
    let mut state = watch.now();
    let mut told = shared.tree.told(&shared.service.objects(&state), &connection).await;
    let callers = Arc::new(Callers::default());
    loop {
        let going_on = tokio::select! {
            more = watch.changed() => {
                if !more {
                    return;
                }
                let new = watch.now();
                let announced = announce(shared, &connection, (&state, &told), &new).await;
                announced.map(|now_told| (state, told) = (new, now_told))
            }
            call = calls.recv() => match call {
                Some(call) => answer(shared, &connection, call, &callers, name).await,
                None => return,
            },
        };
        if let Err(error) = going_on {
            tracing::debug!(%error, name, "D-Bus connection dropped");
            // Calls in progress hold the connection; their replies fail, as it is closed.
            let _ = connection.close().await;
            return;
        }
    }
}

async fn announce<S: Service>(
    shared: &Shared<S>,
    connection: &Connection,
    (old_state, old): (&S::State, &Told),
    new_state: &S::State,
) -> zbus::Result<Told> {
    let objects = shared.service.objects(new_state);
    let new = shared.tree.told(&objects, connection).await;
    for step in announce::steps(old, &new) {
        let signal = match step {
            Step::Gone(path, interface) => announce::gone(S::MANAGER, path, interface)?,
            Step::Changed(path, interface, values) => announce::changed(path, interface, &values)?,
            Step::Came(path, interface) => {
                let Some(object) = objects.get(path) else { continue };
                let values = shared.tree.values(connection, path, object, false).await;
                announce::came(S::MANAGER, path, interface, &values)?
            }
        };
        connection.send(&signal).await?;
    }
    for signal in shared.service.signals(old_state, new_state)? {
        connection.send(&signal).await?;
    }
    Ok(new)
}

async fn answer<S: Service>(
    shared: &Arc<Shared<S>>,
    connection: &Connection,
    incoming: Incoming,
    callers: &Arc<Callers>,
    name: &str,
) -> zbus::Result<()> {
    let call = &incoming.call;
    if let Some(refusal) = incoming.refusal {
        return fail(connection, call, Failure::invalid(refusal.to_string())).await;
    }
    let objects = shared.service.objects(&shared.service.watch().now());
    let answer = match shared.tree.answer(&objects, connection, call).await {
        Ok(Answer::Reply(reply)) => return reply_with(connection, call, &reply).await,
        Err(failure) => return fail(connection, call, failure).await,
        Ok(answer) => answer,
    };
    let key = call.header().sender().filter(|_| connection.is_bus()).map_or(name, |sender| sender.as_str()).to_owned();
    let Some(place) = shared.limits.callers.take(&key) else {
        return fail(connection, call, busy::<S>()).await;
    };
    let (shared, connection, callers) = (shared.clone(), connection.clone(), callers.clone());
    tokio::spawn(async move {
        let (_place, call, _large) = (place, incoming.call, incoming.large);
        let who = callers.who(&connection, &call.header()).await;
        let taken = shared.limits.calls.take(&who.uid);
        let done = match taken.or_else(|| who.privileged.then(|| shared.limits.calls.take_kept(&who.uid)).flatten()) {
            Some(_place) => carry_out(&connection, &call, answer).await,
            None => Err(busy::<S>()),
        };
        if let Err(failure) = &done
            && failure.is_denied()
        {
            shared.limits.deny(who.uid, &failure.text);
        }
        if let Err(failure) = done
            && let Err(error) = fail(&connection, &call, failure).await
        {
            // The caller may be gone, which the connection's task notices too.
            tracing::debug!(%error, "a reply could not be sent");
        }
    });
    Ok(())
}

fn busy<S: Service>() -> Failure {
    Failure::not_ready(format!("{} is busy with earlier calls: wait for their answers first", S::PROGRAM))
}

/// Carries out a call, and replies.
async fn carry_out(connection: &Connection, call: &Message, answer: Answer) -> Result<(), Failure> {
    let header = call.header();
    match answer {
        Answer::Reply(reply) => Ok(reply_with(connection, call, &reply).await?),
        Answer::Write(object, property, value) => {
            object.interface.write(&property, &value, connection, &header).await?;
            Ok(reply_with(connection, call, &Message::method_return(&header).build(&())?).await?)
        }
        Answer::Call(object) => {
            let Some(member) = header.member() else { return Err(unknown_method(object.name.as_str(), "")) };
            match object.interface.call(connection.object_server(), connection, call, member.as_ref()) {
                DispatchResult::Async(done) => done.await.map_err(unsent),
                DispatchResult::NotFound | DispatchResult::RequiresMut => {
                    Err(unknown_method(object.name.as_str(), member.as_str()))
                }
            }
        }
    }
}

/// Why the macro's code could not send its reply.
fn unsent(error: zbus::BoxDBusError) -> Failure {
    // zbus's error for a file descriptor that the peer has not negotiated.
    if error.description() == Some(zbus::Error::Unsupported.to_string().as_str()) {
        return Failure::unsupported("this connection can't carry a file descriptor");
    }
    error.into()
}

async fn fail(connection: &Connection, call: &Message, failure: Failure) -> zbus::Result<()> {
    reply_with(connection, call, &failure.create_reply(&call.header())?).await
}

async fn reply_with(connection: &Connection, call: &Message, reply: &Message) -> zbus::Result<()> {
    if call.primary_header().flags().contains(Flags::NO_REPLY_EXPECTED) {
        return Ok(());
    }
    connection.send(reply).await
}
