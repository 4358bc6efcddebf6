//! DevTools of the page as a WebSocket, for whoever has the role `admin`: kiosk-session judges the commands, bounds the time and
//! shows a line on the screen. Here is what a request must have, and what goes on over its connection afterwards.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::header::{CONNECTION, HeaderMap, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use kiosk_client::{Client, devtools};
use kiosk_core::api::INSPECT_TIME;

use super::answer::{self, Answer, Problem};
use super::places::Place;
use super::request::Given;
use super::role::Caller;

/// Who looks, on the screen, where the request comes from this machine.
const LOCAL: &str = "admin";

/// What follows on a connection after its last request; nothing, unless that was for DevTools.
#[derive(Default)]
pub struct Next(Mutex<Option<Inspection>>);

struct Inspection {
    upgrade: OnUpgrade,
    socket: OwnedFd,
    /// Among the streams.
    _place: Place,
}

impl Next {
    /// Carries it on to its end.
    pub async fn run(self) {
        let next = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Some(Inspection { upgrade, socket, _place }) = next else { return };
        let ended = match upgrade.await {
            Ok(stream) => devtools::carry(socket, TokioIo::new(stream)).await,
            Err(error) => return tracing::debug!(%error, "a WebSocket ended before its beginning"),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "DevTools can't be carried");
        }
    }
}

/// Opens it; `given` has `seconds` and `shell` at most. The answer is the end of HTTP on this connection.
pub async fn open(
    given: &Given,
    headers: &HeaderMap,
    caller: &Caller,
    upgrade: OnUpgrade,
    next: &Next,
    place: Place,
) -> Result<Answer, Problem> {
    let accept = accepted(headers)?;
    let (least, most) = (INSPECT_TIME.start().as_secs(), INSPECT_TIME.end().as_secs());
    let wrong = || Problem::new(hyper::StatusCode::BAD_REQUEST, format!("seconds must be {least} to {most}"));
    let time = match given.value("seconds") {
        None => devtools::USUAL_TIME,
        Some(text) => text.parse().map(Duration::from_secs).map_err(|_| wrong())?,
    };
    if !devtools::is_time(time) {
        return Err(wrong());
    }
    let who = caller.name.as_deref().map_or(LOCAL, on_screen);
    let socket = devtools::inspect(&Client::from_environment(), given.value("shell"), who, time).await?;
    let inspection = Inspection { upgrade, socket, _place: place };
    *next.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(inspection);
    answer::websocket(&accept)
}

/// A person's name in that of a certificate, `CN=anna,O=x (SERIAL)`: the journal has all of it.
fn on_screen(name: &str) -> &str {
    let subject = name.rsplit_once(" (").map_or(name, |(subject, _)| subject);
    let common = subject.split(',').find_map(|part| part.trim().strip_prefix("CN="));
    common.unwrap_or(subject).trim()
}

/// What is answered to the key of a request for a WebSocket.
fn accepted(headers: &HeaderMap) -> Result<String, Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let has = |name: HeaderName, word: &str| text(name).split(',').any(|part| part.trim().eq_ignore_ascii_case(word));
    let asked = has(UPGRADE, "websocket") && has(CONNECTION, "upgrade") && text(SEC_WEBSOCKET_VERSION) == "13";
    let accept = devtools::accept(text(SEC_WEBSOCKET_KEY)).filter(|_| asked);
    accept.ok_or_else(|| Problem::upgrade("this is a WebSocket (RFC 6455, version 13) and nothing else"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_has_the_name_and_not_the_certificate() {
        assert_eq!(on_screen("CN=anna (4A:01)"), "anna");
        assert_eq!(on_screen("O=Hall,CN=Anna B (x) (4A)"), "Anna B (x)");
        assert_eq!(on_screen("O=Hall (4A)"), "O=Hall");
    }
}
