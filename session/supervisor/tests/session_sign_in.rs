//! Servers that require authentication, with the real Chromium: passwords, cookies and headers of `browser.sign-in`
//! reach the configured servers, and no others.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use kiosk_core::api::State;
use session_support::server::{self, Answer, Request, Server};
use session_support::{BROWSER, Compositor, SOON, Session, headless, processes, until};

/// `kiosk:geheim`
const LOGIN: &str = "Basic a2lvc2s6Z2VoZWlt";

fn start(url: &str, sign_in: &str, more: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("sign-in.toml");
    std::fs::write(&file, sign_in).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut compositor = Compositor::listen(base.path());
    let config = format!("{more}\n[browser]\nsign-in = \"{}\"\nallow = [\"http://127.0.0.2:*\"]\n", file.display());
    let session = Session::start(base, &headless(url, &config));
    compositor.accept();
    (compositor, session)
}

fn entry(server: &Server, more: &str) -> String {
    format!("[\"http://localhost:{}\"]\nuser = \"kiosk\"\npassword = \"geheim\"\n{more}", server.port)
}

fn who(scheme: &str) -> Answer {
    ("401 Unauthorized", format!("WWW-Authenticate: {scheme}\r\nContent-Type: text/html\r\n"), "<h1>Who?</h1>".into())
}

/// Accepts requests by their `Authorization` header, and asks others by `scheme`.
fn asking(scheme: &'static str, accepted: fn(&str) -> bool) -> Server {
    Server::start(move |request| {
        if request.header("authorization").is_some_and(accepted) { server::page("#0a0") } else { who(scheme) }
    })
}

/// The server's requests for `host`.
fn at(server: &Server, host: &str) -> Vec<Request> {
    let of_host = |request: &Request| request.header("host").is_some_and(|own| own.starts_with(host));
    server.requests().into_iter().filter(of_host).collect()
}

#[test]
fn a_page_behind_a_password_is_shown_and_the_password_is_nowhere_else() {
    for (scheme, accepted) in [
        ("Basic realm=\"panel\"", (|sent| sent == LOGIN) as fn(&str) -> bool),
        ("Digest realm=\"panel\", nonce=\"abc\", qop=\"auth\"", |sent| sent.starts_with("Digest username=\"kiosk\"")),
    ] {
        let server = asking(scheme, accepted);
        let (mut compositor, session) = start(&format!("http://localhost:{}/", server.port), &entry(&server, ""), "");
        compositor.until_state(State::Ready, BROWSER);
        assert!(
            server.requests().iter().any(|request| request.of_browser() && request.header("authorization").is_some())
        );
        let told = session.kioskctl(&["status", "--json"]);
        assert!(!told.contains("geheim") && processes("geheim").is_empty(), "{told}");
        compositor.stays_silent(Duration::from_millis(300));
    }
}

#[test]
fn the_user_in_the_page_s_address_is_given_to_its_server() {
    let server = asking("Basic realm=\"panel\"", |sent| sent == LOGIN);
    let (mut compositor, session) = start(&format!("http://kiosk:geheim@localhost:{}/", server.port), "", "");
    compositor.until_state(State::Ready, BROWSER);
    let told = session.kioskctl(&["status", "--json"]);
    assert!(!told.contains("geheim") && processes("geheim").is_empty(), "{told}");
}

#[test]
fn the_user_in_an_address_that_is_opened_is_given_to_its_server_and_to_nobody_else() {
    let home = Server::start(|_| server::page("#0a0"));
    let other = asking("Basic realm=\"panel\"", |sent| sent == LOGIN);
    let (mut compositor, session) = start(&format!("http://localhost:{}/", home.port), "", "");
    compositor.until_state(State::Ready, BROWSER);
    session.kioskctl(&["open", &format!("http://kiosk:geheim@127.0.0.2:{}/", other.port)]);
    let told = session.kioskctl(&["status", "--json"]);
    assert!(!told.contains("geheim") && processes("geheim").is_empty(), "{told}");
    let by_browser: Vec<Request> = other.requests().into_iter().filter(Request::of_browser).collect();
    assert_eq!(by_browser[0].header("authorization"), None, "only when it asks");
}

#[test]
fn the_user_of_an_address_that_was_opened_is_forgotten_by_the_browser_too() {
    let home = Server::start(|_| server::page("#0a0"));
    let other = asking("Basic realm=\"panel\"", |sent| sent == LOGIN);
    let (mut compositor, session) = start(&format!("http://localhost:{}/", home.port), "", "");
    compositor.until_state(State::Ready, BROWSER);
    // The page that is opened without a user afterwards, not other requests of the browser beside the first one.
    let with_password = || {
        let sent = |request: &Request| request.target == "/next" && request.header("authorization").is_some();
        other.requests().iter().filter(|request| sent(request)).count()
    };
    let opens = format!("http://kiosk:geheim@127.0.0.2:{}/", other.port);
    session.kioskctl(&["open", &opens]);
    for forget in ["home", "reset"] {
        match forget {
            "home" => drop(session.kioskctl(&["home"])),
            _ => {
                session.kioskctl(&["open", &opens]);
                compositor.notify(&kiosk_core::api::Notice::Reset { number: 1 });
                compositor.until(BROWSER, |report| report.reset == 1);
            }
        }
        let asked = other.requests().len();
        let refused = session.kioskctl_command(&["open", &format!("http://127.0.0.2:{}/next", other.port)]).output();
        assert!(!refused.unwrap().status.success(), "nobody has its password");
        assert!(other.requests().len() > asked);
        assert_eq!(with_password(), 0, "{forget}");
        session.kioskctl(&["home"]);
    }
}

#[test]
fn a_wrong_password_is_tried_once_and_said_on_the_screen() {
    // The probe fails on the first scheme; only a browser can answer the second.
    for scheme in ["Basic realm=\"panel\"", "Digest realm=\"panel\", nonce=\"abc\", qop=\"auth\""] {
        let server = asking(scheme, |_| false);
        let ready = "[shell.ready]\ntimeout = \"2s\"";
        let (mut compositor, session) =
            start(&format!("http://localhost:{}/", server.port), &entry(&server, ""), ready);
        let said = "the server of localhost refuses the password of sign-in";
        compositor.until(BROWSER, |report| report.message.contains(said));
        let asked = server.requests().len();
        until("more tries", SOON, || server.requests().len() > asked + 4);
        let with_password = server.requests().into_iter().filter(|request| request.header("authorization").is_some());
        assert_eq!(with_password.count(), 1, "{scheme}");
        assert!(compositor.last.take().is_some_and(|report| report.state != State::Ready));
        drop(session);
    }
}

#[test]
fn a_server_that_asks_for_a_password_nobody_has_is_named_and_no_visitor_is_asked() {
    let server = asking("Basic realm=\"panel\"", |_| false);
    let ready = "[shell.ready]\ntimeout = \"2s\"";
    let (mut compositor, _session) = start(&format!("http://localhost:{}/", server.port), "", ready);
    compositor.until(SOON, |report| report.message.contains("the server of localhost asks for a password"));
    assert!(server.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn what_is_for_one_origin_never_reaches_another_by_a_redirection_or_a_link() {
    let server = Server::start(|request: &Request| {
        let port = request.header("host").and_then(|host| host.rsplit_once(':')).map_or("", |(_, port)| port);
        let elsewhere =
            |path: &str| ("302 Found", format!("Location: http://127.0.0.2:{port}{path}\r\n"), String::new());
        let here = request.header("host").is_some_and(|host| host.starts_with("localhost"));
        match request.target.as_str() {
            "/" if request.header("authorization") != Some(LOGIN) => who("Basic realm=\"panel\""),
            "/" => (
                "200 OK",
                "Content-Type: text/html\r\n".into(),
                "<body style='background:#080'><img src=/image><script>fetch('/data').catch(() => 0)
                    .then(() => new Promise(done => setTimeout(done, 500))).then(() => location = '/away');</script>"
                    .into(),
            ),
            "/image" | "/data" | "/away" if here => elsewhere(&request.target),
            // The other server asks for a password too.
            "/image" | "/data" => who("Basic realm=\"panel\""),
            _ => server::page("#00f"),
        }
    });
    let headers = "headers = { X-Key = \"schluessel\" }\ncookies = { session = \"kekse\" }\n";
    let (_compositor, _session) = start(&format!("http://localhost:{}/", server.port), &entry(&server, headers), "");
    until("the other origin", BROWSER, || {
        let there = at(&server, "127.0.0.2");
        ["/image", "/data", "/away"].iter().all(|path| there.iter().any(|request| request.target == *path))
    });
    for path in ["/", "/image", "/data", "/away"] {
        let here = at(&server, "localhost").into_iter().filter(|request| request.target == path);
        for request in here.filter(Request::of_browser) {
            assert_eq!(request.header("x-key"), Some("schluessel"), "{request:?}");
            assert!(request.header("cookie").is_some_and(|cookies| cookies.contains("session=kekse")), "{request:?}");
        }
    }
    for request in at(&server, "127.0.0.2") {
        for name in ["authorization", "x-key", "cookie"] {
            assert_eq!(request.header(name), None, "{request:?}");
        }
    }
}

#[test]
fn cookies_are_there_before_the_first_page_and_again_after_all_was_cleared() {
    let server = Server::start(|request| match request.header("cookie") {
        Some("session=kekse") => server::page("#0a0"),
        _ => ("403 Forbidden", String::new(), String::new()),
    });
    let entry = format!("[\"http://localhost:{}\"]\ncookies = {{ session = \"kekse\" }}\n", server.port);
    let (mut compositor, session) = start(&format!("http://localhost:{}/", server.port), &entry, "");
    compositor.until_state(State::Ready, BROWSER);
    session.kioskctl(&["clear-data"]);
    let asked = server.requests().into_iter().filter(|request| request.of_browser() && request.target == "/");
    let without: Vec<Request> = asked.filter(|request| request.header("cookie").is_none()).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn a_proxy_s_password_is_for_the_proxy_alone() {
    let proxy = Server::start(|request| match request.header("proxy-authorization") {
        Some(LOGIN) => server::page("#808"),
        _ => ("407 Who", "Proxy-Authenticate: Basic realm=\"proxy\"\r\n".into(), String::new()),
    });
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("sign-in.toml");
    std::fs::write(&file, "[proxy]\nuser = \"kiosk\"\npassword = \"geheim\"\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut compositor = Compositor::listen(base.path());
    let browser = format!("[browser]\nsign-in = \"{}\"\nproxy = \"http://127.0.0.1:{}\"\n", file.display(), proxy.port);
    let _session = Session::start(base, &headless("http://signage.example/", &browser));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    assert!(proxy.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn a_file_that_others_may_read_is_not_used_and_that_is_said() {
    let server = asking("Basic realm=\"panel\"", |sent| sent == LOGIN);
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("sign-in.toml");
    std::fs::write(&file, entry(&server, "")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut compositor = Compositor::listen(base.path());
    let more = format!("[shell.ready]\ntimeout = \"2s\"\n[browser]\nsign-in = \"{}\"\n", file.display());
    let session = Session::start(base, &headless(&format!("http://localhost:{}/", server.port), &more));
    compositor.accept();
    compositor.until(SOON, |report| report.message.contains("others may read"));
    let _ = session;
}

/// SAML's POST binding, and OpenID Connect's `form_post`: the provider's page posts its answer to the shell's own server,
/// which shows the page for it, or leads on to the page.
#[test]
fn a_sign_in_elsewhere_that_ends_in_a_form_leads_to_the_page_and_is_posted_once() {
    for shows_at_once in [true, false] {
        let server = Server::start(move |request: &Request| {
            let (host, port) = request.header("host").and_then(|host| host.rsplit_once(':')).unwrap_or_default();
            let html = |headers: &str, body: &str| {
                ("200 OK", format!("Content-Type: text/html\r\n{headers}"), body.to_owned())
            };
            let post = format!(
                "<form method=post action=http://localhost:{port}/signed-in><input type=hidden name=SAMLResponse value=abc></form>"
            );
            match (host, request.target.as_str()) {
                ("127.0.0.2", _) => html("", &format!("<body onload='document.forms[0].submit()'>{post}")),
                (_, "/signed-in") if shows_at_once => {
                    html("Set-Cookie: session=1; Path=/\r\n", "<body style='background:#080'>in")
                }
                (_, "/signed-in") => {
                    ("303 See Other", "Set-Cookie: session=1; Path=/\r\nLocation: /\r\n".into(), String::new())
                }
                _ if request.header("cookie").is_some_and(|cookies| cookies.contains("session=1")) => {
                    html("", "<body style='background:#0a0'>page")
                }
                _ => ("302 Found", format!("Location: http://127.0.0.2:{port}/sso\r\n"), String::new()),
            }
        });
        let (mut compositor, session) = start(&format!("http://localhost:{}/", server.port), "", "");
        compositor.until_state(State::Ready, BROWSER);
        let times = |path: &str| {
            server.requests().iter().filter(|request| request.of_browser() && request.target == path).count()
        };
        assert_eq!(times("/signed-in"), 1);
        // The answer to a form is not asked for again.
        for order in ["reload", "home"] {
            let before = times("/");
            session.kioskctl(&[order]);
            assert_eq!((times("/signed-in"), times("/")), (1, before + 1), "{order}");
        }
    }
}
