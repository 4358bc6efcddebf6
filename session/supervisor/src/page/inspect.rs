//! DevTools for somebody who looks at the page from afar: a DevTools session of its own on the page's target, whose commands
//! are judged by [`super::inspect_rules`] before they go to the browser. What is enabled in it changes nothing for the session
//! that the page is supervised by, and ends with it: the browser lets scripts go on that it has held. Called by the
//! daemon's inspection, which moves the messages and knows how long it lasts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::wire::{Purpose, set};
use super::{Page, inspect_rules};

/// Commands that the browser has not answered. A front end begins with some hundred.
const MAX_PENDING: usize = 512;
/// Bytes of them.
const MAX_PENDING_BYTES: usize = 16 << 20;
/// JSON-RPC's codes, as the browser uses them.
const INVALID: i32 = -32600;
const REFUSED: i32 = -32000;

/// What has become of it, for the daemon.
#[derive(Debug, Clone, PartialEq)]
pub enum Inspected {
    /// The session is there: commands may be said.
    Attached,
    /// The browser has refused the session, with its reason.
    Refused(String),
    /// An answer or an event.
    Said(Value),
    /// The page's target is gone, and the session with it.
    Gone,
}

/// What the inspection is about.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    stage: Stage,
    /// Commands by their number, with their lengths in bytes.
    pending: BTreeMap<i64, usize>,
    told: Vec<Inspected>,
}

#[derive(Debug, Default, PartialEq)]
enum Stage {
    /// Nobody looks.
    #[default]
    None,
    /// Its session was ordered, and is not there yet; `wanted`: it still is.
    Ordered { wanted: bool },
    /// It is there.
    Attached { session: String },
}

/// Why a command is not sent.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("a command is a JSON object with id (a whole number), method and params")]
    Form,
    #[error("a command has no sessionId here: frames and workers in processes of their own can't be inspected")]
    Session,
    #[error("a command with this id has not been answered yet")]
    Twice,
    #[error(
        "the browser has not answered {MAX_PENDING} commands, or {MAX_PENDING_BYTES} bytes of them: send fewer at a time"
    )]
    TooMany,
    #[error(transparent)]
    Refused(#[from] inspect_rules::Refusal),
}

impl Page {
    /// Orders a session for somebody. False: there is no page, or somebody looks already.
    pub fn inspect(&mut self) -> bool {
        if self.session.is_none() {
            return false;
        }
        match &mut self.inspection.stage {
            Stage::Attached { .. } | Stage::Ordered { wanted: true } => return false,
            Stage::Ordered { wanted } => *wanted = true,
            stage @ Stage::None => {
                *stage = Stage::Ordered { wanted: true };
                let target = json!({ "targetId": self.document.frame, "flatten": true });
                self.wire.send(None, "Target.attachToTarget", target, Purpose::Inspect);
            }
        }
        true
    }

    /// Nobody looks any more.
    pub fn end_inspection(&mut self) {
        let Inspection { stage, pending, told } = &mut self.inspection;
        pending.clear();
        told.clear();
        match stage {
            Stage::None => {}
            Stage::Ordered { wanted } => *wanted = false,
            Stage::Attached { session } => {
                let session = json!({ "sessionId": session });
                *stage = Stage::None;
                self.wire.send(None, "Target.detachFromTarget", session, Purpose::Other);
            }
        }
    }

    /// What has happened since the last call, in order.
    pub fn take_inspected(&mut self) -> Vec<Inspected> {
        std::mem::take(&mut self.inspection.told)
    }

    /// A command of who looks. It goes to the browser, or is answered with an error.
    pub fn inspector_says(&mut self, text: &[u8]) {
        let Stage::Attached { session } = &self.inspection.stage else { return };
        let session = session.clone();
        let command: &Value = &serde_json::from_slice(text).unwrap_or_default();
        match self.checked(command, text.len()) {
            Ok(id) => {
                self.inspection.pending.insert(id, text.len());
                let mut message = json!({ "id": id, "method": command["method"], "sessionId": session });
                if command["params"].is_object() {
                    set(&mut message, "params", command["params"].clone());
                }
                self.wire.forward(message);
            }
            Err(wrong) => {
                let code = if matches!(wrong, Wrong::Form) { INVALID } else { REFUSED };
                let mut answer = json!({ "error": { "code": code, "message": wrong.to_string() } });
                if let Some(id) = command["id"].as_i64() {
                    set(&mut answer, "id", id);
                }
                self.inspection.told.push(Inspected::Said(answer));
            }
        }
    }

    /// The number of a command that may be sent.
    fn checked(&self, command: &Value, length: usize) -> Result<i64, Wrong> {
        let id = command["id"].as_i64().ok_or(Wrong::Form)?;
        let method = command["method"].as_str().ok_or(Wrong::Form)?;
        if !command["params"].is_null() && !command["params"].is_object() {
            return Err(Wrong::Form);
        }
        if !command["sessionId"].is_null() {
            return Err(Wrong::Session);
        }
        let pending = &self.inspection.pending;
        if pending.contains_key(&id) {
            return Err(Wrong::Twice);
        }
        inspect_rules::may(method, &command["params"])?;
        if pending.len() >= MAX_PENDING || pending.values().sum::<usize>() + length > MAX_PENDING_BYTES {
            return Err(Wrong::TooMany);
        }
        Ok(id)
    }

    /// Whether the message is for who looks.
    pub(super) fn inspector_gets(&mut self, message: &Value) -> bool {
        let Stage::Attached { session } = &self.inspection.stage else { return false };
        if message["sessionId"] != session.as_str() {
            return false;
        }
        if let Some(id) = message["id"].as_i64() {
            self.inspection.pending.remove(&id);
        }
        let mut said = message.clone();
        if let Some(members) = said.as_object_mut() {
            members.remove("sessionId");
        }
        self.inspection.told.push(Inspected::Said(said));
        true
    }

    /// Whether a session that has come to be of `target` is the one that was ordered.
    pub(super) fn inspection_attached(&mut self, session: &str, target: &str) -> bool {
        let Stage::Ordered { wanted } = self.inspection.stage else { return false };
        if target != self.document.frame {
            return false;
        }
        if wanted {
            self.inspection.stage = Stage::Attached { session: session.to_owned() };
            self.inspection.told.push(Inspected::Attached);
        } else {
            self.inspection.stage = Stage::None;
            let session = json!({ "sessionId": session });
            self.wire.send(None, "Target.detachFromTarget", session, Purpose::Other);
        }
        true
    }

    /// The session was not to be had.
    pub(super) fn inspection_refused(&mut self, error: &str) {
        if matches!(self.inspection.stage, Stage::Ordered { .. }) {
            self.inspection.stage = Stage::None;
            self.inspection.told.push(Inspected::Refused(error.to_owned()));
        }
    }

    /// Whether it was this session that went.
    pub(super) fn inspection_detached(&mut self, session: &str) -> bool {
        let own = matches!(&self.inspection.stage, Stage::Attached { session: own } if own == session);
        if own {
            self.inspection.stage = Stage::None;
            self.inspection.pending.clear();
            self.inspection.told.push(Inspected::Gone);
        }
        own
    }
}
