//! kiosk-session with the real Chromium, headless, and pages that exhaust the processor or the memory, or whose server
//! answers with errors only. Each is shown again when possible, in the same browser.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::time::Duration;

use kiosk_core::api::State;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, last_failure, until};

/// Chromium draws nothing, and a page's script has 100 MiB, so that it reaches its limit before the machine does.
const HEADLESS: &str =
    "extra-args = [\"--headless=new\", \"--ozone-platform=headless\", \"--js-flags=--max-old-space-size=100\"]\n";
const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";
const CALM: &str = "tell('calm');";

fn page(script: &str) -> String {
    format!("{TELL}<script>{script}</script>")
}

fn start(site: &Site) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &format!("[shell]\nurl = \"{}\"\n{HEADLESS}", site.url("/")));
    compositor.accept();
    until("its socket", SOON, || session.runtime_dir.join("session.sock").exists());
    (compositor, session)
}

/// Shows a page that runs this script, and then a working one in its place. Returns the reported reason.
fn comes_back(script: &str) -> String {
    let site =
        Site::start(&[("/", &page(&format!("tell('begins').then(() => setTimeout(() => {{ {script} }}, 500));")))]);
    let (mut compositor, session) = start(&site);
    let browser = compositor.until_state(State::Ready, BROWSER).pid;
    until("its beginning", SOON, || site.has_told("begins"));
    site.answer("/", 200, "", &page(CALM));
    until("the reason", Duration::from_secs(40), || !last_failure(&session).is_empty());
    until("the page again", BROWSER, || site.has_told("calm"));
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
    assert_eq!(compositor.last.as_ref().map(|report| report.pid), Some(browser), "the browser lives on");
    last_failure(&session)
}

#[test]
fn a_page_that_spins_its_main_thread_is_loaded_again() {
    assert_eq!(comes_back("while (true);"), "the page does not answer any more");
}

#[test]
fn a_page_that_exceeds_its_memory_limit_is_loaded_again() {
    let eats = "const all = []; while (true) all.push(new Array(10000).fill(0).map((_, i) => ({ i })));";
    assert_eq!(comes_back(eats), "the page's process died");
}

#[test]
fn a_server_that_has_only_errors_is_waited_for_and_none_of_them_is_shown() {
    let site = Site::start(&[]);
    let error = page("tell('error page');");
    site.answer("/", 500, "", &error);
    let (mut compositor, _session) = start(&site);
    for status in ["500", "503"] {
        site.answer("/", status.parse().unwrap(), "", &error);
        compositor.until(BROWSER, |report| report.reason.contains(status));
    }
    assert!(!site.has_told("error page"), "nobody has seen it");
    site.answer("/", 200, "", &page(CALM));
    compositor.until_state(State::Ready, BROWSER);
    until("the page", SOON, || site.has_told("calm"));
    assert!(!site.has_told("error page"));
}
