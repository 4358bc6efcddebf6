//! `kioskctl agent ca`: an authority in a folder, what it signs, what openssl says of it, and what it does not let be done.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod enrolment_fake;
mod kioskctl_fake;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use kiosk_enrolment::{Answer, Refusal};
use kioskctl_fake::{json, kioskctl, output, run, said};
use serde_json::Value;
use tempfile::tempdir;

fn ca(dir: &Path, arguments: &[&str]) -> Value {
    let folder = dir.join("ca");
    let mut all = vec!["agent", "ca", "--dir", folder.to_str().unwrap()];
    all.extend(arguments);
    json(dir, &all)
}

fn refused(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let folder = dir.join("ca");
    let mut all = vec!["agent", "ca", "--dir", folder.to_str().unwrap()];
    all.extend(arguments);
    let (code, out, err) = said(&run(dir, &all));
    assert_eq!(out, "");
    (code, err)
}

/// What openssl says, which all machines of this project's have.
fn openssl(dir: &Path, arguments: &[&str]) -> String {
    let output = output(Command::new("openssl").args(arguments).current_dir(dir));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_signed_says_who_may_what_and_openssl_agrees() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    let made = ca(dir, &["init", "--name", "Our kiosks"]);
    assert_eq!(made["name"], "CN=Our kiosks");
    assert_eq!((mode(&dir.join("ca")), mode(&dir.join("ca/ca.key"))), (0o700, 0o600));
    let out = dir.to_str().unwrap();
    let anna = ca(dir, &["sign", "anna", "--role", "operate", "--out", out, "--days", "30"]);
    assert_eq!((&anna["role"], mode(&dir.join("anna.key"))), (&"operate".into(), 0o600));
    let hosts = ["--device", "--address", "hall-3.example", "--address", "192.168.1.5"];
    ca(dir, &[&["sign", "hall-3", "--out", out][..], &hosts].concat());
    for (file, purpose, says) in [
        ("anna.pem", "sslclient", "URI:kiosk:role:operate"),
        ("hall-3.pem", "sslserver", "DNS:hall-3.example, IP Address:192.168.1.5"),
    ] {
        openssl(dir, &["verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca/ca.pem", file]);
        let text = openssl(dir, &["x509", "-noout", "-text", "-in", file]);
        assert!(text.contains(says) && text.contains("CN = Our kiosks"), "{text}");
    }
    // Each begins when the authority does, for devices whose clock was never set.
    let begin = |file: &str| openssl(dir, &["x509", "-noout", "-startdate", "-in", file]);
    assert_eq!(begin("anna.pem"), begin("ca/ca.pem"));
    let revoked = ca(dir, &["revoke", "anna"]);
    assert_eq!(revoked["revoked"][0]["serial"], anna["serial"]);
    let list = openssl(dir, &["crl", "-noout", "-text", "-in", "ca/revoked.pem", "-CAfile", "ca/ca.pem"]);
    assert!(list.to_lowercase().contains(anna["serial"].as_str().unwrap()), "{list}");
    let verify = ["verify", "-crl_check", "-CAfile", "ca/ca.pem", "-CRLfile", "ca/revoked.pem"];
    openssl(dir, &[&verify[..], &["hall-3.pem"]].concat());
    let verdict = output(Command::new("openssl").args(verify).arg("anna.pem").current_dir(dir));
    assert!(String::from_utf8_lossy(&verdict.stderr).contains("certificate revoked"));
    let all = ca(dir, &["list"]);
    assert_eq!((all[0]["name"].as_str(), all[1]["revoked"].as_str()), (Some("anna"), None));
    assert!(all[0]["revoked"].is_string());
}

#[test]
fn a_revocation_whose_list_was_not_written_is_in_what_devices_get() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    ca(dir, &["init"]);
    let anna = ca(dir, &["sign", "anna", "--role", "operate", "--out", dir.to_str().unwrap()]);
    let before = fs::read(dir.join("ca/revoked.pem")).unwrap();
    ca(dir, &["revoke", "anna"]);
    // As a power cut between the two files leaves it.
    fs::write(dir.join("ca/revoked.pem"), before).unwrap();
    ca(dir, &["push-crl"]);
    let list = openssl(dir, &["crl", "-noout", "-text", "-in", "ca/revoked.pem", "-CAfile", "ca/ca.pem"]);
    assert!(list.to_lowercase().contains(anna["serial"].as_str().unwrap()), "{list}");
}

#[test]
fn of_a_request_only_the_key_counts() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    ca(dir, &["init"]);
    let ask = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "eve.key"];
    let wish = ["-out", "eve.csr", "-subj", "/CN=root", "-addext", "subjectAltName=URI:kiosk:role:admin"];
    openssl(dir, &[&ask[..], &wish].concat());
    let (request, out) = (dir.join("eve.csr"), dir.to_str().unwrap());
    let sign = ["sign", "eve", "--role", "view", "--out", out, "--request", request.to_str().unwrap()];
    assert_eq!(ca(dir, &sign)["files"].as_array().unwrap().len(), 1);
    let text = openssl(dir, &["x509", "-noout", "-text", "-in", "eve.pem"]);
    assert!(text.contains("kiosk:role:view") && !text.contains("admin") && !text.contains("root"), "{text}");
    let key = |arguments: &[&str]| openssl(dir, arguments);
    assert_eq!(key(&["x509", "-noout", "-pubkey", "-in", "eve.pem"]), key(&["pkey", "-pubout", "-in", "eve.key"]));
    // One whose signature is another key's is refused.
    let mut text = fs::read_to_string(&request).unwrap();
    let middle = text.len() - 60;
    let other = if text.as_bytes()[middle] == b'A' { "B" } else { "A" };
    text.replace_range(middle..=middle, other);
    fs::write(&request, text).unwrap();
    assert!(refused(dir, &sign).1.contains("can't be made"));
}

#[test]
fn an_authority_that_there_is_is_taken_when_it_is_one() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    let make = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "900", "-subj", "/O=Acme/CN=Devices"];
    openssl(dir, &[&make[..], &["-keyout", "acme.key", "-out", "acme.pem"]].concat());
    let leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
    openssl(dir, &[&make[..], &leaf, &["-keyout", "leaf.key", "-out", "leaf.pem"]].concat());
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let init = |certificate: &str, key: &str| {
        ["init", "--certificate", &path(certificate), "--certificate-key", &path(key)].map(str::to_owned).to_vec()
    };
    for (certificate, key, says) in [
        ("leaf.pem", "leaf.key", "no authority"),
        ("acme.pem", "leaf.key", "another certificate's"),
        ("acme.key", "acme.key", "no certificate in PEM"),
        ("acme.pem", "acme.pem", "no private key"),
        ("none.pem", "acme.key", "No such file"),
    ] {
        let words = init(certificate, key);
        let (code, said) = refused(dir, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(code == 1 && said.contains(says), "{certificate} {key}: {said}");
        assert!(!dir.join("ca").exists());
    }
    let words = init("acme.pem", "acme.key");
    assert_eq!(ca(dir, &words.iter().map(String::as_str).collect::<Vec<_>>())["name"], "CN=Devices,O=Acme");
    ca(dir, &["sign", "anna", "--role", "view", "--out", dir.to_str().unwrap()]);
    openssl(dir, &["verify", "-purpose", "sslclient", "-CAfile", "acme.pem", "anna.pem"]);
    let (code, said) = refused(dir, &["sign", "bob", "--role", "view", "--days", "1000"]);
    assert!(code == 2 && said.contains("fewer --days"), "{said}");
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    let (code, said) = refused(dir, &["list"]);
    assert!(code == 1 && said.contains("agent ca init"), "{said}");
    ca(dir, &["init"]);
    assert!(refused(dir, &["init"]).1.contains("never overwritten"));
    let index = dir.join("ca/issued.json");
    let before = fs::read(&index).unwrap();
    for (arguments, code, says) in [
        (&["sign", "../anna", "--role", "view"][..], 2, "no name for a certificate"),
        (&["sign", "-x", "--role", "view"], 2, "unexpected argument"),
        (&["sign", "anna"], 2, "--role"),
        (&["sign", "anna", "--role", "root"], 2, "possible values: view, operate, admin"),
        (&["sign", "hall", "--device"], 2, "--address"),
        (&["sign", "hall", "--device", "--address", "a b"], 2, "neither a host's name"),
        (&["sign", "anna", "--role", "view", "--days", "0"], 2, "1..=36500"),
        (&["sign", "anna", "--role", "view", "--out", "/nonexistent"], 1, "can't be written"),
        (&["revoke", "bob"], 1, "agent ca list"),
        (&["revoke"], 2, "NAME|SERIAL"),
    ] {
        let (exit, said) = refused(dir, arguments);
        assert!(exit == code && said.contains(says), "{arguments:?}: {exit} {said}");
        // What was signed stays in the list, although its file could not be written: it may be revoked.
        if !arguments.contains(&"/nonexistent") {
            assert_eq!(fs::read(&index).unwrap(), before, "{arguments:?}");
        } else {
            fs::write(&index, &before).unwrap();
        }
    }
    let lock = fs::File::open(dir.join("ca")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert!(refused(dir, &["list"]).1.contains("another kioskctl"));
    drop(lock);
    for broken in ["", "{", r#"{"version": 2, "list-number": 1, "issued": []}"#, "[]"] {
        fs::write(&index, broken).unwrap();
        let (code, said) = refused(dir, &["list"]);
        assert!(code == 1 && said.contains("issued.json is broken"), "{said}");
    }
    // Without --dir it is in the user's own folder.
    let home = dir.join("home");
    let at_home = |verb: &str| {
        let mut command = kioskctl(dir, &["agent", "ca", verb]);
        output(command.env("HOME", &home).env_remove("XDG_DATA_HOME")).status.code()
    };
    assert_eq!((at_home("init"), at_home("list")), (Some(0), Some(0)));
    assert!(home.join(".local/share/kiosk-ca/ca.pem").exists());
}

#[test]
fn a_device_that_does_not_take_its_certificate_has_none_that_counts() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    ca(dir, &["init"]);
    let code = "K7WM-3PXA-9QTD";
    let answer = Answer::Refused(Refusal::NotTaken("the disk is full".into()));
    let (at, device) = enrolment_fake::device(code, answer);
    let (exit, said) = refused(dir, &["enrol", &at, "--code", code]);
    assert!(exit == 1 && said.contains("did not take its certificate: the disk is full"), "{said}");
    let offer = device.join().unwrap().unwrap();
    let all = ca(dir, &["list"]);
    assert_eq!((&all[0]["name"], all[0]["revoked"].is_string()), (&"hall-7".into(), true));
    // Its name is free again, and the next certificate is for what the device is called by, its own names among it.
    let (at, device) = enrolment_fake::device(code, Answer::Done);
    let host = ca(dir, &["enrol", &at, "--code", code, "--address", "hall.example"]);
    assert_eq!(host["hosts"], serde_json::json!(["127.0.0.1", "hall.example", "hall-7", "hall-7.local"]));
    let taken = device.join().unwrap().unwrap();
    assert_ne!(taken.certificate, offer.certificate);
    assert_eq!(taken.authority, fs::read_to_string(dir.join("ca/ca.pem")).unwrap());
    fs::write(dir.join("hall.pem"), &taken.certificate).unwrap();
    let verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca/ca.pem", "hall.pem"];
    openssl(dir, &verify);
    // Whoever answers there with another code is told nothing, and is believed nothing.
    let (at, device) = enrolment_fake::device("AAAA-AAAA-AAAA", Answer::Done);
    let (exit, said) = refused(dir, &["enrol", &at, "--code", code, "--name", "other"]);
    assert!(exit == 1 && said.contains("the code is wrong"), "{said}");
    assert!(device.join().unwrap().is_none());
    assert_eq!(ca(dir, &["list"]).as_array().unwrap().len(), 2);
}
