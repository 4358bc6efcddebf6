//! Notices a document that does not let go of the page: its handlers of `beforeunload`, `pagehide` and `unload` may run
//! for ever (Chromium's own limits go with `--disable-hang-monitor`, without which it would ask a visitor), and one
//! that keeps loading itself again can leave the browser without any current document.
//!
//! First its scripts are ended, where no other document's can be hit. If a main thread is stuck nevertheless, the
//! session is told, which kills the page's process: the document is to go anyway.

use std::time::Duration;

use serde_json::json;

use super::Page;
use super::wire::Purpose;
use crate::machine::Event;

/// Time from an order, or from the answer of the server, until the document before is looked at. Handlers that save
/// something take tenths of a second.
const LOOK_AFTER: Duration = Duration::from_millis(500);
/// Time limit for its main threads to answer then. A document that is slow to go loses nothing by being ended.
const ANSWER_LIMIT: Duration = Duration::from_millis(1500);

/// How far an order is with the document before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Its `beforeunload` handlers may be running: no request has been made.
    Asked { look_at: Duration },
    /// The server has to answer first.
    Elsewhere,
    /// Its `pagehide` and `unload` handlers may be running.
    Answered { look_at: Duration },
    /// Its main threads have been asked whether they run.
    Looked { until: Duration },
}

/// Of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaving(Step);

impl Leaving {
    /// When [`Page::expire_leaving`] is due.
    pub fn deadline(&self) -> Option<Duration> {
        match self.0 {
            Step::Asked { look_at: at } | Step::Answered { look_at: at } | Step::Looked { until: at } => Some(at),
            Step::Elsewhere => None,
        }
    }
}

impl Page {
    /// An order leads away from the document, if there is one.
    pub(super) fn begin_leaving(&mut self, now: Duration) {
        self.wire.forget_leaving();
        self.leaving = self.document.is_alive.then_some(Leaving(Step::Asked { look_at: now + LOOK_AFTER }));
    }

    /// The document is gone, or the order is over.
    pub(super) fn end_leaving(&mut self) {
        self.leaving = None;
        self.wire.forget_leaving();
    }

    /// The ordered document is asked for: the one before has no objection.
    pub(super) fn leaving_is_agreed(&mut self) {
        if let Some(leaving) = &mut self.leaving {
            *leaving = Leaving(Step::Elsewhere);
            self.wire.forget_leaving();
        }
    }

    /// The server has sent the ordered document.
    pub(super) fn leaving_is_due(&mut self, now: Duration) {
        if let Some(leaving) = &mut self.leaving {
            *leaving = Leaving(Step::Answered { look_at: now + LOOK_AFTER });
        }
    }

    /// Whether a navigation that the document before began has ended the ordered one.
    pub(super) fn is_overtaken_by_the_document_before(&self) -> bool {
        let is_answered = |Leaving(step)| matches!(step, Step::Answered { .. });
        self.opening && self.leaving.is_some_and(|leaving| !is_answered(leaving) || self.strays.any())
    }

    pub(super) fn expire_leaving(&mut self, now: Duration) {
        let Some(Leaving(step)) = self.leaving.filter(|leaving| leaving.deadline().is_some_and(|at| now >= at)) else {
            return;
        };
        match step {
            Step::Looked { .. } if self.wire.is_waiting_for_leaving() => {
                self.end_leaving();
                if self.ordered_navigation.is_none() {
                    // Or it is its service worker that does not answer.
                    self.suspect_worker();
                }
                self.events.push(Event::NotLeft);
            }
            // It runs: what is waited for is something else.
            Step::Looked { .. } | Step::Elsewhere => self.end_leaving(),
            Step::Asked { .. } | Step::Answered { .. } => {
                let sessions: Vec<String> = self.session.iter().chain(&self.frames).cloned().collect();
                for session in sessions {
                    if matches!(step, Step::Asked { .. }) {
                        self.wire.send(Some(&session), "Runtime.terminateExecution", json!({}), Purpose::Other);
                    }
                    let runs = Purpose::Runs { session: session.clone() };
                    self.wire.send(
                        Some(&session),
                        "Runtime.evaluate",
                        json!({ "expression": "0", "silent": true }),
                        runs,
                    );
                }
                self.leaving = Some(Leaving(Step::Looked { until: now + ANSWER_LIMIT }));
            }
        }
    }
}
