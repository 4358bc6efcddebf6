//! What a request carries: names in its path and its address, and a JSON object in its body, within limits of size and time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::Problem;

/// Of a body: messages and addresses are much shorter.
pub const MAX_BODY: usize = 64 << 10;
/// Of a body with certificates and a revocation list of 1 MiB.
pub const MAX_CERTIFICATES: usize = 2 << 20;
/// Until a body is there.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a verb is given.
#[derive(Debug, Default)]
pub struct Given {
    /// What the path says in place of `{…}`.
    pub name: String,
    /// Names and values behind the question mark.
    query: Vec<(String, String)>,
    /// Of JSON, or empty.
    body: Bytes,
    /// The caller wants sentences for people and no JSON.
    pub as_text: bool,
}

/// A body that says nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Given {
    /// Reads the body, of at most `limit` bytes.
    pub async fn read(
        name: String,
        query: Option<&str>,
        headers: &HeaderMap,
        body: Incoming,
        limit: usize,
    ) -> Result<Self, Problem> {
        let too_large = || {
            let detail = format!("a body has at most {limit} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
        };
        // Refused before any of it is read.
        if body.size_hint().lower() > limit as u64 || headers.get_all(CONTENT_LENGTH).iter().count() > 1 {
            return Err(too_large());
        }
        let read = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await;
        let body = match read {
            Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
            Ok(Err(_)) => return Err(Problem::new(StatusCode::BAD_REQUEST, "the body ended before its end")),
            Ok(Ok(whole)) => whole.to_bytes(),
        };
        if !body.is_empty() && !is_json(headers) {
            let detail = "a body is JSON: send `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let as_text = headers.get(ACCEPT).is_some_and(|kind| kind == "text/plain");
        Ok(Given { as_text, ..Self::new(name, query, body)? })
    }

    /// What came another way than over HTTP. Errors: the query is not UTF-8.
    pub fn new(name: String, query: Option<&str>, body: Bytes) -> Result<Self, Problem> {
        Ok(Given { name, query: pairs(query.unwrap_or_default())?, body, as_text: false })
    }

    /// That the body says nothing: none, or an empty object.
    pub fn empty(&self) -> Result<(), Problem> {
        let Nothing {} = self.json()?;
        Ok(())
    }

    /// The body as a JSON object; none is an empty one.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let text: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        // A list would be taken for an object's values in their order.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "the body must be a JSON object"));
        }
        let read = serde_json::from_slice(text);
        read.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body can't be used: {error}")))
    }

    /// That there is no body, for requests that have none.
    pub fn nothing(&self) -> Result<(), Problem> {
        if self.body.is_empty() {
            return Ok(());
        }
        Err(Problem::new(StatusCode::BAD_REQUEST, "this request has no body"))
    }

    /// The only one that is allowed behind the question mark.
    pub fn query(&self, name: &str) -> Result<Option<&str>, Problem> {
        self.only(&[name])?;
        Ok(self.query.first().map(|(_, value)| value.as_str()))
    }

    /// A value behind the question mark, of those that [`Given::only`] allows.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// That there is nothing behind the question mark but these, each once.
    pub fn only(&self, names: &[&str]) -> Result<(), Problem> {
        let once = |name: &str| self.query.iter().filter(|(other, _)| other == name).count() == 1;
        if self.query.iter().all(|(name, _)| names.contains(&name.as_str()) && once(name)) {
            return Ok(());
        }
        let allowed = if names.is_empty() { "nothing".to_owned() } else { format!("{} once", names.join(", ")) };
        Err(Problem::new(StatusCode::BAD_REQUEST, format!("allowed behind the question mark is {allowed}")))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((decoded(name)?, decoded(&value.replace('+', " "))?))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// A part of an address, without its escapes.
pub fn decoded(text: &str) -> Result<String, Problem> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the address is not UTF-8"))
}
