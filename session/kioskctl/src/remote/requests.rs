//! The request of each verb that is one, and why there is none where there is none. A test compares it with the OpenAPI
//! document. Pure.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use kiosk_client::Failure;

use crate::cli::{AidState, ConfigVerb, ShellArgs, Verb};
use crate::pairing;

/// Escaped in a part of a path or a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is sent.
#[derive(Debug, PartialEq)]
pub struct Ask {
    pub method: String,
    pub path: String,
    pub body: Option<Value>,
}

#[derive(Debug, PartialEq)]
pub enum Plan {
    One(Ask),
    /// One after the other, each answer a list.
    Several(Vec<Ask>),
    /// It is not done over the network; what to do instead.
    NotThere(&'static str),
}

/// What is no request of its own is not asked for here.
pub fn plan(verb: &Verb) -> Result<Plan, Failure> {
    let post =
        |path: &str, body: Value| Ok(Plan::One(Ask { method: "POST".into(), path: path.into(), body: Some(body) }));
    match verb {
        Verb::Reload { hard, of } => post("/v1/reload", with_shell(json!({ "hard": hard }), of)),
        Verb::Open { url, of } => post("/v1/open", with_shell(json!({ "url": url.as_str() }), of)),
        Verb::Home(of) => post("/v1/home", with_shell(json!({}), of)),
        Verb::Restart(of) => post("/v1/restart", with_shell(json!({}), of)),
        Verb::Stop(of) => post("/v1/stop", with_shell(json!({}), of)),
        Verb::Start(of) => post("/v1/start", with_shell(json!({}), of)),
        Verb::ClearData(of) => post("/v1/clear-data", with_shell(json!({}), of)),
        Verb::Inputs { trust, untrust } => {
            let all = trust.iter().map(|device| (device, true)).chain(untrust.iter().map(|device| (device, false)));
            Ok(Plan::Several(all.map(|(device, trusted)| input(device, json!({ "trusted": trusted }))).collect()))
        }
        Verb::TouchMap { device, output } => Ok(Plan::One(input(device, json!({ "output": output })))),
        Verb::Forget { outputs, key } => {
            let mut body = Map::from_iter([("outputs".to_owned(), json!(outputs))]);
            put(&mut body, "key", key);
            post("/v1/outputs/forget", body.into())
        }
        Verb::Message { text, title } => {
            let mut body = Map::from_iter([("text".to_owned(), json!(text))]);
            put(&mut body, "title", title);
            post("/v1/message", body.into())
        }
        Verb::Pairing { url, code, expires, wifi, wifi_password, title } => {
            let mut body = Map::new();
            for (key, text) in [("url", url), ("code", code), ("wifi", wifi), ("title", title)] {
                put(&mut body, key, text);
            }
            if let Some(time) = expires {
                body.insert("expires".into(), pairing::seconds(*time).into());
            }
            if let Some(file) = wifi_password {
                body.insert("wifi-password".into(), pairing::secret(file)?.into());
            }
            post("/v1/pairing", body.into())
        }
        Verb::Keyboard { state } => post("/v1/keyboard", json!({ "keyboard": state.as_str() })),
        Verb::Accessibility { aid: Some(aid), state: Some(state) } => {
            let state = match state {
                AidState::On => "on",
                AidState::Off => "off",
                AidState::Auto => "auto",
            };
            post("/v1/accessibility", json!({ "aid": aid.as_str(), "state": state }))
        }
        Verb::Accessibility { .. } => {
            Ok(Plan::One(Ask { method: "GET".into(), path: "/v1/accessibility".into(), body: None }))
        }
        Verb::Dismiss => post("/v1/dismiss", json!({})),
        Verb::Vt { number } => post("/v1/vt", json!({ "vt": number.get() })),
        Verb::Config { what: ConfigVerb::Reload } => post("/v1/config/reload", json!({})),
        Verb::Config { .. } => {
            Ok(Plan::NotThere("config check and config show are of the files on the device; run them there"))
        }
        Verb::Doctor { .. } => Ok(Plan::NotThere("doctor looks at the machine that it runs on; run it on the device")),
        Verb::Status { .. } => {
            Ok(Plan::NotThere("--slots, --boot and --frames are read on the machine itself; run it on the device"))
        }
        Verb::Confine { .. } | Verb::Generate { .. } | Verb::Agent { .. } => {
            Ok(Plan::NotThere("this verb is one of this machine's; leave out --host"))
        }
        // These are carried out by way of the state (see [`super::run`]).
        _ => Ok(Plan::NotThere("this verb can't be carried out over the network")),
    }
}

/// The picture of an output, without one of the primary output.
pub fn screenshot(output: Option<&str>) -> String {
    with_query("/v1/screenshot", &[("output", output)])
}

/// A path with what is there behind its question mark.
pub fn with_query(path: &str, values: &[(&str, Option<&str>)]) -> String {
    let there = values.iter().filter_map(|(name, value)| Some(format!("{name}={}", escaped((*value)?))));
    let query = there.collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn input(device: &str, body: Value) -> Ask {
    Ask { method: "PATCH".into(), path: format!("/v1/inputs/{}", escaped(device)), body: Some(body) }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn with_shell(mut body: Value, of: &ShellArgs) -> Value {
    if let (Some(map), Some(shell)) = (body.as_object_mut(), &of.shell) {
        map.insert("shell".into(), json!(shell));
    }
    body
}

fn put(body: &mut Map<String, Value>, key: &str, text: &Option<String>) {
    if let Some(text) = text {
        body.insert(key.into(), json!(text));
    }
}
