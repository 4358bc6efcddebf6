//! The file that `browser.sign-in` names:
//!
//! ```toml
//! ["https://panel.example"]      # an origin, as in browser.allow
//! user = "kiosk"                 # for basic, digest and NTLM authentication
//! password = "…"
//! cookies = { session = "…" }    # there before the first page
//! headers = { X-Key = "…" }      # in each request to this origin
//!
//! [proxy]                        # of browser.proxy
//! user = "kiosk"
//! password = "…"
//!
//! [client-certificate]           # of browser.client-certificate
//! password = "…"
//! ```
//!
//! Other users must not be able to read it. Errors name line and key, never a value.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hyper::header::{HeaderName, HeaderValue};
use kiosk_core::config::UrlPattern;
use kiosk_core::config::allow::PatternError;
use kiosk_core::files::read_regular;
use toml_edit::{DocumentMut, Item, TableLike};

use super::{Entry, Inner, Login, Secret};

/// Some dozens of entries are a few KiB.
const MAX_FILE: u64 = 128 << 10;
/// Each is compared with the address of each request.
const MAX_ENTRIES: usize = 200;

const PROXY: &str = "proxy";
const CERTIFICATE: &str = "client-certificate";

/// Why it can't be used, in one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Its name; the service manager has no credential of that name.
    #[error("no credential {0:?} was handed over: LoadCredential= of kiosk-session.service hands it over")]
    NoCredential(PathBuf),
    /// The file, and what the kernel said.
    #[error("{0} can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The file and its mode: others than its owner may read it.
    #[error("others may read {0} (mode {1:04o}): it must be for its owner alone (chmod 600)")]
    Open(PathBuf, u32),
    /// The file and its owner's user number.
    #[error("{0} belongs to user {1}: it must be root's or that of kiosk-session")]
    Foreign(PathBuf, u32),
    /// The file, and the number of the line.
    #[error("{0}:{1} is no TOML")]
    NoToml(PathBuf, usize),
    /// The file, and its first error.
    #[error("{0}: {1}")]
    Wrong(PathBuf, EntriesError),
}

/// What is wrong in the file; no value is repeated.
#[derive(Debug, thiserror::Error)]
pub enum EntriesError {
    /// Their number.
    #[error("it has {0} entries, and at most {MAX_ENTRIES} are followed")]
    TooMany(usize),
    /// The key of a value at the top level.
    #[error("{0:?} is no table: write [\"ORIGIN\"], [{PROXY}] or [{CERTIFICATE}]")]
    NoTable(String),
    /// The entry, and its error.
    #[error("[{0}]: {1}")]
    Entry(String, EntryError),
}

/// What is wrong in one entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The key, and those that are allowed.
    #[error("the key {0:?} is not known; allowed are {1}")]
    UnknownKey(String, String),
    /// The key of a value of another type.
    #[error("{0} is no text")]
    NoText(String),
    /// A login has to name its user.
    #[error("there is a password, and no user")]
    NoUser,
    /// The entry's name is not an origin.
    #[error(transparent)]
    Origin(#[from] PatternError),
    /// The origin has no host that a cookie could be for.
    #[error("cookies are for a host, not for all of them")]
    NoHost,
    /// The key of a value that should be a table.
    #[error("{0} is no table such as {{ NAME = \"VALUE\" }}")]
    NoPairs(String),
    /// The key of a value that HTTP cannot transport.
    #[error("{0} has a character that can't be sent")]
    Unsendable(String),
}

/// Reads and checks it.
pub(super) fn read(name: &Path, credentials: Option<&Path>) -> Result<Inner, FileError> {
    let handed_over = !name.is_absolute();
    let path = match (handed_over, credentials) {
        (false, _) => name.to_owned(),
        (true, Some(directory)) => directory.join(name),
        (true, None) => return Err(FileError::NoCredential(name.to_owned())),
    };
    // The service manager's directory is private; the file's mode may show an ACL mask.
    if !credentials.is_some_and(|directory| path.starts_with(directory)) {
        check_rights(&path)?;
    }
    let bytes = read_regular(&path, MAX_FILE).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound if handed_over => FileError::NoCredential(name.to_owned()),
        _ => FileError::Unreadable(path.clone(), error),
    })?;
    parse(&String::from_utf8_lossy(&bytes), &path)
}

fn check_rights(path: &Path) -> Result<(), FileError> {
    let data = std::fs::metadata(path).map_err(|error| FileError::Unreadable(path.to_owned(), error))?;
    let mode = data.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileError::Open(path.to_owned(), mode));
    }
    let own = rustix::process::geteuid().as_raw();
    if data.uid() == 0 || data.uid() == own { Ok(()) } else { Err(FileError::Foreign(path.to_owned(), data.uid())) }
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Inner, FileError> {
    let document = text.parse::<DocumentMut>().map_err(|error| {
        // The parser's message would quote the line.
        let end = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.bytes().take(end).filter(|byte| *byte == b'\n').count() + 1;
        FileError::NoToml(path.to_owned(), line)
    })?;
    entries(&document).map_err(|why| FileError::Wrong(path.to_owned(), why))
}

fn entries(document: &DocumentMut) -> Result<Inner, EntriesError> {
    let mut inner = Inner::default();
    if document.len() > MAX_ENTRIES {
        return Err(EntriesError::TooMany(document.len()));
    }
    for (name, item) in document.iter() {
        let table = item.as_table_like().ok_or_else(|| EntriesError::NoTable(name.to_owned()))?;
        entry(&mut inner, name, table).map_err(|error| EntriesError::Entry(name.to_owned(), error))?;
    }
    Ok(inner)
}

/// Adds one entry.
fn entry(inner: &mut Inner, name: &str, table: &dyn TableLike) -> Result<(), EntryError> {
    let allowed: &[&str] = match name {
        PROXY => &["user", "password"],
        CERTIFICATE => &["password"],
        _ => &["user", "password", "cookies", "headers"],
    };
    if let Some((key, _)) = table.iter().find(|(key, _)| !allowed.contains(key)) {
        return Err(EntryError::UnknownKey(key.to_owned(), allowed.join(", ")));
    }
    let text = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(item) => {
            item.as_str().map(|text| Some(Secret::new(text))).ok_or_else(|| EntryError::NoText(key.to_owned()))
        }
    };
    let login = match (text("user")?, text("password")?) {
        (Some(user), password) => Some(Login { user, password: password.unwrap_or_else(|| Secret::new("")) }),
        (None, Some(password)) if name == CERTIFICATE => {
            inner.certificate_password = Some(password);
            return Ok(());
        }
        (None, Some(_)) => return Err(EntryError::NoUser),
        (None, None) => None,
    };
    if name == PROXY {
        inner.proxy = login;
        return Ok(());
    }
    let origin = UrlPattern::parse_origin(name)?;
    let cookies = pairs(table, "cookies", is_cookie)?;
    if !cookies.is_empty() && origin.host().is_none() {
        return Err(EntryError::NoHost);
    }
    let headers = pairs(table, "headers", is_header)?;
    inner.entries.push(Entry { origin, login, cookies, headers, source: "sign-in" });
    Ok(())
}

/// Reads a table's names and values, checked for validity.
fn pairs(
    table: &dyn TableLike,
    key: &str,
    can_be_sent: fn(&str, &str) -> bool,
) -> Result<Vec<(String, Secret)>, EntryError> {
    let Some(item) = table.get(key) else { return Ok(Vec::new()) };
    let table = Item::as_table_like(item).ok_or_else(|| EntryError::NoPairs(key.to_owned()))?;
    let pair = |(name, item): (&str, &Item)| {
        let value = item.as_str().ok_or_else(|| EntryError::NoText(format!("{key}.{name}")))?;
        if can_be_sent(name, value) {
            Ok((name.to_owned(), Secret::new(value)))
        } else {
            Err(EntryError::Unsendable(format!("{key}.{name}")))
        }
    };
    table.iter().map(pair).collect()
}

fn is_header(name: &str, value: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok()
}

/// RFC 6265, section 4.1.1, as browsers take it.
fn is_cookie(name: &str, value: &str) -> bool {
    let plain = |text: &str| text.chars().all(|c| !c.is_control() && c != ';');
    HeaderName::from_bytes(name.as_bytes()).is_ok() && plain(value)
}
