//! Who a client's certificate says its owner is. Read after the certificate was verified, and still of nobody's making but
//! its authority's: what cannot be read gives no role. Pure.

use rustls::pki_types::{CertificateDer, UnixTime};
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::role::{Caller, Role};

/// Before the role's name, in a URI of the subject's alternative names.
const ROLE: &str = "kiosk:role:";
/// Longest name in the log, characters.
const MAX_NAME: usize = 100;

/// Of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// With the role.
    pub caller: Caller,
    /// When it ends.
    pub not_after: UnixTime,
}

impl Identity {
    /// What a verified certificate says; `None`: it can't be read.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let body = &certificate.tbs_certificate;
        let names = body.get::<SubjectAltName>().ok().flatten().map(|(_critical, names)| names.0).unwrap_or_default();
        let roles = names.iter().filter_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => uri.as_str().strip_prefix(ROLE).and_then(Role::named),
            _ => None,
        });
        let serial: String = body.serial_number.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let subject: String = body.subject.to_string().chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        let end: Duration = body.validity.not_after.to_unix_duration();
        Some(Identity {
            caller: Caller { role: roles.max(), name: Some(format!("{subject} ({serial})")) },
            not_after: UnixTime::since_unix_epoch(end),
        })
    }
}
