//! TLS to a server whose certificate is checked, and what is wrong with it in words.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connect::{Connection, Target};
use super::{ANSWER_LIMIT, ProbeError};

/// The same connection with TLS over it.
pub async fn wrap(stream: Connection, target: &Target, trust: &[PathBuf]) -> Result<Connection, ProbeError> {
    let name = ServerName::try_from(target.host.clone()).map_err(|_| ProbeError::OtherName(target.host.clone()))?;
    let trust = trust.to_vec();
    // Some hundred certificates are read: not on the thread that looks after the browser.
    let roots = tokio::task::spawn_blocking(move || roots(&trust)).await.unwrap_or_else(|_| RootCertStore::empty());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ProbeError::Certificate(target.host.clone(), error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    match timeout(ANSWER_LIMIT, TlsConnector::from(Arc::new(config)).connect(name, stream)).await {
        Err(_elapsed) => Err(ProbeError::Silent(target.to_string())),
        Ok(Err(error)) => Err(said(&error, target)),
        Ok(Ok(stream)) => Ok(Box::new(stream)),
    }
}

/// The system's authorities and those of these files; what can't be read is left out, and told elsewhere.
fn roots(trust: &[PathBuf]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for path in trust {
        let pem: Vec<CertificateDer> =
            CertificateDer::pem_file_iter(path).into_iter().flatten().filter_map(Result::ok).collect();
        let der = || std::fs::read(path).ok().map(CertificateDer::from);
        let found = if pem.is_empty() { der().into_iter().collect() } else { pem };
        roots.add_parsable_certificates(found);
    }
    roots
}

fn said(error: &io::Error, target: &Target) -> ProbeError {
    use CertificateError as C;
    let host = target.host.clone();
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        None => ProbeError::Cut(target.to_string()),
        Some(Error::InvalidCertificate(wrong)) => match wrong {
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
