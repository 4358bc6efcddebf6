//! Answers over HTTP: JSON as kioskctl's, problems after RFC 9457, a picture, a stream. Made by the verbs and by what refuses a
//! request before them.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, UPGRADE,
    WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use kiosk_client::{Exit, Failure};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::places::Place;
use super::role::Role;

/// Of a file at a time, bytes.
const PIECE: u64 = 64 << 10;
/// Microseconds of CLOCK_BOOTTIME when the answer began.
const BOOT_TIME: &str = "kiosk-boot-time";

/// What is sent.
pub type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Why a request is not carried out.
#[derive(Debug)]
pub struct Problem {
    /// What kind of problem it is.
    pub status: StatusCode,
    /// A D-Bus error's name, where a service refused.
    pub name: Option<String>,
    /// One sentence.
    pub detail: String,
    /// The role that would do.
    needed: Option<Role>,
    /// A header that belongs to the status.
    header: Option<(hyper::header::HeaderName, String)>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem { status, name: None, detail: detail.into(), needed: None, header: None }
    }

    /// No or a wrong token.
    pub fn unauthorized(detail: &str) -> Self {
        Problem {
            header: Some((WWW_AUTHENTICATE, "Bearer".to_owned())),
            ..Problem::new(StatusCode::UNAUTHORIZED, detail)
        }
    }

    /// The caller's role is too low.
    pub fn role(needed: Role, has: Option<Role>) -> Self {
        let has = has.map_or_else(
            || "the certificate gives none (a URI kiosk:role:ROLE among its alternative names)".to_owned(),
            |role| format!("the certificate gives the role {role}"),
        );
        let detail = format!("this needs the role {needed}, and {has}");
        Problem {
            name: Some("org.kioskd.Error.NotAuthorized".to_owned()),
            needed: Some(needed),
            ..Problem::new(StatusCode::FORBIDDEN, detail)
        }
    }

    /// The path is there, and takes these methods.
    pub fn method(allowed: &[&str]) -> Self {
        let list = allowed.join(", ");
        let detail = format!("allowed here is {list}");
        Problem { header: Some((ALLOW, list)), ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail) }
    }

    /// It is for WebSockets.
    pub fn upgrade(detail: &str) -> Self {
        Problem {
            header: Some((UPGRADE, "websocket".to_owned())),
            ..Problem::new(StatusCode::UPGRADE_REQUIRED, detail)
        }
    }

    /// Later, in seconds.
    pub fn later(status: StatusCode, seconds: u32, detail: &str) -> Self {
        Problem { header: Some((RETRY_AFTER, seconds.to_string())), ..Problem::new(status, detail) }
    }

    pub fn answer(self) -> Answer {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let mut body =
            json!({ "type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail });
        if let (Some(name), Some(map)) = (self.name, body.as_object_mut()) {
            map.insert("name".into(), Value::String(name));
        }
        if let (Some(role), Some(map)) = (self.needed, body.as_object_mut()) {
            map.insert("role".into(), Value::String(role.to_string()));
        }
        let mut answer = of(self.status, "application/problem+json", body.to_string().into());
        if let Some((header, value)) = self.header
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            answer.headers_mut().insert(header, value);
        }
        answer
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let name = failure.name();
        let status = match failure.exit {
            Exit::NotRunning => StatusCode::SERVICE_UNAVAILABLE,
            _ => match name.rsplit('.').next().unwrap_or_default() {
                "InvalidArgument" | "InvalidArgs" => StatusCode::BAD_REQUEST,
                "NotAuthorized" | "UrlNotAllowed" => StatusCode::FORBIDDEN,
                "NotFound" => StatusCode::NOT_FOUND,
                "StaleSerial" | "ModeRejected" | "NotReady" | "Unsupported" => StatusCode::CONFLICT,
                "NoReply" => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
        };
        Problem { name: Some(name.to_owned()), ..Problem::new(status, failure.message()) }
    }
}

/// As kioskctl prints it.
pub fn json(value: &Value) -> Answer {
    of(StatusCode::OK, "application/json", value.to_string().into())
}

/// Anything whole.
pub fn of(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    with(status, kind, UnsyncBoxBody::new(Full::new(body)))
}

/// What a file has from here on, `length` bytes: read as it is sent, so that a client that reads slowly holds a file and not its
/// content.
pub fn file(kind: &'static str, file: File, length: u64) -> Answer {
    with(StatusCode::OK, kind, UnsyncBoxBody::new(Content { file, left: length }))
}

/// What holds a place for as long as the answer is read.
pub fn holding(answer: Answer, place: Place) -> Answer {
    answer.map(|body| UnsyncBoxBody::new(Held { body, _place: place }))
}

/// What comes bit by bit, until the sender is dropped.
pub fn stream(kind: &'static str, bits: mpsc::Receiver<Bytes>) -> Answer {
    with(StatusCode::OK, kind, UnsyncBoxBody::new(Bits(bits)))
}

fn with(status: StatusCode, kind: &'static str, body: UnsyncBoxBody<Bytes, Infallible>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer
}

/// The end of HTTP on this connection: what follows is a WebSocket.
pub fn websocket(accept: &str) -> Result<Answer, Problem> {
    let mut answer = Response::new(UnsyncBoxBody::new(Full::new(Bytes::new())));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let wrong = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer can't be written");
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_str(accept).map_err(wrong)?);
    Ok(answer)
}

/// With the time that the moments in it count from: this machine's CLOCK_BOOTTIME means nothing on another.
pub fn since_boot(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(BOOT_TIME, HeaderValue::from(kiosk_client::state::now()));
    answer
}

struct Bits(mpsc::Receiver<Bytes>);

impl Body for Bits {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bit| bit.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A file in memory, such as a picture of kioskd's: reading it waits for nothing.
struct Content {
    file: File,
    left: u64,
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut piece = Vec::new();
        let most = self.left.min(PIECE);
        // An answer that ends early ends its connection, too: its length was told.
        match (&self.file).take(most).read_to_end(&mut piece) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Poll::Ready(None),
        }
        self.left = self.left.saturating_sub(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

struct Held {
    body: UnsyncBoxBody<Bytes, Infallible>,
    _place: Place,
}

impl Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
