//! What the browser is told by the session.

use serde_json::{Value, json};

use super::wire::Asked;
use super::{BINDING, Page};
use kiosk_core::config::PageReady;

/// What an origin may have stored, beside its cookies: those are all cleared first, at once, and some are there again
/// before a clearing by origin would come to its end.
const STORAGE: &str = "file_systems,indexeddb,local_storage,shader_cache,service_workers,cache_storage,\
                       interest_groups,shared_storage,storage_buckets";

impl Page {
    /// Opens `url`, and closes whatever is above the page.
    pub fn navigate(&mut self, url: &str) {
        self.open();
        url.clone_into(&mut self.ordered);
        self.send("Page.navigate", json!({ "url": url }), Asked::Navigate);
    }

    /// Loads the page again, past all caches when `hard`, and closes whatever is above it.
    pub fn reload(&mut self, hard: bool) {
        self.open();
        self.ordered.clone_from(&self.document.url);
        self.send("Page.reload", json!({ "ignoreCache": hard }), Asked::Reload);
    }

    /// Asks for a sign of life of the page itself, not of the browser around it.
    pub fn ping(&mut self) {
        self.send("Runtime.evaluate", json!({ "expression": "1", "silent": true }), Asked::Ping);
    }

    /// Ends what runs in the page, asks it for a sign of life, and loads it again. The first is done by the page's
    /// process even when its main thread hangs.
    pub fn unstick(&mut self) {
        self.send("Runtime.terminateExecution", json!({}), Asked::Other);
        self.ping();
        self.reload(false);
    }

    /// Forgets cookies, caches, storage and history, of the page and of `home`.
    pub fn clear_data(&mut self, home: &str) {
        let session_storage = json!({ "expression": "sessionStorage.clear()", "silent": true });
        self.send("Runtime.evaluate", session_storage, Asked::Other);
        self.send("Network.clearBrowserCookies", json!({}), Asked::Other);
        self.set_cookies(Asked::Other);
        self.send("Network.clearBrowserCache", json!({}), Asked::Other);
        let origins = [origin(home), origin(&self.document.url)];
        for origin in origins.into_iter().flatten() {
            let all = json!({ "origin": origin, "storageTypes": STORAGE });
            self.send("Storage.clearDataForOrigin", all, Asked::Other);
        }
        self.send("Page.resetNavigationHistory", json!({}), Asked::Other);
    }

    fn open(&mut self) {
        self.opening = true;
        self.committed = false;
        self.dismiss_dialogs();
        self.close_windows();
        if self.rules.ready == PageReady::Explicit {
            // Only while it is waited for: with it come all console messages of the page.
            self.send("Runtime.enable", json!({}), Asked::Other);
            self.send("Runtime.addBinding", json!({ "name": BINDING }), Asked::Other);
        }
    }

    /// To the page.
    pub(super) fn send(&mut self, method: &str, parameters: Value, asked: Asked) {
        self.wire.send(self.session.as_deref(), method, parameters, asked);
    }
}

/// Scheme, host and port of a web page's URL.
pub(super) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    Some(format!("{scheme}://{host}"))
}
