//! The token for the loopback port: read from systemd's credentials, where root alone can have put it, and compared in a time
//! that does not depend on it. One that every user of the machine can read is none. It is never logged.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kiosk_core::files::read_regular;
use subtle::ConstantTimeEq;

use crate::configure::root;

/// Of the file, bytes.
const MAX_FILE: u64 = 4096;
/// Shortest token, characters: 128 bits as `openssl rand -hex 16` writes them.
const MIN_LENGTH: usize = 32;
/// Where systemd has it from, unless the unit was changed.
const SOURCE: &str = "etc/kiosk/agent-token";
/// Permissions of everybody.
const OTHERS: u32 = 0o007;

/// Why the token cannot be used, so that no request could be accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The environment names no folder of credentials.
    #[error("the loopback port needs a token, and systemd hands none in (LoadCredential=token:FILE)")]
    None,
    /// The file can't be read.
    #[error("the token can't be read: {0}")]
    Read(std::io::Error),
    /// It is too short, or not of the characters of a bearer token.
    #[error(
        "the token in /etc/kiosk/agent-token must be one line of at least {MIN_LENGTH} letters, digits and -._~+/=, as `openssl rand -hex 32` writes it"
    )]
    Weak,
    /// It proves nothing.
    #[error("{} can be read by everybody: make another one, with chmod 600", .0.display())]
    Open(PathBuf),
}

/// What a caller must know.
pub struct Token(String);

impl Token {
    /// From the folder `CREDENTIALS_DIRECTORY`.
    pub fn read() -> Result<Self, TokenError> {
        let folder: OsString = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or(TokenError::None)?;
        private(&root().join(SOURCE))?;
        Self::in_folder(Path::new(&folder))
    }

    fn in_folder(folder: &Path) -> Result<Self, TokenError> {
        let file = folder.join("token");
        let bytes = read_regular(&file, MAX_FILE).map_err(TokenError::Read)?;
        private(&file)?;
        Self::of(&String::from_utf8_lossy(&bytes))
    }

    fn of(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        if text.len() < MIN_LENGTH || !text.chars().all(fits) {
            return Err(TokenError::Weak);
        }
        Ok(Token(text.to_owned()))
    }

    /// Whether the value of an `Authorization` header has it.
    pub fn is_in(&self, header: &[u8]) -> bool {
        let Some((scheme, given)) = header.split_at_checked(7) else { return false };
        scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(given.ct_eq(self.0.as_bytes()))
    }
}

/// That not everybody can read it. One that is not there, or where we may not look, is no fault here.
fn private(file: &Path) -> Result<(), TokenError> {
    match std::fs::metadata(file) {
        Ok(data) if data.mode() & OTHERS != 0 => Err(TokenError::Open(file.to_owned())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const GOOD: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_token_is_long_and_of_one_line() {
        assert!(Token::of(&format!("{GOOD}\n")).is_ok());
        for weak in ["", "\n", "short", "#none", "0123456789abcdef 0123456789abcdef", "0123456789abcdef0123456789abcdé"]
        {
            assert!(Token::of(weak).is_err(), "{weak:?}");
        }
    }

    #[test]
    fn a_token_is_a_small_regular_file() {
        let mkfifo = |path: &Path| assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        let huge = |path: &Path| {
            std::fs::write(path, GOOD).unwrap();
            std::fs::File::options().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
        };
        type Fault<'a> = (&'a dyn Fn(&Path), &'a str);
        let faults: [Fault; 6] = [
            (&|path| std::fs::create_dir(path).unwrap(), "it is not a regular file"),
            (&mkfifo, "it is not a regular file"),
            (&|path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(), "it is not a regular file"),
            (&|path| std::os::unix::fs::symlink(path, path).unwrap(), "symbolic link"),
            (&huge, "it is larger than 4 KiB"),
            (
                &|path| {
                    std::fs::write(path, vec![b'['; 4096]).unwrap();
                    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
                },
                "one line of at least 32 letters",
            ),
        ];
        for (make, sentence) in faults {
            let folder = tempfile::tempdir().unwrap();
            make(&folder.path().join("token"));
            let error = Token::in_folder(folder.path()).map(|_| "taken").unwrap_err().to_string();
            assert!(error.contains(sentence), "{error}");
        }
    }

    #[test]
    fn a_token_that_everybody_can_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, GOOD).unwrap();
        // systemd's own have an access list, which shows as the group's.
        for (mode, good) in
            [(0o400, true), (0o440, true), (0o600, true), (0o604, false), (0o644, false), (0o606, false)]
        {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let told = Token::in_folder(folder.path()).map_err(|error| error.to_string());
            assert_eq!(told.is_ok(), good, "{mode:o}");
            assert!(told.err().is_none_or(|error| error.contains("can be read by everybody")));
            assert_eq!(private(&file).is_ok(), good, "{mode:o}");
        }
        assert!(private(&folder.path().join("none")).is_ok());
    }

    #[test]
    fn only_the_whole_token_lets_in() {
        let token = Token::of(GOOD).unwrap_or_else(|error| panic!("{error}"));
        assert!(token.is_in(format!("Bearer {GOOD}").as_bytes()));
        assert!(token.is_in(format!("bearer {GOOD}").as_bytes()));
        for wrong in
            ["", "Bearer", "Bearer ", GOOD, "Basic 0123456789abcdef0123456789abcdef", "Bearer 0123456789abcdef"]
        {
            assert!(!token.is_in(wrong.as_bytes()), "{wrong:?}");
        }
        assert!(!token.is_in(format!("Bearer {GOOD}0").as_bytes()));
    }
}
