//! A certificate extension with the URL of its issuer's certificate; for the tests of the probe, and those with a
//! browser.

use rcgen::CustomExtension;

/// `authorityInfoAccess` with one `caIssuers` (RFC 5280, section 4.2.2.1).
pub fn issuer_at(url: &str) -> CustomExtension {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let der = |tag: u8, content: &[u8]| [&[tag, length(content)], content].concat();
    let ca_issuers = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    let description = der(0x30, &[&ca_issuers[..], &der(0x86, url.as_bytes())].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], der(0x30, &description))
}
