//! An authority and what it signs. Knows no files.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertificateSigningRequestParams,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, DecodePem};
use x509_cert::ext::pkix::{self, CrlNumber};

use super::store::{Index, Issued};
use super::{CaError, DAY, Signed};

/// Before the role's name, as kiosk-agent reads it.
const ROLE: &str = "kiosk:role:";
/// A device looks at its lists' signatures and not at their age: it may be away for years.
const LIST_DAYS: u32 = 3650;
/// Longest name of a certificate, characters.
const MAX_NAME: usize = 64;

/// Whose certificate.
#[derive(Debug)]
pub struct Subject<'a> {
    pub name: &'a str,
    /// `None`: a device.
    pub role: Option<&'a str>,
    /// Of a device.
    pub hosts: &'a [String],
}

/// A certificate that may sign, and its key.
pub struct Authority {
    pub name: String,
    /// PEM.
    pub certificate: String,
    key: KeyPair,
    not_before: SystemTime,
    pub not_after: SystemTime,
}

impl Authority {
    /// A new one.
    pub fn make(name: &str, begin: SystemTime, lasts: Duration) -> Result<Self, CaError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = begin.into();
        params.not_after = (SystemTime::now() + lasts).into();
        let certificate = params.self_signed(&key)?.pem();
        let broken = |why| CaError::Broken("ca.pem".into(), why);
        Authority::of(&certificate, &key.serialize_pem()).map_err(broken)
    }

    /// One that there is. Errors: what is wrong with it.
    pub fn of(certificate: &str, key: &str) -> Result<Self, String> {
        let read =
            Certificate::from_pem(certificate).map_err(|error| format!("it is no certificate in PEM: {error}"))?;
        let key =
            KeyPair::from_pem(key).map_err(|error| format!("its key is no private key in PEM, PKCS #8: {error}"))?;
        let body = &read.tbs_certificate;
        if body.subject_public_key_info.subject_public_key.raw_bytes() != key.public_key_raw() {
            return Err("the key is another certificate's".into());
        }
        let signs = body.get::<pkix::BasicConstraints>().ok().flatten().is_some_and(|(_, limits)| limits.ca);
        let usage = body.get::<pkix::KeyUsage>().ok().flatten();
        if !signs || usage.is_some_and(|(_, usage)| !usage.key_cert_sign() || !usage.crl_sign()) {
            return Err("it may not sign certificates and revocation lists: it is no authority".into());
        }
        Ok(Authority {
            name: body.subject.to_string(),
            certificate: certificate.to_owned(),
            key,
            not_before: SystemTime::UNIX_EPOCH + body.validity.not_before.to_unix_duration(),
            not_after: SystemTime::UNIX_EPOCH + body.validity.not_after.to_unix_duration(),
        })
    }

    /// PEM.
    pub fn key(&self) -> String {
        self.key.serialize_pem()
    }

    fn issuer(&self) -> Result<Issuer<'static, &KeyPair>, CaError> {
        Ok(Issuer::from_ca_cert_pem(&self.certificate, &self.key)?)
    }

    /// A certificate that begins when the authority does. Of a request its public key alone counts, after its signature.
    pub fn sign(
        &self,
        subject: &Subject<'_>,
        serial: &[u8],
        not_after: SystemTime,
        request: Option<&str>,
    ) -> Result<Signed, CaError> {
        let first = subject.name.chars().next();
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !first.is_some_and(|c| c.is_ascii_alphanumeric())
            || subject.name.len() > MAX_NAME
            || !subject.name.chars().all(fits)
        {
            return Err(CaError::Name(subject.name.to_owned()));
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(subject.name);
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (self.not_before.into(), not_after.into());
        match subject.role {
            Some(role) => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                params.subject_alt_names = vec![SanType::URI(format!("{ROLE}{role}").as_str().try_into()?)];
            }
            None => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
                params.subject_alt_names =
                    subject.hosts.iter().map(|host| host_name(host)).collect::<Result<_, _>>()?;
            }
        }
        match request {
            Some(request) => {
                let request = CertificateSigningRequestParams::from_pem(request)?;
                let certificate = params.signed_by(&request.public_key, &self.issuer()?)?.pem();
                Ok(Signed { certificate, key: None })
            }
            None => {
                let key = KeyPair::generate()?;
                let certificate = params.signed_by(&key, &self.issuer()?)?.pem();
                Ok(Signed { certificate, key: Some(key.serialize_pem()) })
            }
        }
    }

    /// The list of what was revoked, PEM.
    pub fn revocations(&self, index: &Index) -> Result<String, CaError> {
        let revoked = |issued: &Issued| {
            let at: jiff::Timestamp = issued.revoked.as_ref()?.parse().ok()?;
            Some(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&issued.serial_bytes()),
                revocation_time: SystemTime::from(at).into(),
                reason_code: None,
                invalidity_date: None,
            })
        };
        let list = CertificateRevocationListParams {
            this_update: self.not_before.into(),
            next_update: (SystemTime::now() + DAY * LIST_DAYS).into(),
            crl_number: index.list_number.into(),
            issuing_distribution_point: None,
            revoked_certs: index.issued.iter().filter_map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer()?)?.pem()?)
    }
}

/// The number of a list of revocations, PEM; `None`: it has none, or is none.
pub fn list_number(text: &str) -> Option<u64> {
    let list = CertificateRevocationListDer::from_pem_slice(text.as_bytes()).ok()?;
    let list = CertificateList::from_der(&list).ok()?;
    let extensions = list.tbs_cert_list.crl_extensions.unwrap_or_default();
    let found = extensions.iter().find(|one| one.extn_id == CrlNumber::OID)?;
    let number = CrlNumber::from_der(found.extn_value.as_bytes()).ok()?;
    number.0.as_bytes().iter().try_fold(0u64, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()))
}

fn common_name(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

/// As a certificate has a host's name or its address.
pub fn host_name(host: &str) -> Result<SanType, CaError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    if !is_host(host) {
        return Err(CaError::Host(host.to_owned()));
    }
    Ok(SanType::DnsName(host.try_into()?))
}

/// Whether a host may have this name.
pub fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    host.len() <= 253 && host.split('.').all(label)
}
