//! Pages of a private authority and pages behind a proxy, with the real Chromium.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use kiosk_core::api::State;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use session_support::server::{self, Server};
use session_support::{BROWSER, Compositor, SOON, Session, headless};

/// A server at `localhost` with a certificate of an authority that it writes to `file`; gives its port.
fn secure_server(file: &Path) -> u16 {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(file, issuer.pem()).unwrap();
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            std::thread::spawn(move || {
                let tls = rustls::ServerConnection::new(config).unwrap();
                let stream = rustls::StreamOwned::new(tls, stream);
                server::serve(stream, &Mutex::default(), &|_| server::page("#0a0"));
            });
        }
    });
    port
}

#[test]
fn a_page_of_a_private_authority_is_shown_where_that_is_trusted_and_named_where_not() {
    let base = tempfile::tempdir().unwrap();
    let (ca, file, folder) =
        (base.path().join("ca.pem"), base.path().join("policy.toml"), base.path().join("policies"));
    let port = secure_server(&ca);
    let url = format!("https://localhost:{port}/");
    let mut compositor = Compositor::listen(base.path());
    let trusting = headless(&url, &format!("[browser]\ntrust = [\"{}\"]\n", ca.display()));
    std::fs::write(&file, &trusting).unwrap();
    let mut write = Command::new(env!("CARGO_BIN_EXE_kiosk-session"));
    write.arg("--config").args([&file, Path::new("--write-policy"), &folder]);
    assert!(write.status().unwrap().success());
    let session = Session::start_with_policies(base, &trusting, &folder.display().to_string());
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    drop(session);

    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let _session = Session::start(base, &headless(&url, "[shell.ready]\ntimeout = \"2s\"\n"));
    compositor.accept();
    let said = "the certificate of localhost is signed by nobody known";
    compositor.until(SOON, |report| report.message.contains(said));
}

#[test]
fn a_page_that_only_a_proxy_reaches_is_shown() {
    let proxy = Server::start(|_| server::page("#808"));
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let config =
        headless("http://signage.example/", &format!("[browser]\nproxy = \"http://127.0.0.1:{}\"\n", proxy.port));
    let _session = Session::start(base, &config);
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    let asked = proxy.requests();
    assert!(asked.iter().any(|request| request.of_browser() && request.target == "http://signage.example/"));
    assert!(asked.iter().any(|request| !request.of_browser() && request.target == "http://signage.example/"));
}
