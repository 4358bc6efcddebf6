//! Documents for which the browser shows something of its own: a PDF, in its viewer, and XML that is not well-formed, as
//! a box of errors. What is shown without a request (`blob:`, from a service worker) can only be looked at when it is there.

use std::time::Duration;

use serde_json::{Value, json};

use super::Page;
use super::denied::Feature;
use super::document::Document;
use super::navigation::{is_same, job};
use super::wire::Purpose;
use crate::machine::Event;

/// For the viewer: the page alone, without a tool bar and the list beside it.
const BARE: &str = "toolbar=0&navpanes=0";
const PDF: &str = "application/pdf";

/// Line and column of the error; a word where there is none. Chromium puts the error into the document as an element.
const XML_ERROR: &str = "(() => { \
     const box = document.getElementsByTagNameNS('http://www.w3.org/1999/xhtml', 'parsererror')[0]; \
     const place = box && box.textContent.match(/line (\\d+) at column (\\d+)/); \
     return box ? place ? place.slice(1).map(Number) : [] : 'well-formed'; })()";

/// What the document is, as far as it matters here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Pdf,
    Xml,
    #[default]
    Other,
}

impl Kind {
    /// Of a frame, as `Page.frameNavigated` describes it.
    pub fn of(frame: &Value) -> Kind {
        match frame["mimeType"].as_str().unwrap_or_default() {
            PDF => Kind::Pdf,
            // XHTML and SVG too.
            kind if kind.ends_with("/xml") || kind.ends_with("+xml") => Kind::Xml,
            _ => Kind::Other,
        }
    }
}

/// The address of an ordered PDF as the viewer is to show it; `None`: the address says itself what is to be shown.
pub(super) fn bare(url: &str) -> Option<String> {
    let (path, fragment) = url.split_once('#').unwrap_or((url, ""));
    if fragment.split('&').any(|part| part.starts_with("toolbar=")) {
        return None;
    }
    let own = if fragment.is_empty() { String::new() } else { format!("{fragment}&") };
    Some(format!("{path}#{own}{BARE}"))
}

/// What to open for an order: a file is opened without a request that could be answered otherwise.
pub(super) fn address(url: &str) -> String {
    let path = url.split(['#', '?']).next().unwrap_or_default();
    let is_pdf = url.starts_with("file:") && path.to_ascii_lowercase().ends_with(".pdf");
    bare(url).filter(|_| is_pdf).unwrap_or_else(|| url.to_owned())
}

impl Page {
    /// Whether this is the PDF that is shown: to go there would be to stay, with the tool bar.
    pub(super) fn is_bare(&self, url: &str) -> bool {
        let Document { kind, is_alive, url: shown, .. } = &self.document;
        *is_alive && *kind == Kind::Pdf && bare(url).as_ref() == Some(shown)
    }

    /// Has an ordered PDF opened once more, as [`bare`] has it. Returns whether it is.
    pub(super) fn open_bare(&mut self, request: &str, url: &str, now: Duration) -> bool {
        if !self.opening || self.ordered_navigation.as_deref() != Some(job(request)) {
            return false;
        }
        // A request has no fragment.
        let whole = if is_same(url, &self.ordered) { &self.ordered } else { url };
        let Some(to) = bare(whole) else { return false };
        self.take_back(request);
        self.navigate(&to, now);
        true
    }

    /// A PDF that has come into the page's place although it was not ordered. Returns whether it is one.
    pub(super) fn is_stray_pdf(&mut self) -> bool {
        let stray = self.document.kind == Kind::Pdf && !self.opening;
        if stray {
            self.denied.say(Feature::Pdf);
        }
        stray
    }

    /// The document has been read to its end.
    pub(super) fn look_for_errors(&mut self) {
        if self.document.kind == Kind::Xml && !self.wire.is_waiting_for(&Purpose::WellFormed) {
            let ask = json!({ "expression": XML_ERROR, "returnByValue": true, "silent": true });
            self.send("Runtime.evaluate", ask, Purpose::WellFormed);
        }
    }

    /// The answer.
    pub(super) fn errors_told(&mut self, result: &Value) {
        if result.pointer("/result/value").is_some_and(Value::is_string) {
            self.document.well_formed = true;
            return self.judge();
        }
        let Some(place) = result.pointer("/result/value").and_then(Value::as_array) else { return };
        let place = match place.iter().filter_map(Value::as_u64).collect::<Vec<_>>()[..] {
            [line, column] => format!(" in line {line}, column {column}"),
            _ => String::new(),
        };
        let (url, reason) = (self.document.url.clone(), format!("its XML has an error{place}"));
        self.opening = false;
        self.events.push(Event::PageFailed { url, reason, error_page: true });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pdf_has_no_tool_bar_unless_its_address_says_so() {
        assert_eq!(bare("http://a/b.pdf").as_deref(), Some("http://a/b.pdf#toolbar=0&navpanes=0"));
        assert_eq!(bare("http://a/b.pdf#page=3").as_deref(), Some("http://a/b.pdf#page=3&toolbar=0&navpanes=0"));
        assert_eq!(bare("http://a/b.pdf#page=3&toolbar=1"), None);
        assert_eq!(address("file:///a/B.PDF"), "file:///a/B.PDF#toolbar=0&navpanes=0");
        for other in ["http://a/b.pdf", "file:///a/b.html", "file:///b.pdf#toolbar=1"] {
            assert_eq!(address(other), other);
        }
    }

    #[test]
    fn what_a_document_is_follows_from_its_type() {
        let of = |kind: &str| Kind::of(&json!({ "mimeType": kind }));
        assert_eq!([of("application/pdf"), of("text/html")], [Kind::Pdf, Kind::Other]);
        assert!(["application/xhtml+xml", "text/xml", "image/svg+xml"].iter().all(|kind| of(kind) == Kind::Xml));
    }
}
