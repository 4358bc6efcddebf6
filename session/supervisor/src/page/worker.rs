//! A page's service worker that fails: it answers a navigation with an error, or not at all. The browser says the one
//! with an error page without a reason, the other not at all, and no request is seen of either, whether the page is opened
//! by order or goes there by itself. The next attempt is made
//! past it; one that fails again and again where the network has the page is removed: the page registers it anew.

use std::time::Duration;

use serde_json::{Value, json};

use super::Page;
use super::navigation::is_same;
use super::orders::origin;
use super::wire::Purpose;
use crate::machine::Event;

/// Time limit for a worker to answer, or to ask its server. On a slow machine it has to be started first, and the page's
/// own process, too: so one that does not run is not to blame, and is waited for as long again.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// So many failures where the network has the page are the worker's own.
const MOST_FAILURES: u32 = 2;

/// For people.
pub(super) const SILENT: &str = "its service worker does not answer";

/// The browser's word for what a worker refuses.
pub(super) const FAILED: &str = "net::ERR_FAILED";

/// For people.
pub(super) const WHY: &str = "its service worker has no page";

/// What is known of the workers.
#[derive(Debug, Default)]
pub(super) struct Worker {
    /// The last attempt has failed without a request.
    suspected: bool,
    /// The current attempt goes past it.
    bypassed: bool,
    /// So often the network had a page that the worker did not have.
    failures: u32,
    /// Time limit of the current attempt.
    answer_by: Option<Duration>,
    /// Where the page goes by itself, which has not been asked for yet.
    own: Option<Own>,
    /// The origin whose workers the browser was asked for, as an answer is late.
    asked: Option<String>,
}

/// A navigation of the page's own.
#[derive(Debug)]
struct Own {
    url: String,
    answer_by: Duration,
}

impl Worker {
    /// When [`Page::expire_worker`] is due.
    pub fn deadline(&self) -> Option<Duration> {
        self.answer_by.into_iter().chain(self.own.as_ref().map(|own| own.answer_by)).min()
    }

    /// The current attempt has been asked for, or has come to an end.
    pub fn has_answered(&mut self) {
        (self.answer_by, self.own, self.asked) = (None, None, None);
    }

    /// This is asked of a server, which may be by the worker, whose answer is then to be waited for.
    pub fn asks_for(&mut self, url: &str) {
        if self.own.as_ref().is_some_and(|own| is_same(&own.url, url)) {
            (self.own, self.asked) = (None, None);
        }
    }
}

impl Page {
    /// Nothing but a worker can have failed.
    pub(super) fn suspect_worker(&mut self) {
        self.worker.suspected = true;
        (self.worker.answer_by, self.worker.asked) = (None, None);
    }

    /// `url` is to be opened: past the worker, if that has failed.
    pub(super) fn consider_worker(&mut self, url: &str, now: Duration) {
        let Some(origin) = origin(url) else { return self.worker = Worker::default() };
        self.trust_worker();
        if !std::mem::take(&mut self.worker.suspected) {
            self.worker.answer_by = Some(now + ANSWER_LIMIT);
            return;
        }
        tracing::info!("page opened past its service worker");
        if self.worker.failures >= MOST_FAILURES {
            tracing::warn!(origin, "service worker removed: it failed again and again where the network has the page");
            let workers = json!({ "origin": origin, "storageTypes": "service_workers" });
            self.send("Storage.clearDataForOrigin", workers, Purpose::Other);
            self.worker.failures = 0;
        }
        // Only as long as it is needed: it also tells of all requests.
        let quiet = json!({ "maxTotalBufferSize": 0, "maxResourceBufferSize": 0 });
        self.send("Network.enable", quiet, Purpose::Other);
        self.send("Network.setBypassServiceWorker", json!({ "bypass": true }), Purpose::Other);
        self.worker.bypassed = true;
    }

    /// The page is up.
    pub(super) fn worker_is_past(&mut self) {
        if self.worker.bypassed {
            self.worker.failures += 1;
            self.trust_worker();
        }
    }

    fn trust_worker(&mut self) {
        (self.worker.answer_by, self.worker.asked) = (None, None);
        if std::mem::take(&mut self.worker.bypassed) {
            self.send("Network.setBypassServiceWorker", json!({ "bypass": false }), Purpose::Other);
            self.send("Network.disable", json!({}), Purpose::Other);
        }
    }

    /// The page goes to `url` by itself.
    pub(super) fn goes_by_itself(&mut self, url: &str, now: Duration) {
        let own = Own { url: url.to_owned(), answer_by: now + ANSWER_LIMIT };
        (self.worker.own, self.worker.asked) = (origin(url).is_some().then_some(own), None);
    }

    pub(super) fn expire_worker(&mut self, now: Duration) {
        let Self { worker, ordered, .. } = self;
        let url = match (&mut worker.answer_by, &mut worker.own) {
            (Some(at), _) if now >= *at => {
                *at = now + ANSWER_LIMIT;
                ordered.as_str()
            }
            (_, Some(own)) if now >= own.answer_by => {
                own.answer_by = now + ANSWER_LIMIT;
                own.url.as_str()
            }
            _ => return,
        };
        worker.asked = origin(url);
        if !self.wire.is_waiting_for(&Purpose::Workers) {
            self.wire.send(None, "Target.getTargets", json!({}), Purpose::Workers);
        }
    }

    /// The answer to what [`Page::expire_worker`] asks: only one that runs can be what does not answer.
    pub(super) fn workers_told(&mut self, result: &Value) {
        let Some(asked) = self.worker.asked.take() else { return };
        let is_its_own = |target: &Value| {
            target["type"] == "service_worker" && target["url"].as_str().and_then(origin).as_ref() == Some(&asked)
        };
        if !result["targetInfos"].as_array().is_some_and(|targets| targets.iter().any(is_its_own)) {
            return;
        }
        let (ordered, own) = (self.worker.answer_by.is_some(), self.worker.own.take());
        self.suspect_worker();
        if ordered {
            self.open_failed(SILENT, false);
        }
        if let Some(own) = own {
            // What a form would have sent is not known here.
            self.events.push(Event::PageStale { url: own.url, reason: SILENT.into(), again: !self.by_form });
        }
    }
}
