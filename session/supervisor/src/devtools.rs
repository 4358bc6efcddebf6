//! The DevTools pipe's framing: JSON messages, each ended by a NUL byte. [`crate::browser`] reads and writes the pipe
//! with it; [`crate::page`] interprets the messages. No input makes it fail or grow without bound.

use std::collections::VecDeque;

use serde_json::Value;

use kiosk_core::config::masked;

/// Longest message kept, bytes. A page's URL may be 2 MiB and occurs several times in one message; longer messages are
/// skipped, except that a paused request is still identified: see [`Skipped`].
pub const MAX_MESSAGE: usize = 32 * 1024 * 1024;

/// Most values in a message: many small values take far more memory than their text. A page with a thousand frames has
/// some ten thousand.
pub const MAX_VALUES: usize = 100_000;

/// Splits the byte stream into messages.
#[derive(Debug, Default)]
pub struct Frames {
    partial: Vec<u8>,
    /// The current message is too long and is discarded up to its end.
    skipping: Option<Skipped>,
    /// With their lengths as text.
    messages: VecDeque<(Value, usize)>,
}

impl Frames {
    /// Adds bytes as they were read.
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
        if let Some(skipped) = &mut self.skipping {
            return skipped.append(bytes);
        }
        if self.partial.len() + bytes.len() > MAX_MESSAGE {
            let mut skipped = Skipped::new(&std::mem::take(&mut self.partial));
            skipped.append(bytes);
            self.skipping = Some(skipped);
            return;
        }
        self.partial.extend_from_slice(bytes);
    }

    fn finish(&mut self) {
        let message = std::mem::take(&mut self.partial);
        if let Some(skipped) = self.skipping.take() {
            return self.keep_request(&skipped, "is too long");
        }
        if values(&message) > MAX_VALUES {
            return self.keep_request(&Skipped::new(&message), "has too many values");
        }
        match serde_json::from_slice(&message).or_else(|_| serde_json::from_slice(&with_whole_pairs(&message))) {
            Ok(value) => self.messages.push_back((value, message.len())),
            Err(error) => self.keep_request(&Skipped::new(&message), &format!("is no JSON ({error})")),
        }
    }

    /// For a message that cannot be parsed: queues its paused request, if it is about one.
    fn keep_request(&mut self, skipped: &Skipped, why: &str) {
        match skipped.request() {
            Some(request) => self.messages.push_back((request, HEAD + TAIL)),
            None => tracing::warn!("DevTools message skipped: it {why}"),
        }
    }
}

/// Replaces each unpaired surrogate escape by U+FFFD. The browser writes them for invalid UTF-8 in a request's body
/// (such as ED A0 80), and JSON parsers refuse them.
fn with_whole_pairs(text: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) =
        rest.iter().position(|byte| *byte == b'\\').and_then(|at| rest.split_at_checked(at))
    {
        whole.extend_from_slice(before);
        let (is_whole, length) = match (surrogate(escape), escape.get(ESCAPE..).and_then(surrogate)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (true, 2 * ESCAPE),
            (Some(_), _) => (false, ESCAPE),
            // A backslash and the escaped character, which may be another backslash.
            (None, _) => (true, 2),
        };
        let (escape, after) = escape.split_at_checked(length).unwrap_or((escape, &[]));
        whole.extend_from_slice(if is_whole { escape } else { b"\\ufffd" });
        rest = after;
    }
    whole.extend_from_slice(rest);
    whole
}

/// Length of `\uXXXX`.
const ESCAPE: usize = 6;

/// The surrogate that the text begins with, as an escape.
fn surrogate(text: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(text.strip_prefix(b"\\u")?.get(..4)?).ok()?;
    u16::from_str_radix(digits, 16).ok().filter(|unit| (0xD800..=0xDFFF).contains(unit))
}

/// Bytes kept of the beginning and the end of a message that is too long. The end contains a response's headers, of
/// which Chromium accepts 256 KiB.
const HEAD: usize = 512;
const TAIL: usize = 1 << 20;

/// A message that is too long or cannot be parsed. It may be about a paused request, with its complete body, which
/// still needs an answer.
#[derive(Debug)]
struct Skipped {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Skipped {
    fn new(begin: &[u8]) -> Self {
        let mut skipped = Skipped { head: begin.iter().copied().take(HEAD).collect(), tail: Vec::new() };
        skipped.append(begin);
        skipped
    }

    fn append(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default());
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    /// The id and resource type of its paused request. The search patterns contain unescaped quotes, which the browser
    /// escapes within texts, so a page cannot forge them.
    fn request(&self) -> Option<Value> {
        const BEGIN: &str = "{\"method\":\"Fetch.requestPaused\",\"params\":{\"requestId\":\"";
        const KIND: &str = "\"resourceType\":\"";
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&self.tail));
        let (request, _) = head.strip_prefix(BEGIN)?.split_once('"')?;
        let (_, kind) = tail.rsplit_once(KIND)?;
        let (kind, _) = kind.split_once('"')?;
        let parameters = serde_json::json!({ "requestId": request, "resourceType": kind, TOO_LONG: true });
        Some(serde_json::json!({ "method": "Fetch.requestPaused", "params": parameters }))
    }
}

/// Marks a request of which only id and resource type are known.
pub const TOO_LONG: &str = "kiosk-too-long";

/// Upper bound of the number of values in a JSON text: each but the first follows one of these characters.
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

/// A message for the log; only the method if it may contain passwords, cookies or headers.
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
    fn a_request_that_sends_too_much_is_known_by_its_number_and_kind() {
        let mut frames = Frames::default();
        let body = "\\\"resourceType\\\":\\\"XHR\\\"".repeat(MAX_MESSAGE / 20);
        let head = r#"{"method":"Fetch.requestPaused","params":{"requestId":"job-7.0","request":{"postData":""#;
        for end in [r#""},"frameId":"F","resourceType":"Document"},"sessionId":"S"}"#, r#""}}}"#] {
            for part in [head, &body, end, "\0{\"id\":1}\0"] {
                part.as_bytes().chunks(100_000).for_each(|bytes| frames.push(bytes));
            }
            let found = all(&mut frames);
            assert_eq!(found.last(), Some(&json!({ "id": 1 })));
            let known = json!({ "requestId": "job-7.0", "resourceType": "Document", TOO_LONG: true });
            match end.contains("Document") {
                true => assert_eq!(found[0], json!({ "method": "Fetch.requestPaused", "params": known })),
                false => assert_eq!(found.len(), 1, "what it is for is not known"),
            }
        }
    }

    #[test]
    fn lone_surrogates_are_replaced_and_valid_escapes_stay() {
        for (sent, read) in [
            (r"\ud800", "\u{fffd}"),
            (r"a\uDBFFb\udfffc", "a\u{fffd}b\u{fffd}c"),
            (r"\ud83d\ude00\ud83d", "\u{1f600}\u{fffd}"),
            (r"\ud800\ud83d\ude00", "\u{fffd}\u{1f600}"),
            (r"\ude00\ud83d\u0041", "\u{fffd}\u{fffd}A"),
            (r"\\ud800\\\ud800", "\\ud800\\\u{fffd}"),
            (r#"\"\ud800\n\""#, "\"\u{fffd}\n\""),
        ] {
            let mut frames = Frames::default();
            frames.push(format!("{{\"method\":\"M\",\"text\":\"{sent}\"}}\0").as_bytes());
            assert_eq!(all(&mut frames), [json!({ "method": "M", "text": read })], "{sent}");
        }
    }

    #[test]
    fn a_request_that_can_not_be_read_is_known_by_its_number_and_kind() {
        let many = format!("[0{}]", ",0".repeat(MAX_VALUES));
        for body in ["\"\\x\"", "\"\u{1}\"", &many] {
            let mut frames = Frames::default();
            let head = r#"{"method":"Fetch.requestPaused","params":{"requestId":"job-7.0","request":{"postData":"#;
            frames.push(format!("{head}{body}}},\"resourceType\":\"Fetch\"}}}}\0{{\"id\":1}}\0").as_bytes());
            let known = json!({ "requestId": "job-7.0", "resourceType": "Fetch", TOO_LONG: true });
            let request = json!({ "method": "Fetch.requestPaused", "params": known });
            assert_eq!(all(&mut frames), [request, json!({ "id": 1 })]);
        }
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
        fn arbitrary_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut frames = Frames::default();
            frames.push(&bytes);
            all(&mut frames);
        }
    }
}
