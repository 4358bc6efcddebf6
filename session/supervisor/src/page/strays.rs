//! Navigations that the document before an ordered one begins while the ordered one is on its way. The browser carries
//! them out although another document has been ordered, even after that one has come: a page that reloads itself all the
//! time would be there again.
//!
//! The browser tells a document's coming before what that document begins itself (both go through one channel), so
//! whatever begins after an order and before its document has come is the document's before. It is aborted.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use super::Page;
use super::navigation::is_same;

/// Most of them: each new one ends the one before.
const MOST: usize = 8;

/// Of the last order.
#[derive(Debug, Default)]
pub(super) struct Strays {
    /// The browser's identifiers of their documents, and their addresses.
    list: VecDeque<(String, String)>,
}

impl Strays {
    fn add(&mut self, loader: &str, url: &str) {
        if self.list.len() >= MOST {
            self.list.pop_front();
        }
        self.list.push_back((loader.to_owned(), url.to_owned()));
    }

    pub fn any(&self) -> bool {
        !self.list.is_empty()
    }

    /// This document is one of theirs.
    pub fn has(&self, loader: &str) -> bool {
        self.list.iter().any(|(own, _)| own == loader)
    }
}

impl Page {
    /// The browser begins to navigate, by order or otherwise.
    pub(super) fn navigation_started(&mut self, parameters: &Value, now: Duration) {
        let is_new = parameters["navigationType"].as_str().is_some_and(|kind| !kind.ends_with("ameDocument"));
        let (Some(url), Some(loader)) = (parameters["url"].as_str(), parameters["loaderId"].as_str()) else { return };
        if !self.opening && is_new {
            self.goes_by_itself(url, now);
        }
        if !self.opening || !is_new || self.committed {
            return;
        }
        if self.ordered_loader.is_none() && is_same(url, &self.ordered) {
            self.ordered_loader = Some(loader.to_owned());
        } else if self.clearing.is_none() && self.ordered_loader.as_deref() != Some(loader) {
            self.strays.add(loader, url);
        }
    }

    /// Whether a request of the page's is that of a stray. One for the ordered address may be the order's own.
    pub(super) fn is_stray(&self, url: &str) -> bool {
        self.opening && !is_same(url, &self.ordered) && self.strays.list.iter().any(|(_, own)| is_same(own, url))
    }
}
