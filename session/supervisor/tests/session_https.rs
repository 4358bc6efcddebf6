//! Pages of a private authority and pages behind a proxy, with the real Chromium.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "session_support/issuer.rs"]
mod issuer;
mod session_support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use issuer::issuer_at;
use kiosk_core::api::State;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use session_support::server::{self, Answer, Request, Server};
use session_support::{BROWSER, Compositor, SOON, Session, headless, until};

/// A certificate authority that writes its certificate to `file`.
fn authority(file: &Path) -> CertifiedIssuer<'static, KeyPair> {
    named_authority(file, "authority")
}

/// The same, of another name.
fn named_authority(file: &Path, name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(file, issuer.pem()).unwrap();
    issuer
}

/// A server at `localhost` with a certificate of a new authority, which is written to `file`; returns its port.
fn secure_server(file: &Path) -> u16 {
    server_of(&authority(file), Vec::new(), Clients::Any)
}

/// Which clients a server accepts.
#[derive(Clone, Copy)]
enum Clients<'a> {
    /// All, and it asks for no certificate.
    Any,
    /// It asks for a certificate of this authority, and accepts clients without one.
    Asked(&'a CertifiedIssuer<'static, KeyPair>),
    /// Only those with a certificate of this authority.
    Certified(&'a CertifiedIssuer<'static, KeyPair>),
}

/// The requests of clients that were accepted.
type Seen = Arc<Mutex<Vec<Request>>>;

/// A server at `localhost` with a certificate of `issuer`.
fn server_of(issuer: &CertifiedIssuer<'static, KeyPair>, extensions: Vec<CustomExtension>, clients: Clients) -> u16 {
    serving(issuer, extensions, clients, |_| server::page("#0a0")).0
}

/// The same with other answers; returns its port and its requests.
fn serving(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    extensions: Vec<CustomExtension>,
    clients: Clients,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> (u16, Seen) {
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.custom_extensions = extensions;
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        Clients::Any => builder.with_no_client_auth(),
        Clients::Asked(authority) | Clients::Certified(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match clients {
                Clients::Asked(_) => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let config = Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap());
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, answer) = (Seen::default(), Arc::new(answer));
    let sees = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, seen, answer) = (config.clone(), sees.clone(), answer.clone());
            std::thread::spawn(move || {
                let tls = rustls::ServerConnection::new(config).unwrap();
                let stream = rustls::StreamOwned::new(tls, stream);
                server::serve(stream, &seen, &*answer);
            });
        }
    });
    (port, seen)
}

/// With the policy that is made from the configuration.
fn start_with_own_policy(config: &str, base: tempfile::TempDir) -> (Compositor, Session) {
    start_with_own_policy_and(config, base, &[])
}

/// The same, with these environment variables.
fn start_with_own_policy_and(
    config: &str,
    base: tempfile::TempDir,
    environment: &[(&str, &str)],
) -> (Compositor, Session) {
    let (file, folder) = (base.path().join("policy.toml"), base.path().join("policies"));
    let mut compositor = Compositor::listen(base.path());
    std::fs::write(&file, config).unwrap();
    let mut write = Command::new(env!("CARGO_BIN_EXE_kiosk-session"));
    write.arg("--config").args([&file, Path::new("--write-policy"), &folder]);
    assert!(write.status().unwrap().success());
    let session = Session::start_with_policies_and(base, config, &folder.display().to_string(), environment);
    compositor.accept();
    (compositor, session)
}

/// A file with a certificate of `issuer` and its key, with this password.
fn pkcs12(issuer: &CertifiedIssuer<'static, KeyPair>, file: &Path, password: &str) {
    let mut params = CertificateParams::new(vec!["kiosk".into()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let (pem, key_file) = (file.with_extension("pem"), file.with_extension("key"));
    std::fs::write(&pem, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let mut export = Command::new("openssl");
    export.args(["pkcs12", "-export", "-name", "kiosk", "-passout", &format!("pass:{password}")]);
    export.arg("-in").arg(&pem).arg("-inkey").arg(&key_file).arg("-out").arg(file);
    assert!(export.status().unwrap().success());
}

#[test]
fn a_server_that_asks_for_a_certificate_of_the_device_gets_the_configured_one_unasked() {
    for (in_file, in_sign_in, said) in [
        ("geheim", "geheim", None),
        ("", "", None),
        ("geheim", "falsch", Some("has another password than [client-certificate]")),
    ] {
        let base = tempfile::tempdir().unwrap();
        let issuer = authority(&base.path().join("ca.pem"));
        let port = server_of(&issuer, Vec::new(), Clients::Certified(&issuer));
        let (file, sign_in) = (base.path().join("device.p12"), base.path().join("sign-in.toml"));
        pkcs12(&issuer, &file, in_file);
        std::fs::write(&sign_in, format!("[client-certificate]\npassword = \"{in_sign_in}\"\n")).unwrap();
        std::fs::set_permissions(&sign_in, std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = format!(
            "[shell.ready]\ntimeout = \"3s\"\n[browser]\ntrust = [\"{}\"]\nclient-certificate = \"{}\"\nsign-in = \"{}\"\n",
            base.path().join("ca.pem").display(),
            file.display(),
            sign_in.display()
        );
        let config = headless(&format!("https://localhost:{port}/"), &config);
        let (mut compositor, _session) = start_with_own_policy(&config, base);
        match said {
            None => drop(compositor.until_state(State::Ready, BROWSER)),
            Some(said) => drop(compositor.until(BROWSER, |report| report.message.contains(said))),
        }
    }
}

/// Without a configured certificate a browser that has one would ask a visitor, and the page would wait.
#[test]
fn servers_that_are_not_named_never_make_the_browser_ask_a_visitor_for_a_certificate() {
    for allow in ["", "allow = [\"*\"]\n"] {
        let base = tempfile::tempdir().unwrap();
        let issuer = authority(&base.path().join("ca.pem"));
        let (other, others) = serving(&issuer, Vec::new(), Clients::Certified(&issuer), |_| server::page("#a00"));
        let elsewhere = format!("https://localhost:{other}");
        let page = format!(
            "<body style='background:#0a0'><iframe src={elsewhere}/frame></iframe>
            <script>fetch('{elsewhere}/data', {{ mode: 'no-cors' }}).then(() => 'given', () => 'refused')
            .then(end => fetch('/' + end))</script>"
        );
        let answer = move |_: &Request| ("200 OK", "Content-Type: text/html\r\n".to_owned(), page.clone());
        let (port, seen) = serving(&issuer, Vec::new(), Clients::Certified(&issuer), answer);
        let file = base.path().join("device.p12");
        pkcs12(&issuer, &file, "");
        let ca = base.path().join("ca.pem").display().to_string();
        let more = format!("[browser]\ntrust = [\"{ca}\"]\nclient-certificate = \"{}\"\n{allow}", file.display());
        let (mut compositor, session) =
            start_with_own_policy(&headless(&format!("https://localhost:{port}/"), &more), base);
        compositor.until_state(State::Ready, BROWSER);
        let told = |end: &str| seen.lock().unwrap().iter().any(|request| request.target == end);
        until("an end of what the page asks the other server", SOON, || told("/given") || told("/refused"));
        assert!(told("/refused"));
        if !allow.is_empty() {
            // Also as the page itself: the error is reported, and the home page is shown again.
            let opened = session.kioskctl_command(&["open", &elsewhere]).output().unwrap();
            let said = String::from_utf8_lossy(&opened.stderr).into_owned();
            assert!(!opened.status.success() && said.contains("certificate"), "{said}");
            session.kioskctl(&["home"]);
        }
        assert!(others.lock().unwrap().is_empty(), "the device's certificate is for the named alone");
    }
}

/// Many servers ask without a need: a login by certificate beside one by password, or a load balancer that asks for all of
/// its sites. No visitor is asked, and the page is shown.
#[test]
fn a_server_that_would_take_a_certificate_has_its_page_shown_without_one() {
    for (has_certificate, asks_for_its_authority) in [(false, true), (true, false), (true, true)] {
        let base = tempfile::tempdir().unwrap();
        let issuer = authority(&base.path().join("ca.pem"));
        let others_issuer = named_authority(&base.path().join("other.pem"), "another");
        let asked_for = if asks_for_its_authority { &issuer } else { &others_issuer };
        let (other, others) = serving(&issuer, Vec::new(), Clients::Asked(asked_for), |_| server::page("#a00"));
        let port = server_of(&issuer, Vec::new(), Clients::Any);
        let ca = base.path().join("ca.pem").display().to_string();
        let mut more = format!("[browser]\nallow = [\"*://localhost:{other}\"]\ntrust = [\"{ca}\"]\n");
        if has_certificate {
            let file = base.path().join("device.p12");
            pkcs12(&issuer, &file, "");
            more += &format!("client-certificate = \"{}\"\n", file.display());
        }
        let (mut compositor, session) =
            start_with_own_policy(&headless(&format!("https://localhost:{port}/"), &more), base);
        compositor.until_state(State::Ready, BROWSER);
        let opens = format!("https://localhost:{other}/");
        session.kioskctl(&["open", &opens]);
        assert!(others.lock().unwrap().iter().any(Request::of_browser), "{has_certificate} {asks_for_its_authority}");
    }
}

#[test]
fn a_server_that_requires_a_missing_client_certificate_is_reported() {
    let base = tempfile::tempdir().unwrap();
    let issuer = authority(&base.path().join("ca.pem"));
    let port = server_of(&issuer, Vec::new(), Clients::Certified(&issuer));
    let ca = base.path().join("ca.pem").display().to_string();
    let more = format!("[shell.ready]\ntimeout = \"3s\"\n[browser]\ntrust = [\"{ca}\"]\n");
    let (mut compositor, _session) =
        start_with_own_policy(&headless(&format!("https://localhost:{port}/"), &more), base);
    let said = "asks for a certificate of this device: browser.client-certificate can name one";
    compositor.until(BROWSER, |report| report.message.contains(said));
}

/// With these a browser would ask a visitor which one to send.
#[test]
fn certificates_of_the_user_who_runs_it_are_offered_to_no_server_and_no_visitor() {
    let base = tempfile::tempdir().unwrap();
    let issuer = authority(&base.path().join("ca.pem"));
    let port = server_of(&issuer, Vec::new(), Clients::Certified(&issuer));
    let home = base.path().join("home");
    let store = home.join(".pki/nssdb");
    std::fs::create_dir_all(&store).unwrap();
    let database = format!("sql:{}", store.display());
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program} {arguments:?}");
    };
    run("certutil", &["-N", "-d", &database, "--empty-password"]);
    for name in ["one", "two"] {
        let file = base.path().join(name).with_extension("p12");
        pkcs12(&issuer, &file, "x");
        run("pk12util", &["-i", file.to_str().unwrap(), "-d", &database, "-W", "x"]);
    }
    let ca = base.path().join("ca.pem").display().to_string();
    let more = format!("[shell.ready]\ntimeout = \"3s\"\n[browser]\ntrust = [\"{ca}\"]\n");
    let config = headless(&format!("https://localhost:{port}/"), &more);
    let home = home.display().to_string();
    let (mut compositor, _session) = start_with_own_policy_and(&config, base, &[("HOME", &home)]);
    let said = "asks for a certificate of this device: browser.client-certificate can name one";
    compositor.until(BROWSER, |report| report.reason.contains(said));
}

/// Serves these bytes for every request.
fn serve_bytes(bytes: Vec<u8>) -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let asked = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            if asked.take_while(|line| !line.is_empty()).count() > 0 {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
                let _ = stream.write_all(&[head.as_bytes(), &bytes].concat());
            }
        }
    });
    port
}

#[test]
fn a_page_whose_certificate_chain_only_the_browser_can_complete_is_shown() {
    let base = tempfile::tempdir().unwrap();
    let root = authority(&base.path().join("ca.pem"));
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "between");
    let between = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &root).unwrap();
    let fetched = serve_bytes(between.der().to_vec());
    let port = server_of(&between, vec![issuer_at(&format!("http://127.0.0.1:{fetched}/between.der"))], Clients::Any);
    let more = format!("[browser]\ntrust = [\"{}\"]\n", base.path().join("ca.pem").display());
    let (mut compositor, _session) =
        start_with_own_policy(&headless(&format!("https://localhost:{port}/"), &more), base);
    compositor.until_state(State::Ready, BROWSER);
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
    let said = "the certificate of localhost has an unknown issuer";
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

/// A PAC script that sends everything to this port, and says that it does.
fn pac(port: u16) -> String {
    format!("function FindProxyForURL(url, host) {{ return 'PROXY 127.0.0.1:{port}'; }}")
}

/// With a script only the browser knows which proxy is asked: the probe steps aside, and the page is what decides.
#[test]
fn a_page_that_only_a_proxy_of_a_script_reaches_is_shown() {
    for by in ["http", "file"] {
        let proxy = Server::start(|_| server::page("#808"));
        let script = pac(proxy.port);
        let body = script.clone();
        let scripts = Server::start(move |_| {
            ("200 OK", "Content-Type: application/x-ns-proxy-autoconfig\r\n".into(), body.clone())
        });
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("proxy.pac");
        std::fs::write(&file, script).unwrap();
        let address = match by {
            "http" => format!("http://127.0.0.1:{}/proxy.pac", scripts.port),
            _ => format!("file://{}", file.display()),
        };
        let mut compositor = Compositor::listen(base.path());
        let config = headless("http://signage.example/", &format!("[browser]\nproxy = \"{address}\"\n"));
        let session = Session::start(base, &config);
        compositor.accept();
        compositor.until_state(State::Ready, BROWSER);
        let asked = proxy.requests();
        let whole = |request: &Request| request.target == "http://signage.example/";
        assert!(asked.iter().any(|request| request.of_browser() && whole(request)), "{by}: {asked:?}");
        assert!(asked.iter().all(Request::of_browser), "{by}: the probe has asked: {asked:?}");
        let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
        assert_eq!((&status["session"]["state"], &status["session"]["restarts"]), (&"ready".into(), &0.into()));
    }
}

/// Neither an error page nor an end of trying: on the screen is why, and the page when the script or its proxy is there.
#[test]
fn a_page_behind_a_script_that_fails_is_said_and_shown_as_soon_as_it_can_be() {
    let proxy = Server::start(|_| server::page("#808"));
    let (script, broken) = (pac(proxy.port), Arc::new(Mutex::new(true)));
    let is_broken = broken.clone();
    let scripts = Server::start(move |_| {
        let port = session_support::free_port();
        let body = if *is_broken.lock().unwrap() { pac(port) } else { script.clone() };
        ("200 OK", "Content-Type: application/x-ns-proxy-autoconfig\r\n".into(), body)
    });
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let address = format!("http://127.0.0.1:{}/proxy.pac", scripts.port);
    let more = format!("[shell.ready]\ntimeout = \"3s\"\n[browser]\nproxy = \"{address}\"\n");
    let session = Session::start(base, &headless("http://signage.example/", &more));
    compositor.accept();
    compositor.until(BROWSER, |report| report.message.contains("proxy"));
    *broken.lock().unwrap() = false;
    // A browser keeps its script for a while.
    session.kioskctl(&["restart"]);
    compositor.until_state(State::Ready, BROWSER);
}
