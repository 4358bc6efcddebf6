//! kiosk-session with the real Chromium, headless, and what a hostile page tries once it is touched: it stays what is on the
//! screen, and `home` brings the home page.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use kiosk_core::api::State;
use serde_json::Value;
use session_support::hand::Hand;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, until};

const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";

/// Name, what the page does when it is touched, and whether that is an address that has to be refused.
const TRICKS: [(&str, &str, bool); 21] = [
    ("frame to the top", "frame('/frame')", true),
    ("refresh by a tag", "refresh('https://elsewhere.example/')", true),
    ("refresh to a file", "refresh('file:///etc/passwd')", false),
    ("refresh to a browser page", "refresh('chrome://version')", true),
    ("refresh to data", "refresh('data:text/html,<h1>x')", false),
    ("navigation interface", "navigation.navigate('chrome://version').finished.catch(() => 0)", true),
    ("view-source", "open('view-source:' + location.href); location.href = 'view-source:' + location.href", true),
    ("extension", "location = 'chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/index.html'", true),
    ("installed application", "location = 'isolated-app://abc/'", true),
    ("intent", "location = 'intent://x#Intent;scheme=http;end'", true),
    ("file system", "location = 'filesystem:' + location.origin + '/temporary/x.html'", true),
    ("FTP", "location = 'ftp://localhost/x'", true),
    (
        "prints in a loop",
        "setInterval(print, 1); frame('about:blank').contentWindow.print(); document.execCommand('print')",
        false,
    ),
    ("history in a loop", "for (let i = 0; i < 5000; i++) history.pushState(i, '', '?' + i)", false),
    ("fullscreen with the keyboard", "document.body.requestFullscreen().then(() => navigator.keyboard.lock())", false),
    ("the pointer", "document.body.requestPointerLock()", false),
    (
        "a dialog without an end",
        "const d = document.body.appendChild(document.createElement('dialog')); d.oncancel = e => e.preventDefault(); d.showModal()",
        false,
    ),
    ("the focus", "onblur = () => focus(); setInterval(() => focus(), 5); document.designMode = 'on'", false),
    (
        "spinning workers",
        "for (let i = 0; i < 8; i++) new Worker(URL.createObjectURL(new Blob(['while (true);'])))",
        false,
    ),
    ("nothing to show", "location = '/nothing'; frame('/download')", false),
    ("its cookies and data", "fetch('/clear')", false),
];

/// A page with this trick, which then says that it is there and how.
fn trick(name: &str, script: &str) -> String {
    format!(
        "{TELL}<script>const path = location.pathname, state = window.state = {{}};
         const frame = source => {{ const f = document.createElement('iframe'); f.src = source; return document.body.appendChild(f); }};
         const refresh = to => {{ const m = document.createElement('meta'); m.httpEquiv = 'refresh'; m.content = '0;url=' + to; document.head.append(m); }};
         document.onclick = () => {{ document.onclick = null; {script};
           setTimeout(() => tell('{name}: ' + (location.pathname === path && window.state === state)), 700); }};</script>"
    )
}

fn start(site: &Site, more: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let config = headless(&site.url("/"), more).replace("[\"", "[\"--remote-debugging-port=0\", \"");
    let session = Session::start(base, &config);
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    (compositor, session)
}

fn status(session: &Session) -> Value {
    let status: Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["session"].clone()
}

#[test]
fn no_trick_of_a_page_changes_what_is_on_the_screen_or_keeps_home_from_it() {
    let site = Site::start(&[("/", TELL)]);
    site.answer("/nothing", 204, "", "");
    site.answer("/download", 200, "Content-Disposition: attachment; filename=x.exe\r\n", "x");
    site.answer("/clear", 200, "Clear-Site-Data: \"*\"\r\n", "x");
    let to_the_top =
        "<a target=_parent href='mailto:a@b.example'>x</a><script>open('https://elsewhere.example/', '_top');
        top.location = 'file:///etc/passwd'; top.location = 'about:blank'; parent.location = 'chrome://version';
        document.querySelector('a').click();</script>";
    site.answer("/frame", 200, "", to_the_top);
    let (_compositor, session) = start(&site, "");
    for (number, (name, script, refused)) in TRICKS.iter().enumerate() {
        let path = format!("/trick/{number}");
        site.answer(&path, 200, "", &trick(name, script));
        session.kioskctl(&["open", &site.url(&path)]);
        let before = status(&session)["refused"].as_u64().unwrap();
        Hand::of(&session).click(400, 400);
        until(name, SOON, || site.has_told(&format!("{name}: true")));
        let after = status(&session);
        assert_eq!(after["state"], "ready", "{name}: {after}");
        assert!(!refused || after["refused"].as_u64().unwrap() > before, "{name}: {after}");
        session.kioskctl(&["home"]);
        let home = status(&session);
        assert_eq!((&home["url"], &home["restarts"]), (&site.url("/").into(), &0.into()), "{name}: {home}");
    }
}

/// Pages that stay on the screen although they are other ones, and what they are told of the kiosk.
#[test]
fn what_a_page_writes_over_itself_is_under_the_same_rules() {
    let over = "`<body>over<script>fetch('/tell', { method: 'POST', body: 'over ' + typeof kiosk + print.toString().includes('native') })</` + `script>`";
    let ways = [
        format!("document.open(); document.write({over}); document.close()"),
        format!("window.over = {over}; location = 'javascript:over'"),
    ];
    for way in ways {
        let site = Site::start(&[("/", &format!("{TELL}<script>document.onclick = () => {{ {way}; }};</script>"))]);
        let (_compositor, session) = start(&site, "");
        let mut hand = Hand::of(&session);
        hand.click(400, 400);
        until(&way, SOON, || site.has_told("over objectfalse"));
        session.kioskctl(&["home"]);
        assert_eq!((&status(&session)["state"], &status(&session)["restarts"]), (&"ready".into(), &0.into()));
    }
}

/// A server's own order to go elsewhere, and pages that are isolated from others.
#[test]
fn headers_of_a_page_lead_nowhere_that_is_not_allowed() {
    let here = format!(
        "{TELL}<script>setTimeout(() => tell('here ' + typeof kiosk + ' ' + crossOriginIsolated), 700);</script>"
    );
    let site = Site::start(&[("/", TELL)]);
    site.answer("/refresh", 200, "Refresh: 0;url=https://elsewhere.example/\r\n", &here);
    let isolated = "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n";
    site.answer("/isolated", 200, isolated, &here);
    let (_compositor, session) = start(&site, "");
    for (path, said, refused) in [("/refresh", "here object false", 1), ("/isolated", "here object true", 1)] {
        session.kioskctl(&["open", &site.url(path)]);
        until(path, SOON, || site.has_told(said));
        let status = status(&session);
        assert_eq!((&status["url"], &status["refused"]), (&site.url(path).into(), &refused.into()), "{status}");
    }
}

/// A page that the browser fetches before anybody goes there (speculation rules) is judged like any other.
#[test]
fn a_page_that_another_has_prepared_is_judged_when_it_comes() {
    let prepared = "{ const rules = document.createElement('script'); rules.type = 'speculationrules';
        rules.textContent = JSON.stringify({ prerender: [{ urls: [TO], eagerness: 'immediate' }], prefetch: [{ urls: [TO], eagerness: 'immediate' }] });
        document.head.append(rules); }
        setTimeout(() => { location = TO; }, 1500); setTimeout(() => tell('still here'), 3000);";
    let other = format!("{TELL}<script>tell('other ' + typeof kiosk + print.toString().includes('native'));</script>");
    for (to, comes) in [("/good", true), ("/bad", false), ("/away", false)] {
        let home = prepared.replace("TO", &format!("'{to}'"));
        let site = Site::start(&[("/", &format!("{TELL}<script>{home}</script>")), ("/good", &other)]);
        site.answer("/bad", 404, "", &other);
        site.answer("/away", 302, "Location: https://elsewhere.example/\r\n", "");
        let (_compositor, session) = start(&site, "");
        let told = if comes { "other objectfalse" } else { "still here" };
        until(to, SOON, || site.has_told(told));
        let (url, at) = (status(&session)["url"].clone(), if comes { to } else { "/" });
        assert_eq!((url, site.has_told("other objectfalse")), (site.url(at).into(), comes));
    }
}

/// As a link or a picture is dragged from a popup.
#[test]
fn what_is_dropped_on_a_page_is_for_its_fields_and_for_who_takes_it_and_opens_nothing() {
    let script = "const place = 'position:fixed;left:0;width:200px;height:90px;top:';
        document.body.innerHTML = `<input id=field style='${place}0'><div id=taker style='${place}100px'></div><div id=other style='${place}200px'></div><div id=late style='${place}300px'></div>`;
        field.oninput = () => tell('field ' + field.value);
        taker.ondragover = event => event.preventDefault();
        taker.ondrop = event => { event.preventDefault(); tell('taker ' + event.dataTransfer.getData('text/uri-list')); };
        addEventListener('dragover', event => { if (event.target === late) event.preventDefault(); });
        addEventListener('drop', event => { if (event.target === late) { event.preventDefault(); tell('late'); } });
        onclick = () => tell('still here'); tell('home');";
    let site = Site::start(&[("/", &format!("{TELL}<script>{script}</script>")), ("/other", TELL)]);
    let (_compositor, session) = start(&site, "");
    let mut hand = Hand::of(&session);
    let link = site.url("/other");
    hand.drop_at(100, 250, "text/uri-list", &link);
    hand.drop_at(100, 150, "text/uri-list", &link);
    hand.drop_at(100, 350, "text/uri-list", &link);
    hand.drop_at(100, 50, "text/plain", "words");
    hand.click(100, 250);
    let wanted = ["home", &format!("taker {link}"), "late", "field words", "still here"];
    until("each of them", SOON, || wanted.iter().all(|told| site.has_told(told)));
    assert_eq!(site.told().len(), wanted.len(), "{:?}", site.told());
    assert_eq!(status(&session)["url"], site.url("/"));
}
