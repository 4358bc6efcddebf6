//! Which addresses a shell may show: patterns such as `https://example.org/*`, and their union with the origins of the
//! configured pages. The session checks each navigation and `kioskctl open` here; `[browser.permissions]` uses the same
//! patterns. Pure, without name look-ups: addresses are compared in the browser's normal form.

use std::fmt;

use url::{Host, Url as Parsed};

/// What is allowed, for messages.
pub const PATTERN: &str = "patterns such as \"https://example.org/*\", \"https://*.example.org\", \
                           \"http://10.0.0.1:*/menu/*\", \"file:///srv/page/*\", or \"*\" for the whole web";
/// What is allowed, for messages.
pub const ORIGIN: &str = "an origin such as \"http://localhost:3000\" or \"https://*.example.org\"";

/// Longest pattern, bytes: people write none that is longer.
const MAX_LENGTH: usize = 2048;

/// A set of addresses: `SCHEME://HOST[:PORT][/PATH]`, `file:///PATH`, or `*`.
///
/// SCHEME is `http`, `https` or `*` for both; HOST a name, an address, `*.NAME` (NAME and all below it) or `*`; PORT a
/// number or `*`, and the scheme's own where it is left out. `*` in PATH stands for any text; without PATH there is no
/// limit to it. A query is only looked at where the pattern has a `?`, a fragment never.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UrlPattern {
    /// As it was written.
    text: String,
    scheme: Scheme,
    host: HostPattern,
    port: Port,
    path: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scheme {
    Http,
    Https,
    Web,
    File,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum HostPattern {
    Any,
    /// In ASCII and lower case, as a parsed URL has it.
    Exact(String),
    /// This name and all below it.
    Below(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Port {
    Any,
    OfScheme,
    Number(u16),
}

/// Why a text is no pattern: worded to follow it and a colon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// There is nothing before a colon.
    #[error("it has no scheme; write for example https://{0}")]
    NoScheme(String),
    /// The scheme is not one of those that are allowed.
    #[error("the scheme {0:?} is not one of http, https, file or *")]
    Scheme(String),
    /// The host is not valid.
    #[error("{0:?} is no host; it may be a name, an address, *.NAME or *")]
    Host(String),
    /// The port is not valid.
    #[error("{0:?} is no port; it may be a number from 1 to 65535 or *")]
    Port(String),
    /// It has a user or a password.
    #[error("a user and a password have no place in it; they belong into the file that browser.sign-in names")]
    User,
    /// It has a `#`.
    #[error("a fragment never reaches a server; leave out what follows the #")]
    Fragment,
    /// A file's path must begin at the root.
    #[error("the path is not absolute; write file:///PATH")]
    RelativeFile,
    /// It has a space or a control character.
    #[error("it has a space or control character; write %20 for a space")]
    Space,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is longer than [`MAX_LENGTH`].
    #[error("it is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// An origin was wanted, and it has a path.
    #[error("it is an origin that is meant: leave out the path")]
    Path,
}

impl UrlPattern {
    /// Errors: one of [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let of = |scheme, host, port, path| UrlPattern { text: text.to_owned(), scheme, host, port, path };
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(PatternError::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(PatternError::Space);
        }
        if text.contains('#') {
            return Err(PatternError::Fragment);
        }
        if text == "*" {
            return Ok(of(Scheme::Web, HostPattern::Any, Port::Any, None));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(|| PatternError::NoScheme(text.to_owned()))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "*" => Scheme::Web,
            "file" => Scheme::File,
            _ => return Err(PatternError::Scheme(scheme.to_owned())),
        };
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        if scheme == Scheme::File {
            if !matches!(authority, "" | "localhost") || !path.starts_with('/') {
                return Err(PatternError::RelativeFile);
            }
            return Ok(of(scheme, HostPattern::Any, Port::Any, Some(as_browsers_write(path))));
        }
        if authority.contains('@') {
            return Err(PatternError::User);
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, parse_port(port)?),
            _ => (authority, Port::OfScheme),
        };
        let path = (!path.is_empty()).then(|| as_browsers_write(path));
        Ok(of(scheme, parse_host(host)?, port, path))
    }

    /// As [`UrlPattern::parse`], without a path. Errors: one of [`PatternError`].
    pub fn parse_origin(text: &str) -> Result<Self, PatternError> {
        let pattern = UrlPattern::parse(text)?;
        match pattern.path.as_deref() {
            None => Ok(pattern),
            // As origins are often written.
            Some("/" | "/*") if pattern.scheme != Scheme::File => Ok(UrlPattern { path: None, ..pattern }),
            Some(_) => Err(PatternError::Path),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The paths of a pattern for files; `None`: it is for the web.
    pub fn file_path(&self) -> Option<&str> {
        self.path.as_deref().filter(|_| self.scheme == Scheme::File)
    }

    /// The host in its normal form, and whether subdomains match too; `None`: any host.
    pub fn host(&self) -> Option<(&str, bool)> {
        match &self.host {
            HostPattern::Any => None,
            HostPattern::Exact(host) => Some((host, false)),
            HostPattern::Below(host) => Some((host, true)),
        }
    }

    /// The port; `None`: any, or that of either scheme.
    pub fn port(&self) -> Option<u16> {
        match (self.port, self.scheme) {
            (Port::Number(port), _) => Some(port),
            (Port::OfScheme, Scheme::Https) => Some(443),
            (Port::OfScheme, Scheme::Http) => Some(80),
            (Port::Any | Port::OfScheme, _) => None,
        }
    }

    /// Whether it is for `https` alone.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// An ECMAScript regular expression for the origins that match, as `location.origin` has them. For scripts that run
    /// in the page; decisions are made by [`UrlPattern::contains`].
    pub fn origin_expression(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Web => "https?",
            // Files have no origin.
            Scheme::File => "file(?!)",
        };
        let plain = |host: &str| -> String {
            // Of the characters that hosts have, only these are special in a regular expression.
            host.chars().flat_map(|c| "[].".contains(c).then_some('\\').into_iter().chain([c])).collect()
        };
        let host = match &self.host {
            HostPattern::Any => r"(\[[0-9a-f:.]+\]|[^/:\[\]]+)".to_owned(),
            HostPattern::Exact(host) => format!(r"{}\.?", plain(host)),
            HostPattern::Below(host) => format!(r"([^/:]+\.)?{}\.?", plain(host)),
        };
        let port = match (self.port, self.scheme) {
            (Port::Any, _) => r"(:\d+)?".to_owned(),
            (Port::OfScheme, _) => String::new(),
            // Left out where it is the scheme's own.
            (Port::Number(number @ (80 | 443)), _) => format!("(:{number})?"),
            (Port::Number(number), _) => format!(":{number}"),
        };
        format!("{scheme}://{host}{port}")
    }

    /// Whether `address` matches; false for what is not a URL.
    pub fn contains(&self, address: &str) -> bool {
        Parsed::parse(address).is_ok_and(|url| self.contains_parsed(&url))
    }

    fn contains_parsed(&self, url: &Parsed) -> bool {
        self.contains_origin(url) && self.contains_path(url)
    }

    fn contains_origin(&self, url: &Parsed) -> bool {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "file" => return self.scheme == Scheme::File && url.host_str().is_none(),
            _ => return false,
        };
        let host = url.host_str().unwrap_or_default();
        // A trailing dot makes a name absolute; it is the same host.
        let host = host.strip_suffix('.').unwrap_or(host);
        let host_fits = match &self.host {
            HostPattern::Any => true,
            HostPattern::Exact(wanted) => host == wanted,
            HostPattern::Below(wanted) => {
                host.strip_suffix(wanted.as_str()).is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
        };
        let port_fits = match self.port {
            Port::Any => true,
            // The url crate leaves out the scheme's default port.
            Port::OfScheme => url.port().is_none(),
            Port::Number(number) => url.port_or_known_default() == Some(number),
        };
        (self.scheme == scheme || self.scheme == Scheme::Web) && host_fits && port_fits
    }

    fn contains_path(&self, url: &Parsed) -> bool {
        let Some(path) = &self.path else { return true };
        match (path.contains('?'), url.query()) {
            (true, Some(query)) => fits(path, &format!("{}?{query}", url.path())),
            _ => fits(path, url.path()),
        }
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What one shell may show: everything on the origins of all shells' pages, and what `browser.allow` adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    patterns: Vec<UrlPattern>,
    /// Pages without an origin: these addresses exactly.
    pages: Vec<String>,
}

impl Allowed {
    /// `pages` are the addresses of all shells, `beside` is `browser.allow`.
    pub fn new<'a>(pages: impl IntoIterator<Item = &'a str>, beside: &[UrlPattern]) -> Self {
        let mut allowed = Allowed { patterns: beside.to_vec(), pages: Vec::new() };
        for page in pages {
            match origin_of(page) {
                Some(origin) if allowed.patterns.contains(&origin) => {}
                Some(origin) => allowed.patterns.push(origin),
                None => allowed.pages.push(page.to_owned()),
            }
        }
        allowed
    }

    /// Whether the page at `address` may be shown; false for what is not a URL. A `blob:` address may be shown where
    /// the page that made it may.
    pub fn permits(&self, address: &str) -> bool {
        if self.pages.iter().any(|page| page == address) {
            return true;
        }
        match Parsed::parse(address) {
            Ok(url) if url.scheme() == "blob" => Parsed::parse(url.path())
                .is_ok_and(|maker| self.patterns.iter().any(|pattern| pattern.contains_origin(&maker))),
            Ok(url) => self.patterns.iter().any(|pattern| pattern.contains_parsed(&url)),
            Err(_) => false,
        }
    }

    /// The patterns that are in force, those of the configured pages last.
    pub fn patterns(&self) -> &[UrlPattern] {
        &self.patterns
    }
}

/// The pattern for everything that belongs to a page: the origin of a web page, the directory of a file. `None`: it is
/// neither.
fn origin_of(home: &str) -> Option<UrlPattern> {
    let url = Parsed::parse(home).ok()?;
    let text = match url.scheme() {
        "http" | "https" => url.origin().ascii_serialization(),
        "file" => {
            let path = url.path();
            // A file in `/` does not grant the whole root directory.
            let directory = path.rsplit_once('/').map(|(directory, _)| directory).filter(|path| !path.is_empty());
            directory.map_or_else(|| format!("file://{path}"), |directory| format!("file://{directory}/*"))
        }
        _ => return None,
    };
    UrlPattern::parse(&text).ok()
}

fn parse_host(text: &str) -> Result<HostPattern, PatternError> {
    let wrong = || PatternError::Host(text.to_owned());
    if text == "*" {
        return Ok(HostPattern::Any);
    }
    let (name, below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
    // The url crate's own rules: IDNA, numbers as IPv4 addresses, IPv6 in brackets.
    match Host::parse(name.strip_suffix('.').unwrap_or(name)).map_err(|_| wrong())? {
        Host::Domain(name) if name.contains('*') => Err(wrong()),
        Host::Domain(name) if below => Ok(HostPattern::Below(name)),
        _ if below => Err(wrong()),
        host => Ok(HostPattern::Exact(host.to_string())),
    }
}

fn parse_port(text: &str) -> Result<Port, PatternError> {
    if text == "*" {
        return Ok(Port::Any);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number > 0);
    number.map(Port::Number).ok_or_else(|| PatternError::Port(text.to_owned()))
}

/// A path as a browser asks for it: letters beyond ASCII and the like as `%XX`, `..` resolved.
fn as_browsers_write(path: &str) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    Parsed::parse(&format!("http://host{slash}{path}"))
        .map_or_else(|_| path.to_owned(), |url| url[url::Position::BeforePath..].to_owned())
}

/// Whether `text` matches `glob`, in which `*` stands for any text. Takes linear time in `text` for any pattern.
fn fits(glob: &str, text: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else { return glob == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
#[path = "tests/allow.rs"]
mod tests;
