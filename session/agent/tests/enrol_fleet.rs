//! A fleet from its first day to its end, by kioskctl alone: two devices enrolled, commanded from afar, renewed, and somebody
//! revoked; and what kioskctl says where a device is not what it seems.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kiosk_enrolment::{Answer, Code, PROTOCOL, Refusal, Welcome};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod fleet;
mod operator;

use fake::{Fake, output, said};
use fleet::{Agent, kioskctl};
use operator::Operator;

fn ca(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    said(&output(kioskctl(folder).args(["agent", "ca", "--dir", "ca"]).args(arguments)))
}

#[track_caller]
fn done(told: (i32, String, String)) -> String {
    assert_eq!(told.0, 0, "{told:?}");
    told.1
}

struct Device {
    agent: Agent,
    session: Fake,
    kioskd: Fake,
}

impl Device {
    fn new() -> Device {
        let agent = Agent::with(|_| {});
        let (session, kioskd) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
        Device { agent, session, kioskd }
    }

    /// On the device: the code.
    fn code(&self, folder: &Path) -> Value {
        let socket = self.agent.directory().join("enrol.sock");
        let told = said(&output(kioskctl(folder).args(["agent", "enrol", "--json", "--socket"]).arg(socket)));
        serde_json::from_str(&done(told)).unwrap()
    }

    fn afar(&self, folder: &Path, who: &str, arguments: &[&str]) -> Command {
        let mut command = kioskctl(folder);
        command.args(["--host", &format!("localhost:{}", self.agent.port), "--ca", "ca/ca.pem"]);
        command.args(["--cert", &format!("{who}.pem"), "--key", &format!("{who}.key")]).args(arguments);
        command
    }

    fn run(&self, folder: &Path, who: &str, arguments: &[&str]) -> (i32, String, String) {
        said(&output(&mut self.afar(folder, who, arguments)))
    }

    fn serial(&self) -> String {
        std::fs::read_to_string(self.agent.folder().join("certificate.pem")).unwrap()
    }
}

#[test]
fn two_devices_are_enrolled_commanded_renewed_and_a_caller_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(ca(folder, &["init"]));
    done(ca(folder, &["sign", "anna", "--role", "operate"]));
    done(ca(folder, &["sign", "lost", "--role", "operate"]));
    let devices = [Device::new(), Device::new()];
    for (number, device) in devices.iter().enumerate() {
        let code = device.code(folder);
        let name = format!("hall-{number}");
        let at = format!("https://127.0.0.1:{}/#{}", device.agent.port, code["code"].as_str().unwrap());
        let extra = ["--address", "localhost", "--json"];
        let told = if number == 0 {
            ca(folder, &[&["enrol", &at, "--name", &name][..], &extra].concat())
        } else {
            // Typed, and untidily.
            let mut command = kioskctl(folder);
            command.args(["agent", "ca", "--dir", "ca", "enrol"]).arg(format!("127.0.0.1:{}", device.agent.port));
            let mut child = command
                .args(["--name", &name])
                .args(extra)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let typed = code["code"].as_str().unwrap().to_lowercase().replace('-', " ");
            writeln!(child.stdin.take().unwrap(), "{typed}").unwrap();
            said(&child.wait_with_output().unwrap())
        };
        let issued: Value = serde_json::from_str(&done(told)).unwrap();
        assert_eq!((issued["name"].as_str(), issued["role"].as_str()), (Some(name.as_str()), None));
        assert_eq!(issued["port"], device.agent.port);
    }
    let (code, _, err) = ca(folder, &["enrol", "127.0.0.1", "--code", "K7WM-3PXA-9QTD", "--name", "hall-1"]);
    assert!(code == 2 && err.contains("a device with the name hall-1 already"), "{err}");
    // Each by its own name, with one certificate for both.
    for device in &devices {
        done(device.run(folder, "anna", &["rotate", "90", "-o", "DP-1"]));
        assert!(device.kioskd.calls().iter().any(|(method, _)| method == "ApplyOutputs"));
        done(device.run(folder, "anna", &["screenshot", "far.png"]));
        assert!(std::fs::read(folder.join("far.png")).unwrap().starts_with(b"\x89PNG"));
    }
    let mut watch = devices[0].afar(folder, "lost", &["status", "--watch", "--json"]);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _limit = fake::Limit::of(&watch);
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || lines.next().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(next().unwrap()["session"]["state"], "loading");
    devices[0].session.change(&[("State", "ready".into())]);
    assert_eq!(next().unwrap()["session"]["state"], "ready");
    // None is due; one is renewed by its name.
    assert_eq!(done(ca(folder, &["renew"])), "no certificate is due\n");
    let before = [devices[0].serial(), devices[1].serial()];
    let told = done(ca(folder, &["renew", "hall-0", "--days", "400"]));
    assert!(told.starts_with("hall-0: renewed until 20"), "{told}");
    assert_ne!(devices[0].serial(), before[0]);
    assert_eq!(devices[1].serial(), before[1]);
    assert_eq!(devices[0].run(folder, "anna", &["outputs"]).0, 0);
    // What is revoked counts nowhere, from the push on: the open stream ends, and is not opened again.
    done(ca(folder, &["revoke", "lost"]));
    assert_eq!(devices[1].run(folder, "lost", &["outputs"]).0, 0);
    let told = done(ca(folder, &["push-crl"]));
    assert_eq!(told, "hall-0: has the revocation list\nhall-1: has the revocation list\n");
    let mut said_of_it = String::new();
    watch.stderr.take().unwrap().read_to_string(&mut said_of_it).unwrap();
    assert_eq!(watch.wait().unwrap().code(), Some(4), "{said_of_it}");
    assert!(said_of_it.contains("it was revoked"), "{said_of_it}");
    for device in &devices {
        let (code, _, err) = device.run(folder, "lost", &["home"]);
        assert!(code == 4 && err.contains("it was revoked"), "{err}");
        assert_eq!(device.run(folder, "anna", &["home"]).0, 0);
    }
    // A device that is away is said to be, and the others are served.
    let [first, second] = devices;
    drop(first);
    let (code, out, _) = ca(folder, &["push-crl"]);
    assert!(code == 1 && out.contains("hall-0: not done: ") && out.contains("hall-1: has"), "{out}");
    done(ca(folder, &["revoke", "hall-0"]));
    assert_eq!(ca(folder, &["push-crl"]).0, 0);
    assert_eq!(second.run(folder, "anna", &["home"]).0, 0);
}

#[test]
fn a_wrong_code_signs_nothing_and_says_how_often_it_may_be_tried() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(ca(folder, &["init"]));
    let device = Device::new();
    let at = format!("127.0.0.1:{}", device.agent.port);
    let enrol = |code: &str| ca(folder, &["enrol", &at, "--code", code]);
    let (code, _, err) = enrol("K7WM-3PXA-9QTD");
    assert!(code == 3 && err.contains("does its screen show a code?"), "{err}");
    device.code(folder);
    for says in ["4 times more", "3 times more", "2 times more", "1 times more", "shows another one in a moment"] {
        let (code, _, err) = enrol("AAAA-AAAA-AAAA");
        assert!(code == 1 && err.contains(says), "{says}: {err}");
    }
    for (arguments, exit, says) in [
        (&["enrol", &at, "--code", "ABC-123"][..], 2, "it is no code of a device"),
        (&["enrol", "a b", "--code", "K7WM-3PXA-9QTD"], 2, "neither an address"),
        (&["enrol", "127.0.0.1:1", "--code", "K7WM-3PXA-9QTD"], 3, "can't be reached at port 1"),
        (&["enrol", &at, "--code", "K7WM-3PXA-9QTD", "--address", "a b"], 2, "neither a host's name"),
        (&["renew", "nobody"], 1, "agent ca list"),
    ] {
        let (code, _, err) = ca(folder, arguments);
        assert!(code == exit && err.contains(says), "{arguments:?}: {code} {err}");
    }
    assert_eq!(done(ca(folder, &["list", "--json"])), "[]\n");
    let (code, _, err) = said(&output(kioskctl(folder).args(["agent", "enrol", "--socket", "none"])));
    assert!(code == 3 && err.contains("kiosk-agent-tls"), "{err}");
}

/// Somebody between the two, with a TLS of his own on both sides.
#[test]
fn who_stands_between_learns_nothing_that_counts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(ca(folder, &["init"]));
    let device = Device::new();
    let code = device.code(folder)["code"].as_str().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    std::thread::scope(|scope| {
        let between = scope.spawn(|| {
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let mut config = ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
                )
                .unwrap();
            config.alpn_protocols = vec![PROTOCOL.to_vec()];
            let stream = listener.accept().unwrap().0;
            let mut victim = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
            let mut length = [0; 4];
            victim.read_exact(&mut length).unwrap();
            let mut hello = vec![0; u32::from_be_bytes(length) as usize];
            victim.read_exact(&mut hello).unwrap();
            // The operator's proof, handed on to the device.
            let mut operator = Operator::come(&device.agent).unwrap();
            operator.say(&serde_json::from_slice::<Value>(&hello).unwrap()).unwrap();
            let told = operator.hear().unwrap();
            // And a welcome that looks like the device's.
            let made = Welcome { proof: [7; 32], request: String::new(), host: "hall".into() };
            let answer = serde_json::to_vec(&Answer::Welcome(made)).unwrap();
            let length = u32::try_from(answer.len()).unwrap().to_be_bytes();
            victim.write_all(&[&length[..], &answer].concat()).unwrap();
            told
        });
        let (exit, _, err) = ca(folder, &["enrol", &at, "--code", &code]);
        assert!(exit == 1 && err.contains("does not know the code"), "{err}");
        assert_eq!(between.join().unwrap(), Answer::Refused(Refusal::WrongCode { left: 4 }));
    });
    assert_eq!(done(ca(folder, &["list", "--json"])), "[]\n");
    // The device and the code are none the worse.
    let at = format!("127.0.0.1:{}", device.agent.port);
    done(ca(folder, &["enrol", &at, "--code", &code, "--name", "hall"]));
    let _: Code = code.parse().unwrap();
}
