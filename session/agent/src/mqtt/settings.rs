//! What the configuration, the credentials and the machine say of MQTT, checked and read once at the start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiosk_core::config::{Broker, Mqtt};
use kiosk_core::files::read_regular;
use ring::hmac;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::role::Role;

/// Of each file, bytes.
const MAX_FILE: u64 = 256 << 10;
/// What a unit's `SetCredential=` stands for: there is no such file.
const NONE: &[u8] = b"#none";
/// What the machine's identity is made unrecognizable with, as sd_id128_get_machine_app_specific(3) asks for.
const IDENTITY_KEY: &[u8] = b"kiosk-agent mqtt device 1";

/// Why MQTT can't start, one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Nothing is configured.
    #[error("MQTT is not configured: set agent.mqtt.server, such as mqtts://broker.example")]
    Off,
    /// A file is not there or not what it should be.
    #[error("agent.mqtt.{key}-file, {path}, {why}")]
    File {
        /// Of the key.
        key: &'static str,
        /// As it is configured.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The certificates of the system are not there.
    #[error("there is no authority to trust: install ca-certificates, or set agent.mqtt.ca-file")]
    Authorities,
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("the device's certificate can't be used: {0}")]
    Certificate(rustls::Error),
    /// TLS has no way to ask for such a name.
    #[error("agent.mqtt.server: {0:?} is no name that a certificate can have")]
    Name(String),
    /// The device has nothing to be told from others by.
    #[error("the machine has no identity (/etc/machine-id): set agent.mqtt.device")]
    Identity,
}

/// All of it.
pub struct Settings {
    /// Where to.
    pub broker: Broker,
    /// For `mqtts`.
    pub tls: Option<Tls>,
    /// Empty: none.
    pub user: String,
    /// Of the user.
    pub password: Option<Vec<u8>>,
    /// What all topics of the device begin with, without a slash at the end.
    pub base: String,
    /// The device's part of it.
    pub device: String,
    /// Of everybody who may publish there.
    pub role: Role,
    /// Home Assistant's prefix; empty: none.
    pub discovery: String,
    /// The folder of the device's certificates for its own listener, for the metrics.
    pub certificates: Arc<Path>,
}

/// What a TLS connection is made with.
pub struct Tls {
    /// With authorities and the device's own certificate.
    pub connector: TlsConnector,
    /// That the broker's certificate must have.
    pub name: ServerName<'static>,
}

impl Settings {
    /// Of `[agent.mqtt]`, with the files that it names. `folder`: of the device's certificates.
    pub fn of(mqtt: Mqtt, folder: Arc<Path>) -> Result<Self, SettingsError> {
        let broker = mqtt.server.ok_or(SettingsError::Off)?;
        let file = |key, path: &Option<PathBuf>| path.as_deref().map(|path| read(key, path)).transpose();
        let password = file("password", &mqtt.password_file)?.map(|bytes| bytes.trim_ascii_end().to_vec());
        let tls = if broker.tls {
            let ca = file("ca", &mqtt.ca_file)?;
            let own = match (&mqtt.certificate_file, &mqtt.key_file) {
                (Some(certificate), Some(key)) => {
                    let (chain, key_bytes) = (read("certificate", certificate)?, read("key", key)?);
                    Some((certificates("certificate", certificate, &chain)?, private_key(key, &key_bytes)?))
                }
                _ => None,
            };
            let authorities = authorities(mqtt.ca_file.as_deref(), ca.as_deref())?;
            Some(Tls::new(&broker.host, authorities, own)?)
        } else {
            None
        };
        let device = if mqtt.device.is_empty() { identity()? } else { mqtt.device };
        let base = format!("{}/{device}", mqtt.topic);
        let role = Role::named(mqtt.role).unwrap_or(Role::View);
        let (user, discovery) = (mqtt.user, mqtt.discovery);
        Ok(Settings { role, broker, tls, user, password, base, device, discovery, certificates: folder })
    }
}

impl Tls {
    fn new(
        host: &str,
        authorities: RootCertStore,
        own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    ) -> Result<Self, SettingsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| SettingsError::Name(host.to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(SettingsError::Certificate)?
            .with_root_certificates(authorities);
        let config = match own {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(SettingsError::Certificate)?,
            None => builder.with_no_client_auth(),
        };
        Ok(Tls { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

/// A file, or a credential of systemd's.
fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, SettingsError> {
    let wrong = |why: String| SettingsError::File { key, path: path.display().to_string(), why };
    let whole = if path.is_absolute() {
        path.to_owned()
    } else {
        let folder: OsString = std::env::var_os("CREDENTIALS_DIRECTORY")
            .ok_or_else(|| wrong("is a credential, and systemd hands none in".into()))?;
        Path::new(&folder).join(path)
    };
    let bytes = read_regular(&whole, MAX_FILE).map_err(|error| wrong(format!("can't be read: {error}")))?;
    if bytes.trim_ascii() == NONE {
        return Err(wrong(
            "is a credential whose file is not there (`systemctl cat kiosk-agent-mqtt` names it)".into(),
        ));
    }
    Ok(bytes)
}

fn certificates(key: &'static str, path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let found = read.ok().filter(|found| !found.is_empty());
    let why = || SettingsError::File { key, path: path.display().to_string(), why: "has no certificate in PEM".into() };
    found.ok_or_else(why)
}

fn private_key(path: &Path, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, SettingsError> {
    let why = |_| SettingsError::File { key: "key", path: path.display().to_string(), why: "has no key in PEM".into() };
    PrivateKeyDer::from_pem_slice(bytes).map_err(why)
}

/// Of the file, or the system's.
fn authorities(path: Option<&Path>, bytes: Option<&[u8]>) -> Result<RootCertStore, SettingsError> {
    let mut store = RootCertStore::empty();
    let all = match (path, bytes) {
        (Some(path), Some(bytes)) => certificates("ca", path, bytes)?,
        _ => rustls_native_certs::load_native_certs().certs,
    };
    store.add_parsable_certificates(all);
    if store.is_empty() { Err(SettingsError::Authorities) } else { Ok(store) }
}

/// Twelve hexadecimal digits that stay the same as long as the machine's identity does, and do not tell it.
fn identity() -> Result<String, SettingsError> {
    let text = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let id = text.trim();
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(SettingsError::Identity);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, id.to_ascii_lowercase().as_bytes());
    let tag = hmac::sign(&key, IDENTITY_KEY);
    Ok(tag.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}
