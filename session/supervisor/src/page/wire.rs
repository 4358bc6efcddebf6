//! Outgoing commands, and the pending answers.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// Most pending answers, to bound memory if the browser does not answer.
pub(super) const MAX_PENDING: usize = 256;

/// The purpose of a command, which decides how its answer is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    Navigate,
    Reload,
    Ping,
    /// Attaching: a failure leaves the page without control.
    Setup,
    /// Which execution context a call comes from.
    Context {
        document: u64,
        context: i64,
    },
    /// Cookies to be there before the first page.
    Cookies,
    /// The scripts of the page, of a window or of a frame are stopped.
    Quiet {
        session: String,
    },
    /// Whether the main thread of the page or of a frame runs, which is to be left.
    Runs {
        session: String,
    },
    /// Whether the document is one that the browser could read.
    WellFormed,
    /// The page is left, before everything is forgotten.
    Leave,
    /// Something is forgotten.
    Clear,
    /// A window is no longer held.
    Release {
        target: String,
    },
    /// Which of the browser's windows a page is in.
    WindowOf {
        target: String,
    },
    /// What the input is like that a file is to be chosen for.
    Input {
        number: u64,
    },
    /// The input that no file was chosen for, so that it can be told.
    CancelInput {
        session: String,
    },
    /// Which service workers run.
    Workers,
    /// The console's session.
    Console,
    /// The session of who looks at the page by DevTools.
    Inspect,
    Other,
}

#[derive(Debug, Default)]
pub(super) struct Wire {
    last_id: u64,
    pending: VecDeque<(u64, Purpose)>,
    outgoing: Vec<Value>,
}

/// Sets a member of an order, which is an object.
pub fn set(order: &mut Value, name: &str, value: impl Into<Value>) {
    if let Value::Object(members) = order {
        members.insert(name.to_owned(), value.into());
    }
}

impl Wire {
    /// Sends an order to the page behind `session`, or to the browser itself.
    pub fn send(&mut self, session: Option<&str>, method: &str, parameters: Value, purpose: Purpose) {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            set(&mut message, "sessionId", session);
        }
        if self.pending.len() >= MAX_PENDING {
            // Preferably one whose answer is not used: a page with many requests has hundreds of those.
            let oldest = self.pending.iter().position(|(_, purpose)| *purpose == Purpose::Other).unwrap_or(0);
            self.pending.remove(oldest);
        }
        self.pending.push_back((self.last_id, purpose));
        self.outgoing.push(message);
    }

    /// Sends somebody else's order, whose answer is not ours.
    pub fn forward(&mut self, message: Value) {
        self.outgoing.push(message);
    }

    pub fn take_outgoing(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.outgoing)
    }

    /// What the order with this number was for; once.
    pub fn answered(&mut self, id: u64) -> Option<Purpose> {
        let index = self.pending.iter().position(|(number, _)| *number == id)?;
        self.pending.remove(index).map(|(_, purpose)| purpose)
    }

    /// The scripts of all that were to be quiet are stopped.
    pub fn all_quiet(&self) -> bool {
        !self.pending.iter().any(|(_, purpose)| matches!(purpose, Purpose::Quiet { .. }))
    }

    /// Whatever answer this was for is not waited for any more.
    pub fn forget(&mut self, purpose: &Purpose) {
        self.pending.retain(|(_, other)| other != purpose);
    }

    /// No answer of an attempt to leave the page is waited for any more.
    pub fn forget_clearing(&mut self) {
        self.pending.retain(|(_, purpose)| !matches!(purpose, Purpose::Quiet { .. } | Purpose::Leave));
    }

    /// Whether what is to be left runs is not asked any more.
    pub fn forget_leaving(&mut self) {
        self.pending.retain(|(_, purpose)| !matches!(purpose, Purpose::Runs { .. }));
    }

    /// A main thread of what is to be left has not answered.
    pub fn is_waiting_for_leaving(&self) -> bool {
        self.pending.iter().any(|(_, purpose)| matches!(purpose, Purpose::Runs { .. }))
    }

    pub fn is_waiting_for(&self, purpose: &Purpose) -> bool {
        self.pending.iter().any(|(_, other)| other == purpose)
    }

    /// A later order to open something has not been answered.
    pub fn is_opening(&self) -> bool {
        self.pending.iter().any(|(_, purpose)| matches!(purpose, Purpose::Navigate | Purpose::Reload))
    }

    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_requests_pushes_out_no_answer_that_matters() {
        let mut wire = Wire::default();
        wire.send(None, "Runtime.evaluate", json!({}), Purpose::Ping);
        for _ in 0..MAX_PENDING * 2 {
            wire.send(None, "Fetch.continueRequest", json!({}), Purpose::Other);
        }
        assert_eq!(wire.waiting(), MAX_PENDING);
        assert_eq!(wire.answered(1), Some(Purpose::Ping));
    }
}
