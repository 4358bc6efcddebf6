//! Asks a web server whether it is up: one GET, of which only the head of the answer is read; redirects are followed.
//! For `https` the server's certificate is checked, against the system's authorities and those of `browser.trust`.
//!
//! [`crate::daemon`] calls it while it waits for the page; never while the page is up. The probe keeps error pages away
//! and does not decide: what it can't know ([`ProbeError::browser_may_know`]) the browser tries, behind the splash.

mod connect;
mod error;
mod proxy;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url as Address;

use connect::{Connection, Target};
pub use error::ProbeError;
use kiosk_core::config::{Proxy, StatusRanges, Url};
use proxy::Route;

/// For the head of an answer: a server that has just started may be busy with that.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// What the head of an answer may be, bytes; hyper's least is 8 KiB.
const MAX_HEAD: usize = 64 * 1024;
/// Browsers follow 20.
const MAX_REDIRECTS: usize = 20;

/// How the browser would ask, as far as a probe can.
#[derive(Debug, Clone)]
pub struct Terms {
    pub accepted: StatusRanges,
    pub proxy: Proxy,
    /// Certificates of authorities beside the system's.
    pub trust: Vec<PathBuf>,
}

/// Asks once. `Ok`: up. A URL without a server is always up.
pub async fn probe(url: &Url, terms: &Terms) -> Result<(), ProbeError> {
    let Some(mut address) = Address::parse(url.as_str()).ok().filter(|_| url.is_web()) else { return Ok(()) };
    for _ in 0..=MAX_REDIRECTS {
        let answer = ask(&address, terms).await?;
        let status = answer.status();
        if accepts(&answer, terms) {
            return Ok(());
        }
        let to = answer.headers().get(LOCATION).filter(|_| status.is_redirection());
        let next = to.and_then(|to| address.join(to.to_str().ok()?).ok());
        match next.filter(|next| matches!(next.scheme(), "http" | "https")) {
            Some(next) => address = next,
            None => return Err(refused(&Target::of(&address)?, status, has_user(url))),
        }
    }
    Err(ProbeError::Redirects(Target::of(&address)?.to_string()))
}

fn refused(target: &Target, status: StatusCode, signs_in: bool) -> ProbeError {
    match status {
        StatusCode::UNAUTHORIZED if signs_in => ProbeError::SignIn(target.to_string()),
        StatusCode::UNAUTHORIZED => ProbeError::Password(target.to_string()),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => ProbeError::ProxyPassword,
        _ => ProbeError::Status(target.to_string(), status.as_u16()),
    }
}

fn has_user(url: &Url) -> bool {
    Address::parse(url.as_str()).is_ok_and(|address| !address.username().is_empty())
}

/// The head of the answer to one request.
async fn ask(address: &Address, terms: &Terms) -> Result<Response<hyper::body::Incoming>, ProbeError> {
    let target = Target::of(address)?;
    let route = proxy::route(&terms.proxy, &target, |name| std::env::var(name).ok());
    let (connection, absolute) = match &route {
        Route::Direct => (connect::direct(&target, terms).await?, false),
        Route::Through(proxy) => (connect::through(proxy, &target, terms).await?, !target.tls),
        Route::Unknown => return Err(ProbeError::Proxy),
    };
    let mut origin = address.clone();
    // What is secret in an address is no part of a request line.
    let _ = origin.set_username("");
    let _ = origin.set_password(None);
    origin.set_fragment(None);
    let line = if absolute { origin.as_str() } else { &origin[url::Position::BeforePath..] };
    let not_http = || ProbeError::NotHttp(target.to_string());
    let host = HeaderValue::from_str(&target.host_header()).map_err(|_| not_http())?;
    let agent = concat!("kiosk-session/", env!("CARGO_PKG_VERSION"), " (probe)");
    let request = Request::get(line)
        .header(HOST, host)
        .header(USER_AGENT, agent)
        // What a browser would accept, so that the server does not refuse the form of the question.
        .header(ACCEPT, "text/html,*/*;q=0.8")
        .body(Empty::<Bytes>::new())
        .map_err(|_| not_http())?;
    let asks_certificate = connection.asks_certificate;
    match timeout(ANSWER_LIMIT, head(connection, request)).await {
        Err(_elapsed) => Err(ProbeError::Silent(target.to_string())),
        // With TLS 1.3 it says so in place of an answer; others have a page of their own for it.
        Ok(answer) if asks_certificate && !answer.as_ref().is_ok_and(|answer| accepts(answer, terms)) => {
            Err(ProbeError::ClientCertificate(target.to_string()))
        }
        Ok(Err(error)) if error.is_parse() || error.is_incomplete_message() => Err(not_http()),
        Ok(Err(_)) => Err(ProbeError::Cut(target.to_string())),
        Ok(Ok(answer)) => Ok(answer),
    }
}

fn accepts<T>(answer: &Response<T>, terms: &Terms) -> bool {
    terms.accepted.contains(answer.status().as_u16())
}

/// The connection is dropped with what comes behind the head.
async fn head(
    connection: Connection,
    request: Request<Empty<Bytes>>,
) -> hyper::Result<Response<hyper::body::Incoming>> {
    let (mut sender, driver) =
        http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(connection.stream)).await?;
    let mut driver = std::pin::pin!(driver);
    let mut answer = std::pin::pin!(sender.send_request(request));
    let mut driven = false;
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            ended = &mut driver, if !driven => {
                driven = true;
                ended?;
            }
        }
    }
}

#[cfg(test)]
mod tests;
