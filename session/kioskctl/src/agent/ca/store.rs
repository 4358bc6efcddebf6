//! The folder of an authority: its certificate and key, the list of what it signed, and the list of revocations. Each file is
//! replaced as a whole, and one kioskctl at a time is at work.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kiosk_core::files::read_regular;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::CaError;
use super::certificate::Authority;

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
const INDEX: &str = "issued.json";
/// For devices.
pub const REVOKED: &str = "revoked.pem";

/// Of the list of what was signed, bytes: about 100,000 certificates.
const MAX_INDEX: u64 = 32 << 20;
/// Of the other files, bytes: what a device takes for a revocation list.
const MAX_LIST: u64 = 1 << 20;
const VERSION: u32 = 1;
/// Of a serial number, bytes; 20 are allowed (RFC 5280, section 4.1.2.2).
const SERIAL: usize = 16;

/// What was signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Index {
    version: u32,
    /// Of the revocation list; the next one has a higher one.
    pub list_number: u64,
    pub issued: Vec<Issued>,
}

impl Index {
    /// With these.
    #[cfg(test)]
    pub fn of(issued: Vec<Issued>) -> Self {
        Index { version: VERSION, list_number: 1, issued }
    }
}

/// One certificate. Times are RFC 3339.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Issued {
    /// Hexadecimal.
    pub serial: String,
    pub name: String,
    /// `None`: a device's.
    pub role: Option<String>,
    pub hosts: Vec<String>,
    /// Of a device: where it is called; `None`: at the usual one.
    #[serde(default)]
    pub port: Option<u16>,
    /// `None`: before that was noted.
    #[serde(default)]
    pub signed: Option<String>,
    pub not_after: String,
    pub revoked: Option<String>,
}

impl Issued {
    pub fn serial_bytes(&self) -> Vec<u8> {
        let digits = self.serial.as_bytes().chunks(2);
        let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        digits.filter_map(byte).collect()
    }
}

/// A random one, which is positive.
pub fn serial() -> Result<[u8; SERIAL], CaError> {
    let mut serial = [0; SERIAL];
    let wrong = |error: std::io::Error| CaError::File("/dev/urandom".into(), "read", error);
    File::open("/dev/urandom").and_then(|mut file| std::io::Read::read_exact(&mut file, &mut serial)).map_err(wrong)?;
    let [first, ..] = &mut serial;
    // Neither negative nor with a leading zero.
    *first = *first & 0x7f | 0x40;
    Ok(serial)
}

/// An authority's folder, which is ours as long as this lives.
pub struct Store {
    folder: PathBuf,
    _lock: File,
}

impl Store {
    /// Of an authority that is there.
    pub fn open(folder: &Path) -> Result<Self, CaError> {
        let lock = match File::open(folder.join(INDEX)).and_then(|_| File::open(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(CaError::None(folder.to_owned())),
            opened => opened.map_err(|error| CaError::File(folder.to_owned(), "opened", error))?,
        };
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| CaError::Busy(folder.to_owned()))?;
        Ok(Store { folder: folder.to_owned(), _lock: lock })
    }

    /// Makes the folder, all of it or nothing.
    pub fn create(folder: &Path, authority: &Authority) -> Result<(), CaError> {
        let wrong = |error: std::io::Error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => {
                CaError::There(folder.to_owned())
            }
            _ => CaError::File(folder.to_owned(), "made", error),
        };
        if folder.exists() {
            return Err(CaError::There(folder.to_owned()));
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(wrong)?;
        let new = tempfile::Builder::new()
            .prefix(".kiosk-ca")
            .permissions(PermissionsExt::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(wrong)?;
        let index = Index { version: VERSION, list_number: 1, issued: Vec::new() };
        write(new.path(), KEY, &authority.key(), 0o600)?;
        write(new.path(), CERTIFICATE, &authority.certificate, 0o644)?;
        write(new.path(), REVOKED, &authority.revocations(&index)?, 0o644)?;
        write(new.path(), INDEX, &index_text(&index), 0o600)?;
        std::fs::rename(new.path(), folder).map_err(wrong)?;
        // It has no more the name that would be removed.
        let _ = new.keep();
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(wrong)
    }

    pub fn authority(&self) -> Result<Authority, CaError> {
        let broken = |why| CaError::Broken(self.folder.join(CERTIFICATE), why);
        Authority::of(&self.text(CERTIFICATE)?, &self.text(KEY)?).map_err(broken)
    }

    /// One of the folder's files.
    pub fn text(&self, name: &str) -> Result<String, CaError> {
        let path = self.folder.join(name);
        let bytes = read_regular(&path, MAX_LIST).map_err(|error| CaError::File(path.clone(), "read", error))?;
        String::from_utf8(bytes).map_err(|_| CaError::Broken(path, "it is not text (PEM)".into()))
    }

    /// The list of revocations.
    pub fn write_list(&self, text: &str) -> Result<(), CaError> {
        write(&self.folder, REVOKED, text, 0o644)
    }

    pub fn index(&self) -> Result<Index, CaError> {
        let path = self.folder.join(INDEX);
        let bytes = read_regular(&path, MAX_INDEX).map_err(|error| CaError::File(path.clone(), "read", error))?;
        let index: Index =
            serde_json::from_slice(&bytes).map_err(|error| CaError::Broken(path.clone(), error.to_string()))?;
        if index.version != VERSION {
            return Err(CaError::Broken(path, format!("it is of version {}, known is {VERSION}", index.version)));
        }
        Ok(index)
    }

    pub fn keep(&self, index: &Index) -> Result<(), CaError> {
        write(&self.folder, INDEX, &index_text(index), 0o600)
    }
}

fn index_text(index: &Index) -> String {
    serde_json::to_string_pretty(index).unwrap_or_default() + "\n"
}

/// The whole file or none, and never readable by more than `mode` says.
pub fn write(folder: &Path, name: &str, text: &str, mode: u32) -> Result<(), CaError> {
    let file = folder.join(name);
    let replace = || -> std::io::Result<()> {
        // Readable by its owner alone, until it is whole.
        let mut new = tempfile::Builder::new().prefix(".kioskctl").tempfile_in(folder)?;
        new.write_all(text.as_bytes())?;
        new.as_file().set_permissions(PermissionsExt::from_mode(mode))?;
        new.as_file().sync_all()?;
        new.persist(&file).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    replace().map_err(|error| CaError::File(file.clone(), "written", error))
}
