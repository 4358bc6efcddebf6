//! The device's own certificate (`browser.client-certificate`) in the browser's store: Chromium takes it from an NSS
//! database in its home, which the tools of NSS make. The managed policy says which servers get it. Called by
//! [`crate::daemon`] before each start of the browser, so a renewed file is used from the next start on.

mod placeholder;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use x509_cert::der::Encode as _;

use crate::launcher::find_program;
use crate::sign_in::Secret;
use kiosk_core::chromium::PLACEHOLDER_NAME;
use kiosk_core::files::{read_regular, remove_tree};

/// Chromium's store, in its home.
const STORE: &str = ".pki/nssdb";
/// The new store, renamed when it is complete.
const NEXT: &str = ".pki/nssdb.new";
/// Marks a store as ours; others are not touched.
const MARK: &str = "made-by-kiosk-session";
/// A certificate with its chain and key is a few KiB.
const MAX_FILE: u64 = 1 << 20;
/// The first byte of each (RFC 7292, section 4): for anything else the tool reports a wrong password.
const DER_SEQUENCE: u8 = 0x30;
/// A tool's output, as a file in the store: a certificate of a few KiB, or a list with a line for each.
const SAID: &str = "said";
/// The certificate request that the tool makes for a new key.
const REQUEST: &str = "request";
/// The noise file that the tool requires in addition to the kernel's random numbers.
const NOISE: &str = "noise";
/// Most certificates of the device itself in a file; those of issuers do not count.
const MOST_OWN: usize = 8;
/// Time limit of a tool: it takes tenths of a second, a few seconds on a loaded small machine.
const TOOL_TIMEOUT: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
/// `pk12util`'s exit status for a wrong password.
const WRONG_PASSWORD: i32 = 18;

/// Why it cannot be used, worded to follow "it can't be used:".
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The program that is needed.
    #[error("{0} is not installed: install the package libnss3-tools")]
    Missing(&'static str),
    /// The file, and what the kernel said.
    #[error("{0} can't be read: {1}")]
    Unreadable(PathBuf, io::Error),
    /// The file.
    #[error("{0} has another password than [client-certificate] in the file of browser.sign-in, or is damaged")]
    Password(PathBuf),
    /// The file.
    #[error("{0} is no certificate with its key (PKCS #12)")]
    NotPkcs12(PathBuf),
    /// The browser's store, and what failed.
    #[error("the browser's store {0} can't be made: {1}")]
    Store(PathBuf, io::Error),
    /// What no certificate could be made beside.
    #[error("a certificate of it can't be read: {0}")]
    NotX509(#[from] x509_cert::der::Error),
    /// The program that timed out.
    #[error("{0} does not come to an end")]
    Hangs(&'static str),
}

/// Replaces the store in `home` by one with the certificate of `file` alone. On an error the previous store stays: a
/// renewed file may be damaged while the old certificate is still valid.
pub fn import(file: &Path, password: Option<&Secret>, home: &Path) -> Result<(), CertificateError> {
    let (store, next) = (home.join(STORE), home.join(NEXT));
    let failed = |error: io::Error| CertificateError::Store(store.clone(), error);
    fill(file, password, &next).inspect_err(|_| drop(remove_tree(&next)))?;
    remove_tree(&store).and_then(|()| std::fs::rename(&next, &store)).map_err(failed)
}

/// Removes the certificate and its key from `home` when none is configured any more. A store that [`import`] did not
/// make stays.
pub fn forget(home: &Path) -> io::Result<()> {
    let store = home.join(STORE);
    remove_tree(&home.join(NEXT)).and(if store.join(MARK).exists() { remove_tree(&store) } else { Ok(()) })
}

fn fill(file: &Path, password: Option<&Secret>, store: &Path) -> Result<(), CertificateError> {
    let store = store.to_owned();
    let failed = |error: io::Error| CertificateError::Store(store.clone(), error);
    // Checked by us first: a FIFO or a device would block the tool.
    let content = read_regular(file, MAX_FILE).map_err(|error| CertificateError::Unreadable(file.to_owned(), error))?;
    if content.first() != Some(&DER_SEQUENCE) {
        return Err(CertificateError::NotPkcs12(file.to_owned()));
    }
    remove_tree(&store).map_err(failed)?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&store).map_err(failed)?;
    let database = format!("sql:{}", store.display());
    let made = run("certutil", &["-N", "-d", &database, "--empty-password"], b"", &store)?;
    if !made.success() {
        return Err(failed(io::Error::other("certutil has failed")));
    }
    // Passed by standard input, as everybody can read command lines. An empty password is an empty line.
    let line = format!("{}\n", password.map(Secret::reveal).unwrap_or_default());
    let path = file.display().to_string();
    let taken = run("pk12util", &["-i", &path, "-d", &database, "-w", "/dev/stdin"], line.as_bytes(), &store)?;
    match taken.code() {
        Some(0) => {
            // What NSS takes is the device's certificate, whether or not another can be made beside it.
            if let Err(error) = add_placeholders(&database, &store) {
                tracing::warn!(%error, "no placeholder certificate: servers that are not configured may make the browser ask a visitor");
            }
            for file in [SAID, REQUEST, NOISE] {
                // The last two are not there where nothing is the device's own.
                let _ = std::fs::remove_file(store.join(file));
            }
            std::fs::write(store.join(MARK), "").map_err(failed)
        }
        Some(WRONG_PASSWORD) => Err(CertificateError::Password(file.to_owned())),
        _ => Err(CertificateError::NotPkcs12(file.to_owned())),
    }
}

/// Puts a certificate of [`placeholder`] beside each that the store has a key for.
fn add_placeholders(database: &str, store: &Path) -> Result<(), CertificateError> {
    let failed = |error: io::Error| CertificateError::Store(store.to_owned(), error);
    let [said, request, noise] = [SAID, REQUEST, NOISE].map(|name| store.join(name));
    let certutil = |arguments: &[&str]| {
        let output = File::create(&said).map_err(failed)?;
        let done = run_into("certutil", &[arguments, &["-d", database]].concat(), b"", output.into(), store)?;
        if !done.success() {
            return Err(failed(io::Error::other("certutil has failed")));
        }
        read_regular(&said, MAX_FILE).map_err(failed)
    };
    let list = certutil(&["-L"])?;
    let list = String::from_utf8_lossy(&list);
    let subject = format!("CN={PLACEHOLDER_NAME}");
    let [request_path, noise_path] = [&request, &noise].map(|path| path.display().to_string());
    // Those of one subject have one name, by which the tool prints all of them.
    let names: BTreeSet<&str> = own(&list).collect();
    let mut device = Vec::new();
    for name in names {
        device.extend(placeholder::parse_all(&certutil(&["-L", "-n", name, "-r"])?)?);
    }
    for (number, device) in device.into_iter().take(MOST_OWN).enumerate() {
        std::fs::write(&noise, device.to_der()?).map_err(failed)?;
        certutil(&["-R", "-s", &subject, "-k", "ec", "-q", "nistp256", "-z", &noise_path, "-o", &request_path])?;
        let made = placeholder::make(device, &read_regular(&request, MAX_FILE).map_err(failed)?)?;
        std::fs::write(&request, made).map_err(failed)?;
        certutil(&["-A", "-n", &format!("{PLACEHOLDER_NAME} {number}"), "-t", ",,", "-i", &request_path])?;
    }
    Ok(())
}

/// The names, in the tool's list, of those certificates that the store has a key for: their trust has a `u`.
fn own(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(|line| {
        let (name, trust) = line.trim_end().rsplit_once(' ')?;
        (trust.matches(',').count() == 2 && trust.contains('u')).then(|| name.trim_end())
    })
}

fn run(name: &'static str, arguments: &[&str], input: &[u8], store: &Path) -> Result<ExitStatus, CertificateError> {
    run_into(name, arguments, input, Stdio::null(), store)
}

fn run_into(
    name: &'static str,
    arguments: &[&str],
    input: &[u8],
    output: Stdio,
    store: &Path,
) -> Result<ExitStatus, CertificateError> {
    let failed = |error: io::Error| CertificateError::Store(store.to_owned(), error);
    let path = std::env::var_os("PATH");
    let program = find_program(name, path.as_deref()).ok_or(CertificateError::Missing(name))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(output).stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    // A line fits into the pipe; a tool that does not read it reports its error by its status.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input);
    }
    match ended(&child) {
        Ok(true) => child.wait().map_err(failed),
        other => {
            let _ = child.kill();
            let _ = child.wait();
            other.map_err(|error| failed(error.into())).and(Err(CertificateError::Hangs(name)))
        }
    }
}

/// Whether it ended within its time.
fn ended(child: &Child) -> rustix::io::Result<bool> {
    let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    Ok(poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&TOOL_TIMEOUT))? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_certificate_is_reported() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("c.p12");
        let told = || import(&file, None, base.path()).unwrap_err().to_string();
        assert!(told().contains("c.p12 can't be read: No such file"), "{}", told());
        std::fs::write(&file, "nothing").unwrap();
        assert!(told().ends_with("c.p12 is no certificate with its key (PKCS #12)"), "{}", told());
    }

    #[test]
    fn the_device_s_own_are_those_with_a_key() {
        let list = "\nCertificate Nickname                   Trust Attributes\n                         \
                    SSL,S/MIME,JAR/XPI\n\nkiosk - Fab  2                 u,u,u\nDevice CA      ,,   \n";
        assert_eq!(own(list).collect::<Vec<_>>(), ["kiosk - Fab  2"]);
    }

    #[test]
    fn the_previous_store_stays_until_it_is_replaced_and_is_removed_when_no_certificate_is_configured() {
        let base = tempfile::tempdir().unwrap();
        let (file, store) = (base.path().join("c.p12"), base.path().join(STORE));
        std::fs::create_dir_all(&store).unwrap();
        std::fs::write(store.join("key4.db"), "the last one").unwrap();
        std::fs::write(&file, [DER_SEQUENCE, 0, 1, 2]).unwrap();
        import(&file, None, base.path()).unwrap_err();
        assert!(store.join("key4.db").exists());
        assert!(!base.path().join(NEXT).exists());
        forget(base.path()).unwrap();
        assert!(store.join("key4.db").exists(), "it is not ours");
        std::fs::write(store.join(MARK), "").unwrap();
        forget(base.path()).unwrap();
        assert!(!store.exists());
        forget(base.path()).unwrap();
    }
}
