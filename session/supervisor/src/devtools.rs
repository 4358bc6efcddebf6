//! The DevTools pipe's framing: JSON messages, each ended by a NUL byte. [`crate::browser`] reads and writes the
//! pipe with it; what the messages mean is in [`crate::page`]. Nothing a browser sends makes it fail or grow
//! without bound.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::collections::VecDeque;

use serde_json::Value;

use kiosk_core::config::masked;

/// Longest message kept, bytes. A page's URL may be 2 MiB and comes several times in one message; what is
/// longer is skipped whole.
pub const MAX_MESSAGE: usize = 32 * 1024 * 1024;

/// Values that a message may be made of: one of nothing but small ones takes far more memory when it is read. A page
/// with a thousand frames has some ten thousand.
pub const MAX_VALUES: usize = 100_000;

/// Cuts what is read into messages.
#[derive(Debug, Default)]
pub struct Frames {
    partial: Vec<u8>,
    /// The message being read is too long: it is thrown away up to its end.
    skipping: bool,
    /// With their lengths as text.
    messages: VecDeque<(Value, usize)>,
}

impl Frames {
    /// Takes in bytes as they were read.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while let Some((message, rest)) =
            bytes.iter().position(|byte| *byte == 0).and_then(|end| bytes.split_at_checked(end))
        {
            self.append(message);
            self.finish();
            bytes = rest.strip_prefix(&[0]).unwrap_or_default();
        }
        self.append(bytes);
    }

    /// The next whole message, and its length as text, bytes.
    pub fn pop(&mut self) -> Option<(Value, usize)> {
        self.messages.pop_front()
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.skipping {
            return;
        }
        if self.partial.len() + bytes.len() > MAX_MESSAGE {
            tracing::warn!(most = MAX_MESSAGE, "the browser sent a message that is too long; it is skipped");
            self.skipping = true;
            self.partial = Vec::new();
            return;
        }
        self.partial.extend_from_slice(bytes);
    }

    fn finish(&mut self) {
        let message = std::mem::take(&mut self.partial);
        if std::mem::take(&mut self.skipping) {
            return;
        }
        if values(&message) > MAX_VALUES {
            return tracing::warn!(most = MAX_VALUES, "the browser sent a message of too many values; it is skipped");
        }
        match serde_json::from_slice(&message) {
            Ok(value) => self.messages.push_back((value, message.len())),
            Err(error) => tracing::warn!(%error, "the browser sent a message that is no JSON; it is skipped"),
        }
    }
}

/// How many values a text has at most, if it is JSON: each but the first stands behind one of these.
fn values(text: &[u8]) -> usize {
    let (mut count, mut quoted, mut escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' | b':' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// A message as it is written to the pipe.
pub fn frame(message: &Value) -> Vec<u8> {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(0);
    bytes
}

/// A message for the log. Of what may hold passwords, cookies or headers there is only the method.
pub fn loggable(message: &Value) -> String {
    let method = message["method"].as_str().unwrap_or_default();
    if method.starts_with("Fetch.") || method.starts_with("Storage.") {
        return format!("{method} (not told)");
    }
    masked(&message.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn all(frames: &mut Frames) -> Vec<Value> {
        std::iter::from_fn(|| frames.pop()).map(|(message, _)| message).collect()
    }

    #[test]
    fn what_may_hold_secrets_is_not_for_the_log() {
        for method in ["Fetch.continueWithAuth", "Fetch.continueRequest", "Fetch.requestPaused", "Storage.setCookies"] {
            let text = loggable(&json!({ "method": method, "params": { "any": "geheim" } }));
            assert!(text.contains(method) && !text.contains("geheim"), "{text}");
        }
        let text = loggable(&json!({ "method": "Page.navigate", "params": { "url": "http://a:geheim@b/x" } }));
        assert!(text.contains("@b/x") && !text.contains("geheim"), "{text}");
    }

    #[test]
    fn garbage_between_messages_is_skipped() {
        let mut frames = Frames::default();
        frames.push(b"{\"id\":1}\0not json\0\0\xff\xfe\0{\"id\":2}\0{\"id\"");
        assert_eq!(all(&mut frames), [json!({"id": 1}), json!({"id": 2})]);
        frames.push(b":3}\0");
        assert_eq!(all(&mut frames), [json!({"id": 3})]);
    }

    #[test]
    fn an_endless_message_is_thrown_away_and_the_next_one_read() {
        let mut frames = Frames::default();
        let block = vec![b'x'; 1024 * 1024];
        for _ in 0..100 {
            frames.push(&block);
            assert!(frames.partial.len() <= MAX_MESSAGE);
        }
        frames.push(b"\0{\"id\":4}\0");
        assert_eq!(all(&mut frames), [json!({"id": 4})]);
    }

    #[test]
    fn a_message_of_too_many_values_is_skipped_and_a_long_text_is_not() {
        let mut frames = Frames::default();
        let many = format!("[0{}]\0", ",0".repeat(MAX_VALUES));
        let long = json!({ "url": ",[{:\\\"".repeat(MAX_VALUES) });
        frames.push(many.as_bytes());
        frames.push(&frame(&long));
        assert_eq!(all(&mut frames), [long]);
    }

    proptest! {
        #[test]
        fn messages_are_whole_however_they_arrive(
            texts in prop::collection::vec("[^\0]{0,40}", 0..8), cuts in prop::collection::vec(1usize..50, 1..40),
        ) {
            let messages: Vec<Value> = texts.iter().map(|text| json!({ "text": text })).collect();
            let bytes: Vec<u8> = messages.iter().flat_map(frame).collect();
            let mut frames = Frames::default();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (part, after) = rest.split_at((*cut).min(rest.len()));
                frames.push(part);
                rest = after;
            }
            prop_assert_eq!(all(&mut frames), messages);
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut frames = Frames::default();
            frames.push(&bytes);
            all(&mut frames);
        }
    }
}
