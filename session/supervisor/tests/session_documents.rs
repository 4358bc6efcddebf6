//! kiosk-session with the real Chromium, headless, and documents that are no web page: PDFs, XML, and what a page has made
//! by itself.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use kiosk_core::api::State;
use session_support::hand::Hand;
use session_support::server::{Request, Server};
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, last_failure, until};

const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";
const PDF: &str = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
                   3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\ntrailer<</Root 1 0 R>>\n";

fn page(script: &str) -> String {
    format!("{TELL}<script>{script}</script>")
}

fn start(url: &str, more: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let flags = headless(url, more).replace("[\"", "[\"--remote-debugging-port=0\", \"");
    let session = Session::start(base, &flags);
    compositor.accept();
    until("its socket", SOON, || session.runtime_dir.join("session.sock").exists());
    (compositor, session)
}

fn url(session: &Session) -> String {
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["session"]["url"].as_str().unwrap().to_owned()
}

/// The viewer goes by the address: <https://pdfobject.com/pdf/pdf_open_parameters_acro8.pdf>, `toolbar`.
#[test]
fn a_pdf_as_the_home_page_is_shown_without_the_viewer_s_tool_bar() {
    let server = Server::start(|request| match request.target.as_str() {
        "/a.pdf" => ("200 OK", "Content-Type: application/pdf\r\nCache-Control: no-store\r\n".into(), PDF.into()),
        "/led" => ("302 Found", "Location: /a.pdf\r\n".into(), String::new()),
        _ => ("404 Not Found", String::new(), String::new()),
    });
    let at = |path: &str| format!("http://localhost:{}{path}", server.port);
    for (ordered, shown) in [
        ("/a.pdf", "/a.pdf#toolbar=0&navpanes=0"),
        ("/led", "/a.pdf#toolbar=0&navpanes=0"),
        ("/a.pdf#page=1", "/a.pdf#page=1&toolbar=0&navpanes=0"),
        // Whoever wants the tool bar says so.
        ("/a.pdf#toolbar=1", "/a.pdf#toolbar=1"),
    ] {
        let (mut compositor, session) = start(&at(ordered), "");
        compositor.until_state(State::Ready, BROWSER);
        assert_eq!(url(&session), at(shown));
        let loads = || server.requests().iter().filter(|r: &&Request| r.of_browser() && r.target == "/a.pdf").count();
        for order in ["reload", "home"] {
            let before = loads();
            session.kioskctl(&[order]);
            assert_eq!(url(&session), at(shown));
            // To go to a place of the document that is shown is to stay.
            assert!(loads() > before || shown == ordered, "{order} shows it as the server has it now");
        }
    }
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("a.pdf");
    std::fs::write(&file, PDF).unwrap();
    let (mut compositor, session) = start(&format!("file://{}", file.display()), "");
    compositor.until_state(State::Ready, BROWSER);
    assert_eq!(url(&session), format!("file://{}#toolbar=0&navpanes=0", file.display()));
}

/// Chromium's own box of errors is no page.
#[test]
fn xml_that_is_not_well_formed_is_said_in_words_and_never_shown() {
    let server = Server::start(move |request| match request.target.as_str() {
        "/broken.svg" => (
            "200 OK",
            "Content-Type: image/svg+xml\r\n".into(),
            "<svg xmlns='http://www.w3.org/2000/svg'>\n<g></svg>".into(),
        ),
        "/broken" => {
            let page = "<html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title></head>\n<body><p>Hello<br></p></body></html>";
            ("200 OK", "Content-Type: application/xhtml+xml\r\n".into(), page.into())
        }
        _ => {
            let page = "<html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title></head><body style='background:#264'><p>Hello</p></body></html>";
            ("200 OK", "Content-Type: application/xhtml+xml\r\n".into(), page.into())
        }
    });
    let at = |path: &str| format!("http://localhost:{}{path}", server.port);
    for path in ["/broken", "/broken.svg"] {
        let (mut compositor, session) = start(&at(path), "");
        let seen = compositor.until(BROWSER, |report| report.reason.contains("its XML has an error in line 2"));
        assert!(seen.iter().all(|report| report.state != State::Ready), "{seen:#?}");
        let opened = session.kioskctl_command(&["open", &at("/")]).output().unwrap();
        assert!(opened.status.success(), "{opened:?}");
        assert_eq!(url(&session), at("/"));
    }
}

/// A page that does this when it is touched, which it is.
fn touched(script: &str, more: &str) -> (Site, Compositor, Session) {
    let script = format!("tell('home'); document.onclick = () => {{ {script} }};");
    let site = Site::start(&[("/", &page(&script))]);
    let (mut compositor, session) = start(&site.url("/"), more);
    compositor.until_state(State::Ready, BROWSER);
    Hand::of(&session).click(400, 400);
    (site, compositor, session)
}

const RECEIPT: &str = "URL.createObjectURL(new Blob([`<body>receipt<script>fetch('${location.origin}/tell',
    { method: 'POST', body: 'receipt ' + !opener })</` + `script>`], { type: 'text/html' }))";
const PAPER: &str = "URL.createObjectURL(new Blob(['%PDF-1.4'], { type: 'application/pdf' }))";

#[test]
fn a_document_that_a_page_made_for_a_window_takes_the_page_s_place_or_gets_a_window() {
    let (site, _compositor, session) = touched(&format!("open({RECEIPT});"), "");
    until("the receipt in the page's place", SOON, || {
        site.has_told("receipt true") && url(&session).starts_with("blob:")
    });
    session.kioskctl(&["home"]);
    assert_eq!(url(&session), site.url("/"));

    let (site, _compositor, session) = touched(&format!("open({RECEIPT});"), "[browser]\nnew-windows = \"popup\"\n");
    until("the receipt above the page", SOON, || site.has_told("receipt false"));
    assert_eq!(url(&session), site.url("/"));
}

#[test]
fn a_pdf_that_a_page_made_never_stays_in_the_page_s_place() {
    // In a window it is refused, and nothing changes.
    let (site, _compositor, session) = touched(&format!("open({PAPER});"), "");
    until("a word about it", SOON, || session.log().contains("wanted=\"show a PDF\""));
    session.kioskctl(&["wait", "ready", "--stable", "500ms", "--timeout", "20s"]);
    assert_eq!((url(&session), last_failure(&session)), (site.url("/"), String::new()));
    assert_eq!(site.told(), ["home"]);
    // In the page's own place it is there before anybody is asked.
    let (site, _compositor, session) = touched(&format!("location = {PAPER};"), "");
    until("the page again", SOON, || site.told() == ["home", "home"]);
    assert!(
        last_failure(&session).contains("the browser shows a PDF in place of the page"),
        "{}",
        last_failure(&session)
    );
    session.kioskctl(&["wait", "ready", "--timeout", "20s"]);
    assert_eq!(url(&session), site.url("/"));
}
