//! kiosk-session with the real Chromium, headless, and pages that open windows, navigate away, show dialogs, close
//! themselves, or answer with errors. The page stays visible.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::time::Duration;

use kiosk_core::api::State;
use session_support::hand::Hand;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, until};

/// Chromium draws nothing, and pages may open windows without a click.
const HEADLESS: &str =
    "extra-args = [\"--headless=new\", \"--ozone-platform=headless\", \"--disable-popup-blocking\"]\n";
const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";

fn page(script: &str) -> String {
    format!("{TELL}<script>{script}</script>")
}

fn start(site: &Site, more: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let config = format!("[shell]\nurl = \"{}\"\n{HEADLESS}{more}", site.url("/"));
    let session = Session::start(base, &config);
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    (compositor, session)
}

fn url(session: &Session) -> String {
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    assert_eq!(status["session"]["state"], "ready", "{status}");
    status["session"]["url"].as_str().unwrap().to_owned()
}

/// A page that opens `/other` in a window, and keeps counting.
fn opener() -> Site {
    let counting = "let n = 0; setInterval(() => tell('count ' + ++n), 200);
        setTimeout(() => { const w = open('/other'); tell('opened ' + !!w); }, 500);";
    Site::start(&[("/", &page(counting)), ("/other", &page("tell('other'); addEventListener('keydown', () => 0);"))])
}

#[test]
fn a_new_window_takes_the_place_of_the_page_and_home_brings_it_back_for_good() {
    let site = Site::start(&[
        ("/", &page("tell('home ' + history.length); setTimeout(() => location.hash || open('/other'), 500);")),
        ("/other", &page("tell('other');")),
    ]);
    let (_compositor, session) = start(&site, "");
    until("the other page", SOON, || site.has_told("other"));
    until("its address", SOON, || url(&session) == site.url("/other"));
    session.kioskctl(&["open", &site.url("/#x")]);
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
    until("the page again", SOON, || url(&session) == site.url("/#x"));
}

#[test]
fn a_denied_window_leaves_its_opener_running() {
    let site = opener();
    let (_compositor, session) = start(&site, "[browser]\nnew-windows = \"deny\"\n");
    until("the page's own life after it", SOON, || site.has_told("opened true") || site.has_told("opened false"));
    until("and on", SOON, || site.has_told("count 12"));
    assert!(!site.has_told("other"), "{:?}", site.told());
    assert_eq!(url(&session), site.url("/"));
}

#[test]
fn a_popup_runs_beside_its_opener() {
    let site = opener();
    let (_compositor, session) = start(&site, "[browser]\nnew-windows = \"popup\"\n");
    until("the popup", SOON, || site.has_told("other"));
    let so_far = site.told().len();
    until("the opener goes on", SOON, || site.told().len() > so_far + 10);
    assert_eq!(url(&session), site.url("/"));
}

#[test]
fn a_hundred_windows_end_like_one() {
    let many = "setTimeout(() => { for (let i = 0; i < 100; i++) open('/other?' + i); tell('all'); }, 500);
        let n = 0; setInterval(() => tell('alive ' + ++n), 500);";
    let site = Site::start(&[("/", &page(many)), ("/other", &page(""))]);
    let (mut compositor, session) = start(&site, "[browser]\nnew-windows = \"deny\"\n");
    until("all of them", BROWSER, || site.has_told("all"));
    let so_far = site.told().len();
    until("the page lives on", SOON, || site.told().len() > so_far + 4);
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
    assert_eq!(url(&session), site.url("/"));
    assert!(compositor.last.take().is_some_and(|report| report.state == State::Ready));
}

#[test]
fn what_is_not_allowed_leaves_the_page_and_its_state() {
    let leave = "window.typed = 'kept'; const ways = ['https://elsewhere.example/', '/away', 'mailto:a@example.org', 'tel:1',
            'chrome://version/', 'file:///etc/passwd', 'view-source:' + location.href, 'about:blank#' ];
        ways.pop(); let i = 0; const next = () => {
            if (i == ways.length) return tell('done ' + window.typed + ' ' + location.pathname);
            const a = document.body.appendChild(document.createElement('a')); a.href = ways[i++]; a.click(); setTimeout(next, 400);
        }; setTimeout(next, 500);";
    let site = Site::start(&[("/", &page(leave))]);
    site.answer("/away", 302, "Location: https://elsewhere.example/x\r\n", "");
    let (mut compositor, session) = start(&site, "");
    until("the end of all ways", SOON, || site.has_told("done kept /"));
    assert_eq!(url(&session), site.url("/"));
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    assert!(status["session"]["refused"].as_u64().is_some_and(|refused| refused >= 6), "{status}");
    compositor.stays_silent(Duration::from_millis(300));
}

#[test]
fn a_page_is_not_replaced_by_a_blank_one() {
    let leave = "let n = 0; setInterval(() => tell('alive ' + ++n), 200); setTimeout(() => location.replace('about:blank'), 300);
        setTimeout(() => { const a = document.body.appendChild(document.createElement('a')); a.href = 'about:blank'; a.click(); }, 600);";
    let site = Site::start(&[("/", &page(leave))]);
    let (mut compositor, session) = start(&site, "");
    until("it lives on", SOON, || site.has_told("alive 12"));
    assert_eq!(url(&session), site.url("/"));
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    assert_eq!(status["session"]["refused"], 2, "{status}");
    compositor.stays_silent(Duration::from_millis(300));
}

#[test]
fn home_comes_whatever_a_page_wants_to_go_to_meanwhile() {
    let away = "setInterval(() => { location = 'https://elsewhere.example/' + Math.random(); }, 10); tell('away');";
    let site = Site::start(&[("/", &page("tell('home');")), ("/away", &page(away))]);
    let (_compositor, session) = start(&site, "");
    session.kioskctl(&["open", &site.url("/away")]);
    until("the page that wants to leave", SOON, || site.has_told("away"));
    session.kioskctl(&["home"]);
    assert_eq!(url(&session), site.url("/"));
}

/// A page that does this when it is touched, which it is.
fn touched(script: &str, more: &str) -> (Site, Compositor, Session) {
    let site = Site::start(&[("/", &page(&format!("document.onclick = async () => {{ {script} }};")))]);
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let flags = HEADLESS.replace("[\"", "[\"--remote-debugging-port=0\", \"");
    let session = Session::start(base, &format!("[shell]\nurl = \"{}\"\n{flags}{more}", site.url("/")));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    Hand::of(&session).click(400, 400);
    (site, compositor, session)
}

#[test]
fn picture_in_picture_is_for_a_kiosk_with_windows_that_can_be_closed() {
    let script = "const canvas = document.createElement('canvas'); canvas.getContext('2d').fillRect(0, 0, 9, 9);
        const video = document.body.appendChild(document.createElement('video')); video.muted = true;
        video.srcObject = canvas.captureStream(); await video.play();
        tell('entry ' + !video.disablePictureInPicture);
        video.requestPictureInPicture().then(() => tell('shown'), error => tell('not shown: ' + error.message));";
    for (windows, entry, end) in [
        ("same", "entry false", "not shown: The kiosk has no windows above the page."),
        ("popup", "entry true", "shown"),
    ] {
        let (site, _compositor, session) = touched(script, &format!("[browser]\nnew-windows = \"{windows}\"\n"));
        until(windows, SOON, || site.has_told(end));
        assert!(site.has_told(entry), "{:?}", site.told());
        assert_eq!(url(&session), site.url("/"));
    }
}

/// The browser's own dialog would wait for minutes.
#[test]
fn nobody_is_asked_for_a_security_key_or_to_have_links_opened_by_the_page() {
    let script = "navigator.registerProtocolHandler('web+kiosk', '/?to=%s');
        const key = { challenge: new Uint8Array(16), rp: { name: 'x' }, user: { id: new Uint8Array(8), name: 'a', displayName: 'a' },
            pubKeyCredParams: [{ type: 'public-key', alg: -7 }] };
        await navigator.credentials.create({ publicKey: key }).catch(error => tell('create ' + error.message));
        await navigator.credentials.get({ publicKey: key }).catch(error => tell('get ' + error.message));
        const others = { identity: { providers: [{ configURL: '/fedcm.json', clientId: 'x' }] },
            digital: { requests: [{ protocol: 'openid4vp-v1-unsigned', data: {} }] }, otp: { transport: ['sms'] } };
        for (const [kind, options] of Object.entries(others))
            await navigator.credentials.get({ [kind]: options }).catch(error => tell(kind + ' ' + error.message));
        tell('interfaces ' + ['IdentityCredential', 'DigitalCredential'].filter(name => name in window));
        tell('handler ' + Navigator.prototype.registerProtocolHandler.toString().includes('native'));";
    let (site, _compositor, _session) = touched(script, "");
    until("the end", SOON, || site.has_told("handler false"));
    // The page's own frames and workers have them as little.
    assert!(site.has_told("interfaces "), "{:?}", site.told());
    for name in ["create", "get", "identity", "digital", "otp"] {
        assert!(site.has_told(&format!("{name} The kiosk has no security keys.")), "{:?}", site.told());
    }
}

#[test]
fn a_page_can_not_close_itself_and_has_nothing_behind_it() {
    let script = "setTimeout(() => { window.close(); history.back(); setTimeout(() => tell('still here ' + history.length), 500); }, 300);";
    let site = Site::start(&[("/", &page(script))]);
    let (mut compositor, session) = start(&site, "");
    until("it lives on", SOON, || site.has_told("still here 1"));
    assert_eq!(url(&session), site.url("/"));
    compositor.stays_silent(Duration::from_millis(300));
}

#[test]
fn dialogs_before_the_page_is_up_do_not_hold_it() {
    for dialogs in ["alert(1); confirm(2); prompt(3); tell('after');", "while (true) alert(1);"] {
        let site = Site::start(&[("/", &page(dialogs))]);
        let (_compositor, session) = start(&site, "");
        assert_eq!(url(&session), site.url("/"));
        let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
        assert_eq!(status["session"]["restarts"], 0, "{status}");
        assert_eq!(site.has_told("after"), dialogs.contains("after"));
    }
}

#[test]
fn a_dialog_without_a_visitor_is_dismissed_after_its_timeout() {
    let site = Site::start(&[("/", &page("setTimeout(() => tell('answer ' + confirm('Go?')), 500);"))]);
    let (_compositor, _session) = start(&site, "[browser]\ndialogs = { after = \"1s\" }\n");
    until("the answer", SOON, || site.has_told("answer false"));
    let site = Site::start(&[("/", &page("setTimeout(() => tell('answer ' + confirm('Go?')), 500);"))]);
    let (_compositor, _session) = start(&site, "[browser]\ndialogs = { confirm = \"accept\" }\n");
    until("the answer", SOON, || site.has_told("answer true"));
}

#[test]
fn a_permission_that_is_not_configured_is_denied_and_nobody_is_asked() {
    let ask = "Promise.all(['geolocation', 'notifications', 'camera', 'midi'].map(name => navigator.permissions.query({ name })))
        .then(all => tell('permissions ' + all.map(one => one.state).join()));";
    let site = Site::start(&[("/", &page(ask))]);
    let (_compositor, _session) = start(&site, "");
    until("the answer", SOON, || site.has_told("permissions denied,denied,denied,denied"));
    let site = Site::start(&[("/", &page(ask))]);
    let granted = format!("[browser.permissions]\n\"http://localhost:{}\" = [\"location\", \"camera\"]\n", site.port);
    let (_compositor, _session) = start(&site, &granted);
    until("the answer", SOON, || site.has_told("permissions granted,denied,granted,denied"));
}

#[test]
fn a_page_that_loads_itself_again_stays_while_its_server_has_only_errors() {
    let refreshing = page("tell('loaded'); setTimeout(() => location.reload(), 1000);");
    let site = Site::start(&[("/", &refreshing)]);
    let (mut compositor, session) = start(&site, "");
    site.answer("/", 504, "", "<h1>504 Bad Gateway</h1>");
    until("the first error", SOON, || {
        let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
        status["session"]["last-failure"]["reason"].as_str().is_some_and(|reason| reason.contains("504"))
    });
    compositor.stays_silent(Duration::from_secs(2));
    let loads = site.told().len();
    site.answer("/", 200, "", &refreshing);
    until("the page anew", SOON, || site.told().len() > loads);
    compositor.stays_silent(Duration::from_millis(500));
}

#[test]
fn a_frame_whose_server_was_away_is_loaded_when_it_is_back() {
    let port = session_support::free_port();
    let site =
        Site::start(&[("/", &page(&format!("document.body.innerHTML = '<iframe src=http://localhost:{port}/>';")))]);
    let (mut compositor, session) = start(&site, "");
    let frame = session_support::DemoShell::start(&session.runtime_dir, port);
    until("the frame's own try", SOON, || frame.page_loads() > 0);
    compositor.stays_silent(Duration::from_millis(300));
}

#[test]
fn an_ephemeral_profile_forgets_with_each_browser() {
    let script = "tell('visits ' + (localStorage.visits = (+localStorage.visits || 0) + 1));";
    for (profile, second) in [("kept", "visits 2"), ("ephemeral", "visits 1")] {
        let site = Site::start(&[("/", &page(script))]);
        let (_compositor, session) = start(&site, &format!("[browser]\nprofile = \"{profile}\"\n"));
        until("the first visit", SOON, || site.told() == ["visits 1"]);
        // Chromium writes a page's storage some seconds later. A browser that ends before may lose it.
        until("the visit on the disk", SOON, || session.profile_holds("Default/Local Storage/leveldb", "visits"));
        session.kioskctl(&["restart"]);
        until("the second visit", BROWSER, || site.told().len() == 2);
        assert_eq!(site.told()[1], second, "{profile}");
    }
}

fn last_failure(session: &Session) -> String {
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["session"]["last-failure"]["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_dialog_in_a_popup_is_no_hang_of_the_page_that_opened_it() {
    let opener = page("setTimeout(() => open('/other'), 500);");
    let popup = page("tell('asking'); setTimeout(() => tell('answer ' + confirm('Go?')), 100);");
    let site = Site::start(&[("/", &opener), ("/other", &popup)]);
    // Longer than the limit for an answer to a heartbeat.
    let (mut compositor, session) = start(&site, "[browser]\nnew-windows = \"popup\"\ndialogs = { after = \"20s\" }\n");
    until("the popup", SOON, || site.has_told("asking"));
    until("the answer after its time", Duration::from_secs(40), || site.has_told("answer false"));
    assert_eq!(last_failure(&session), "");
    compositor.stays_silent(Duration::from_millis(100));
}

#[test]
fn a_popup_that_may_not_show_its_address_leaves_no_blank_window() {
    for address in ["https://elsewhere.example/", "http://localhost:1/", "mailto:a@example.org"] {
        let script = format!(
            "setTimeout(() => {{ const w = open('{address}'); setInterval(() => tell('closed ' + (!w || w.closed)), 200); }}, 500);"
        );
        let site = Site::start(&[("/", &page(&script))]);
        let (_compositor, session) =
            start(&site, "[browser]\nnew-windows = \"popup\"\nallow = [\"http://localhost:1\"]\n");
        until(address, SOON, || site.has_told("closed true"));
        assert_eq!(url(&session), site.url("/"));
    }
}

#[test]
fn a_link_that_is_clicked_as_for_a_tab_becomes_a_popup() {
    let clicks = "setTimeout(() => { const a = document.body.appendChild(document.createElement('a')); a.href = '/other?' + KIND;
        a.dispatchEvent(new MouseEvent(KIND, { bubbles: true, cancelable: true, composed: true, ...HOW })); }, 500);
        let n = 0; setInterval(() => tell('alive ' + ++n), 200);";
    for (kind, how) in [("click", "{ ctrlKey: true, shiftKey: true }"), ("auxclick", "{ button: 1 }")] {
        let script = clicks.replace("KIND", &format!("'{kind}'")).replace("HOW", how);
        let other = page("tell('other ' + (outerWidth < screen.width));");
        let site = Site::start(&[("/", &page(&script)), ("/other", &other)]);
        let (_compositor, session) = start(&site, "[browser]\nnew-windows = \"popup\"\n");
        until(kind, SOON, || site.has_told("other true"));
        assert_eq!(url(&session), site.url("/"));
    }
}

#[test]
fn an_error_of_the_server_never_replaces_the_page_wherever_the_page_goes() {
    let home = page("tell('home'); let n = 0; setInterval(() => tell('alive ' + ++n), 200); addEventListener('pagehide', () => tell('left'));
        setTimeout(() => { const a = document.body.appendChild(document.createElement('a')); a.href = '/link'; a.click(); }, 300);
        setTimeout(() => location = '/next', 900);");
    let site = Site::start(&[("/", &home)]);
    for path in ["/link", "/next"] {
        site.answer(path, 502, "", "<script>fetch('/tell', { method: 'POST', body: 'error page' })</script>");
    }
    let (mut compositor, session) = start(&site, "");
    until("the second failure", SOON, || last_failure(&session).contains("/next: the server answers with status 502"));
    let so_far = site.told().len();
    until("the page lives on", SOON, || site.told().len() > so_far + 4);
    assert!(!site.has_told("error page") && site.told().iter().filter(|told| *told == "home").count() == 1);
    // Its own navigation arrives; the link needs a click.
    site.answer("/link", 200, "", &page("tell('link');"));
    site.answer("/next", 200, "", &page("tell('next');"));
    until("the page that it wanted", SOON, || site.has_told("next"));
    assert!(!site.has_told("link"));
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
    assert_eq!(url(&session), site.url("/next"));
    compositor.stays_silent(Duration::from_millis(300));
}

/// A page that its service worker serves from the cache, whatever its server answers.
fn kept_page() -> Site {
    let home = page(
        "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => tell('kept'));",
    );
    let worker = "addEventListener('install', e => e.waitUntil(caches.open('x').then(c => c.add('/')).then(() => skipWaiting())));
        addEventListener('activate', e => e.waitUntil(clients.claim()));
        addEventListener('fetch', e => { if (e.request.mode == 'navigate') e.respondWith(caches.match('/')); });";
    Site::start(&[("/", &home), ("/sw.js", worker)])
}

#[test]
fn a_page_of_a_service_worker_is_shown_with_its_server_gone_or_refusing() {
    for gone in [true, false] {
        let site = kept_page();
        let (mut compositor, session) = start(&site, "");
        until("the worker", SOON, || site.has_told("kept"));
        match gone {
            true => site.go(),
            false => site.answer("/", 503, "", "<h1>503</h1>"),
        }
        let _ = session.kioskctl_command(&["restart"]).output().unwrap();
        compositor.until_state(State::Ready, BROWSER);
        assert_eq!(url(&session), site.url("/"));
    }
}

#[test]
fn a_page_prints_only_where_it_may() {
    let script = "onbeforeprint = () => tell('prints'); setTimeout(() => { print(); tell('printed'); }, 500);";
    for (printing, prints) in [("none", false), ("silent", true)] {
        let site = Site::start(&[("/", &page(script))]);
        let (_compositor, session) = start(&site, &format!("[browser]\nprinting = \"{printing}\"\n"));
        until("print() to come to its end", SOON, || site.has_told("printed"));
        assert_eq!(site.has_told("prints"), prints, "{printing}");
        if !prints {
            until("a word about it", SOON, || session.log().contains("wanted=\"print\""));
        }
        assert_eq!(url(&session), site.url("/"));
    }
}

/// It is gone with the page that made it.
#[test]
fn reload_of_a_document_that_a_page_made_loads_that_page() {
    let script =
        "const made = `<script>fetch('${location.origin}/tell', { method: 'POST', body: 'made' })</` + `script>`;
        setTimeout(() => { location.href = URL.createObjectURL(new Blob([made], { type: 'text/html' })); }, 500);";
    let site = Site::start(&[("/", &page(script))]);
    let (_compositor, session) = start(&site, "");
    let made = || site.told().iter().filter(|told| *told == "made").count();
    until("the document", SOON, || made() == 1);
    session.kioskctl(&["reload"]);
    until("the document again", SOON, || made() == 2);
}
