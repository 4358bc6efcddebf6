//! The page's calls through `window.kiosk`: checks the caller and the arguments. The daemon carries out valid calls,
//! and answers.
//!
//! A call comes through a binding that every script of the page's process can find, so its content is not trusted. It
//! is accepted if its session is the page's own, the document is of one of `api.origins`, and its execution context is
//! the main frame's, of the same origin: the context is evaluated for two names that no script can replace
//! (`window.top`, `location.origin`: `LegacyUnforgeable` in HTML). All others get no answer: they have no pending
//! promise, and answers would amplify a flood.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Page;
use super::wire::{self, Purpose};
use crate::machine::Refusal;
use kiosk_core::config::{Brightness, Rotation};
use kiosk_core::page_calls::{DeviceRequest, MAX_TEXT};
use kiosk_core::quantities::QuantityError;
use kiosk_core::text::{TextError, paintable, shortened};

/// Burst and rate of calls, per second: enough for a slider, not for streaming. The script enforces it and tells the
/// page; calls that bypass the script get twice as many and no answer.
pub(super) const BURST: u32 = 20;
pub(super) const RATE: u32 = 10;
/// Longest call, UTF-16 units, as the script counts: the longest message with each character escaped.
pub(super) const LONGEST: usize = 16 * 1024;
/// Bytes of one of them in UTF-8, at most.
const MAX_UTF8: usize = 3;
/// After this time the script reports to the page that there is no answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Most checked execution contexts, and most calls that wait for the check.
const MAX_CONTEXTS: usize = 64;
const MAX_WAITING: usize = 32;
/// Most ids of handled calls, to recognise repeated ones.
const MAX_HEARD: usize = 64;
/// Longest quoted value, characters.
const MAX_QUOTED: usize = 40;

/// Evaluated in a call's context to identify it; uses only names that scripts cannot change.
const WHO: &str = "window === window.top ? location.origin : ''";

/// A page's call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Reload the page.
    Reload,
    /// Open the first page.
    Home,
    /// A call for the compositor.
    Device(DeviceRequest),
}

/// Where the answer to a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Number of the document that asked, in this browser.
    document: u64,
    context: i64,
    id: String,
}

/// Why a call is refused, in one sentence for the page's author.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError {
    /// A brightness or a rotation is none.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// A message can't be shown.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The value of a message is no text; quoted.
    #[error("the message is {0}, allowed is a text")]
    Message(String),
    /// There is no call of this name.
    #[error("the kiosk has no call {0:?}")]
    Unknown(String),
    /// It is not the JSON that the script writes; says what is wrong.
    #[error("the call can't be read: {0}")]
    Unreadable(String),
    /// The session can't do it now.
    #[error(transparent)]
    Session(#[from] Refusal),
    /// There is no compositor at the moment.
    #[error("kioskd is not there: try again later")]
    NotThere,
    /// The compositor is of a version that knows no such calls.
    #[error("kioskd is older than kiosk-session: it has to be restarted (systemctl restart kiosk)")]
    TooOld,
    /// The compositor has not answered the calls before.
    #[error("kioskd does not answer: try again later")]
    NoAnswer,
    /// The compositor can't do it; its sentence.
    #[error("{0}")]
    Compositor(String),
}

/// As the script writes it.
#[derive(Deserialize)]
struct Call {
    id: String,
    name: String,
    #[serde(default)]
    value: Value,
}

/// How many calls are heard.
#[derive(Debug)]
pub(super) struct Budget {
    left: f64,
    at: Duration,
}

impl Budget {
    const MOST: f64 = (BURST * 2) as f64;

    /// One more, if so many were not heard lately.
    pub fn take(&mut self, now: Duration) -> bool {
        let anew = now.saturating_sub(self.at).as_secs_f64() * f64::from(RATE * 2);
        self.left = (self.left + anew).min(Self::MOST);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget { left: Budget::MOST, at: Duration::ZERO }
    }
}

/// What is known of the page's calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Counts documents.
    document: u64,
    /// Contexts of this document's process, oldest first, and whether they may ask.
    contexts: VecDeque<(i64, bool)>,
    /// Calls whose context is being judged.
    waiting: VecDeque<(i64, String)>,
    heard: VecDeque<String>,
    budget: Budget,
    /// The document subscribed to presence events.
    listens: bool,
    /// The document has switched its screen off.
    put_out: bool,
    asks: Vec<(Ask, Option<Back>)>,
}

impl Calls {
    /// A new document: undoes the last one's effects on the screen.
    pub fn document_changed(&mut self) {
        if self.put_out {
            self.asks.push((Ask::Device(DeviceRequest::Left {}), None));
        }
        let asks = std::mem::take(&mut self.asks);
        let budget = std::mem::replace(&mut self.budget, Budget { left: 0.0, at: Duration::ZERO });
        *self = Self { document: self.document + 1, budget, asks, ..Self::default() };
    }
}

impl Page {
    /// Whether the document may ask for anything.
    pub(super) fn may_ask(&self) -> bool {
        self.session.is_some() && self.rules.api.grants(&self.document.origin)
    }

    /// The number of the document that subscribed to presence events; 0: none.
    pub fn listens(&self) -> u64 {
        if self.calls.listens { self.calls.document } else { 0 }
    }

    /// What the page asked for since the last call, in order, and where the answers go.
    pub fn take_asks(&mut self) -> Vec<(Ask, Option<Back>)> {
        std::mem::take(&mut self.calls.asks)
    }

    /// A script of the page's session calls.
    pub(super) fn asked_by_script(&mut self, context: i64, text: &str, now: Duration) {
        if !self.may_ask() || text.len() > LONGEST * MAX_UTF8 {
            return;
        }
        match self.calls.contexts.iter().find(|(known, _)| *known == context) {
            Some((_, true)) => self.ask(context, text, now),
            Some((_, false)) => {}
            None if self.calls.waiting.len() < MAX_WAITING => {
                let judged = self.calls.waiting.iter().any(|(other, _)| *other == context);
                self.calls.waiting.push_back((context, text.to_owned()));
                if !judged {
                    let purpose = Purpose::Context { document: self.calls.document, context };
                    let who = json!({ "expression": WHO, "contextId": context, "returnByValue": true, "silent": true });
                    self.send("Runtime.evaluate", who, purpose);
                }
            }
            None => {}
        }
    }

    /// The browser says which context a call came from.
    pub(super) fn context_known(&mut self, document: u64, context: i64, result: &Value, now: Duration) {
        if document != self.calls.document {
            return;
        }
        let origin = result.pointer("/result/value").and_then(Value::as_str).unwrap_or_default();
        let granted = self.may_ask() && origin == self.document.origin;
        if !granted {
            tracing::debug!(origin, "a script that has no part in window.kiosk calls it");
        }
        if self.calls.contexts.len() >= MAX_CONTEXTS {
            self.calls.contexts.pop_front();
        }
        self.calls.contexts.push_back((context, granted));
        let waiting = std::mem::take(&mut self.calls.waiting);
        let (judged, others): (VecDeque<_>, VecDeque<_>) =
            waiting.into_iter().partition(|(other, _)| *other == context);
        self.calls.waiting = others;
        judged.into_iter().filter(|_| granted).for_each(|(context, text)| self.ask(context, &text, now));
    }

    /// A call of a script that may.
    fn ask(&mut self, context: i64, text: &str, now: Duration) {
        // Counted only now, so that others' calls do not use up the page's budget.
        if !self.calls.budget.take(now) {
            return;
        }
        let call = serde_json::from_str(text);
        let Call { id, name, value } = match call {
            Ok(call) => call,
            Err(error) => {
                if let Some(id) = id_of(text) {
                    let back = Back { document: self.calls.document, context, id: id.to_owned() };
                    self.answer(&back, Err(CallError::Unreadable(error.to_string())));
                }
                return;
            }
        };
        if self.calls.heard.contains(&id) {
            return;
        }
        if self.calls.heard.len() >= MAX_HEARD {
            self.calls.heard.pop_front();
        }
        self.calls.heard.push_back(id.clone());
        let back = Back { document: self.calls.document, context, id };
        if name == "listen" {
            self.calls.listens = true;
            return self.answer(&back, Ok(Value::Null));
        }
        match understood(&name, &value) {
            Ok(ask) => {
                if let Ask::Device(DeviceRequest::Screen { on }) = ask {
                    // Whether it was done, and whether "on" will be, is not known yet: what follows does no harm.
                    self.calls.put_out |= !on;
                }
                self.calls.asks.push((ask, Some(back)));
            }
            Err(error) => self.answer(&back, Err(error)),
        }
    }

    /// Settles the promise of a call, if its document is still there.
    pub fn answer(&mut self, back: &Back, answer: Result<Value, CallError>) {
        if back.document != self.calls.document {
            return;
        }
        let message = match answer {
            Ok(value) => json!({ "answer": back.id, "value": value }),
            Err(error) => json!({ "answer": back.id, "error": error.to_string() }),
        };
        self.tell_script(&message, Some(back.context));
    }

    /// Sends a presence event to the page.
    pub fn tell_presence(&mut self, idle: bool) {
        if self.calls.listens {
            self.tell_script(&json!({ "event": if idle { "idle" } else { "wake" } }), None);
        }
    }

    /// What the keyboard on the screen covers of it, logical pixels; `None`: it is gone.
    pub fn tell_keyboard(&mut self, area: Option<(i32, i32, i32, i32)>) {
        let css = |length: i32| (f64::from(length) / self.rules.browser.zoom * 100.0).round() / 100.0;
        let area = area.map(
            |(x, y, width, height)| json!({ "x": css(x), "y": css(y), "width": css(width), "height": css(height) }),
        );
        let detail = json!({ "shown": area.is_some(), "area": area });
        if self.may_ask() {
            self.tell_script(&json!({ "event": "keyboard", "detail": detail }), None);
        }
    }

    /// The binding is there again: the script repeats what it sent meanwhile.
    pub(super) fn hear_again(&mut self) {
        if self.may_ask() {
            self.tell_script(&json!({ "again": true }), None);
        }
    }

    /// To the main frame's script, or to that of a context.
    fn tell_script(&mut self, message: &Value, context: Option<i64>) {
        // JSON is an expression of the language (ECMAScript 2019).
        // Another document may have the number of the context by now, or be in the frame.
        let origin = json!(self.document.origin);
        let expression =
            format!("location.origin === {origin} && typeof __kioskHear === 'function' && void __kioskHear({message})");
        let mut order = json!({ "expression": expression, "silent": true });
        if let Some(context) = context {
            wire::set(&mut order, "contextId", context);
        }
        self.send("Runtime.evaluate", order, Purpose::Other);
    }
}

/// The name of a call that can't be read as a whole: the script writes it first, in letters, digits and dots.
fn id_of(text: &str) -> Option<&str> {
    let (id, _) = text.strip_prefix("{\"id\":\"")?.split_once('"')?;
    id.chars().all(|c| c.is_ascii_alphanumeric() || c == '.').then_some(id)
}

/// What a call means.
fn understood(name: &str, value: &Value) -> Result<Ask, CallError> {
    let quoted = || shortened(&value.to_string(), MAX_QUOTED);
    let request = match name {
        "reload" => return Ok(Ask::Reload),
        "home" => return Ok(Ask::Home),
        "screen" => DeviceRequest::Screen { on: value.as_bool().unwrap_or(true) },
        "brightness" => {
            let percent = value.as_i64().ok_or_else(|| QuantityError::Brightness(quoted()))?;
            Brightness::try_from(percent)?;
            DeviceRequest::Brightness { percent }
        }
        "rotate" => {
            let degrees = value.as_u64().and_then(|degrees| u32::try_from(degrees).ok());
            let degrees = degrees.ok_or_else(|| QuantityError::Rotation(quoted()))?;
            Rotation::try_from(degrees)?;
            DeviceRequest::Rotate { degrees }
        }
        "message" => {
            let text = value.as_str().ok_or_else(|| CallError::Message(quoted()))?;
            DeviceRequest::Message { text: paintable("message", text, MAX_TEXT)? }
        }
        "info" => DeviceRequest::Info {},
        other => return Err(CallError::Unknown(shortened(other, MAX_QUOTED))),
    };
    Ok(Ask::Device(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_pages_are_checked_like_those_of_d_bus_callers() {
        for (name, value, wanted) in [
            ("brightness", json!(101), "brightness is 101, allowed is 0 to 100"),
            ("brightness", json!(1.5), "brightness is 1.5, allowed is 0 to 100"),
            ("brightness", json!("50"), "brightness is \"50\", allowed is 0 to 100"),
            ("rotate", json!(45), "rotation is 45, allowed is 0, 90, 180 or 270"),
            ("rotate", json!(-90), "rotation is -90, allowed is 0, 90, 180 or 270"),
            ("rotate", json!(null), "rotation is null, allowed is 0, 90, 180 or 270"),
            ("message", json!(["a"]), "the message is [\"a\"], allowed is a text"),
            ("message", json!("a\u{1b}"), "the message has the control character '\\u{1b}', allowed is only \\n"),
            ("reboot", json!(null), "the kiosk has no call \"reboot\""),
        ] {
            assert_eq!(understood(name, &value).unwrap_err().to_string(), wanted);
        }
        let long = "x".repeat(MAX_TEXT + 1);
        let refused = understood("message", &json!(long)).unwrap_err().to_string();
        assert_eq!(refused, "the message has 2001 characters, allowed are 2000");
        assert_eq!(understood("rotate", &json!(90)), Ok(Ask::Device(DeviceRequest::Rotate { degrees: 90 })));
        assert_eq!(understood("brightness", &json!(0)), Ok(Ask::Device(DeviceRequest::Brightness { percent: 0 })));
    }

    #[test]
    fn a_call_that_can_not_be_read_has_a_name_to_be_refused_by() {
        assert_eq!(id_of(r#"{"id":"x1.7","name":"message","value":"\ud83d"}"#), Some("x1.7"));
        for none in ["", "{\"name\":1}", r#"{"id":"a b","#, r#"{"id":"a"#] {
            assert_eq!(id_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_flood_is_heard_twice_as_much_as_a_page_that_keeps_to_the_rule() {
        let mut budget = Budget { left: Budget::MOST, at: Duration::ZERO };
        let at = Duration::from_secs(1);
        assert_eq!((0..1000).filter(|_| budget.take(at)).count(), (BURST * 2) as usize);
        assert_eq!((0..1000).filter(|_| budget.take(at * 2)).count(), (RATE * 2) as usize);
    }
}
