//! Combines all signals of a service into one "changed" flag, so that a slow reader misses no state and a burst of
//! signals is handled once.

use futures_util::StreamExt;
use tokio::sync::watch;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream};

use super::Service;

/// A subscription. The service's end is a change too: [`Changes::is_over`] tells.
#[derive(Debug)]
pub struct Changes {
    marks: watch::Receiver<bool>,
}

impl Changes {
    pub(super) async fn subscribe(connection: &Connection, service: Service, on_bus: bool) -> zbus::Result<Self> {
        let mut rule = MatchRule::builder().msg_type(Type::Signal).path_namespace(service.path());
        if on_bus {
            rule = rule.sender(service.name());
        }
        let mut signals = MessageStream::for_match_rule(rule.build()?, connection, None).await?;
        let mut owners = if on_bus {
            let rule = owner_rule(service)?;
            Some(MessageStream::for_match_rule(rule, connection, None).await?)
        } else {
            None
        };
        let (sender, marks) = watch::channel(false);
        // Always drained: a full queue would block the connection and its replies.
        tokio::spawn(async move {
            loop {
                let over = match &mut owners {
                    Some(owners) => tokio::select! {
                        signal = signals.next() => signal.is_none(),
                        _ = owners.next() => true,
                    },
                    None => signals.next().await.is_none(),
                };
                if sender.send(over).is_err() || over {
                    return;
                }
            }
        });
        Ok(Changes { marks })
    }

    /// Waits until something has changed since the last call, or the service has ended.
    pub async fn next(&mut self) {
        // An error means that the task has ended: the connection is closed.
        let _ = self.marks.changed().await;
    }

    /// Whether the service has ended (on the bus also: whether another has taken its name).
    pub fn is_over(&self) -> bool {
        *self.marks.borrow() || self.marks.has_changed().is_err()
    }
}

/// Matches the bus daemon's signal that the owner of the service's name changed.
pub(super) fn owner_rule(service: Service) -> zbus::Result<MatchRule<'static>> {
    MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.DBus")
        .interface("org.freedesktop.DBus")
        .member("NameOwnerChanged")
        .add_arg(service.name())
        .build()
}
