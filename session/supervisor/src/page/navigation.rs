//! Decides about the paused requests and responses of documents, in all windows: they continue or are aborted, in which
//! case the shown page stays. Frames within a page are not restricted.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::denied::Feature;
use super::orders::origin;
use super::windows::Disposition;
use super::wire::{self, Purpose};
use super::{Page, failure};
use crate::devtools::TOO_LONG;
use crate::machine::Event;
use kiosk_core::config::NewWindows;

/// Shown in a frame whose server is down: an empty page that reloads itself after a while. In base64, as the protocol
/// requires; decoded in the test below.
const EMPTY_FRAME_BASE64: &str = "PCFkb2N0eXBlIGh0bWw+PG1ldGEgaHR0cC1lcXVpdj1yZWZyZXNoIGNvbnRlbnQ9NT48bWV0YSBuYW1lPWNvbG9yLXNjaGVtZSBjb250ZW50PSdsaWdodCBkYXJrJz4=";

/// Whose document it is.
enum Owner {
    Page,
    Window(Disposition),
    Frame,
}

impl Page {
    pub(super) fn paused(&mut self, paused: &Value, now: Duration) {
        let Some(request) = paused["requestId"].as_str() else { return };
        if paused["resourceType"].as_str().is_some_and(|kind| kind != "Document") {
            if self.opening && paused.pointer("/request/url").is_some_and(|url| *url == self.ordered.as_str()) {
                // Its service worker asks the server.
                self.ordered_is_requested();
            }
            self.worker.asks_for(paused.pointer("/request/url").and_then(Value::as_str).unwrap_or_default());
            // Paused for what is added to it, if anything.
            return self.go_on(request, paused);
        }
        if !paused[TOO_LONG].is_null() {
            // A form with too much text or unreadable data, whose target is unknown.
            tracing::warn!("form not sent: more than 32 MiB of text, or unreadable");
            return self.take_back(request);
        }
        let frame = paused["frameId"].as_str().unwrap_or_default();
        let url = paused.pointer("/request/url").and_then(Value::as_str).unwrap_or_default();
        let owner = match self.windows.disposition(frame) {
            Some(disposition) => Owner::Window(disposition),
            None if frame == self.document.frame => Owner::Page,
            None => Owner::Frame,
        };
        let is_response = is_response(paused);
        if matches!(owner, Owner::Page) && !is_response && self.is_stray(url) {
            tracing::debug!("navigation of the document before aborted");
            return self.take_back(request);
        }
        if matches!(owner, Owner::Page) && !is_response {
            self.worker.asks_for(url);
            self.navigation = Some(job(request).to_owned());
            if self.opening && is_same(url, &self.ordered) {
                self.ordered_navigation = self.navigation.clone();
                self.ordered_is_requested();
            }
            self.last_request = Some((url.to_owned(), is_post(paused)));
        }
        match owner {
            Owner::Frame if is_response && frame_failed(paused) => return self.fill_frame(request),
            Owner::Frame => {}
            Owner::Window(Disposition::ToClose) => return self.take_back(request),
            Owner::Window(Disposition::Taken { .. }) => {
                self.take_back(request);
                return self.take_over(frame, &paused["request"]);
            }
            Owner::Window(Disposition::Popup) if !self.may_go(url, paused) || (is_response && frame_failed(paused)) => {
                self.take_back(request);
                return self.close_if_blank(frame);
            }
            Owner::Page if !self.may_go(url, paused) => {
                self.take_back(request);
                // A page that goes elsewhere by itself meanwhile says nothing about what was ordered.
                if self.opening && self.ordered_navigation.as_deref() == Some(job(request)) {
                    let to = redirection(url, paused).unwrap_or_else(|| url.to_owned());
                    self.open_failed(&failure::of_forbidden(&to), false);
                }
                return;
            }
            Owner::Window(Disposition::Popup) => {}
            Owner::Page if is_response => return self.response(request, url, paused, now),
            Owner::Page => {}
        }
        if is_response {
            self.grant(url);
        }
        self.go_on(request, paused);
    }

    /// Whether the address, and where it leads on to, may be shown.
    fn may_go(&mut self, url: &str, paused: &Value) -> bool {
        // What is ordered is allowed: it is the configured page, or was checked before.
        let ordered = self.opening && url.trim_end_matches('/') == self.ordered.trim_end_matches('/');
        if !ordered && !self.rules.allowed.permits(url) {
            self.refused(url);
            return false;
        }
        if let Some(to) = redirection(url, paused)
            && !self.rules.allowed.permits(&to)
        {
            self.refused(&to);
            return false;
        }
        true
    }

    /// What was ordered is asked of its server: neither the document before nor a service worker is in the way.
    fn ordered_is_requested(&mut self) {
        self.leaving_is_agreed();
        self.worker.has_answered();
    }

    /// A response for the page itself.
    fn response(&mut self, request: &str, url: &str, paused: &Value, now: Duration) {
        if self.overtaken.as_deref() == Some(job(request)) {
            // Its end says nothing about what was ordered since.
            return self.take_back(request);
        }
        // The PDF viewer fills the screen, without a way back.
        if !self.opening && is_pdf(paused) && !self.is_download(paused) {
            self.take_back(request);
            return self.pdf(url);
        }
        let objection = self.objection(url, paused);
        if objection.is_none() && is_pdf(paused) && self.open_bare(request, url, now) {
            return;
        }
        let Some((reason, answer)) = objection else {
            self.grant(url);
            if self.ordered_navigation.as_deref() == Some(job(request)) {
                self.leaving_is_due(now);
            }
            return self.go_on(request, paused);
        };
        self.take_back(request);
        let (ordered, own) = (self.opening, self.is_own(url));
        self.opening = false;
        self.end_leaving();
        let url = url.to_owned();
        // A form sent to the page's own URL is not reloaded.
        let is_get = !is_post(paused);
        self.events.push(match answer {
            Some(_) if own => Event::PageStale { url, reason, again: is_get },
            // Where the ordered page has led on to: the order is to be tried again, and what is shown stays meanwhile.
            Some(_) if ordered => Event::PageStale { url: self.ordered.clone(), reason, again: true },
            Some(status) => {
                // Where the page goes by itself it is to arrive, if that can be hoped for; a person follows a link again
                // when they want to.
                let passes = matches!(status, 408 | 429 | 500..);
                let again = passes && !self.by_person && is_get && self.is_of_same_origin(&url);
                Event::PageStale { url, reason, again }
            }
            None => Event::PageFailed { url, reason, error_page: false },
        });
    }

    /// A document in the page's place that the page could not be got back from: it gets a window with a button to close
    /// it, where there are such.
    fn pdf(&mut self, url: &str) {
        if self.rules.browser.new_windows != NewWindows::Popup {
            self.denied.say(Feature::Pdf);
            return self.refused(url);
        }
        let open = format!("window.open({}, '_blank', 'noopener')", json!(url));
        self.send(
            "Runtime.evaluate",
            json!({ "expression": open, "userGesture": true, "silent": true }),
            Purpose::Other,
        );
    }

    /// It goes into the folder for downloads, and the page stays.
    fn is_download(&self, paused: &Value) -> bool {
        let attached = header(paused, "content-disposition")
            .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("attachment"));
        attached && self.rules.browser.downloads.is_some()
    }

    /// Why this response is not to be shown, and the status if it is for that.
    fn objection(&self, url: &str, paused: &Value) -> Option<(String, Option<u16>)> {
        match paused["responseErrorReason"].as_str() {
            // Aborted by the page or the browser, without an error page.
            Some("Aborted") => return None,
            Some("Failed") if self.withholds_certificate(url) => {
                return Some((failure::WITHOUT_CERTIFICATE.to_owned(), None));
            }
            Some(error) => return Some((failure::of_fetch_error(error), None)),
            None => {}
        }
        let status = u16::try_from(paused["responseStatusCode"].as_u64()?).ok()?;
        // Whether it was opened, loads itself again, or goes on to another place: an error is never the page.
        let leads_on = (300..400).contains(&status) && header(paused, "location").is_some();
        if leads_on || self.rules.http_status.contains(status) {
            return None;
        }
        let reason = match status {
            401 => self.rules.sign_in.refusal(url),
            407 => self.rules.sign_in.proxy_refusal().to_owned(),
            _ => failure::of_status(status),
        };
        Some((reason, Some(status)))
    }

    /// Whether this server is not to get the device's certificate, of which there is one.
    fn withholds_certificate(&self, url: &str) -> bool {
        let named = || self.rules.allowed.patterns().iter().any(|own| own.is_secure() && own.contains(url));
        self.rules.browser.client_certificate.is_some() && url.starts_with("https:") && !named()
    }

    fn is_of_same_origin(&self, url: &str) -> bool {
        origin(url)
            .is_some_and(|own| [&self.document.url, &self.ordered].iter().any(|of| origin(of).as_ref() == Some(&own)))
    }

    /// The page that is shown, loading itself again, or the one that was ordered last.
    fn is_own(&self, url: &str) -> bool {
        is_same(url, &self.document.url) || is_same(url, &self.ordered)
    }

    /// A page wants to go somewhere; the script in it has taken back what is for other programs, and a blank page where
    /// that may not be shown. Returns whether this is one of them.
    pub(super) fn navigation_scheduled(&mut self, parameters: &Value, may_be_blank: bool) -> bool {
        let reason = parameters["reason"].as_str().unwrap_or_default();
        self.by_person = reason == "anchorClick" || reason.starts_with("formSubmission");
        self.by_form = reason == "formSubmissionPost";
        let url = parameters["url"].as_str().unwrap_or_default();
        let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let web = match scheme.as_str() {
            "http" | "https" | "file" | "blob" | "data" | "javascript" | "" => true,
            "about" => may_be_blank,
            _ => false,
        };
        if !web {
            self.refused(url);
        }
        !web
    }

    pub(super) fn refused(&mut self, url: &str) {
        self.events.push(Event::Refused { url: url.to_owned() });
    }

    fn go_on(&mut self, request: &str, paused: &Value) {
        let mut order = json!({ "requestId": request });
        if !is_response(paused)
            && let Some(headers) = self.headers(paused)
        {
            wire::set(&mut order, "headers", headers);
        }
        self.wire.send(None, "Fetch.continueRequest", order, Purpose::Other);
    }

    pub(super) fn take_back(&mut self, request: &str) {
        let aborted = json!({ "requestId": request, "errorReason": "Aborted" });
        self.wire.send(None, "Fetch.failRequest", aborted, Purpose::Other);
    }

    fn fill_frame(&mut self, request: &str) {
        let answer = json!({
            "requestId": request, "responseCode": 200, "body": EMPTY_FRAME_BASE64,
            "responseHeaders": [{ "name": "Content-Type", "value": "text/html" }, { "name": "Cache-Control", "value": "no-store" }],
        });
        self.wire.send(None, "Fetch.fulfillRequest", answer, Purpose::Other);
    }
}

fn is_post(paused: &Value) -> bool {
    paused.pointer("/request/method").is_some_and(|method| method == "POST")
}

fn is_response(paused: &Value) -> bool {
    !paused["responseStatusCode"].is_null() || !paused["responseErrorReason"].is_null()
}

/// The server of a frame is away, or a proxy says so in its name.
fn frame_failed(paused: &Value) -> bool {
    let error = paused["responseErrorReason"].as_str();
    let failed = error.is_some_and(|error| !matches!(error, "Aborted" | "BlockedByClient" | "BlockedByResponse"));
    failed || matches!(paused["responseStatusCode"].as_u64(), Some(502..=504))
}

/// Whether both are of the same document.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    without_fragment(one) == without_fragment(other)
}

/// As a request has it; browsers add a slash to a bare host.
fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or_default().trim_end_matches('/')
}

/// A request keeps its number, and gets another one behind the last point with each redirection.
pub(super) fn job(request: &str) -> &str {
    request.rsplit_once('.').map_or(request, |(job, _)| job)
}

fn is_pdf(paused: &Value) -> bool {
    header(paused, "content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("application/pdf"))
}

fn header<'a>(paused: &'a Value, name: &str) -> Option<&'a str> {
    let headers = paused["responseHeaders"].as_array()?;
    let header =
        headers.iter().find(|header| header["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name)));
    header?["value"].as_str()
}

/// Where the response to a request for `url` leads on to.
fn redirection(url: &str, paused: &Value) -> Option<String> {
    let status = paused["responseStatusCode"].as_u64()?;
    let to = header(paused, "location").filter(|_| (300..400).contains(&status))?;
    Some(Url::parse(url).ok()?.join(to).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_is_resolved_as_a_browser_does() {
        let answer = |status: u16, to: &str| json!({ "responseStatusCode": status, "responseHeaders": [{ "name": "LOCATION", "value": to }] });
        assert_eq!(redirection("http://a/b/c", &answer(302, "../d")).as_deref(), Some("http://a/d"));
        assert_eq!(redirection("https://a/b", &answer(301, "//e.example")).as_deref(), Some("https://e.example/"));
        assert_eq!(redirection("http://a/b", &answer(200, "/d")), None);
    }

    const EMPTY_FRAME: &str =
        "<!doctype html><meta http-equiv=refresh content=5><meta name=color-scheme content='light dark'>";

    #[test]
    fn the_encoded_empty_frame_decodes_to_its_source() {
        let mut bits =
            EMPTY_FRAME.bytes().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect::<Vec<u8>>();
        bits.resize(bits.len().div_ceil(6) * 6, 0);
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digit = |six: &[u8]| alphabet[six.iter().fold(0, |sum, bit| sum * 2 + usize::from(*bit))] as char;
        let mut text: String = bits.chunks(6).map(digit).collect();
        text.extend(std::iter::repeat_n('=', (4 - text.len() % 4) % 4));
        assert_eq!(text, EMPTY_FRAME_BASE64);
    }
}
