//! Probes whether a web server is up: one GET, of which only the response's head is read; redirects are followed. For
//! `https` the server's certificate is verified against the system's authorities and those of `browser.trust`.
//!
//! [`crate::daemon`] calls it while it waits for the page, never while the page is up. The probe avoids error pages but
//! is not decisive: for what it cannot know ([`ProbeError::browser_may_know`]) the browser tries behind the splash.

mod connect;
mod error;
mod proxy;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, AUTHORIZATION, COOKIE, HOST, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT, WWW_AUTHENTICATE,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url as Address;

use crate::sign_in::{Login, SignIn};
use connect::{Connection, Target};
pub use error::ProbeError;
use kiosk_core::config::{Proxy, StatusRanges, Url};
use proxy::Route;

/// Time limit for the response's head: a server that is starting may be slow.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Longest head of a response, bytes; hyper's minimum is 8 KiB.
const MAX_HEAD: usize = 64 * 1024;
/// Browsers follow 20.
const MAX_REDIRECTS: usize = 20;

/// The browser's settings that a probe can follow.
#[derive(Debug, Clone)]
pub struct ProbeSettings {
    /// Statuses that count as up (`shell.ready.http-status`).
    pub accepted: StatusRanges,
    /// The configured proxy (`browser.proxy`), or the environment's.
    pub proxy: Proxy,
    /// Certificates of authorities beside the system's.
    pub trust: Vec<PathBuf>,
    /// The credentials that the browser would send.
    pub sign_in: SignIn,
}

/// Probes once. `Ok`: up. A URL without a server is always up.
pub async fn probe(url: &Url, terms: &ProbeSettings) -> Result<(), ProbeError> {
    let Some(mut address) = Address::parse(url.as_str()).ok().filter(|_| url.is_web()) else { return Ok(()) };
    for _ in 0..=MAX_REDIRECTS {
        let answer = signed_in(&address, terms).await?;
        let status = answer.status();
        if accepts(&answer, terms) {
            return Ok(());
        }
        let to = answer.headers().get(LOCATION).filter(|_| status.is_redirection());
        let next = to.and_then(|to| address.join(to.to_str().ok()?).ok());
        match next.filter(|next| matches!(next.scheme(), "http" | "https")) {
            Some(next) => address = next,
            None => return Err(refused(&address, status, terms)),
        }
    }
    Err(ProbeError::Redirects(Target::of(&address)?.to_string()))
}

fn refused(address: &Address, status: StatusCode, terms: &ProbeSettings) -> ProbeError {
    let target = match Target::of(address) {
        Ok(target) => target.to_string(),
        Err(error) => return error,
    };
    match status {
        // The browser supports more authentication schemes than the probe.
        StatusCode::UNAUTHORIZED if !address.username().is_empty() => ProbeError::SignIn(target),
        StatusCode::UNAUTHORIZED if terms.sign_in.login(address.as_str()).is_some() => ProbeError::SignIn(target),
        StatusCode::UNAUTHORIZED => ProbeError::Password(terms.sign_in.refusal(address.as_str())),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => ProbeError::ProxyPassword(terms.sign_in.proxy_refusal()),
        _ => ProbeError::Status(target, status.as_u16()),
    }
}

/// The response to a request, repeated with a password if the server asks for it.
async fn signed_in(address: &Address, terms: &ProbeSettings) -> Result<Response<hyper::body::Incoming>, ProbeError> {
    let answer = ask(address, terms, None).await?;
    let basic = answer
        .headers()
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .any(|value| value.as_bytes().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic")));
    let login = terms.sign_in.login(address.as_str()).filter(|_| basic && answer.status() == StatusCode::UNAUTHORIZED);
    let Some(login) = login else { return Ok(answer) };
    let answer = ask(address, terms, Some(login)).await?;
    if answer.status() == StatusCode::UNAUTHORIZED {
        terms.sign_in.refused(address.as_str());
    }
    Ok(answer)
}

/// The head of the response to one request.
async fn ask(
    address: &Address,
    terms: &ProbeSettings,
    login: Option<&Login>,
) -> Result<Response<hyper::body::Incoming>, ProbeError> {
    let target = Target::of(address)?;
    let route = proxy::route(&terms.proxy, &target, |name| std::env::var(name).ok());
    let (connection, absolute) = match &route {
        Route::Direct => (connect::direct(&target, terms).await?, false),
        Route::Through(proxy) => (connect::through(proxy, &target, terms).await?, !target.tls),
        Route::Unknown => return Err(ProbeError::Proxy),
    };
    let mut origin = address.clone();
    // Credentials in the URL are not part of the request line.
    let _ = origin.set_username("");
    let _ = origin.set_password(None);
    origin.set_fragment(None);
    let line = if absolute { origin.as_str() } else { &origin[url::Position::BeforePath..] };
    let not_http = || ProbeError::NotHttp(target.to_string());
    let host = HeaderValue::from_str(&target.host_header()).map_err(|_| not_http())?;
    let agent = concat!("kiosk-session/", env!("CARGO_PKG_VERSION"), " (probe)");
    let mut request = Request::get(line);
    for (name, value) in terms.sign_in.headers(address.as_str()) {
        request = request.header(name, value);
    }
    for cookies in terms.sign_in.cookies(address.as_str()) {
        request = request.header(COOKIE, cookies);
    }
    if let Some(login) = login {
        request = request.header(AUTHORIZATION, login.basic());
    }
    if let Some(login) = terms.sign_in.proxy_login().filter(|_| absolute) {
        request = request.header(PROXY_AUTHORIZATION, login.basic());
    }
    let request = request
        .header(HOST, host)
        .header(USER_AGENT, agent)
        // The browser's Accept header, as servers may refuse others.
        .header(ACCEPT, "text/html,*/*;q=0.8")
        .body(Empty::<Bytes>::new())
        .map_err(|_| not_http())?;
    let asks_certificate = connection.asks_certificate;
    match timeout(ANSWER_LIMIT, head(connection, request)).await {
        Err(_elapsed) => Err(ProbeError::Silent(target.to_string())),
        // With TLS 1.3 the server reports a missing client certificate instead of a response; others send an error
        // page.
        Ok(answer) if asks_certificate && !answer.as_ref().is_ok_and(|answer| accepts(answer, terms)) => {
            Err(ProbeError::ClientCertificate(target.to_string()))
        }
        Ok(Err(error)) if error.is_parse() || error.is_incomplete_message() => Err(not_http()),
        Ok(Err(_)) => Err(ProbeError::Cut(target.to_string())),
        Ok(Ok(answer)) => {
            if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED && terms.sign_in.proxy_login().is_some() {
                terms.sign_in.proxy_refused();
            }
            Ok(answer)
        }
    }
}

fn accepts<T>(answer: &Response<T>, terms: &ProbeSettings) -> bool {
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
