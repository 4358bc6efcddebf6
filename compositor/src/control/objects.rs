//! The compositor's objects for [`kiosk_bus`]: the root object, one for each output and input device, and their
//! signals.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiosk_bus::{Object, Service, Watch, paths};
use tokio::sync::watch;
use zbus::Message;

use super::interfaces::{Compositor, Input, Output};
use super::names::{BUS_NAME, INPUTS_PATH, OUTPUTS_PATH, ROOT_PATH};
use super::shared::Shared;
use crate::snapshot::Snapshot;

/// All objects.
pub(super) struct Objects(pub(super) Arc<Shared>);

impl Service for Objects {
    type State = Arc<Snapshot>;
    type Watch = Snapshots;

    const NAME: &'static str = BUS_NAME;
    const PROGRAM: &'static str = "kioskd";
    const MANAGER: &'static str = ROOT_PATH;
    const BRANCHES: &'static [&'static str] = &[OUTPUTS_PATH, INPUTS_PATH];

    fn watch(&self) -> Snapshots {
        Snapshots(self.0.snapshots.clone())
    }

    fn objects(&self, snapshot: &Arc<Snapshot>) -> BTreeMap<String, Object> {
        let (shared, now) = (|| self.0.clone(), || snapshot.clone());
        let root = (ROOT_PATH.to_owned(), Object::new(Compositor { shared: shared(), now: now() }));
        let outputs = paths(OUTPUTS_PATH, snapshot.outputs.iter().map(|output| output.name.as_str()));
        let output = |(index, path)| (path, Object::new(Output { shared: shared(), now: now(), index }));
        let inputs = paths(INPUTS_PATH, snapshot.inputs.iter().map(|input| input.name.as_str()));
        let input = |(index, path)| (path, Object::new(Input { shared: shared(), now: now(), index }));
        let outputs = outputs.into_iter().enumerate().map(output);
        [root].into_iter().chain(outputs).chain(inputs.into_iter().enumerate().map(input)).collect()
    }

    fn signals(&self, old: &Arc<Snapshot>, new: &Arc<Snapshot>) -> zbus::Result<Vec<Message>> {
        let mut signals = Vec::new();
        if old.stage != new.stage {
            signals.push(Message::signal(ROOT_PATH, BUS_NAME, "StageChanged").build(&new.stage)?);
        }
        if old.serial != new.serial {
            signals.push(Message::signal(ROOT_PATH, BUS_NAME, "LayoutChanged").build(&new.serial)?);
        }
        Ok(signals)
    }
}

/// A watch on what the loop publishes.
pub(super) struct Snapshots(watch::Receiver<Arc<Snapshot>>);

impl Watch for Snapshots {
    type State = Arc<Snapshot>;

    fn now(&mut self) -> Arc<Snapshot> {
        self.0.borrow_and_update().clone()
    }

    async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
