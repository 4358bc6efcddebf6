//! Credentials for servers: the entries of the file in `browser.sign-in`, and the user in `shell.url`. [`crate::page`]
//! answers the browser's authentication requests with them, [`crate::probe`] sends them as the browser does.
//!
//! They never appear in a log, a state or an error. Credentials that a server refused are not sent again for a time: a
//! kiosk retries for years, and accounts are locked after a few wrong passwords.

mod file;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use kiosk_core::config::{Url, UrlPattern};

pub use file::{EntriesError, EntryError, FileError};

/// Where the service manager puts credentials (systemd.exec(5)).
pub const CREDENTIALS_ENV: &str = "CREDENTIALS_DIRECTORY";
/// Time until a refused password is sent again: the server may have been wrong, and one attempt an hour locks no
/// account.
const REFUSED_FOR: Duration = Duration::from_secs(3600);
/// Most servers that are remembered as refusing.
const MAX_REFUSALS: usize = 64;
/// Source of a user in an opened URL, for messages.
const OPENED: &str = "the address that was opened";
/// The key for the proxy, which is not a valid origin.
const PROXY: &str = "proxy";

/// A text that is never logged or shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it; from here on only [`Secret::reveal`] shows it.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text, for its receiver only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// May be empty, as RFC 7617 has it.
    pub user: Secret,
    /// May be empty.
    pub password: Secret,
}

impl Login {
    /// As a request's header has it (RFC 7617).
    pub fn basic(&self) -> String {
        let both = format!("{}:{}", self.user.reveal(), self.password.reveal());
        format!("Basic {}", BASE64_STANDARD.encode(both))
    }
}

/// The credentials for the servers of one pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The only servers that get them.
    pub origin: UrlPattern,
    /// Answers a server's question for a password; `None`: it has none.
    pub login: Option<Login>,
    /// Names and values, set before the page is opened.
    pub cookies: Vec<(String, Secret)>,
    /// Names and values, sent with each request.
    pub headers: Vec<(String, Secret)>,
    /// Its source, for messages.
    source: &'static str,
}

/// The credentials of one shell; clones share the refusals.
#[derive(Debug, Clone, Default)]
pub struct SignIn {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    proxy: Option<Login>,
    certificate_password: Option<Secret>,
    /// Why the file can't be used.
    problem: Option<String>,
    refused: Mutex<HashMap<String, Instant>>,
}

impl SignIn {
    /// Loads them from `file`, if one is configured, and the page's URL. A name without a slash is in the service
    /// manager's `credentials` directory.
    pub fn load(file: Option<&Path>, credentials: Option<&Path>, home: &Url) -> SignIn {
        let (mut inner, problem) = match file.map(|file| file::read(file, credentials)) {
            None => (Inner::default(), None),
            Some(Ok(inner)) => (inner, None),
            Some(Err(error)) => (Inner::default(), Some(error.to_string())),
        };
        inner.problem = problem;
        inner.entries.extend(user_of(home, "shell.url"));
        SignIn { inner: Arc::new(inner) }
    }

    /// The same with the user of an opened URL, which overrides the configured ones for its server. The previous opened
    /// URL's user is dropped.
    #[must_use]
    pub fn with_user_of(&self, url: &Url) -> SignIn {
        self.with_opened(user_of(url, OPENED))
    }

    /// The same, without the user of an opened URL.
    #[must_use]
    pub fn without_opened(&self) -> SignIn {
        self.with_opened(None)
    }

    /// Whether `next` drops the user of an opened URL. The browser caches a password until its exit.
    pub fn forgets_opened(&self, next: &SignIn) -> bool {
        let opened = |sign_in: &SignIn| sign_in.entries().iter().find(|entry| entry.source == OPENED).cloned();
        let own = opened(self);
        own.is_some() && own != opened(next)
    }

    fn with_opened(&self, own: Option<Entry>) -> SignIn {
        let (opened, kept): (Vec<Entry>, Vec<Entry>) =
            self.inner.entries.iter().cloned().partition(|entry| entry.source == OPENED);
        if own.is_none() && opened.is_empty() {
            return self.clone();
        }
        let mut refused = self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A new password gets another chance.
        refused.retain(|origin, _| !opened.iter().chain(&own).any(|entry| entry.origin.contains(origin)));
        let inner = Inner {
            entries: own.into_iter().chain(kept).collect(),
            proxy: self.inner.proxy.clone(),
            certificate_password: self.inner.certificate_password.clone(),
            problem: self.inner.problem.clone(),
            refused: Mutex::new(refused),
        };
        SignIn { inner: Arc::new(inner) }
    }

    /// Why the file can't be used.
    pub fn problem(&self) -> Option<&str> {
        self.inner.problem.as_deref()
    }

    /// All entries, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.inner.entries
    }

    /// The login for the server at `url`; `None`: there is none, or it was refused recently.
    pub fn login(&self, url: &str) -> Option<&Login> {
        self.entry(url)?.login.as_ref().filter(|_| !self.is_refused(&origin(url)))
    }

    /// The same for the proxy.
    pub fn proxy_login(&self) -> Option<&Login> {
        self.inner.proxy.as_ref().filter(|_| !self.is_refused(PROXY))
    }

    /// The password of the file in `browser.client-certificate`.
    pub fn certificate_password(&self) -> Option<&Secret> {
        self.inner.certificate_password.as_ref()
    }

    /// Headers for requests to `url`.
    pub fn headers(&self, url: &str) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.inner.entries.iter().filter(|entry| !entry.headers.is_empty());
        let fitting: Vec<&Entry> = entries.filter(|entry| entry.origin.contains(url)).collect();
        fitting.into_iter().flat_map(|entry| entry.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())))
    }

    /// Those that are sent to `url`, as headers.
    pub fn cookies(&self, url: &str) -> Vec<String> {
        let fitting = self.inner.entries.iter().filter(|entry| entry.origin.contains(url));
        let cookies = fitting.flat_map(|entry| &entry.cookies);
        cookies.map(|(name, value)| format!("{name}={}", value.reveal())).collect()
    }

    /// The server at `url` has refused the password.
    pub fn refused(&self, url: &str) {
        self.refuse(origin(url));
    }

    /// The proxy has.
    pub fn proxy_refused(&self) {
        self.refuse(PROXY.to_owned());
    }

    /// Why the server at `url` refuses access, for a person.
    pub fn refusal(&self, url: &str) -> String {
        let host = url::Url::parse(url).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default();
        match (self.entry(url), self.problem()) {
            (Some(entry), _) if self.is_refused(&origin(url)) => {
                format!("the server of {host} refuses the password of {}", entry.source)
            }
            (Some(_), _) => format!("the server of {host} asks for a password in a way that it can't be given"),
            (None, Some(problem)) => {
                format!("the server of {host} asks for a password, and browser.sign-in can't be used: {problem}")
            }
            (None, None) => {
                format!("the server of {host} asks for a password: browser.sign-in can name a file with it")
            }
        }
    }

    /// Why the proxy does not.
    pub fn proxy_refusal(&self) -> &'static str {
        match &self.inner.proxy {
            Some(_) => "the proxy refuses the password of sign-in",
            None => "the proxy asks for a password: the file of browser.sign-in can have it, under [proxy]",
        }
    }

    fn entry(&self, url: &str) -> Option<&Entry> {
        self.inner.entries.iter().find(|entry| entry.login.is_some() && entry.origin.contains(url))
    }

    fn is_refused(&self, whose: &str) -> bool {
        let refused = self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(whose).is_some_and(|at| at.elapsed() < REFUSED_FOR)
    }

    fn refuse(&self, whose: String) {
        let mut refused = self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= MAX_REFUSALS {
            refused.retain(|_, at| at.elapsed() < REFUSED_FOR);
        }
        // With no room left the password is sent again, so that memory stays bounded.
        if refused.len() < MAX_REFUSALS {
            refused.insert(whose, Instant::now());
        }
    }
}

/// The user in an address, for its server; `None`: there is none.
fn user_of(url: &Url, source: &'static str) -> Option<Entry> {
    let (user, password) = url.user()?;
    let origin = UrlPattern::parse_origin(&origin(url.as_str())).ok()?;
    let login = Some(Login { user: Secret::new(user), password: Secret::new(password) });
    Some(Entry { origin, login, cookies: Vec::new(), headers: Vec::new(), source })
}

fn origin(url: &str) -> String {
    url::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}
