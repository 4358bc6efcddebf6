//! What a device and the fleet's authority say to each other when the device renews its certificate by itself
//! (`kioskctl agent ca serve`): over TLS with both their certificates, the device asks and the authority answers, once.

use rustls::pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What TLS is told is spoken (ALPN).
pub const RENEWAL_PROTOCOL: &[u8] = b"kiosk-renew/1";

/// The device's: its present certificate is TLS's matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// A certificate signing request (PKCS #10), PEM; its key was made for it and stays where it is.
    pub request: String,
}

/// The authority's answer. PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Renewed {
    /// A new certificate, for the subject of the old one.
    Signed {
        /// The certificate, and those between it and the authority's.
        certificate: String,
        /// The authority's revocation list.
        revoked: String,
    },
    /// The present certificate is good for longer.
    Early {
        /// The authority's revocation list.
        revoked: String,
    },
    /// Why not, in a sentence.
    Refused(String),
}

/// One of the names by which a device may be called, as its certificate has them; `None`: it has none, or can't be read.
pub fn device_name(certificate: &CertificateDer<'_>) -> Option<ServerName<'static>> {
    let read = Certificate::from_der(certificate).ok()?;
    let names = read.tbs_certificate.get::<SubjectAltName>().ok().flatten().map(|(_, names)| names.0);
    names.unwrap_or_default().into_iter().find_map(|name| match name {
        GeneralName::DnsName(name) => ServerName::try_from(name.as_str().to_owned()).ok(),
        GeneralName::IpAddress(bytes) => Some(ServerName::IpAddress(address(bytes.as_bytes())?.into())),
        _ => None,
    })
}

fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    <[u8; 4]>::try_from(bytes).map(Into::into).or_else(|_| <[u8; 16]>::try_from(bytes).map(Into::into)).ok()
}
