//! The placeholder certificate for servers that must not get the device's own. Called by [`super::fill`].
//!
//! If a server requests a client certificate and no policy selects one, Chromium asks the visitor; it cannot be told to
//! send none. So the store has a second certificate for each of the device's, and the policy selects it for all other
//! servers. It has the same issuer name, so that it matches the same requests. Its public key says to be of a curve that
//! Chromium does not have: NSS finds the private key to it, by the key's point alone, and lists the certificate; Chromium,
//! which wants to sign with it, gets no key for it, and goes on without a certificate.
//!
//! Key and subject are of no use, and the signature is not valid, so that a browser that sent it would give nothing away.

use std::time::Duration;

use x509_cert::certificate::Certificate;
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, Error, Reader, SliceReader};
use x509_cert::name::Name;
use x509_cert::request::CertReq;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Time;

/// Length of the serial number, taken from the key so that it is unique: NSS identifies certificates by issuer and
/// serial number.
const SERIAL_BYTES: usize = 16;
/// secp256k1 (SEC 2, section 2.4.1).
const FOREIGN_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
/// Its validity ends this much earlier: for the device's servers the browser prefers the certificate that is valid for
/// longer.
const SHORTER: Duration = Duration::from_secs(1);

/// All certificates of a file that has them one after the other, DER.
pub(super) fn parse_all(file: &[u8]) -> Result<Vec<Certificate>, Error> {
    let mut reader = SliceReader::new(file)?;
    let mut certificates = Vec::new();
    while !reader.is_finished() {
        certificates.push(Certificate::decode(&mut reader)?);
    }
    Ok(certificates)
}

/// The placeholder for the device's `certificate`, with the key and name of `request`, DER.
pub(super) fn make(mut certificate: Certificate, request: &[u8]) -> Result<Vec<u8>, Error> {
    let request = CertReq::from_der(request)?;
    let tbs = &mut certificate.tbs_certificate;
    let key = request.info.public_key.subject_public_key.raw_bytes();
    let mut serial: Vec<u8> = key.iter().rev().take(SERIAL_BYTES).copied().collect();
    // Never negative, and never of another length.
    if let Some(first) = serial.first_mut() {
        *first = 1;
    }
    tbs.serial_number = SerialNumber::new(&serial)?;
    tbs.subject = Name::clone(&request.info.subject);
    tbs.subject_public_key_info = request.info.public_key;
    tbs.subject_public_key_info.algorithm.parameters = Some(Any::encode_from(&FOREIGN_CURVE)?);
    let end = tbs.validity.not_after.to_system_time();
    tbs.validity.not_after = Time::try_from(end.checked_sub(SHORTER).unwrap_or(end))?;
    (tbs.issuer_unique_id, tbs.subject_unique_id, tbs.extensions) = (None, None, None);
    certificate.signature = request.signature;
    certificate.to_der()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, KeyPair};

    use super::*;

    #[test]
    fn the_placeholder_shares_only_the_issuer_with_the_devices_certificate() {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(rcgen::DnType::OrganizationName, "Fab");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::new(vec!["panel-7.example".into()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let device = params.signed_by(&KeyPair::generate().unwrap(), &authority).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "placeholder");
        let request = params.serialize_request(&KeyPair::generate().unwrap()).unwrap();

        // The tool prints all certificates of one subject.
        let twice = [device.der().as_ref(), device.der().as_ref()].concat();
        assert_eq!(parse_all(&twice).unwrap().len(), 2);
        assert!(parse_all(&twice[..twice.len() - 1]).is_err() && parse_all(b"\x30\x00").is_err());
        let device = parse_all(device.der()).unwrap().remove(0);
        let made = make(device.clone(), request.der()).unwrap();
        let made = Certificate::from_der(&made).unwrap();
        let (ours, theirs) = (&made.tbs_certificate, &device.tbs_certificate);
        assert_eq!(ours.issuer, theirs.issuer);
        assert!(ours.subject.to_string().contains("placeholder") && ours.extensions.is_none());
        assert_ne!(ours.serial_number, theirs.serial_number);
        assert_ne!(ours.subject_public_key_info, theirs.subject_public_key_info);
        assert_ne!(made.signature, device.signature);
        // Of a curve that Chromium does not have.
        let curve = ours.subject_public_key_info.algorithm.parameters.as_ref().unwrap();
        assert_eq!(curve.decode_as::<ObjectIdentifier>().unwrap(), FOREIGN_CURVE);
        let end = |validity: &x509_cert::time::Validity| validity.not_after.to_unix_duration();
        assert_eq!(end(&ours.validity) + SHORTER, end(&theirs.validity));
        assert!(make(device, b"\x30\x00").is_err());
    }
}
