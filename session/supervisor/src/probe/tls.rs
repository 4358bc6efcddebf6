//! TLS with certificate verification, and its errors for people.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kiosk_core::chromium::MAX_CERTIFICATES;
use kiosk_core::files::read_regular;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connect::{Connection, Target};
use super::{ANSWER_LIMIT, ProbeError};

/// The same connection with TLS over it.
pub async fn wrap(stream: Connection, target: &Target, trust: &[PathBuf]) -> Result<Connection, ProbeError> {
    let name = ServerName::try_from(target.host.clone()).map_err(|_| ProbeError::OtherName(target.host.clone()))?;
    let trust = trust.to_vec();
    // Reads some hundred certificates, so not on the main thread.
    let roots = tokio::task::spawn_blocking(move || roots(&trust)).await.unwrap_or_else(|_| RootCertStore::empty());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |error: &dyn std::fmt::Display| ProbeError::Certificate(target.host.clone(), error.to_string());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| unusable(&error))?;
    let verifier = Arc::new(ChainVerifier { inner, incomplete: AtomicBool::new(false) });
    let no_certificate = Arc::new(NoClientCertificate::default());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_client_cert_resolver(no_certificate.clone());
    let connected = timeout(ANSWER_LIMIT, TlsConnector::from(Arc::new(config)).connect(name, stream.stream)).await;
    let asks_certificate = no_certificate.requested.load(Ordering::Relaxed);
    match connected {
        Err(_elapsed) => Err(ProbeError::Silent(target.to_string())),
        Ok(Err(_)) if asks_certificate => Err(ProbeError::ClientCertificate(target.to_string())),
        Ok(Err(error)) => Err(said(&error, target, verifier.incomplete.load(Ordering::Relaxed))),
        Ok(Ok(stream)) => Ok(Connection { stream: Box::new(stream), asks_certificate }),
    }
}

/// rustls's verifier, which also notes an incomplete chain.
#[derive(Debug)]
struct ChainVerifier {
    inner: Arc<WebPkiServerVerifier>,
    /// The issuer is missing in the chain, but the certificate names its address, which browsers fetch.
    incomplete: AtomicBool,
}

/// `id-ad-caIssuers` (RFC 5280, section 4.2.2.1), as it stands in a certificate.
const CA_ISSUERS: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if matches!(verdict, Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))) {
            let top = intermediates.last().unwrap_or(end_entity);
            let says_where = top.windows(CA_ISSUERS.len()).any(|part| part == CA_ISSUERS);
            self.incomplete.store(says_where, Ordering::Relaxed);
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Has no client certificate, and notes that the server requested one.
#[derive(Debug, Default)]
struct NoClientCertificate {
    requested: AtomicBool,
}

impl ResolvesClientCert for NoClientCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.requested.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// The system's authorities and those of these files; unreadable files are skipped, and reported elsewhere.
fn roots(trust: &[PathBuf]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for path in trust {
        let Ok(bytes) = read_regular(path, MAX_CERTIFICATES) else { continue };
        let pem: Vec<CertificateDer> = CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok).collect();
        roots.add_parsable_certificates(if pem.is_empty() { vec![bytes.into()] } else { pem });
    }
    roots
}

fn said(error: &io::Error, target: &Target, incomplete: bool) -> ProbeError {
    use CertificateError as C;
    let host = target.host.clone();
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        None => ProbeError::Cut(target.to_string()),
        Some(Error::InvalidCertificate(wrong)) => match wrong {
            C::UnknownIssuer if incomplete => ProbeError::IncompleteChain(host),
            C::UnknownIssuer => ProbeError::UnknownIssuer(host),
            C::Expired | C::ExpiredContext { .. } => ProbeError::Expired(host),
            C::NotValidYet | C::NotValidYetContext { .. } => ProbeError::NotYet(host),
            C::NotValidForName | C::NotValidForNameContext { .. } => ProbeError::OtherName(host),
            other => ProbeError::Certificate(host, format!("{other:?}")),
        },
        Some(Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure)) => {
            ProbeError::ClientCertificate(target.to_string())
        }
        Some(Error::InvalidMessage(_)) => ProbeError::NoTls(target.to_string()),
        Some(other) => ProbeError::Certificate(host, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_file_that_is_none_is_neither_waited_for_nor_read_without_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        rustix::fs::mkfifoat(rustix::fs::CWD, path("fifo"), rustix::fs::Mode::RWXU).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("device")).unwrap();
        std::fs::File::create(path("huge")).unwrap().set_len(1 << 40).unwrap();
        std::fs::create_dir(path("directory")).unwrap();
        let files = ["fifo", "device", "huge", "directory", "none"].map(path);
        assert_eq!(roots(&files).len(), roots(&[]).len());
    }
}
