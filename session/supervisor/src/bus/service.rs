//! The session's objects for [`kiosk_bus`]: one for each shell, and their signals.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use kiosk_bus::{Object, Service, Watch};
use kiosk_core::api::{SESSION_INTERFACE, session_path};
use kiosk_core::config::masked;
use tokio::sync::watch;
use zbus::{Message, Variant};

use super::{Session, Shared, Shells, Status};

/// All shells.
pub(super) struct SessionService(pub(super) Shells);

impl Service for SessionService {
    type State = Vec<Status>;
    type Watch = Statuses;

    const NAME: &'static str = SESSION_INTERFACE;
    const PROGRAM: &'static str = "kiosk-session";
    const MANAGER: &'static str = "/";
    const BRANCHES: &'static [&'static str] = &[];

    fn watch(&self) -> Statuses {
        Statuses(self.0.iter().map(|shell| shell.status.clone()).collect())
    }

    fn objects(&self, state: &Vec<Status>) -> BTreeMap<String, Object> {
        let object = |(number, (shared, status)): (usize, (&Shared, &Status))| {
            (session_path(number), Object::new(Session::new(self.0.clone(), shared.clone(), status.clone())))
        };
        self.0.iter().zip(state).enumerate().map(object).collect()
    }

    fn signals(&self, old: &Vec<Status>, new: &Vec<Status>) -> zbus::Result<Vec<Message>> {
        let mut signals = Vec::new();
        for (number, (old, new)) in old.iter().zip(new).enumerate() {
            let signal = |name: &'static str| Message::signal(session_path(number), SESSION_INTERFACE, name);
            if old.failures != new.failures {
                let (reason, action, _) = &new.last_failure;
                let details = BTreeMap::<&str, Variant<'_>>::new();
                signals.push(signal("Failed").build(&(masked(reason), masked(action), details))?);
            }
            if old.readies != new.readies {
                signals.push(signal("Ready").build(&())?);
            }
        }
        Ok(signals)
    }
}

/// A watch on all shells.
pub(super) struct Statuses(Vec<watch::Receiver<Status>>);

impl Watch for Statuses {
    type State = Vec<Status>;

    fn now(&mut self) -> Vec<Status> {
        self.0.iter_mut().map(|status| status.borrow_and_update().clone()).collect()
    }

    async fn changed(&mut self) -> bool {
        let mut waiting: Vec<_> = self.0.iter_mut().map(|status| Box::pin(status.changed())).collect();
        // The service ends with the first shell that does.
        let first = poll_fn(|context| {
            let ready = waiting.iter_mut().map(|one| pin!(one).poll(context)).find(Poll::is_ready);
            ready.unwrap_or(Poll::Pending)
        });
        first.await.is_ok()
    }
}
