//! Somebody looks at the page by DevTools: one at a time, for a bounded time, with a line on the screen (by the report to
//! kioskd) and in the journal at its beginning and its end. [`crate::page`] judges the commands, and
//! [`crate::daemon::inspector`] moves the bytes.

use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::Daemon;
use crate::bus::{InspectOrder, InspectRefusal};
use crate::daemon::inspector::{self, Queue, Said};
use crate::machine::Event;
use crate::page::{Inspected, Page};

/// Until the browser has made the session.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(10);

type Reply = oneshot::Sender<Result<OwnedFd, InspectRefusal>>;

/// One of them.
pub(super) struct Inspection {
    number: u64,
    who: String,
    /// On the daemon's clock.
    until: Duration,
    stage: Stage,
}

enum Stage {
    /// The browser makes the session.
    Opening { reply: Reply, time: Duration },
    /// They look.
    Open {
        queue: Queue,
        reader: AbortHandle,
        /// Seconds since 1970, for the screen.
        until: u64,
    },
}

/// Why it ends, for the journal.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum Ending {
    #[error("the time is over")]
    Time,
    #[error("they left")]
    Left,
    #[error("they do not read what is said")]
    Unread,
    #[error("they sent a command that is too long")]
    TooLong,
    #[error("the page was closed")]
    Page,
    #[error("the browser ended")]
    Browser,
    #[error("kiosk-session ends")]
    Session,
}

impl Inspection {
    /// Who looks, and until when in seconds since 1970; `None`: nobody yet.
    pub fn told(&self) -> Option<(String, u64)> {
        match &self.stage {
            Stage::Opening { .. } => None,
            Stage::Open { until, .. } => Some((self.who.clone(), *until)),
        }
    }

    /// When it ends.
    pub fn deadline(&self) -> Duration {
        self.until
    }
}

impl Daemon {
    /// Somebody wants to look.
    pub(super) fn inspect(&mut self, order: InspectOrder) {
        let InspectOrder { who, time, reply } = order;
        let refusal = if let Some(inspection) = &self.inspection {
            Some(InspectRefusal::Busy(inspection.who.clone()))
        } else {
            let ordered = self.page().is_some_and(Page::inspect);
            (!ordered).then_some(InspectRefusal::NoPage)
        };
        if let Some(refusal) = refusal {
            return drop(reply.send(Err(refusal)));
        }
        self.inspections += 1;
        let (number, until) = (self.inspections, self.clock.now() + ATTACH_TIMEOUT);
        self.inspection = Some(Inspection { number, who, until, stage: Stage::Opening { reply, time } });
        self.with_page(|_| {});
    }

    /// The browser says something of it; the machine's events are to be taken afterwards.
    pub(super) fn look_at_inspection(&mut self) {
        for told in self.page().map(Page::take_inspected).unwrap_or_default() {
            match told {
                Inspected::Attached => self.inspection_begins(),
                Inspected::Refused(error) => {
                    if let Some(Inspection { stage: Stage::Opening { reply, .. }, .. }) = self.inspection.take() {
                        let _ = reply.send(Err(InspectRefusal::Browser(error)));
                    }
                }
                Inspected::Said(message) => {
                    if let Some(Inspection { stage: Stage::Open { queue, .. }, .. }) = &self.inspection
                        && !queue.push(message.to_string().into_bytes())
                    {
                        self.end_inspection(Ending::Unread);
                    }
                }
                Inspected::Gone => self.end_inspection(Ending::Page),
            }
        }
    }

    /// The session is there: they get their end of the socket.
    fn inspection_begins(&mut self) {
        let now = self.clock.now();
        let Some(Inspection { number, who, stage: Stage::Opening { reply, time }, .. }) = self.inspection.take() else {
            return;
        };
        let (queue, messages) = Queue::new();
        let sockets = net::UnixStream::pair().and_then(|(ours, theirs)| {
            ours.set_nonblocking(true)?;
            Ok((UnixStream::from_std(ours)?, theirs))
        });
        let given = match sockets {
            Err(error) => {
                let _ = reply.send(Err(InspectRefusal::Socket(error)));
                None
            }
            // The caller may be gone.
            Ok((ours, theirs)) => reply.send(Ok(theirs.into())).is_ok().then_some(ours),
        };
        let Some(ours) = given else { return self.with_page(Page::end_inspection) };
        let (reading, writing) = ours.into_split();
        let reader = tokio::spawn(inspector::read(reading, number, self.inputs.clone())).abort_handle();
        tokio::spawn(inspector::write(writing, number, messages, self.inputs.clone()));
        tracing::info!(who, seconds = time.as_secs(), "the page is inspected by DevTools");
        let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(time).as_secs();
        let stage = Stage::Open { queue, reader, until };
        self.inspection = Some(Inspection { number, who, until: now + time, stage });
        self.happened.push_back(Event::Inspected { open: true });
    }

    /// They say something.
    pub(super) fn inspector_said(&mut self, number: u64, said: Said) {
        if self.inspection.as_ref().is_none_or(|inspection| inspection.number != number) {
            return;
        }
        match said {
            Said::Command(text, _room) => {
                if let Some(page) = self.page() {
                    page.inspector_says(&text);
                }
                // With what was answered here.
                self.page_events();
            }
            Said::Left => self.end_inspection(Ending::Left),
            Said::TooLong => self.end_inspection(Ending::TooLong),
        }
        self.take_turns();
    }

    /// Ends it where its time is over.
    pub(super) fn expire_inspection(&mut self) {
        if self.inspection.as_ref().is_some_and(|inspection| self.clock.now() >= inspection.until) {
            self.end_inspection(Ending::Time);
        }
    }

    /// Ends it, if there is one; the machine's events are to be taken afterwards.
    pub(super) fn end_inspection(&mut self, why: Ending) {
        let Some(Inspection { who, stage, .. }) = self.inspection.take() else { return };
        // Scripts that are held go on.
        self.with_page(Page::end_inspection);
        match stage {
            Stage::Opening { reply, .. } => {
                let _ = reply.send(Err(match why {
                    Ending::Time => InspectRefusal::NoAnswer,
                    _ => InspectRefusal::NoPage,
                }));
            }
            Stage::Open { reader, .. } => {
                // What was said is still written; the queue ends with this.
                reader.abort();
                tracing::info!(who, %why, "the page is not inspected any more");
                self.happened.push_back(Event::Inspected { open: false });
            }
        }
    }
}
