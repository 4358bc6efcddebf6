//! Against servers on this machine, with and without TLS.

#[path = "../../tests/session_support/issuer.rs"]
mod issuer;

use super::*;
use issuer::issuer_at;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use kiosk_core::config::StatusRanges;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Answers each connection with these bytes, `$PORT` being its own; gives its port.
fn server(answer: &str) -> u16 {
    serve(answer, converse)
}

fn serve(answer: &str, converse: impl Fn(std::net::TcpStream, &str) + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = answer.replace("$PORT", &port.to_string());
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| converse(stream, &answer)));
    port
}

fn converse(mut stream: impl Read + Write, answer: &str) {
    let lines = BufReader::new(&mut stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).count();
    if lines > 0 {
        let _ = stream.write_all(answer.as_bytes());
        let _ = stream.flush();
    }
}

fn ask_with(url: &str, proxy: Proxy, trust: &[PathBuf]) -> Result<(), ProbeError> {
    let url = Url::parse(url).unwrap();
    let sign_in = SignIn::load(None, None, &url);
    let terms = ProbeSettings { accepted: StatusRanges(vec![(200, 299)]), proxy, trust: trust.to_vec(), sign_in };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(probe(&url.without_user(), &terms))
}

fn told(url: &str) -> String {
    ask_with(url, Proxy::None, &[]).unwrap_err().to_string()
}

#[test]
fn an_answer_within_the_ranges_is_up_and_redirects_are_followed() {
    let page = server("HTTP/1.1 200 OK\r\n\r\n");
    ask_with(&format!("http://localhost:{page}/a?b"), Proxy::None, &[]).unwrap();
    let moved = server(&format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{page}/x\r\n\r\n"));
    ask_with(&format!("http://localhost:{moved}/"), Proxy::None, &[]).unwrap();
    ask_with("file:///srv/index.html", Proxy::None, &[]).unwrap();
}

#[test]
fn other_answers_say_what_is_wrong() {
    for (answer, said) in [
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "answers with status 503"),
        ("HTTP/1.1 404 Not Found\r\n\r\n", "answers with status 404"),
        ("HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n", "redirects for ever"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "answers, but not by HTTP"),
        ("", "answers, but not by HTTP"),
    ] {
        let port = server(answer);
        let told = told(&format!("http://localhost:{port}/"));
        assert_eq!(told, format!("localhost:{port} {said}"));
    }
    let endless = server(&format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(200_000)));
    assert!(told(&format!("http://localhost:{endless}/")).contains("not by HTTP"), "no more is read than a head has");
}

/// Lets in who sends this header, and asks for it otherwise.
fn asking(challenge: &'static str, header: &'static str) -> u16 {
    serve(challenge, move |mut stream, challenge| {
        let lines = BufReader::new(&mut stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let lines: Vec<String> = lines.collect();
        let known = lines.iter().any(|line| line.eq_ignore_ascii_case(header));
        let answer = if known { "HTTP/1.1 200 OK\r\n\r\n" } else { challenge };
        let _ = stream.write_all(answer.as_bytes());
    })
}

const BASIC: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n";

#[test]
fn a_password_is_given_where_it_is_asked_for_and_never_told() {
    let port = asking(BASIC, "authorization: Basic a2lvc2s6Z2VoZWlt");
    ask_with(&format!("http://kiosk:geheim@localhost:{port}/"), Proxy::None, &[]).unwrap();
    let error = ask_with(&format!("http://kiosk:falsch@localhost:{port}/"), Proxy::None, &[]).unwrap_err();
    assert_eq!(error.to_string(), "the server of localhost refuses the password of shell.url");
    let error = ask_with(&format!("http://localhost:{port}/"), Proxy::None, &[]).unwrap_err();
    assert!(error.to_string().starts_with("the server of localhost asks for a password: browser.sign-in"), "{error}");
    assert!(!error.browser_may_know());
    let port = server("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"1\"\r\n\r\n");
    let error = ask_with(&format!("http://kiosk:geheim@localhost:{port}/"), Proxy::None, &[]).unwrap_err();
    assert!(error.browser_may_know() && !error.to_string().contains("geheim"), "{error}");
}

#[test]
fn headers_cookies_and_the_proxy_s_password_are_sent_as_the_browser_would() {
    let folder = tempfile::tempdir().unwrap();
    let refused = "HTTP/1.1 403 Forbidden\r\n\r\n";
    let (with_key, with_cookie) = (asking(refused, "x-key: k1"), asking(refused, "cookie: session=c1"));
    let proxy = asking("HTTP/1.1 407 Who\r\n\r\n", "proxy-authorization: Basic a2lvc2s6Z2VoZWlt");
    let text = format!(
        "[\"http://localhost:{with_key}\"]\nheaders = {{ X-Key = \"k1\" }}\n[\"http://localhost:{with_cookie}\"]\n\
         cookies = {{ session = \"c1\" }}\n[proxy]\nuser = \"kiosk\"\npassword = \"geheim\"\n"
    );
    std::fs::write(folder.path().join("s"), text).unwrap();
    let sign_in = || SignIn::load(Some(std::path::Path::new("s")), Some(folder.path()), &Url::default());
    assert_eq!(sign_in().problem(), None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ask = |url: &str, proxy: Proxy, sign_in: SignIn| {
        let terms = ProbeSettings { accepted: StatusRanges(vec![(200, 299)]), proxy, trust: Vec::new(), sign_in };
        runtime.block_on(probe(&Url::parse(url).unwrap(), &terms))
    };
    ask(&format!("http://localhost:{with_key}/"), Proxy::None, sign_in()).unwrap();
    ask(&format!("http://localhost:{with_cookie}/"), Proxy::None, sign_in()).unwrap();
    assert!(ask(&format!("http://127.0.0.1:{with_key}/"), Proxy::None, sign_in()).is_err(), "another origin");
    let proxy = || Proxy::Server(format!("http://127.0.0.1:{proxy}"));
    ask("http://signage.example/", proxy(), sign_in()).unwrap();
    let error = ask("http://signage.example/", proxy(), SignIn::default()).unwrap_err();
    assert!(error.to_string().starts_with("the proxy asks for a password"), "{error}");
}

#[test]
fn a_socket_without_a_listener_refuses() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    assert_eq!(told(&format!("http://localhost:{port}")), format!("localhost:{port}: connection refused"));
    let unknown = ask_with("http://no-such-host.invalid/", Proxy::None, &[]).unwrap_err();
    assert!(unknown.browser_may_know() && unknown.to_string().contains("is not known"), "{unknown}");
}

#[test]
fn a_proxy_is_asked_in_the_server_s_place_and_a_script_is_left_to_the_browser() {
    let port = server("HTTP/1.1 200 OK\r\n\r\n");
    let proxy = || Proxy::Server(format!("http://127.0.0.1:{port}"));
    ask_with("http://signage.example/", proxy(), &[]).unwrap();
    let refusing = server("HTTP/1.1 403 Forbidden\r\n\r\n");
    let error = ask_with("https://signage.example/", Proxy::Server(format!("http://127.0.0.1:{refusing}")), &[]);
    assert!(error.unwrap_err().to_string().contains("the proxy can't reach signage.example:443"));
    let script = ask_with("https://signage.example/", Proxy::Pac("http://p/x.pac".into()), &[]).unwrap_err();
    assert!(script.browser_may_know());
}

/// An authority, in a file, and servers with certificates of it.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server at `localhost` whose certificate is for `name` and good in these years.
    fn server(&self, name: &str, years: std::ops::Range<i32>) -> u16 {
        self.server_with(name, years, Vec::new(), false)
    }

    /// With these extensions in its certificate, asking for one in turn where `asks`.
    fn server_with(
        &self,
        name: &str,
        years: std::ops::Range<i32>,
        extensions: Vec<CustomExtension>,
        asks: bool,
    ) -> u16 {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        params.custom_extensions = extensions;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = if asks {
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let config = Arc::new(config);
        serve("HTTP/1.1 200 OK\r\n\r\n", move |stream, answer| {
            let tls = rustls::ServerConnection::new(config.clone()).unwrap();
            converse(rustls::StreamOwned::new(tls, stream), answer);
        })
    }
}

#[test]
fn an_https_server_is_probed_and_its_certificate_error_is_described() {
    let authority = Authority::new();
    let good = authority.server("localhost", 2020..2100);
    ask_with(&format!("https://localhost:{good}/"), Proxy::None, &[authority.file()]).unwrap();
    let unknown = told(&format!("https://localhost:{good}/"));
    assert!(unknown.starts_with("the certificate of localhost has an unknown issuer"), "{unknown}");
    for (port, said) in [
        (authority.server("localhost", 2001..2002), "has expired"),
        (authority.server("localhost", 2090..2091), "is not valid yet"),
        (authority.server("other.example", 2020..2100), "is for another name"),
    ] {
        let error = ask_with(&format!("https://localhost:{port}/"), Proxy::None, &[authority.file()]).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let plain = server("HTTP/1.1 200 OK\r\n\r\n");
    let error = ask_with(&format!("https://localhost:{plain}/"), Proxy::None, &[authority.file()]).unwrap_err();
    assert!(error.to_string().starts_with(&format!("localhost:{plain} ")), "an open port is no answer: {error}");
}

#[test]
fn a_chain_that_a_browser_could_complete_is_left_to_it() {
    let authority = Authority::new();
    let port = authority.server_with("localhost", 2020..2100, vec![issuer_at("http://localhost/ca.der")], false);
    let error = ask_with(&format!("https://localhost:{port}/"), Proxy::None, &[]).unwrap_err();
    assert!(error.browser_may_know() && error.to_string().contains("its chain is incomplete"), "{error}");
    let port = authority.server("localhost", 2020..2100);
    let error = ask_with(&format!("https://localhost:{port}/"), Proxy::None, &[]).unwrap_err();
    assert!(!error.browser_may_know(), "nobody can complete it: {error}");
}

#[test]
fn a_server_that_asks_for_a_certificate_is_left_to_the_browser_which_may_have_it() {
    let authority = Authority::new();
    let port = authority.server_with("localhost", 2020..2100, Vec::new(), true);
    let error = ask_with(&format!("https://localhost:{port}/"), Proxy::None, &[authority.file()]).unwrap_err();
    assert!(error.browser_may_know() && error.to_string().contains("asks for a certificate of this device"), "{error}");
}
