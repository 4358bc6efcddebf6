//! What a message asks for: an order to one of the HTTP interface's routes, or a sentence about what is wrong with it. Topics that
//! are not commands of this device are nobody's business. No I/O.
//!
//! `BASE/request` takes any request as JSON; `BASE/set/…` take a bare value each, as home automation sends them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::connection::Message;

/// Longest identifier of a request, and of what its answer repeats, bytes.
const MAX_ID: usize = 256;
/// Longest topic for an answer, bytes.
const MAX_RESPONSE_TOPIC: usize = 512;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// As a request over HTTP has it.
    pub method: String,
    /// With what is behind the question mark.
    pub path: String,
    /// Null: none.
    pub body: Value,
    /// The picture of the answer goes to `BASE/screenshot`.
    pub picture: bool,
    /// Who wants to know.
    pub reply: Reply,
}

/// Where the answer goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The whole topic.
    pub topic: String,
    /// What the question said, null without.
    pub id: Value,
    /// MQTT's own way.
    pub correlation: Option<Vec<u8>>,
}

/// An order that is none, with who is told so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who is told.
    pub reply: Reply,
    /// One sentence.
    pub detail: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(default)]
    id: Value,
    method: String,
    path: String,
    #[serde(default)]
    body: Value,
}

/// The topics that are listened to.
pub fn filters(base: &str) -> Vec<String> {
    vec![format!("{base}/request"), format!("{base}/set/#")]
}

/// `None`: the message is nothing of ours.
pub fn understand(base: &str, message: &Message) -> Option<Result<Order, Refusal>> {
    let below = message.topic.strip_prefix(base)?.strip_prefix('/')?;
    let is_request = below == "request";
    let value = below.strip_prefix("set/");
    if !is_request && value.is_none() {
        return None;
    }
    let usual = format!("{base}/response");
    let mut reply = Reply { topic: usual.clone(), ..Reply::default() };
    if !is_request {
        reply.id = below.chars().take(MAX_ID).collect::<String>().into();
    }
    let refuse = |reply: &Reply, detail: String| Some(Err(Refusal { reply: reply.clone(), detail }));
    match &message.correlation {
        Some(data) if data.len() > MAX_ID => {
            return refuse(&reply, format!("the correlation data is longer than {MAX_ID} bytes"));
        }
        correlation => reply.correlation.clone_from(correlation),
    }
    if let Some(topic) = &message.response {
        // Nobody has this device write anywhere else.
        let fits = topic.strip_prefix(&usual).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !fits || topic.len() > MAX_RESPONSE_TOPIC || topic.contains(['+', '#']) {
            return refuse(&reply, format!("allowed as response topic is {usual} and what is below it"));
        }
        reply.topic.clone_from(topic);
    }
    if message.retain {
        let detail = "retained commands are ignored: publish it without retain, and take away what is kept by an empty retained message";
        return refuse(&reply, detail.to_owned());
    }
    let order = match value {
        Some(below) => bare(below, &message.payload),
        None => request(&message.payload, &mut reply),
    };
    Some(match order {
        Ok((method, path, body)) => {
            let picture = path.split('?').next() == Some("/v1/screenshot");
            Ok(Order { method, path, body, picture, reply })
        }
        Err(detail) => Err(Refusal { reply, detail }),
    })
}

type Parts = (String, String, Value);

fn request(payload: &[u8], reply: &mut Reply) -> Result<Parts, String> {
    if !payload.trim_ascii_start().starts_with(b"{") {
        return Err(
            "a request is a JSON object such as {\"id\": 1, \"method\": \"GET\", \"path\": \"/v1/status\"}".into()
        );
    }
    let request: Request =
        serde_json::from_slice(payload).map_err(|error| format!("the request can't be used: {error}"))?;
    let fits = match &request.id {
        Value::String(text) => text.len() <= MAX_ID,
        Value::Null | Value::Number(_) => true,
        _ => false,
    };
    if !fits {
        return Err(format!("id: allowed is a number or a text of at most {MAX_ID} bytes"));
    }
    reply.id = request.id;
    Ok((request.method, request.path, request.body))
}

/// `set/…`.
fn bare(below: &str, payload: &[u8]) -> Result<Parts, String> {
    let text = std::str::from_utf8(payload).map_err(|_| "the value is not UTF-8".to_owned())?;
    let value = text.trim();
    let parts: Vec<&str> = below.split('/').collect();
    let post = |path: &str, body: Value| Ok(("POST".to_owned(), path.to_owned(), body));
    let number = || value.parse::<f64>().map_err(|_| format!("{below}: {value:.40?} is no number"));
    match parts.as_slice() {
        ["output", name, key] => {
            let value = match *key {
                "power" => json!(on_off(below, value)?),
                "rotation" | "brightness" => json!(number()?),
                "scale" => value.parse::<f64>().map_or_else(|_| json!(value), |number| json!(number)),
                "mode" | "mirror" => json!(value),
                _ => return Err(nothing(below)),
            };
            let body = Value::Object([((*key).to_owned(), value)].into_iter().collect());
            Ok(("PATCH".into(), format!("/v1/outputs/{}", escaped(name)), body))
        }
        ["shell", shell, "url"] => post("/v1/open", of_shell(shell, &[("url", json!(value))])),
        ["shell", shell, "hard-reload"] => post("/v1/reload", of_shell(shell, &[("hard", json!(true))])),
        ["shell", shell, "reload"] => post("/v1/reload", of_shell(shell, &[])),
        ["shell", shell, verb @ ("home" | "restart" | "stop" | "start" | "clear-data")] => {
            post(&format!("/v1/{verb}"), of_shell(shell, &[]))
        }
        ["message"] => post("/v1/message", json!({ "text": text })),
        ["dismiss"] => post("/v1/dismiss", Value::Null),
        ["confirm"] => post("/v1/outputs/confirm", Value::Null),
        ["keyboard"] => post("/v1/keyboard", json!({ "keyboard": value })),
        ["accessibility", aid] => {
            let state = if value == "auto" { "auto" } else { on_off(below, value)? };
            post("/v1/accessibility", json!({ "aid": aid, "state": state }))
        }
        ["reload-configuration"] => post("/v1/config/reload", Value::Null),
        ["screenshot"] => Ok(("GET".into(), "/v1/screenshot".into(), Value::Null)),
        _ => Err(nothing(below)),
    }
}

/// A body; without a name the first shell is meant.
fn of_shell(shell: &str, more: &[(&str, Value)]) -> Value {
    let named = (shell != "0").then(|| ("shell".to_owned(), json!(shell)));
    let more = more.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    Value::Object(named.into_iter().chain(more).collect())
}

fn on_off(below: &str, value: &str) -> Result<&'static str, String> {
    match value {
        "ON" | "on" => Ok("on"),
        "OFF" | "off" => Ok("off"),
        _ => Err(format!("{below}: allowed is ON or OFF")),
    }
}

fn nothing(below: &str) -> String {
    let below: String = below.chars().take(80).collect();
    format!(
        "there is nothing to set at {below:?}; there are output/NAME/power, rotation, brightness, scale, mode and mirror, \
         shell/NUMBER/url, reload, hard-reload, home, restart, stop, start and clear-data, message, dismiss, confirm, \
         keyboard, accessibility/AID, reload-configuration, screenshot"
    )
}

/// For a path: what is no letter, digit, - or _ as %XX.
fn escaped(name: &str) -> String {
    let escape = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'*' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: &str) -> Message {
        Message { topic: topic.into(), payload: payload.into(), retain: false, response: None, correlation: None }
    }

    fn order(topic: &str, payload: &str) -> Parts {
        let order = understand("kiosk/a", &message(topic, payload)).unwrap().unwrap();
        (order.method, order.path, order.body)
    }

    fn refusal(message: &Message) -> String {
        understand("kiosk/a", message).unwrap().unwrap_err().detail
    }

    #[test]
    fn a_bare_value_is_an_order() {
        for (topic, payload, method, path, body) in [
            ("output/HDMI-A-1/power", "OFF", "PATCH", "/v1/outputs/HDMI-A-1", json!({ "power": "off" })),
            ("output/DP 1/rotation", "90", "PATCH", "/v1/outputs/DP%201", json!({ "rotation": 90.0 })),
            ("output/*/scale", "auto", "PATCH", "/v1/outputs/*", json!({ "scale": "auto" })),
            ("shell/0/url", "http://b", "POST", "/v1/open", json!({ "url": "http://b" })),
            ("shell/1/restart", "PRESS", "POST", "/v1/restart", json!({ "shell": "1" })),
            ("message", " Hello ", "POST", "/v1/message", json!({ "text": " Hello " })),
            ("accessibility/contrast", "ON", "POST", "/v1/accessibility", json!({ "aid": "contrast", "state": "on" })),
            ("screenshot", "", "GET", "/v1/screenshot", Value::Null),
        ] {
            let expected = (method.to_owned(), path.to_owned(), body);
            assert_eq!(order(&format!("kiosk/a/set/{topic}"), payload), expected, "{topic}");
        }
    }

    #[test]
    fn a_request_is_answered_where_it_asks_for_it_below_the_device_s_own_topic() {
        let mut asked = message("kiosk/a/request", r#"{"id": 7, "method": "GET", "path": "/v1/status"}"#);
        asked.response = Some("kiosk/a/response/node-red".into());
        asked.correlation = Some(b"x".to_vec());
        let order = understand("kiosk/a", &asked).unwrap().unwrap();
        assert_eq!(order.reply.topic, "kiosk/a/response/node-red");
        assert_eq!((order.reply.id, order.reply.correlation), (json!(7), Some(b"x".to_vec())));
        for foreign in ["kiosk/b/request", "kiosk/a/responses", "kiosk/a/response/#", "$SYS/x", ""] {
            asked.response = Some(foreign.into());
            assert!(refusal(&asked).contains("kiosk/a/response"), "{foreign}");
        }
    }

    #[test]
    fn what_is_no_command_of_ours_is_ignored_and_what_is_wrong_is_told() {
        for topic in
            ["kiosk/b/set/message", "kiosk/ab/request", "kiosk/a", "kiosk/a/state", "kiosk/a/response", "", "x"]
        {
            assert_eq!(understand("kiosk/a", &message(topic, "{}")), None, "{topic}");
        }
        for (topic, payload, says) in [
            ("set/nothing", "", "there is nothing to set"),
            ("set/output/DP-1/power", "maybe", "ON or OFF"),
            ("set/output/DP-1/rotation", "left", "no number"),
            ("set/output/DP-1/colour", "red", "there is nothing"),
            ("request", "[]", "JSON object"),
            ("request", "{", "EOF"),
            ("request", r#"{"id": [], "method": "GET", "path": "/"}"#, "id: allowed"),
            ("request", r#"{"method": "GET", "path": "/", "now": 1}"#, "unknown field"),
        ] {
            let said = refusal(&message(&format!("kiosk/a/{topic}"), payload));
            assert!(said.contains(says), "{topic} {payload}: {said}");
        }
        let mut kept = message("kiosk/a/set/dismiss", "");
        kept.retain = true;
        assert!(refusal(&kept).contains("retained commands are ignored"));
        let mut long = message("kiosk/a/set/dismiss", "");
        long.correlation = Some(vec![0; MAX_ID + 1]);
        assert!(refusal(&long).contains("correlation data"));
    }
}
