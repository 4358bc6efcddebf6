//! Signs in to servers and the proxy: answers each authentication request once, adds headers to the requests of an
//! origin, and sets cookies before the first of them. The credentials are in [`crate::sign_in`].

use serde_json::{Value, json};

use super::Page;
use super::wire::{self, Purpose};
use crate::sign_in::Entry;

/// Requests whose question was answered, remembered at most: one that comes back was refused.
const MAX_ANSWERED: usize = 256;

/// What the browser is to pause: every request, and documents when they come as well. A server may ask for a password
/// with any of them, and of a request that was not paused the browser itself asks a visitor.
pub(super) fn patterns() -> Value {
    json!([
        { "urlPattern": "*", "requestStage": "Request" },
        { "resourceType": "Document", "requestStage": "Response" },
    ])
}

impl Page {
    /// Gives the browser those that it is to send.
    pub(super) fn set_cookies(&mut self, purpose: Purpose) {
        let entries = self.rules.sign_in.entries();
        let cookies: Vec<Value> = entries.iter().flat_map(cookies).collect();
        if !cookies.is_empty() {
            self.wire.send(None, "Storage.setCookies", json!({ "cookies": cookies }), purpose);
        }
    }

    /// A server, or the proxy, asks who we are. It gets an answer once, and if there is one that is for it.
    pub(super) fn asked_for_password(&mut self, parameters: &Value) {
        let Some(request) = parameters["requestId"].as_str() else { return };
        let challenge = &parameters["authChallenge"];
        let origin = challenge["origin"].as_str().unwrap_or_default();
        let of_proxy = challenge["source"] == "Proxy";
        let challenge = (request.to_owned(), of_proxy);
        let sign_in = &self.rules.sign_in;
        if self.answered.contains(&challenge) {
            if of_proxy { sign_in.proxy_refused() } else { sign_in.refused(origin) }
        }
        let login = if of_proxy { sign_in.proxy_login() } else { sign_in.login(origin) };
        let answer = match login {
            Some(login) => json!({
                "response": "ProvideCredentials",
                "username": login.user.reveal(), "password": login.password.reveal(),
            }),
            // Never the browser's own question to a visitor: the server's answer without a password.
            None => json!({ "response": "CancelAuth" }),
        };
        if login.is_some() {
            if self.answered.len() >= MAX_ANSWERED {
                self.answered.pop_front();
            }
            self.answered.push_back(challenge);
        }
        let order = json!({ "requestId": request, "authChallengeResponse": answer });
        self.wire.send(None, "Fetch.continueWithAuth", order, Purpose::Other);
    }

    /// The headers of a request to one of our origins, with ours; `None`: it goes as it is.
    pub(super) fn headers(&self, paused: &Value) -> Option<Value> {
        let url = paused.pointer("/request/url")?.as_str()?;
        let ours: Vec<(&str, &str)> = self.rules.sign_in.headers(url).collect();
        if ours.is_empty() {
            return None;
        }
        let is_ours = |name: &str| ours.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let its = paused.pointer("/request/headers").and_then(Value::as_object).into_iter().flatten();
        let its =
            its.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).filter(|(name, _)| !is_ours(name));
        Some(its.chain(ours.iter().copied()).map(|(name, value)| json!({ "name": name, "value": value })).collect())
    }
}

fn cookies(entry: &Entry) -> Vec<Value> {
    let Some((host, below)) = entry.origin.host() else { return Vec::new() };
    let secure = entry.origin.is_secure();
    let scheme = if secure { "https" } else { "http" };
    let cookie = |(name, value): &(String, crate::sign_in::Secret)| {
        // Sent to the server, and to no script.
        let mut cookie = json!({
            "name": name, "value": value.reveal(), "url": format!("{scheme}://{host}/"), "path": "/",
            "secure": secure, "httpOnly": true,
        });
        if below {
            wire::set(&mut cookie, "domain", format!(".{host}"));
        }
        cookie
    };
    entry.cookies.iter().map(cookie).collect()
}
