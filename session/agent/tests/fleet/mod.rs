//! A fleet in small: an authority, what it signs, a folder for the agent, and a client that speaks TLS with it.

#![allow(dead_code, reason = "each test program uses a part")]

mod program;
#[path = "../reply/mod.rs"]
mod reply;

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use program::kioskctl_program;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};
pub use reply::Reply;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

/// Far more than any answer takes on the busiest machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The same, with files in this folder and no kiosk of this machine.
pub fn kioskctl(folder: &Path) -> Command {
    let mut command = kioskctl_program();
    command.current_dir(folder).env("KIOSK_RUNTIME_DIR", folder.join("nothing"));
    command
}

/// A certificate and its key.
pub struct Credentials {
    pub certificate: CertificateDer<'static>,
    pub key: KeyPair,
    pub serial: u64,
}

/// What a certificate says.
pub struct Says<'a> {
    pub names: &'a [SanType],
    pub usage: ExtendedKeyUsagePurpose,
    pub years: (i32, i32),
}

impl Says<'_> {
    /// A client's, with this URI.
    pub fn uri(uri: &str) -> [SanType; 1] {
        [SanType::URI(uri.try_into().unwrap())]
    }
}

/// An authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    serial: std::cell::Cell<u64>,
}

impl Authority {
    pub fn new() -> Authority {
        Authority::from(2024)
    }

    /// One that is valid from this year on.
    pub fn from(year: i32) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("The fleet");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = (date_time_ymd(year, 1, 1), date_time_ymd(year + 100, 1, 1));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { issuer, serial: 1.into() }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A device's certificate for the key of a request, in PEM.
    pub fn certify(&self, request: &str, name: &str, years: (i32, i32)) -> String {
        let names = [SanType::DnsName("localhost".try_into().unwrap())];
        let says = Says { names: &names, usage: ExtendedKeyUsagePurpose::ServerAuth, years };
        let mut params = params(&says, 77);
        params.distinguished_name = named(name);
        let request = rcgen::CertificateSigningRequestParams::from_pem(request).unwrap();
        params.signed_by(&request.public_key, &self.issuer).unwrap().pem()
    }

    pub fn sign(&self, says: &Says<'_>) -> Credentials {
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params(says, serial).signed_by(&key, &self.issuer).unwrap();
        Credentials { certificate: certificate.der().clone(), key, serial }
    }

    /// A client with this role.
    pub fn client(&self, role: &str) -> Credentials {
        self.sign(&Says {
            names: &Says::uri(&format!("kiosk:role:{role}")),
            usage: ExtendedKeyUsagePurpose::ClientAuth,
            years: (2024, 2090),
        })
    }

    /// One that ends in so many seconds.
    pub fn brief(&self, role: &str, seconds: u64) -> Credentials {
        let (key, serial) = (KeyPair::generate().unwrap(), 1_000_000 + seconds);
        let names = Says::uri(&format!("kiosk:role:{role}"));
        let says = Says { names: &names, usage: ExtendedKeyUsagePurpose::ClientAuth, years: (2024, 2090) };
        let mut params = params(&says, serial);
        params.not_after = (std::time::SystemTime::now() + Duration::from_secs(seconds)).into();
        Credentials { certificate: params.signed_by(&key, &self.issuer).unwrap().der().clone(), key, serial }
    }

    /// The device itself.
    pub fn device(&self, years: (i32, i32)) -> Credentials {
        let names = [SanType::DnsName("localhost".try_into().unwrap())];
        self.sign(&Says { names: &names, usage: ExtendedKeyUsagePurpose::ServerAuth, years })
    }

    /// The list of those that are revoked, in PEM.
    pub fn revoked(&self, serials: &[u64], number: u64) -> String {
        let entry = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: number.into(),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// A folder for an agent.
    pub fn equip(&self, folder: &Path, years: (i32, i32)) {
        let device = self.device(years);
        put(folder, "key.pem", &device.key.serialize_pem());
        put(folder, "certificate.pem", &pem(&device.certificate));
        put(folder, "ca.pem", &self.pem());
    }
}

/// Writes a file as a whole, for its owner alone.
pub fn put(folder: &Path, name: &str, text: &str) {
    let new = folder.join(format!(".{name}"));
    std::fs::write(&new, text).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(new, folder.join(name)).unwrap();
}

pub fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn named(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

fn params(says: &Says<'_>, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("anna");
    params.subject_alt_names = says.names.to_vec();
    params.extended_key_usages = vec![says.usage.clone()];
    params.serial_number = Some(serial.into());
    (params.not_before, params.not_after) = (date_time_ymd(says.years.0, 1, 1), date_time_ymd(says.years.1, 1, 1));
    params
}

/// Signed by nobody but itself.
pub fn self_made(role: &str) -> Credentials {
    let key = KeyPair::generate().unwrap();
    let names = Says::uri(&format!("kiosk:role:{role}"));
    let says = Says { names: &names, usage: ExtendedKeyUsagePurpose::ClientAuth, years: (2024, 2090) };
    let certificate = params(&says, 1).self_signed(&key).unwrap();
    Credentials { certificate: certificate.der().clone(), key, serial: 1 }
}

/// A running agent on the network, which here is loopback.
pub struct Agent {
    child: Child,
    pub port: u16,
    directory: tempfile::TempDir,
}

impl Agent {
    pub fn start(authority: &Authority) -> Agent {
        Agent::with(|folder| authority.equip(folder, (2024, 2090)))
    }

    /// With what `equip` puts into the folder.
    pub fn with(equip: impl FnOnce(&Path)) -> Agent {
        Agent::configured("", equip)
    }

    /// And this configuration.
    pub fn configured(text: &str, equip: impl FnOnce(&Path)) -> Agent {
        Agent::with_variables(text, &[], equip)
    }

    /// And these variables.
    pub fn with_variables(text: &str, variables: &[(&str, &str)], equip: impl FnOnce(&Path)) -> Agent {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("etc/kiosk")).unwrap();
        std::fs::write(directory.path().join("etc/kiosk/config.toml"), text).unwrap();
        let folder = directory.path().join("certificates");
        std::fs::create_dir(&folder).unwrap();
        equip(&folder);
        // Free a moment ago; the agent ends, and the test with it, where it is taken since.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_kiosk-agent"))
            .args(["--tls", &format!("127.0.0.1:{port}")])
            .arg("--certificates")
            .arg(&folder)
            .arg("--socket")
            .arg(directory.path().join("http.sock"))
            .arg("--enrol-socket")
            .arg(directory.path().join("enrol.sock"))
            .env("KIOSK_RUNTIME_DIR", directory.path())
            .env("KIOSK_ROOT", directory.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut agent = Agent { child, port, directory };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(agent.child.try_wait().unwrap().is_none(), "the agent has ended");
            assert!(Instant::now() < until, "the agent does not listen");
            std::thread::yield_now();
        }
        agent
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn folder(&self) -> PathBuf {
        self.directory().join("certificates")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Whether the agent still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Tries until the agent lets this client in, or does not any more: a changed file is noticed a moment later.
    pub fn until(&self, client: &Client, admitted: bool) {
        let until = Instant::now() + PATIENCE;
        while client.ask(self, "GET", "/v1/openapi.json", "").is_ok() != admitted {
            assert!(Instant::now() < until, "the agent does not take the change");
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One who speaks TLS.
pub struct Client(Arc<ClientConfig>);

#[derive(Debug)]
struct In(i32);

impl TimeProvider for In {
    fn current_time(&self) -> Option<UnixTime> {
        let time = date_time_ymd(self.0, 6, 1).unix_timestamp();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(time).unwrap())))
    }
}

impl Client {
    pub fn new(authority: &Authority, credentials: Option<&Credentials>) -> Client {
        Client::of(authority, credentials, 2026, &rustls::version::TLS13)
    }

    /// Whose clock is in this year, and who speaks this version.
    pub fn of(
        authority: &Authority,
        credentials: Option<&Credentials>,
        year: i32,
        version: &'static SupportedProtocolVersion,
    ) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_details(provider, Arc::new(In(year)))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let config = match credentials {
            None => builder.with_no_client_auth(),
            Some(Credentials { certificate, key, .. }) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
                builder.with_client_auth_cert(vec![certificate.clone()], key).unwrap()
            }
        };
        Client(Arc::new(config))
    }

    /// A connection, whose handshake is yet to come.
    pub fn connect(&self, agent: &Agent) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(self.0.clone(), name).unwrap(), agent.tcp())
    }

    /// A request; an error is TLS's.
    pub fn ask(&self, agent: &Agent, method: &str, path: &str, body: &str) -> std::io::Result<Reply> {
        let mut stream = self.connect(agent);
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: kiosk-17.example\r\nConnection: close\r\n{kind}");
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // What comes after an answer that ends the connection early is no fault.
            Err(error) if answer.is_empty() || error.kind() == ErrorKind::InvalidData => return Err(error),
            _ => {}
        }
        Ok(Reply::of(&answer))
    }

    /// A request that is answered.
    #[track_caller]
    pub fn get(&self, agent: &Agent, path: &str) -> Reply {
        self.ask(agent, "GET", path, "").unwrap()
    }

    /// That nobody is let in: what TLS says of it.
    #[track_caller]
    pub fn refused(&self, agent: &Agent) -> String {
        match self.ask(agent, "GET", "/v1/status", "") {
            Ok(reply) => panic!("it was let in: {reply:?}"),
            Err(error) => error.to_string(),
        }
    }
}
