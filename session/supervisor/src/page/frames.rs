//! Checks whether the page gets its animation frames: a browser whose rendering is stuck shows a still picture of a
//! page that answers pings. Checked together with the ping.

use serde_json::Value;

use super::Page;
use crate::machine::Event;

/// In every document of a page's main frame, before its own scripts.
pub(super) const SCRIPT: &str = include_str!("frames.js");
/// The ping's expression. Any answer counts; a document without the script waits for no frame.
pub(super) const QUESTION: &str = "window.__kioskFrames ? __kioskFrames() : 0";
/// A frame that was asked for this long ago is late, in milliseconds: on the slowest machine one takes a second.
const LATE: f64 = 5000.0;

impl Page {
    /// The answer has come, of whatever kind: a page may have made the function its own.
    pub(super) fn frames_told(&mut self, result: &Value) {
        let late = result.pointer("/result/value").and_then(Value::as_f64).is_some_and(|waited| waited >= LATE);
        if late || self.frame_late {
            self.events.push(Event::FrameLate { late });
        }
        self.frame_late = late;
    }
}
