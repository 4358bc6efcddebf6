//! A device renews its certificate by itself: kiosk-agent and `kioskctl agent ca serve`, as programs, and what each refuses of
//! the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Instant;

use kiosk_enrolment::{RENEWAL_PROTOCOL, Renewal};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod fleet;

use fake::{Limit, output, said};
use fleet::{Agent, Authority, Client, PATIENCE, kioskctl, pem, put};

#[track_caller]
fn ca(folder: &Path, arguments: &[&str]) -> String {
    let told = said(&output(kioskctl(folder).args(["agent", "ca", "--dir", "ca"]).args(arguments)));
    assert_eq!(told.0, 0, "{told:?}");
    told.1
}

/// `kioskctl agent ca serve`.
struct Serving {
    child: Child,
    _limit: Limit,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    port: u16,
}

impl Serving {
    fn start(folder: &Path) -> Serving {
        let mut command = kioskctl(folder);
        command.args(["agent", "ca", "--dir", "ca", "serve", "--address", "localhost", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let limit = Limit::of(&child);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let port = first.strip_prefix("127.0.0.1:").and_then(|rest| rest.split(':').next()?.parse().ok());
        Serving { child, _limit: limit, lines, port: port.unwrap_or_else(|| panic!("{first}")) }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Has the authority think that the device's certificates were signed so long ago.
fn age(folder: &Path, signed: &str) {
    let file = folder.join("ca/issued.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for issued in index["issued"].as_array_mut().unwrap() {
        issued["signed"] = signed.into();
    }
    std::fs::write(file, index.to_string()).unwrap();
}

/// A device with a certificate of the authority in the folder.
fn device(folder: &Path, renew_at: u16, soon: bool) -> Agent {
    ca(folder, &["sign", "hall", "--device", "--address", "localhost"]);
    equipped(folder, "hall", renew_at, soon)
}

fn equipped(folder: &Path, name: &str, renew_at: u16, soon: bool) -> Agent {
    let text = format!("[agent]\nrenew-at = 'https://localhost:{renew_at}'");
    let variables: &[(&str, &str)] = if soon { &[("AGENT_RENEW_SOON", "1")] } else { &[] };
    Agent::with_variables(&text, variables, |place| {
        for (file, from) in [
            ("key.pem", format!("{name}.key")),
            ("certificate.pem", format!("{name}.pem")),
            ("ca.pem", "ca/ca.pem".into()),
            ("revoked.pem", "ca/revoked.pem".into()),
        ] {
            put(place, file, &std::fs::read_to_string(folder.join(from)).unwrap());
        }
    })
}

fn file(agent: &Agent, name: &str) -> String {
    std::fs::read_to_string(agent.folder().join(name)).unwrap()
}

/// On the device, as root.
fn renew(folder: &Path, agent: &Agent) -> (i32, String, String) {
    let socket = agent.directory().join("enrol.sock");
    said(&output(kioskctl(folder).args(["agent", "renew", "--socket"]).arg(socket)))
}

#[test]
fn a_device_renews_its_certificate_by_itself_when_it_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ca(folder, &["init"]);
    ca(folder, &["sign", "anna", "--role", "view"]);
    let mut serving = Serving::start(folder);
    ca(folder, &["sign", "hall", "--device", "--address", "localhost"]);
    age(folder, "2020-01-01T00:00:00Z");
    let agent = equipped(folder, "hall", serving.port, true);
    let old = std::fs::read_to_string(folder.join("hall.pem")).unwrap();
    assert_eq!(serving.line(), "hall (127.0.0.1): renewed");
    let until = Instant::now() + PATIENCE;
    while file(&agent, "certificate.pem") == old {
        assert!(Instant::now() < until, "the device has not taken its certificate");
        std::thread::yield_now();
    }
    assert_ne!(file(&agent, "key.pem"), std::fs::read_to_string(folder.join("hall.key")).unwrap());
    // The listener serves with it, and the new one is good for longer.
    let mut command = kioskctl(folder);
    command.args(["--host", &format!("localhost:{}", agent.port), "--ca", "ca/ca.pem"]);
    command.args(["--cert", "anna.pem", "--key", "anna.key", "outputs"]);
    assert_eq!(said(&output(&mut command)).0, 3, "it is let in, and kioskd does not run");
    let (code, out, _) = renew(folder, &agent);
    assert!(code == 0 && out.contains("good for longer"), "{out}");
}

#[test]
fn a_certificate_that_is_good_for_longer_brings_the_revocation_list_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ca(folder, &["init"]);
    ca(folder, &["sign", "lost", "--role", "view"]);
    let serving = Serving::start(folder);
    let agent = device(folder, serving.port, false);
    ca(folder, &["revoke", "lost"]);
    let list = std::fs::read_to_string(folder.join("ca/revoked.pem")).unwrap();
    assert_ne!(file(&agent, "revoked.pem"), list);
    let before = file(&agent, "certificate.pem");
    assert_eq!(renew(folder, &agent).0, 0);
    assert_eq!((file(&agent, "revoked.pem"), file(&agent, "certificate.pem")), (list, before));
}

#[test]
fn nobody_but_a_device_of_the_list_that_is_not_revoked_gets_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ca(folder, &["init"]);
    ca(folder, &["sign", "anna", "--role", "admin"]);
    let mut serving = Serving::start(folder);
    let agent = device(folder, serving.port, false);
    // A person's certificate is none of a device's.
    let anna = equipped(folder, "anna", serving.port, false);
    let (code, _, err) = renew(folder, &anna);
    assert!(code == 1 && err.contains("does not take the device's certificate"), "{err}");
    // Of another authority: neither side takes the other.
    let foreign = Authority::new();
    let own = Agent::configured(&format!("[agent]\nrenew-at = 'https://localhost:{}'", serving.port), |place| {
        foreign.equip(place, (2024, 2090));
    });
    let (code, _, err) = renew(folder, &own);
    assert!(code == 1 && err.contains("is no authority of this fleet"), "{err}");
    put(&own.folder(), "ca.pem", &std::fs::read_to_string(folder.join("ca/ca.pem")).unwrap());
    let (code, _, err) = renew(folder, &own);
    assert!(code == 1 && err.contains("does not take the device's certificate"), "{err}");
    // One that was signed lately is not signed again for the one from before it.
    age(folder, "2020-01-01T00:00:00Z");
    assert_eq!(renew(folder, &agent).0, 0);
    assert_eq!(serving.line(), "hall (127.0.0.1): renewed");
    let lost = equipped(folder, "hall", serving.port, false);
    let (code, _, err) = renew(folder, &lost);
    assert!(code == 1 && err.contains("within the last hour"), "{err}");
    assert!(serving.line().contains("within the last hour"));
    // What was revoked gets nothing, renewed or not.
    ca(folder, &["revoke", "hall"]);
    for one in [&agent, &lost] {
        let (code, _, err) = renew(folder, one);
        assert!(code == 1 && err.contains("was revoked"), "{err}");
    }
    let listed: Value = serde_json::from_str(&ca(folder, &["list", "--json"])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
}

#[test]
fn an_authority_that_is_away_leaves_the_device_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ca(folder, &["init"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let agent = device(folder, port, false);
    let before = file(&agent, "certificate.pem");
    let (code, _, err) = renew(folder, &agent);
    assert!(code == 1 && err.contains("can't be reached"), "{err}");
    assert_eq!(file(&agent, "certificate.pem"), before);
    let without = Agent::start(&Authority::new());
    let (code, _, err) = renew(folder, &without);
    assert!(code == 1 && err.contains("set agent.renew-at"), "{err}");
}

/// What is made of a request.
type Answers<'a> = &'a dyn Fn(&str) -> Value;

/// Who has a certificate of the fleet for the authority's name, and is not the authority: he can sign nothing.
#[test]
fn what_an_impostor_answers_is_not_taken() {
    let (authority, other) = (Authority::new(), Authority::new());
    let impostor = authority.device((2024, 2090));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!("[agent]\nrenew-at = 'https://localhost:{}'", listener.local_addr().unwrap().port());
    let agent = Agent::configured(&text, |place| {
        authority.equip(place, (2024, 2090));
        put(place, "revoked.pem", &authority.revoked(&[7], 5));
    });
    let folder = tempfile::tempdir().unwrap();
    let before = file(&agent, "certificate.pem");
    let key = || PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(impostor.key.serialize_der()));
    let answers: [(Answers<'_>, &str); 6] = [
        (&|_| json!({ "early": { "revoked": authority.revoked(&[], 4) } }), "has number"),
        (&|_| json!({ "early": { "revoked": other.revoked(&[], 9) } }), "the revocation list is not the authority's"),
        (
            &|request| {
                let certificate = other.certify(request, "anna", (2024, 2090));
                json!({ "signed": { "certificate": certificate, "revoked": authority.revoked(&[7], 5) } })
            },
            "the certificate can't be a device's",
        ),
        (
            &|request| {
                let certificate = authority.certify(request, "another", (2024, 2090));
                json!({ "signed": { "certificate": certificate, "revoked": authority.revoked(&[7], 5) } })
            },
            "the certificate is for the subject",
        ),
        (
            &|_| {
                let certificate = pem(&impostor.certificate);
                json!({ "signed": { "certificate": certificate, "revoked": authority.revoked(&[7], 5) } })
            },
            "for another key than the device's",
        ),
        (&|_| json!({ "anything": "else" }), "is no authority of this fleet"),
    ];
    std::thread::scope(|scope| {
        for (answer, says) in answers {
            let asked = scope.spawn(|| renew(folder.path(), &agent));
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let mut config = ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![impostor.certificate.clone()], key())
                .unwrap();
            config.alpn_protocols = vec![RENEWAL_PROTOCOL.to_vec()];
            let stream = listener.accept().unwrap().0;
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut bytes).unwrap();
            let request = serde_json::from_slice::<Renewal>(&bytes).unwrap().request;
            let bytes = serde_json::to_vec(&answer(&request)).unwrap();
            stream.write_all(&u32::try_from(bytes.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&bytes).unwrap();
            stream.flush().unwrap();
            let (code, _, err) = asked.join().unwrap();
            assert!(code == 1 && err.contains(says), "{says}: {err}");
            assert_eq!(file(&agent, "certificate.pem"), before);
        }
    });
    let anna = authority.client("view");
    assert!(Client::new(&authority, Some(&anna)).ask(&agent, "GET", "/v1/openapi.json", "").is_ok());
}
