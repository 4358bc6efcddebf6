//! What the folder of certificates says: our key and certificate, the authorities whose certificates open the door, and what
//! they have revoked. Read whole; a folder that does not fit together is refused with the file and the reason.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kiosk_core::files::read_regular;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::clock::Clock;

/// Our certificate, then those between it and its authority.
pub const CERTIFICATE: &str = "certificate.pem";
/// Its private key.
pub const KEY: &str = "key.pem";
/// Authorities whose certificates open the door.
pub const AUTHORITIES: &str = "ca.pem";
/// Their revocation lists; may be missing.
pub const REVOKED: &str = "revoked.pem";

/// Of a file, bytes: a chain, some authorities.
const MAX_FILE: u64 = 256 << 10;
/// Of the revocation lists, bytes: about 25,000 revoked certificates.
const MAX_REVOKED: u64 = 1 << 20;
/// Permissions of everybody.
const OTHERS: u32 = 0o007;

/// Why the folder can't be used, one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    #[error("{} is missing: the device has no certificate yet", .0.display())]
    None(PathBuf),
    #[error("{file} can't be read: {1}", file = .0.display())]
    Read(PathBuf, std::io::Error),
    #[error("{file} has no {1} in PEM form", file = .0.display())]
    Empty(PathBuf, &'static str),
    #[error("{file} is broken: {1}", file = .0.display())]
    Broken(PathBuf, String),
    #[error("{} can be read by everybody: chmod 600", .0.display())]
    Open(PathBuf),
    #[error("{file} and {CERTIFICATE} can't be used together: {1}", file = .0.display())]
    Mismatch(PathBuf, rustls::Error),
}

/// What a listener needs.
pub struct Material {
    /// Of the handshakes.
    pub config: Arc<ServerConfig>,
    /// Knows who may come in.
    verifier: Arc<dyn ClientCertVerifier>,
    /// What both go by.
    pub clock: Clock,
}

impl Material {
    /// Reads the folder.
    pub fn read(folder: &Path) -> Result<Self, MaterialError> {
        let chain = certificates(folder, CERTIFICATE)?;
        let (key, key_file) = (key(folder)?, folder.join(KEY));
        let authorities = certificates(folder, AUTHORITIES)?;
        let clock = Clock::new(authorities.iter().chain(chain.first()).filter_map(begins));
        let broken =
            |file: &str, error: &dyn std::fmt::Display| MaterialError::Broken(folder.join(file), error.to_string());
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority).map_err(|error| broken(AUTHORITIES, &error))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .with_crls(revoked(folder)?)
            // An authority without a list has revoked nothing.
            .allow_unknown_revocation_status()
            .build()
            .map_err(|error| broken(REVOKED, &error))?;
        let mut config = ServerConfig::builder_with_details(provider, Arc::new(clock))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| broken(CERTIFICATE, &error))?
            .with_client_cert_verifier(verifier.clone())
            .with_single_cert(chain, key)
            .map_err(|error| MaterialError::Mismatch(key_file, error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A session that is taken up again is not verified again: a revoked certificate would go on.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Material { config: Arc::new(config), verifier, clock })
    }

    /// What the device connects with: its certificate, and its authorities for who is at the other end, by the clock of a listener.
    pub fn client(folder: &Path, protocol: &[u8]) -> Result<ClientConfig, MaterialError> {
        let (chain, key, authorities) =
            (certificates(folder, CERTIFICATE)?, key(folder)?, certificates(folder, AUTHORITIES)?);
        let clock = Clock::new(authorities.iter().chain(chain.first()).filter_map(begins));
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities);
        let mismatch = |error| MaterialError::Mismatch(folder.join(KEY), error);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(clock))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(mismatch)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(mismatch)?;
        config.alpn_protocols = vec![protocol.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// Whether this chain, which was good once, is good now.
    pub fn admits(&self, chain: &[CertificateDer<'_>]) -> bool {
        let Some((own, others)) = chain.split_first() else { return false };
        self.verifier.verify_client_cert(own, others, self.clock.now()).is_ok()
    }
}

fn read(folder: &Path, file: &str, limit: u64) -> Result<Vec<u8>, MaterialError> {
    let path = folder.join(file);
    read_regular(&path, limit).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => MaterialError::None(path),
        _ => MaterialError::Read(path, error),
    })
}

/// At least one.
fn certificates(folder: &Path, file: &str) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
    let bytes = read(folder, file, MAX_FILE)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match all {
        Err(error) => Err(MaterialError::Broken(folder.join(file), error.to_string())),
        Ok(all) if all.is_empty() => Err(MaterialError::Empty(folder.join(file), "certificate")),
        Ok(all) => Ok(all),
    }
}

fn key(folder: &Path) -> Result<PrivateKeyDer<'static>, MaterialError> {
    let path = folder.join(KEY);
    if std::fs::metadata(&path).is_ok_and(|data| data.mode() & OTHERS != 0) {
        return Err(MaterialError::Open(path));
    }
    let bytes = read(folder, KEY, MAX_FILE)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| MaterialError::Empty(path, "private key"))
}

/// None where there is no file.
fn revoked(folder: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, MaterialError> {
    let bytes = match read(folder, REVOKED, MAX_REVOKED) {
        Err(MaterialError::None(_)) => return Ok(Vec::new()),
        bytes => bytes?,
    };
    let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    match all {
        Err(error) => Err(MaterialError::Broken(folder.join(REVOKED), error.to_string())),
        // A file that should say something and does not is not taken for one that revokes nothing.
        Ok(all) if all.is_empty() => Err(MaterialError::Empty(folder.join(REVOKED), "revocation list (X509 CRL)")),
        Ok(all) => Ok(all),
    }
}

/// When the device's own certificate ends, seconds since 1970; `None`: it has none that can be read.
pub fn own_end(folder: &Path) -> Option<u64> {
    let chain = certificates(folder, CERTIFICATE).ok()?;
    let own = Certificate::from_der(chain.first()?).ok()?;
    Some(own.tbs_certificate.validity.not_after.to_unix_duration().as_secs())
}

/// From when on a certificate counts.
pub fn begins(certificate: &CertificateDer<'_>) -> Option<UnixTime> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let begin: Duration = certificate.tbs_certificate.validity.not_before.to_unix_duration();
    Some(UnixTime::since_unix_epoch(begin))
}
