//! What is asked of every request before anything else: that it was meant for this device (DNS rebinding), that it does not
//! come from a page (Origin), and on the loopback port that it has the token. Pure.

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HOST, ORIGIN};
use hyper::http::request::Parts;
use hyper::{StatusCode, Version};

use super::answer::Problem;
use super::token::Token;

/// The names of this machine that no other machine can have.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What proves who a caller is.
#[derive(Clone)]
pub enum Gate {
    /// That the kernel let them open the socket's file.
    File,
    /// That they know the token.
    Token(Arc<Token>),
    /// Their certificate, before their first request.
    Certificate,
}

/// Whether the request may go on.
pub fn check(parts: &Parts, gate: &Gate) -> Result<(), Problem> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.as_bytes()),
        (Some(_), Some(_)) => return Err(Problem::new(StatusCode::BAD_REQUEST, "there are two Host headers")),
        // HTTP/1.0 has none, and no page speaks it.
        (None, _) if parts.version == Version::HTTP_10 => None,
        (None, _) => return Err(Problem::new(StatusCode::BAD_REQUEST, "there is no Host header")),
    };
    let in_target = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    // Who comes by TLS has found our name in our certificate, which no other name can lead to.
    let any_name = matches!(gate, Gate::Certificate);
    if !any_name && host.into_iter().chain(in_target).any(|name| !is_local(name)) {
        let detail = format!("this is not the Host that was asked for; allowed are {}", NAMES.join(", "));
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    if parts.headers.contains_key(ORIGIN) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "web pages have no access; window.kiosk is for them"));
    }
    let Gate::Token(token) = gate else { return Ok(()) };
    let mut given = parts.headers.get_all(AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (Some(header), None) if token.is_in(header.as_bytes()) => Ok(()),
        (Some(_), _) => Err(Problem::unauthorized("the token is wrong")),
        (None, _) => {
            Err(Problem::unauthorized("send the token as `Authorization: Bearer TOKEN`, and never in an address"))
        }
    }
}

/// A name of this machine, with or without a port.
fn is_local(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    NAMES.iter().any(|name| {
        let rest = host
            .get(..name.len())
            .filter(|start| start.eq_ignore_ascii_case(name))
            .and_then(|_| host.get(name.len()..));
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for name in ["localhost", "LocalHost:8377", "127.0.0.1", "127.0.0.1:8377", "[::1]:80", "localhost:"] {
            assert!(is_local(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            "evil.example",
            "localhost.evil.example",
            "localhost:80.evil",
            "127.0.0.1.nip.io",
            "127.0.0.2",
            "é",
            "::1",
        ] {
            assert!(!is_local(name.as_bytes()), "{name}");
        }
    }
}
