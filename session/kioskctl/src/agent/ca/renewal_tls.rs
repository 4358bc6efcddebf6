//! TLS as `agent ca serve` speaks it: 1.3, with a device's certificate of this authority from the other side. Devices have
//! certificates of servers (extendedKeyUsage serverAuth), and no others: a person's or a program's opens nothing here. What was
//! revoked is told by the authority's own list, after the handshake.

use std::sync::Arc;

use kiosk_enrolment::{RENEWAL_PROTOCOL, device_name};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};

use super::Signed;

/// `authority`: PEM; `own`: with its key.
pub fn config(authority: &str, own: &Signed) -> Result<ServerConfig, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).map_err(|error| text(&error))?;
    roots.add(authority).map_err(|error| text(&error))?;
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let devices = Devices(chain.map_err(|error| text(&error))?);
    let certificate = CertificateDer::from_pem_slice(own.certificate.as_bytes()).map_err(|error| text(&error))?;
    let key = own.key.as_deref().unwrap_or_default();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| text(&error))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| text(&error))?
        .with_client_cert_verifier(Arc::new(devices))
        .with_single_cert(vec![certificate], key)
        .map_err(|error| text(&error))?;
    config.alpn_protocols = vec![RENEWAL_PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Takes those whose certificates are good for a device.
#[derive(Debug)]
struct Devices(Arc<WebPkiServerVerifier>);

impl ClientCertVerifier for Devices {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // By a name of its own: which device it is, its serial number says.
        let name = device_name(own).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        self.0.verify_server_cert(own, others, &name, &[], now).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
