//! The page's console, for who listens to it (`Session1.Console`): what scripts say, errors that nobody catches, and what the
//! browser says of the page. By a DevTools session of its own, which is there only while somebody listens: what is enabled in it
//! changes nothing for the session that the page is supervised by.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::Page;
use super::wire::Purpose;
use kiosk_core::config::masked;
use kiosk_core::text::shortened;

/// Lines that wait to be fetched; of more the oldest are lost.
const MAX_LINES: usize = 64;
/// Longest text, characters.
const MAX_TEXT: usize = 2000;
/// Values of one call that are shown.
const MAX_VALUES: usize = 20;
/// Longest address, characters.
const MAX_URL: usize = 500;

/// What the console is about.
#[derive(Debug, Default)]
pub(super) struct Console {
    wanted: bool,
    /// Its session was ordered, and is not there yet.
    ordered: bool,
    session: Option<String>,
    lines: VecDeque<Value>,
}

impl Console {
    fn push(&mut self, level: &str, source: &str, text: &str, place: (&str, Option<u64>)) {
        if self.lines.len() >= MAX_LINES {
            self.lines.pop_front();
        }
        let text = clean(&shortened(text, MAX_TEXT));
        let url = clean(&shortened(&masked(place.0), MAX_URL));
        self.lines.push_back(json!({ "level": level, "source": source, "text": text, "url": url, "line": place.1 }));
    }

    fn take(&mut self, method: &str, parameters: &Value) {
        match method {
            "Runtime.consoleAPICalled" => {
                let values = parameters["args"].as_array().map(Vec::as_slice).unwrap_or_default();
                let text: Vec<String> = values.iter().take(MAX_VALUES).map(value_text).collect();
                let frame = parameters.pointer("/stackTrace/callFrames/0").unwrap_or(&Value::Null);
                self.push(level(&parameters["type"]), "console", &text.join(" "), place(frame));
            }
            "Runtime.exceptionThrown" => {
                let details = &parameters["exceptionDetails"];
                let what = details.pointer("/exception/description").and_then(Value::as_str).unwrap_or_default();
                let text = format!("{} {what}", details["text"].as_str().unwrap_or_default());
                self.push("error", "exception", text.trim(), place(details));
            }
            "Log.entryAdded" => {
                let entry = &parameters["entry"];
                let text = entry["text"].as_str().unwrap_or_default();
                self.push(level(&entry["level"]), "browser", text, place(entry));
            }
            _ => {}
        }
    }
}

/// Words of a fixed set; the browser has about twenty.
fn level(told: &Value) -> &'static str {
    match told.as_str() {
        Some("error" | "assert") => "error",
        Some("warning") => "warning",
        Some("debug" | "verbose") => "debug",
        _ => "info",
    }
}

/// Lines count from 1, as people count them.
fn place(at: &Value) -> (&str, Option<u64>) {
    (at["url"].as_str().unwrap_or_default(), at["lineNumber"].as_u64().map(|line| line.saturating_add(1)))
}

/// As the browser's own console shows a value, in short.
fn value_text(value: &Value) -> String {
    let described = || value["description"].as_str().or(value["unserializableValue"].as_str());
    match &value["value"] {
        Value::String(text) => text.clone(),
        Value::Null => {
            let kind = value["subtype"].as_str().or(value["type"].as_str());
            described().or(kind).unwrap_or_default().to_owned()
        }
        other => described().map_or_else(|| other.to_string(), str::to_owned),
    }
}

/// For a terminal: no escape sequences. Lines and tabs stay.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !"\n\t".contains(c) { '\u{fffd}' } else { c }).collect()
}

impl Page {
    /// Somebody listens to the console, or nobody does any more.
    pub fn listen_to_console(&mut self, wanted: bool) {
        if self.console.wanted == wanted {
            return;
        }
        self.console.wanted = wanted;
        if wanted {
            self.open_console();
        } else if let Some(session) = self.console.session.take() {
            self.wire.send(None, "Target.detachFromTarget", json!({ "sessionId": session }), Purpose::Other);
            self.console.lines.clear();
        }
    }

    /// Whether there are lines.
    pub fn take_console(&mut self) -> VecDeque<Value> {
        std::mem::take(&mut self.console.lines)
    }

    /// Orders its session, where there is a page and none is ordered.
    pub(super) fn open_console(&mut self) {
        if self.console.wanted && !self.console.ordered && self.console.session.is_none() && self.session.is_some() {
            self.console.ordered = true;
            let target = json!({ "targetId": self.document.frame, "flatten": true });
            self.wire.send(None, "Target.attachToTarget", target, Purpose::Console);
        }
    }

    /// Whether a session that has come to be of `target` is the console's.
    pub(super) fn console_attached(&mut self, session: &str, target: &str) -> bool {
        if !self.console.ordered || target != self.document.frame {
            return false;
        }
        self.console.ordered = false;
        if self.console.wanted {
            for domain in ["Runtime.enable", "Log.enable"] {
                self.wire.send(Some(session), domain, json!({}), Purpose::Other);
            }
            self.console.session = Some(session.to_owned());
        } else {
            self.wire.send(None, "Target.detachFromTarget", json!({ "sessionId": session }), Purpose::Other);
        }
        true
    }

    /// Its session was not to be had.
    pub(super) fn console_refused(&mut self, error: &str) {
        self.console.ordered = false;
        tracing::warn!(error, "the page's console can't be read");
    }

    /// Whether it was the console's session that went.
    pub(super) fn console_detached(&mut self, session: &str) -> bool {
        let own = self.console.session.as_deref() == Some(session);
        if own {
            self.console.session = None;
            self.open_console();
        }
        own
    }

    /// Whether it was for the console.
    pub(super) fn console_said(&mut self, session: &str, method: &str, parameters: &Value) -> bool {
        let own = self.console.session.as_deref() == Some(session);
        if own {
            self.console.take(method, parameters);
        }
        own
    }
}
