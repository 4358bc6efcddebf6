//! Whether what somebody offers for this device may be put in force: a certificate of ours, of an authority that is one, and
//! its list. Whoever offers it has proven the code or the role `admin`; what is looked for here are mistakes. Each is a sentence.

use std::sync::Arc;

use kiosk_enrolment::{Offer, device_name};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::{CertificateError, RootCertStore};
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::{BasicConstraints, CrlNumber, KeyUsage};

use crate::tls::{Clock, begins};

/// Most certificates of a chain, and authorities.
const MAX_CERTIFICATES: usize = 16;

/// What is wrong with an offer.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    #[error("the {0} can't be read: {1}")]
    Read(&'static str, String),
    #[error("there is no {0} in what was offered")]
    None(&'static str),
    #[error("there are more than {MAX_CERTIFICATES} of {0}")]
    Many(&'static str),
    #[error("{0} is no authority: it may not sign certificates")]
    NoAuthority(String),
    #[error("the certificate is for another key than the device's")]
    OtherKey,
    #[error("the certificate has no name or address by which the device could be called")]
    NoName,
    #[error("the certificate is for the subject {0}, and the device's is {1}")]
    OtherSubject(String, String),
    #[error("the certificate can't be a device's: {0}")]
    Certificate(String),
    #[error("the revocation list is not the authority's: {0}")]
    List(String),
    #[error("the revocation list has number {0}, and the device has one with {1}")]
    OldList(String, String),
}

/// Looks at all of it. `key`: the device's public key, as its request has it.
pub fn offer(offer: &Offer, key: &[u8]) -> Result<(), Wrong> {
    let authorities = authorities(&offer.authority)?;
    let chain = certificates("certificate", &offer.certificate)?;
    let own = chain.first().ok_or(Wrong::None("certificate"))?;
    let read = parsed("certificate", own)?;
    if read.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes() != key {
        return Err(Wrong::OtherKey);
    }
    verified(&chain, &authorities, lists(&offer.revoked)?, true)
}

/// That a renewed certificate is for the subject that the present one has. Both PEM.
pub fn same_subject(new: &str, present: &str) -> Result<(), Wrong> {
    let subject = |text: &str| {
        let chain = certificates("certificate", text)?;
        let own = chain.first().ok_or(Wrong::None("certificate"))?;
        let read = parsed("certificate", own)?;
        Ok(read.tbs_certificate.subject.to_string())
    };
    let (new, present) = (subject(new)?, subject(present)?);
    if new == present { Ok(()) } else { Err(Wrong::OtherSubject(new, present)) }
}

/// Looks at a new revocation list: signed by whom the device trusts, and no older than what it has. All PEM.
pub fn list(new: &str, present: Option<&str>, certificate: &str, authority: &str) -> Result<(), Wrong> {
    not_older(new, present)?;
    verified(&certificates("certificate", certificate)?, &authorities(authority)?, lists(new)?, false)
}

/// That nobody brings back what was revoked by an older list.
pub fn not_older(new: &str, present: Option<&str>) -> Result<(), Wrong> {
    let newest = lists(new)?.iter().filter_map(number).max();
    let known = present.and_then(|present| lists(present).ok()?.iter().filter_map(number).max());
    match (newest, known) {
        (newest, Some(known)) if newest.as_ref().is_none_or(|newest| *newest < known) => {
            Err(Wrong::OldList(newest.as_ref().map_or_else(|| "none".into(), hex), hex(&known)))
        }
        _ => Ok(()),
    }
}

/// The chain leads to the authorities, and the lists are theirs; `counts`: and none of it is revoked.
fn verified(
    chain: &[CertificateDer<'static>],
    authorities: &[CertificateDer<'static>],
    lists: Vec<CertificateRevocationListDer<'static>>,
    counts: bool,
) -> Result<(), Wrong> {
    let (own, others) = chain.split_first().ok_or(Wrong::None("certificate"))?;
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone()).map_err(|error| Wrong::Read("authority", error.to_string()))?;
    }
    let clock = Clock::new(authorities.iter().chain(Some(own)).filter_map(begins));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(lists)
        .only_check_end_entity_revocation()
        .build()
        .map_err(|error| Wrong::List(error.to_string()))?;
    let checked = verifier.verify_server_cert(own, others, &device_name(own).ok_or(Wrong::NoName)?, &[], clock.now());
    match checked {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(CertificateError::Revoked)) if !counts => Ok(()),
        Err(rustls::Error::InvalidCertificate(
            error @ (CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. }),
        )) => Err(Wrong::List(error.to_string())),
        Err(rustls::Error::InvalidCertificate(error)) => Err(Wrong::Certificate(error.to_string())),
        // What webpki says of a list whose signature is not good.
        Err(rustls::Error::InvalidCertRevocationList(error)) => Err(Wrong::List(format!("{error:?}"))),
        Err(error) => Err(Wrong::Certificate(error.to_string())),
    }
}

/// At least one, and each may sign.
fn authorities(text: &str) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let all = certificates("authority", text)?;
    for authority in &all {
        let read = parsed("authority", authority)?;
        let body = read.tbs_certificate;
        let signs = body.get::<BasicConstraints>().ok().flatten().is_some_and(|(_, limits)| limits.ca);
        let usage = body.get::<KeyUsage>().ok().flatten();
        if !signs || usage.is_some_and(|(_, usage)| !usage.key_cert_sign()) {
            return Err(Wrong::NoAuthority(body.subject.to_string()));
        }
    }
    Ok(all)
}

/// At least one.
fn certificates(what: &'static str, text: &str) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    sections(what, text)
}

/// At least one.
fn lists(text: &str) -> Result<Vec<CertificateRevocationListDer<'static>>, Wrong> {
    sections("revocation list", text)
}

/// What PEM has of a kind, at least one.
fn sections<T: PemObject>(what: &'static str, text: &str) -> Result<Vec<T>, Wrong> {
    let all: Result<Vec<T>, _> = T::pem_slice_iter(text.as_bytes()).take(MAX_CERTIFICATES + 1).collect();
    match all {
        Err(error) => Err(Wrong::Read(what, error.to_string())),
        Ok(all) if all.is_empty() => Err(Wrong::None(what)),
        Ok(all) if all.len() > MAX_CERTIFICATES => Err(Wrong::Many(what)),
        Ok(all) => Ok(all),
    }
}

fn parsed(what: &'static str, certificate: &CertificateDer<'_>) -> Result<Certificate, Wrong> {
    Certificate::from_der(certificate).map_err(|error| Wrong::Read(what, error.to_string()))
}

/// Of a list: its length, then its bytes, so that two compare as numbers do.
fn number(list: &CertificateRevocationListDer<'_>) -> Option<(usize, Vec<u8>)> {
    let read = CertificateList::from_der(list).ok()?;
    let extensions = read.tbs_cert_list.crl_extensions.unwrap_or_default();
    let found = extensions.iter().find(|one| one.extn_id == <CrlNumber as x509_cert::der::oid::AssociatedOid>::OID)?;
    let number = CrlNumber::from_der(found.extn_value.as_bytes()).ok()?;
    let bytes: Vec<u8> = number.0.as_bytes().iter().copied().skip_while(|byte| *byte == 0).collect();
    Some((bytes.len(), bytes))
}

fn hex((_, bytes): &(usize, Vec<u8>)) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}
