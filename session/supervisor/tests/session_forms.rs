//! kiosk-session with the real Chromium, headless: forms, password requests for parts of a page, PDFs and downloads.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use kiosk_core::api::State;
use session_support::server::{self, Request, Server};
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, until};

const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";

fn page(script: &str) -> String {
    format!("{TELL}<script>{script}</script>")
}

fn start(url: &str, more: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &headless(url, more));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    (compositor, session)
}

#[test]
fn a_form_is_sent_once_however_often_its_answer_is_loaded_again() {
    let home = "tell('home'); if (!sessionStorage.sent) setTimeout(() => { sessionStorage.sent = 1;
        const form = document.body.appendChild(document.createElement('form'));
        form.method = 'post'; form.action = '/order'; form.submit(); }, 300);";
    let site = Site::start(&[("/", &page(home)), ("/order", &page("tell('ordered');"))]);
    let (_compositor, session) = start(&site.url("/"), "");
    until("the order", SOON, || site.has_told("ordered"));
    session.kioskctl(&["reload"]);
    until("home in its place", SOON, || site.told() == ["home", "ordered", "home"]);
    // An answer to a GET is loaded again like any page.
    session.kioskctl(&["open", &site.url("/order")]);
    session.kioskctl(&["reload"]);
    until("it again", SOON, || site.told() == ["home", "ordered", "home", "ordered", "ordered"]);
}

#[test]
fn a_password_prompt_for_a_part_of_the_page_is_never_shown() {
    let script = "const image = new Image(); image.onerror = () => tell('no image'); image.src = '/secret.png';
        fetch('/secret').then(answer => tell('status ' + answer.status));";
    let site = Site::start(&[("/", &page(script))]);
    for path in ["/secret", "/secret.png"] {
        site.answer(path, 401, "WWW-Authenticate: Basic realm=\"panel\"\r\n", "");
    }
    let (_compositor, _session) = start(&site.url("/"), "");
    // With a login dialog of the browser both would wait.
    until("the answers", SOON, || site.has_told("status 401") && site.has_told("no image"));
}

fn loads(server: &Server, path: &str) -> usize {
    server.requests().iter().filter(|request: &&Request| request.of_browser() && request.target == path).count()
}

/// A page that navigates to these one after the other, and reports all the time that it runs.
fn with_pdfs() -> Server {
    const PDF: &str = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n";
    Server::start(|request| match request.target.as_str() {
        "/" => {
            let script = "<script>setInterval(() => fetch('/alive'), 200);
                setTimeout(() => location = '/attached.pdf', 300); setTimeout(() => location = '/shown.pdf', 1500);</script>";
            let (status, headers, body) = server::page("#264");
            (status, headers, body + script)
        }
        "/attached.pdf" => {
            let headers = "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n";
            ("200 OK", headers.into(), PDF.into())
        }
        "/shown.pdf" => ("200 OK", "Content-Type: application/pdf\r\n".into(), PDF.into()),
        _ => ("204 No Content", String::new(), String::new()),
    })
}

#[test]
fn a_pdf_is_downloaded_or_gets_a_window_or_nothing_and_never_the_page_s_place() {
    let folder = tempfile::tempdir().unwrap();
    let downloads = format!("downloads = \"{}\"\n", folder.path().display());
    for (windows, shown) in [("popup", 2), ("same", 1)] {
        let server = with_pdfs();
        let more = format!("[browser]\nnew-windows = \"{windows}\"\n{downloads}");
        let (_compositor, session) = start(&format!("http://localhost:{}/", server.port), &more);
        until("the second PDF", SOON, || loads(&server, "/shown.pdf") > 0);
        let so_far = loads(&server, "/alive");
        until("the page goes on", SOON, || loads(&server, "/alive") > so_far + 10);
        assert_eq!(loads(&server, "/shown.pdf"), shown, "{windows}");
        assert_eq!(loads(&server, "/"), 1);
        until("the download", SOON, || folder.path().join("a.pdf").exists());
        std::fs::remove_file(folder.path().join("a.pdf")).unwrap();
        let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
        assert_eq!(status["session"]["state"], "ready", "{status}");
    }
}

#[test]
fn a_file_chooser_is_cancelled_and_the_log_says_why() {
    // A PDF's window is opened with user activation, which a page needs for a file chooser.
    let script =
        "<script>const input = document.body.appendChild(document.createElement('input')); input.type = 'file';
        input.oncancel = () => fetch('/cancelled'); window.open = () => input.click();
        setTimeout(() => location = '/shown.pdf', 300);</script>";
    let server = Server::start(move |request| match request.target.as_str() {
        "/" => {
            let (status, headers, body) = server::page("#264");
            (status, headers, body + script)
        }
        "/shown.pdf" => ("200 OK", "Content-Type: application/pdf\r\n".into(), "%PDF-1.4".into()),
        _ => ("204 No Content", String::new(), String::new()),
    });
    let (_compositor, session) =
        start(&format!("http://localhost:{}/", server.port), "[browser]\nnew-windows = \"popup\"\n");
    until("a word about it", SOON, || session.log().contains("wanted=\"choose a file\""));
    until("its end for the page", SOON, || loads(&server, "/cancelled") == 1);
}

#[test]
fn a_page_may_send_much_at_once() {
    let script =
        "const much = 'x'.repeat(40000000); const send = (name, body) => fetch('/much', { method: 'POST', body })
        .then(answer => tell(name + ' ' + answer.status), error => tell(name + ' ' + error));
        setTimeout(() => send('text', much).then(() => send('blob', new Blob([much]))), 300);";
    let site = Site::start(&[("/", &page(script)), ("/much", "")]);
    let (_compositor, session) = start(&site.url("/"), "");
    until("both", SOON, || site.has_told("text 200") && site.has_told("blob 200"));
    assert!(!session.log().contains("message that is too long"), "{}", session.log());
}

#[test]
fn a_page_may_send_any_bytes() {
    // Half of a surrogate pair, alone and before a whole one; bytes that are not UTF-8.
    let script = "const send = (...bytes) => fetch('/bytes', { method: 'POST', body: new Uint8Array(bytes) })
        .then(answer => tell('sent ' + bytes.length + ' ' + answer.status));
        setTimeout(() => { send(0xED, 0xA0, 0x80); send(0xED, 0xA0, 0xBD, 0xF0, 0x9F, 0x98, 0x80);
            send(0xFF, 0x00, 0xC3, 0x28, 0x5C); }, 300);";
    let site = Site::start(&[("/", &page(script)), ("/bytes", "")]);
    let (_compositor, _session) = start(&site.url("/"), "");
    for length in [3, 7, 5] {
        until("its answer", SOON, || site.has_told(&format!("sent {length} 200")));
    }
}
