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
    /// The navigation whose request has not been seen.
    awaited: Option<Awaited>,
}

/// A navigation that may be in the hands of a worker.
#[derive(Debug)]
struct Awaited {
    url: String,
    /// The page goes there by itself; `false`: by order.
    by_itself: bool,
    answer_by: Duration,
    /// It is late, and the browser has been asked for the workers.
    is_late: bool,
}

impl Worker {
    /// When [`Page::expire_worker`] is due.
    pub fn deadline(&self) -> Option<Duration> {
        self.awaited.as_ref().map(|awaited| awaited.answer_by)
    }

    /// The current attempt has been asked for, or has come to an end.
    pub fn has_answered(&mut self) {
        self.awaited = None;
    }

    /// This is asked of a server, which may be by the worker, whose answer is then to be waited for.
    pub fn asks_for(&mut self, url: &str) {
        self.awaited.take_if(|awaited| awaited.by_itself && is_same(&awaited.url, url));
    }

    fn awaits(&mut self, url: &str, by_itself: bool, now: Duration) {
        let answer_by = now + ANSWER_LIMIT;
        self.awaited = Some(Awaited { url: url.to_owned(), by_itself, answer_by, is_late: false });
    }
}

impl Page {
    /// Nothing but a worker can have failed.
    pub(super) fn suspect_worker(&mut self) {
        self.worker.suspected = true;
        self.worker.awaited = None;
    }

    /// `url` is to be opened: past the worker, if that has failed.
    pub(super) fn consider_worker(&mut self, url: &str, now: Duration) {
        let Some(origin) = origin(url) else { return self.worker = Worker::default() };
        self.trust_worker();
        if !std::mem::take(&mut self.worker.suspected) {
            return self.worker.awaits(url, false, now);
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
        self.worker.awaited = None;
        if std::mem::take(&mut self.worker.bypassed) {
            self.send("Network.setBypassServiceWorker", json!({ "bypass": false }), Purpose::Other);
            self.send("Network.disable", json!({}), Purpose::Other);
        }
    }

    /// The page goes to `url` by itself.
    pub(super) fn goes_by_itself(&mut self, url: &str, now: Duration) {
        match origin(url) {
            Some(_) => self.worker.awaits(url, true, now),
            None => self.worker.awaited = None,
        }
    }

    pub(super) fn expire_worker(&mut self, now: Duration) {
        let Some(awaited) = self.worker.awaited.as_mut().filter(|awaited| now >= awaited.answer_by) else { return };
        (awaited.answer_by, awaited.is_late) = (now + ANSWER_LIMIT, true);
        if !self.wire.is_waiting_for(&Purpose::Workers) {
            self.wire.send(None, "Target.getTargets", json!({}), Purpose::Workers);
        }
    }

    /// The answer to what [`Page::expire_worker`] asks: only one that runs can be what does not answer.
    pub(super) fn workers_told(&mut self, result: &Value) {
        let Some(awaited) = &mut self.worker.awaited else { return };
        let Some(asked) = origin(&awaited.url).filter(|_| std::mem::take(&mut awaited.is_late)) else { return };
        let is_its_own = |target: &Value| {
            target["type"] == "service_worker" && target["url"].as_str().and_then(origin).as_ref() == Some(&asked)
        };
        if !result["targetInfos"].as_array().is_some_and(|targets| targets.iter().any(is_its_own)) {
            return;
        }
        let by_itself = awaited.by_itself.then(|| std::mem::take(&mut awaited.url));
        self.suspect_worker();
        match by_itself {
            None => self.open_failed(SILENT, false),
            // What a form would have sent is not known here.
            Some(url) => self.events.push(Event::PageStale { url, reason: SILENT.into(), again: !self.by_form }),
        }
    }
}
