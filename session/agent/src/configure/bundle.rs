//! A signed file of settings, for devices that nobody can reach: from a stick, or from wherever a unit of the owner's fetches it.
//! The signature is minisign's (Ed25519), by the key whose public half the device has; the time in its signed comment only
//! goes up, so that an older bundle can't be brought back. Run as root by `kiosk-bundle.service`, once.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kiosk_core::config::{ADMIN_DIR, Config};
use kiosk_core::files;
use minisign_verify::{PublicKey, Signature};

use super::helper::{reload, write};
use super::{root, state_directory};

/// The owner's public key, as `minisign -G` writes it.
const KEY: &str = "etc/kiosk/bundle.pub";
/// What a bundle becomes: weaker than `kioskctl config set`, stronger than most files of an administrator.
const DROP_IN: &str = "80-bundle.toml";
/// Beside a bundle, as `minisign -S` names it.
const SIGNATURE_SUFFIX: &str = ".minisig";
/// Largest bundle, and key and signature, bytes.
const MAX_FILE: u64 = 64 << 10;

/// Why a bundle is not taken, one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file can't be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the kernel said.
        error: std::io::Error,
    },
    /// The device's key is none.
    #[error("{0} is no public key of minisign's: {1}")]
    Key(String, minisign_verify::Error),
    /// It was signed by somebody else, or changed since.
    #[error("the bundle is not signed by the key in /{KEY}: {0}")]
    Signature(minisign_verify::Error),
    /// Without it an older bundle could come back.
    #[error("the signature has no time: sign with `minisign -S`, whose comment begins with timestamp:")]
    NoTime,
    /// It was replaced already.
    #[error("the bundle is of {0}, and one of {1} was taken before (seconds since 1970): sign it anew")]
    Old(u64, u64),
    /// Nothing of it is taken.
    #[error("the bundle is no configuration: {0}")]
    Configuration(String),
}

/// What became of a bundle.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is the one that is in place.
    Same,
    /// It is in place, and this is what kioskd says to it.
    New(Vec<String>),
}

/// Checks a bundle and puts it in place.
pub async fn take(path: &Path) -> Result<Taken, BundleError> {
    let (root, seen) = (root(), state_directory().join("bundle-time"));
    let key_file = root.join(KEY);
    let key = text(&key_file)?;
    let key = PublicKey::decode(&key).map_err(|error| BundleError::Key(key_file.display().to_string(), error))?;
    let bundle = read(path)?;
    let signature = Signature::decode(&text(&beside(path))?).map_err(BundleError::Signature)?;
    // Signatures of an older kind are not taken.
    key.verify(&bundle, &signature, false).map_err(BundleError::Signature)?;
    let time = time(signature.trusted_comment()).ok_or(BundleError::NoTime)?;
    let last = match files::read_regular(&seen, MAX_FILE) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim().parse().unwrap_or(0),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(wrong(&seen, error)),
    };
    let file = root.join(ADMIN_DIR).join(DROP_IN);
    if time < last {
        return Err(BundleError::Old(time, last));
    }
    if std::fs::read(&file).is_ok_and(|there| there == bundle) {
        return Ok(Taken::Same);
    }
    let loaded = Config::of_file(&file, &bundle);
    if let Some(error) = loaded.errors.first() {
        return Err(BundleError::Configuration(error.message.clone()));
    }
    // First: a power cut leaves a bundle that can be taken again, and none that is older.
    write(&seen, time.to_string().as_bytes()).map_err(|error| wrong(&seen, error))?;
    write(&file, &bundle).map_err(|error| wrong(&file, error))?;
    // What the screens do not take is told, and is in the file: who signed it knows what it is for.
    Ok(Taken::New(reload().await.unwrap_or_else(|why| vec![why])))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(SIGNATURE_SUFFIX);
    name.into()
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    files::read_regular(path, MAX_FILE).map_err(|error| wrong(path, error))
}

fn text(path: &Path) -> Result<String, BundleError> {
    String::from_utf8(read(path)?).map_err(|_| wrong(path, std::io::Error::other("it is not UTF-8 text")))
}

fn wrong(path: &Path, error: std::io::Error) -> BundleError {
    BundleError::File { path: path.display().to_string(), error }
}

/// Of `timestamp:1700000000`, a tab and more, which is signed.
fn time(comment: &str) -> Option<u64> {
    comment.strip_prefix("timestamp:")?.split('\t').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_what_minisign_writes() {
        assert_eq!(time("timestamp:1700000000\tfile:kiosk.toml\thashed"), Some(1_700_000_000));
        for comment in ["", "timestamp:", "timestamp:x\tfile:a", "file:a\ttimestamp:1", "timestamp:-1"] {
            assert_eq!(time(comment), None, "{comment}");
        }
    }
}
