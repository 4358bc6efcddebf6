//! The URLs that a kiosk can be pointed at, checked when they are configured or given to `kioskctl open`, so that the
//! browser is never started on nonsense. Parsed as browsers do, and passed on as it was written.

use std::fmt;

/// A checked URL: `http`, `https` with a host, `file` with an absolute path, `about:` or `data:`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(String);

/// Logs are read by people who may not know a URL's secrets: [`Url::masked`].
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
    /// There is nothing before a colon. The whole text.
    #[error("it has no scheme; write for example http://{0}")]
    NoScheme(String),
    /// A scheme that a kiosk does not open.
    #[error("the scheme {0:?} is not one of http, https, file, about, data")]
    Scheme(String),
    /// There is no host.
    #[error("it has no host")]
    NoHost,
    /// The host is not valid.
    #[error("the host {0:?} has a character that no host name has")]
    Host(String),
    /// The host is longer than DNS allows.
    #[error("the host is longer than {MAX_HOST} characters, which no host name is")]
    LongHost,
    /// The port is not valid.
    #[error("the port {0:?} is not a number from 1 to 65535")]
    Port(String),
    /// A file's path must begin at the root.
    #[error("the path is not absolute; write file:///PATH")]
    RelativeFile,
    /// It has a space or a control character.
    #[error("it has a space or control character; write %20 for a space")]
    Space,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is longer than browsers open.
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
            // Browsers add missing slashes and hosts; here that is an error.
            "http" | "https" if !rest.starts_with("//") => return Err(UrlError::NoHost),
            // Browsers drop an empty port, as in http://http://host; here that is an error.
            "http" | "https" if authority(rest).ends_with(':') => {
                return Err(UrlError::Port(String::new()));
            }
            "file" if !rest.starts_with("///") && !rest.starts_with("//localhost/") => {
                return Err(UrlError::RelativeFile);
            }
            "about" | "data" if rest.is_empty() => return Err(UrlError::Empty),
            "http" | "https" | "file" | "about" | "data" => {}
            // "localhost:3000" parses as a scheme with a path; say what is missing.
            _ if rest.split('/').next().is_some_and(|port| port.parse::<u16>().is_ok()) => {
                return Err(UrlError::NoScheme(text.to_owned()));
            }
            other => return Err(UrlError::Scheme(other.to_owned())),
        }
        let parsed = url::Url::parse(text).map_err(|error| refused(error, rest))?;
        match parsed.host_str() {
            Some(host) if host.len() > MAX_HOST => return Err(UrlError::LongHost),
            Some(host) if !is_name(host) => return Err(UrlError::Host(host.to_owned())),
            _ if parsed.port() == Some(0) => return Err(UrlError::Port("0".into())),
            _ => {}
        }
        Ok(Url(text.to_owned()))
    }

    /// The URL of a device that is not set up yet: no page.
    pub fn none() -> Self {
        Url(String::new())
    }

    /// Whether it is [`Url::none`].
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it may be shown to everybody: without user, password and the values of secret parameters.
    pub fn masked(&self) -> String {
        super::masked(&self.0)
    }

    /// As a browser parses it; never `None`, as it was checked.
    fn parsed(&self) -> Option<url::Url> {
        url::Url::parse(&self.0).ok()
    }

    /// The user and the password that stand before the host, as they are meant; `None`: there are none.
    pub fn user(&self) -> Option<(String, String)> {
        let url = self.parsed().filter(|url| self.is_web() && !url.username().is_empty())?;
        let meant = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        Some((meant(url.username()), meant(url.password().unwrap_or_default())))
    }

    /// The same address without them.
    #[must_use]
    pub fn without_user(&self) -> Url {
        let Some(mut url) = self.parsed().filter(|_| self.user().is_some()) else { return self.clone() };
        match (url.set_username(""), url.set_password(None)) {
            (Ok(()), Ok(())) => Url(url.into()),
            _ => self.clone(),
        }
    }

    /// In lower case, without the colon.
    pub fn scheme(&self) -> String {
        self.0.split(':').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether a web server answers for it, so that it can be probed.
    pub fn is_web(&self) -> bool {
        matches!(self.scheme().as_str(), "http" | "https")
    }

    /// The host as DNS has it, without port and without the brackets of an IPv6 address; `None` unless
    /// [`Url::is_web`].
    pub fn host(&self) -> Option<String> {
        let url = self.parsed().filter(|_| self.is_web())?;
        url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned())
    }

    /// The port, 80 or 443 where none is written; `None` unless [`Url::is_web`].
    pub fn port(&self) -> Option<u16> {
        self.parsed().filter(|_| self.is_web())?.port_or_known_default()
    }

    /// What a request line asks for: path and query, at least `/`, no fragment; `None` unless [`Url::is_web`].
    pub fn path_and_query(&self) -> Option<String> {
        let url = self.parsed().filter(|_| self.is_web())?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("{}{query}", url.path()))
    }
}

/// The default without configuration: the device's own web server.
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

/// User, host and port, of what follows a scheme.
fn authority(rest: &str) -> &str {
    rest.trim_start_matches('/').split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

/// The parser's error as one of this module; `rest` is what follows the scheme.
fn refused(error: url::ParseError, rest: &str) -> UrlError {
    let authority = authority(rest);
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match error {
        url::ParseError::EmptyHost => UrlError::NoHost,
        url::ParseError::InvalidPort => {
            UrlError::Port(host_and_port.rsplit_once(':').map_or(host_and_port, |(_, port)| port).to_owned())
        }
        // Errors about the host; the others cannot occur in a text with a scheme.
        _ => UrlError::Host(host_and_port.to_owned()),
    }
}

/// Whether a host name or address may consist of these characters: the parser accepts more.
fn is_name(host: &str) -> bool {
    host.starts_with('[') || host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~'))
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
    fn the_user_is_taken_out_of_a_url() {
        let url = Url::parse("http://ann%40b:p%3aw@host:81/a?b#c").unwrap();
        assert_eq!(url.user(), Some(("ann@b".to_owned(), "p:w".to_owned())));
        assert_eq!(url.without_user().as_str(), "http://host:81/a?b#c");
        for plain in ["http://host", "file:///a@b", "about:blank"] {
            let url = Url::parse(plain).unwrap();
            assert_eq!((url.user(), url.without_user()), (None, url.clone()));
        }
        let shell = crate::config::Shell { command: vec!["x".into(), "--at={url}".into()], url, ..Default::default() };
        assert_eq!(shell.command_line().unwrap(), ["x", "--at=http://host:81/a?b#c"]);
    }

    #[test]
    fn usual_urls_are_taken_apart() {
        for (text, host, port, path) in [
            ("http://localhost:3000", "localhost", 3000, "/"),
            ("https://example.org/a/b?c=d#e", "example.org", 443, "/a/b?c=d"),
            ("http://[::1]:8080/x", "::1", 8080, "/x"),
            ("HTTP://u:p@host?q", "host", 80, "/?q"),
            ("http://b\u{fc}cher.example/a b".replace(' ', "%20").as_str(), "xn--bcher-kva.example", 80, "/a%20b"),
            ("http://0x7f.1/a/../b#c", "127.0.0.1", 80, "/b"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host().as_deref(), url.port()), (Some(host), Some(port)), "{text}");
            assert_eq!(url.path_and_query().as_deref(), Some(path), "{text}");
            assert_eq!(url.as_str(), text);
        }
        assert_eq!(Url::parse("file:///srv/a.html").unwrap().host(), None);
        assert!(!Url::parse("about:blank").unwrap().is_web());
    }

    #[test]
    fn what_is_built_in_is_possible() {
        assert_eq!(Url::parse(Url::default().as_str()), Ok(Url::default()));
    }

    #[test]
    fn a_host_is_no_longer_than_names_are() {
        let url = |length| format!("http://{}/", "x".repeat(length));
        assert!(Url::parse(&url(MAX_HOST)).is_ok());
        assert_eq!(Url::parse(&url(MAX_HOST + 1)), Err(UrlError::LongHost));
    }

    #[test]
    fn invalid_urls_are_refused_with_a_reason() {
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
            ("http://[::1/", UrlError::Host("[::1".into())),
            ("http://1.2.3.256/", UrlError::Host("1.2.3.256".into())),
            ("", UrlError::Empty),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_accepted_that_cannot_be_taken_apart(text in "(https?|file|about|data)?(://)?\\PC{0,20}") {
            if let Ok(url) = Url::parse(&text) {
                proptest::prop_assert_eq!(url.as_str(), &text);
                proptest::prop_assert_eq!(url.is_web(), url.host().is_some_and(|host| !host.is_empty()));
                proptest::prop_assert!(!url.is_web() || url.port().is_some_and(|port| port > 0));
            }
        }
    }
}
