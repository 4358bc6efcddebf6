//! The managed policy that follows from the configuration, for all shells of the machine at once. Reads the certificates
//! that `browser.trust` names, and nothing else.

use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Map, Value, json};

use crate::config::{Config, Permission, Printing, Shell, UrlPattern};
use crate::files::read_regular;

/// The part of the policy that no configuration changes. Addresses other than those of the web are blocked, as a frame's
/// `mailto:` and the like start a program (`xdg-open`), or have a visitor asked for that. The extension is the browser's
/// own viewer for PDFs. Which web addresses may be shown the session decides.
const BASE: &str = include_str!("../../../../assets/chromium/kiosk.json");
/// Of a file of `browser.trust`, bytes: one is a few KiB, the bundle of all public authorities has 300 KiB.
pub const MAX_CERTIFICATES: u64 = 1 << 20;

/// Common name of the certificate for servers that are not to get the device's. It is in the browser's store beside that
/// one, so that the browser never asks a visitor to select a certificate.
pub const PLACEHOLDER_NAME: &str = "kioskd placeholder";

/// Why a certificate is left out of the policy, as a sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file, and what the kernel said.
    #[error("browser.trust names {0}, which can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The file is there, and is something else.
    #[error("browser.trust names {0}, which has no certificate in it (PEM, or DER)")]
    NoCertificate(PathBuf),
}

/// The policy as an object of Chromium's keys, and what had to be left out of it.
pub fn policy(config: &Config) -> (Map<String, Value>, Vec<PolicyError>) {
    let base = serde_json::from_str(BASE).unwrap_or_default();
    let Value::Object(mut policy) = base else { return (Map::new(), Vec::new()) };
    let shells = config.all_shells();
    let files: Vec<Value> = files(config, shells).into_iter().map(Value::from).collect();
    if let Some(allowed) = policy.get_mut("URLAllowlist").and_then(Value::as_array_mut) {
        allowed.extend(files);
    }
    if shells.iter().any(|shell| shell.browser_settings.downloads.is_some()) {
        policy.remove("DownloadRestrictions");
    }
    if shells.iter().any(|shell| shell.browser_settings.printing == Printing::Silent) {
        policy.remove("PrintingEnabled");
    }
    for (permission, key) in DEVICE_KEYS {
        let origins = origins_with(shells, *permission);
        if origins.is_empty() {
            continue;
        }
        let value = match permission {
            // An entry without vendor and product means any device.
            Permission::Usb => json!([{ "devices": [{}], "urls": origins }]),
            _ => origins.into(),
        };
        policy.insert((*key).to_owned(), value);
    }
    let mut errors = Vec::new();
    let mut trusted: Vec<Value> = Vec::new();
    for path in shells.iter().flat_map(|shell| &shell.browser_settings.trust) {
        match certificates(path) {
            Ok(found) => trusted
                .extend(found.into_iter().map(Value::from).filter(|one| !trusted.contains(one)).collect::<Vec<_>>()),
            Err(error) => errors.push(error),
        }
    }
    if !trusted.is_empty() {
        policy.insert("CACertificates".into(), trusted.into());
    }
    let selected: Vec<Value> = certificate_for(config, shells).into_iter().map(Value::from).collect();
    if !selected.is_empty() {
        policy.insert("AutoSelectCertificateForUrls".into(), selected.into());
    }
    (policy, errors)
}

/// Patterns (Chromium's content settings) of the servers that get the device's client certificate without a prompt:
/// those that the configuration names, never all. All other servers get the one of [`PLACEHOLDER_NAME`]: without a match the
/// browser would show its certificate picker.
fn certificate_for(config: &Config, shells: &[Shell]) -> Vec<String> {
    let mut found = Vec::new();
    for shell in shells.iter().filter(|shell| shell.browser_settings.client_certificate.is_some()) {
        for pattern in config.allowed(shell).patterns().iter().filter(|pattern| pattern.is_secure()) {
            let Some((host, below)) = pattern.host() else { continue };
            let below = if below { "[*.]" } else { "" };
            let port = pattern.port().map(|port| format!(":{port}")).unwrap_or_default();
            let entry =
                serde_json::json!({ "pattern": format!("https://{below}{host}{port}"), "filter": {} }).to_string();
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    if shells.iter().any(|shell| shell.browser_settings.client_certificate.is_some()) {
        found.push(json!({ "pattern": "*", "filter": { "SUBJECT": { "CN": PLACEHOLDER_NAME } } }).to_string());
    }
    found
}

/// Permissions that DevTools has no command for, and the policy that grants all devices of the kind to origins.
const DEVICE_KEYS: &[(Permission, &str)] = &[
    (Permission::Usb, "WebUsbAllowDevicesForUrls"),
    (Permission::Serial, "SerialAllowAllPortsForUrls"),
    (Permission::Hid, "WebHidAllowAllDevicesForUrls"),
];

/// The origins that may use these devices. The policy holds for all shells alike and takes no patterns:
/// [`crate::config::Config::unfollowed`] reports those with `*`.
fn origins_with(shells: &[Shell], permission: Permission) -> Vec<String> {
    let rules = shells.iter().flat_map(|shell| &shell.browser_settings.permissions);
    let granted = rules.filter(|rule| rule.granted.contains(&permission));
    let mut origins: Vec<String> =
        granted.map(|rule| rule.origin.as_str().to_owned()).filter(|origin| !origin.contains('*')).collect();
    origins.sort();
    origins.dedup();
    origins
}

/// The files that the shells may show, as Chromium's list has them: path prefixes.
fn files(config: &Config, shells: &[Shell]) -> Vec<String> {
    let mut found = Vec::new();
    for shell in shells {
        let allowed = config.allowed(shell);
        for path in allowed.patterns().iter().filter_map(UrlPattern::file_path) {
            let entry = format!("file://{}", path.split(['*', '?']).next().unwrap_or_default());
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    found
}

/// The certificates of a file, in base64 of DER.
fn certificates(path: &Path) -> Result<Vec<String>, PolicyError> {
    let bytes =
        read_regular(path, MAX_CERTIFICATES).map_err(|error| PolicyError::Unreadable(path.to_owned(), error))?;
    let found = in_base64(&bytes);
    if found.is_empty() { Err(PolicyError::NoCertificate(path.to_owned())) } else { Ok(found) }
}

fn in_base64(bytes: &[u8]) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    // DER begins with a SEQUENCE: tag 0x30 and a length of two or three bytes. 0x30 is also "0", which never begins a
    // PEM file.
    if bytes.starts_with(&[0x30, 0x82]) || bytes.starts_with(&[0x30, 0x83]) {
        return vec![BASE64_STANDARD.encode(bytes)];
    }
    let text = String::from_utf8_lossy(bytes);
    let parts = text.split(BEGIN).skip(1).filter_map(|part| part.split_once(END));
    let bodies = parts.map(|(body, _)| body.split_whitespace().collect::<String>());
    bodies.filter(|body| !body.is_empty() && body.bytes().all(is_base64)).collect()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BrowserSettings, PermissionRule, Url};

    fn with(url: &str, settings: BrowserSettings) -> Config {
        let shell = Shell { url: Url::parse(url).unwrap(), browser_settings: settings, ..Shell::default() };
        Config { shells: vec![shell], ..Config::default() }
    }

    #[test]
    fn no_web_address_is_refused_by_policy_and_files_only_where_configured() {
        let (policy, errors) = policy(&with("https://example.org/x", BrowserSettings::default()));
        assert!(errors.is_empty());
        let blocked: Vec<&str> = policy["URLBlocklist"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(blocked.contains(&"file://*") && blocked.contains(&"chrome://*"));
        assert!(blocked.contains(&"*") && blocked.iter().all(|entry| !entry.starts_with("http")), "{blocked:?}");
        let allowed = policy["URLAllowlist"].to_string();
        assert!(["http://*", "https://*", "about:*", "blob:*", "data:*"].iter().all(|entry| allowed.contains(entry)));
        let of_home = |url| super::policy(&with(url, BrowserSettings::default())).0["URLAllowlist"].to_string();
        assert!(!of_home("http://a/").contains("file:"));
        assert!(of_home("file:///srv/page/a.html").contains("\"file:///srv/page/\""));
        assert!(of_home("file:///a.html").contains("\"file:///a.html\""));
    }

    #[test]
    fn what_is_allowed_is_not_forbidden_by_the_base() {
        let (strict, _) = policy(&Config::default());
        assert_eq!((&strict["DownloadRestrictions"], &strict["PrintingEnabled"]), (&json!(3), &json!(false)));
        let settings = BrowserSettings {
            printing: Printing::Silent,
            downloads: Some("/srv".into()),
            ..BrowserSettings::default()
        };
        let (loose, _) = policy(&with("http://a", settings));
        assert!(!loose.contains_key("PrintingEnabled") && !loose.contains_key("DownloadRestrictions"));
    }

    #[test]
    fn the_device_s_certificate_is_for_the_servers_that_are_named() {
        let settings = |certificate: Option<&str>| BrowserSettings {
            client_certificate: certificate.map(PathBuf::from),
            allow: ["*", "http://a", "https://*.b.example"].map(|text| UrlPattern::parse(text).unwrap()).to_vec(),
            ..BrowserSettings::default()
        };
        assert!(!policy(&with("https://c/x", settings(None))).0.contains_key("AutoSelectCertificateForUrls"));
        let (policy, _) = policy(&with("https://c:8443/x", settings(Some("/c.p12"))));
        let entries: Vec<Value> = policy["AutoSelectCertificateForUrls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| serde_json::from_str::<Value>(entry.as_str().unwrap()).unwrap())
            .collect();
        let patterns: Vec<&Value> = entries.iter().map(|entry| &entry["pattern"]).collect();
        assert_eq!(patterns, ["https://[*.]b.example:443", "https://c:8443", "*"]);
        let placeholder = json!({ "SUBJECT": { "CN": PLACEHOLDER_NAME } });
        assert_eq!([&entries[0]["filter"], &entries[2]["filter"]], [&json!({}), &placeholder]);
    }

    #[test]
    fn devices_are_granted_to_the_origins_that_are_named_and_to_no_others() {
        let rule = |origin: &str, granted: &[Permission]| PermissionRule {
            origin: UrlPattern::parse_origin(origin).unwrap(),
            granted: granted.to_vec(),
        };
        let permissions = vec![
            rule("http://localhost:3000", &[Permission::Usb, Permission::Serial]),
            rule("https://scale.example", &[Permission::Serial, Permission::Camera]),
            rule("*://localhost:*", &[Permission::Hid]),
        ];
        let settings = BrowserSettings { permissions, ..BrowserSettings::default() };
        let (policy, _) = policy(&with("http://localhost:3000", settings));
        assert_eq!(
            policy["WebUsbAllowDevicesForUrls"],
            json!([{ "devices": [{}], "urls": ["http://localhost:3000"] }])
        );
        assert_eq!(policy["SerialAllowAllPortsForUrls"], json!(["http://localhost:3000", "https://scale.example"]));
        assert!(!policy.contains_key("WebHidAllowAllDevicesForUrls"));
        let (none, _) = super::policy(&Config::default());
        assert!(DEVICE_KEYS.iter().all(|(_, key)| !none.contains_key(*key)));
    }

    #[test]
    fn certificates_are_found_in_pem_and_der_and_a_file_without_is_told() {
        let base = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = base.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let pem = "text\n-----BEGIN CERTIFICATE-----\nAA\nBB\n-----END CERTIFICATE-----\n\
                   -----BEGIN CERTIFICATE-----\nCCCC\n-----END CERTIFICATE-----\n";
        let trust = vec![
            file("a.pem", pem.as_bytes()),
            file("b.der", &[0x30, 0x82, 1, 2]),
            file("c.pem", b"nothing"),
            base.path().join("none"),
            file("again.pem", pem.as_bytes()),
        ];
        let (policy, errors) = policy(&with("http://a", BrowserSettings { trust, ..BrowserSettings::default() }));
        assert_eq!(policy["CACertificates"], json!(["AABB", "CCCC", "MIIBAg=="]));
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(told[0].contains("c.pem, which has no certificate in it"), "{told:?}");
        assert!(told[1].contains("none, which can't be read"), "{told:?}");
    }
}
