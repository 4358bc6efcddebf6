//! The URLs that a kiosk can be pointed at, checked when they are configured or given to `kioskctl open`, so
//! that the browser is never started on nonsense. Does not normalise: the browser gets what was written.

use std::fmt;

/// A checked URL: `http`, `https` with a host, `file` with an absolute path, `about:` or `data:`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(String);

/// For logs, which more people read than may know what is in a URL: [`Url::masked`].
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.masked(), f)
    }
}

/// What is allowed, for messages.
pub const ALLOWED: &str = "http://HOST[:PORT][/PATH], https://…, file:///PATH, about:… or data:…";

/// Longest URL, bytes: what Chromium itself navigates to.
const MAX_LENGTH: usize = 2 * 1024 * 1024;

/// Longest name of a host (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;

/// Why a text is not a URL for a kiosk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("it has no scheme; write for example http://{0}")]
    NoScheme(String),
    #[error("the scheme {0:?} is not one of http, https, file, about, data")]
    Scheme(String),
    #[error("it has no host")]
    NoHost,
    #[error("the host {0:?} has a character that no host name has")]
    Host(String),
    #[error("the host is longer than {MAX_HOST} characters, which no host name is")]
    LongHost,
    #[error("the port {0:?} is not a number from 1 to 65535")]
    Port(String),
    #[error("the path is not absolute; write file:///PATH")]
    RelativeFile,
    #[error("it has a space or control character; write %20 for a space")]
    Space,
    #[error("it is empty")]
    Empty,
    #[error("it is longer than 2 MiB")]
    TooLong,
}

impl Url {
    /// Checks `text`. Errors: one of [`UrlError`], worded to follow the URL and a colon.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(UrlError::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::Space);
        }
        let (scheme, rest) = text.split_once(':').ok_or_else(|| UrlError::NoScheme(text.to_owned()))?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => {
                let rest = rest.strip_prefix("//").ok_or(UrlError::NoHost)?;
                check_authority(authority_of(rest))?;
            }
            "file" => {
                if !rest.starts_with("///") && !rest.starts_with("//localhost/") {
                    return Err(UrlError::RelativeFile);
                }
            }
            "about" | "data" => {
                if rest.is_empty() {
                    return Err(UrlError::Empty);
                }
            }
            // "localhost:3000" reads as a scheme with a path; what was meant is clear.
            _ if rest.split('/').next().is_some_and(|port| port.parse::<u16>().is_ok()) => {
                return Err(UrlError::NoScheme(text.to_owned()));
            }
            other => return Err(UrlError::Scheme(other.to_owned())),
        }
        Ok(Url(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it may be shown to everybody: without user, password and the values of secret parameters.
    pub fn masked(&self) -> String {
        super::masked(&self.0)
    }

    /// In lower case, without the colon.
    pub fn scheme(&self) -> String {
        self.0.split(':').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether a web server answers for it, so that it can be probed.
    pub fn is_web(&self) -> bool {
        matches!(self.scheme().as_str(), "http" | "https")
    }

    /// The host without port and without the brackets of an IPv6 address; `None` unless [`Url::is_web`].
    pub fn host(&self) -> Option<&str> {
        self.host_and_port().map(|(host, _)| host.trim_start_matches('[').trim_end_matches(']'))
    }

    /// The port, 80 or 443 where none is written; `None` unless [`Url::is_web`].
    pub fn port(&self) -> Option<u16> {
        let default = if self.scheme() == "https" { 443 } else { 80 };
        self.host_and_port().map(|(_, port)| port.and_then(|p| p.parse().ok()).unwrap_or(default))
    }

    /// What a request line asks for: path and query, at least `/`, no fragment; `None` unless [`Url::is_web`].
    pub fn path_and_query(&self) -> Option<String> {
        let rest = self.web_rest()?;
        let path = &rest[authority_of(rest).len()..];
        let path = path.split('#').next().unwrap_or_default();
        Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
    }

    fn web_rest(&self) -> Option<&str> {
        if !self.is_web() {
            return None;
        }
        self.0.split_once("://").map(|(_, rest)| rest)
    }

    fn host_and_port(&self) -> Option<(&str, Option<&str>)> {
        self.web_rest().map(|rest| split_port(without_user(authority_of(rest))))
    }
}

impl Default for Url {
    fn default() -> Self {
        Url("http://localhost:3000".into())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Url {
    type Err = UrlError;
    fn from_str(text: &str) -> Result<Self, UrlError> {
        Url::parse(text)
    }
}

/// The part up to path, query or fragment.
fn authority_of(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// A colon inside the brackets of an IPv6 address is no port's.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn check_authority(authority: &str) -> Result<(), UrlError> {
    let (host, port) = split_port(without_user(authority));
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    if host.chars().count() > MAX_HOST {
        return Err(UrlError::LongHost);
    }
    if let Some(port) = port {
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        if !digits || !port.parse::<u16>().is_ok_and(|p| p > 0) {
            return Err(UrlError::Port(port.to_owned()));
        }
    }
    let good = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        // Names beyond ASCII are the browser's to encode.
        None => host.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')),
    };
    if good { Ok(()) } else { Err(UrlError::Host(host.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_in_a_log_tells_no_secret() {
        let url = Url::parse("http://ann:pw@host/?token=abc").unwrap();
        assert_eq!(format!("{url:?}"), "\"http://***@host/?token=***\"");
        assert_eq!(url.to_string(), "http://ann:pw@host/?token=abc", "the browser gets what was written");
    }

    #[test]
    fn usual_urls_are_taken_apart() {
        for (text, host, port, path) in [
            ("http://localhost:3000", "localhost", 3000, "/"),
            ("https://example.org/a/b?c=d#e", "example.org", 443, "/a/b?c=d"),
            ("http://[::1]:8080/x", "::1", 8080, "/x"),
            ("HTTP://u:p@host?q", "host", 80, "/?q"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host(), url.port()), (Some(host), Some(port)), "{text}");
            assert_eq!(url.path_and_query().as_deref(), Some(path), "{text}");
            assert_eq!(url.as_str(), text);
        }
        assert_eq!(Url::parse("file:///srv/a.html").unwrap().host(), None);
        assert!(!Url::parse("about:blank").unwrap().is_web());
    }

    #[test]
    fn a_host_is_no_longer_than_names_are() {
        let url = |length| format!("http://{}/", "x".repeat(length));
        assert!(Url::parse(&url(MAX_HOST)).is_ok());
        assert_eq!(Url::parse(&url(MAX_HOST + 1)), Err(UrlError::LongHost));
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for (text, error) in [
            ("localhost:3000", UrlError::NoScheme("localhost:3000".into())),
            ("example.org", UrlError::NoScheme("example.org".into())),
            ("javascript:alert(1)", UrlError::Scheme("javascript".into())),
            ("http://", UrlError::NoHost),
            ("http:/x", UrlError::NoHost),
            ("http://:80/", UrlError::NoHost),
            ("http://a:0/", UrlError::Port("0".into())),
            ("http://a:99999/", UrlError::Port("99999".into())),
            ("http://a:+8/", UrlError::Port("+8".into())),
            ("http://a b/", UrlError::Space),
            ("http://a\"b/", UrlError::Host("a\"b".into())),
            ("file://x.html", UrlError::RelativeFile),
            ("", UrlError::Empty),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text}");
        }
    }
}
