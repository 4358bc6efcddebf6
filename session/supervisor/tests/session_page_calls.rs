//! `window.kiosk` with the real Chromium, headless: the calls of a page of a configured origin, their answers, and that
//! no other page can call.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use kiosk_core::api::{Notice, State};
use kiosk_core::page_calls::{DeviceInfo, DeviceRequest, OutputInfo, PageAnswer};
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, last_failure, until};

const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });
    const said = (name, promise) => promise.then(value => tell(name + ' done ' + JSON.stringify(value)), error => tell(name + ' ' + error.message));</script>";

fn page(script: &str) -> String {
    format!("{TELL}<script>{script}</script>")
}

/// With `window.kiosk` for this origin.
fn start(site: &Site, origin: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &headless(&site.url("/"), &format!("[api]\norigins = [\"{origin}\"]\n")));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    (compositor, session)
}

fn origin(site: &Site) -> String {
    site.url("/").trim_end_matches('/').to_owned()
}

fn answer(compositor: &mut Compositor, call: u64, error: Option<&str>, info: Option<DeviceInfo>) {
    compositor.notify(&Notice::Answer(PageAnswer { call, error: error.map(str::to_owned), info }));
}

#[test]
fn a_granted_page_asks_and_each_call_is_answered() {
    let script = "const k = window.kiosk; (async () => {
        await said('off', k.screen.off()); await said('bright', k.brightness(40)); await said('turn', k.rotate(90));
        await said('text', k.message('Gr\\u{fc}\\u{df}e')); await said('info', k.info);
        await said('wrong', k.rotate(45)); await said('words', k.brightness('all')); await said('ready', k.ready());
        const many = await Promise.allSettled(Array.from({ length: 100 }, () => k.brightness(1)));
        const why = new Set(many.filter(one => one.reason).map(one => one.reason.message));
        tell('many ' + many.filter(one => one.reason).length + ' ' + [...why]);
    })();";
    let site = Site::start(&[("/", &page(script))]);
    let (mut compositor, session) = start(&site, &origin(&site));
    let info = DeviceInfo {
        name: "lobby".into(),
        outputs: vec![OutputInfo { refresh: 59_940, scale: 1_250, ..OutputInfo::default() }],
        ..DeviceInfo::default()
    };
    for (request, error, info, told) in [
        (DeviceRequest::Screen { on: false }, None, None, "off done null"),
        (
            DeviceRequest::Brightness { percent: 40 },
            Some("this display has none"),
            None,
            "bright this display has none",
        ),
        (DeviceRequest::Rotate { degrees: 90 }, None, None, "turn done null"),
        (DeviceRequest::Message { text: "Grüße".into() }, None, None, "text done null"),
        (DeviceRequest::Info {}, None, Some(info), ""),
    ] {
        let call = compositor.page_call();
        assert_eq!((call.request, call.shell), (request, 0));
        answer(&mut compositor, call.call, error, info);
        until(told, SOON, || told.is_empty() || site.has_told(told));
    }
    until("what the device is", SOON, || site.told().iter().any(|told| told.starts_with("info done")));
    let told = site.told().into_iter().find(|told| told.starts_with("info done")).unwrap();
    assert!(
        told.contains("\"name\":\"lobby\"") && told.contains("\"refresh\":59.94,\"rotation\":0,\"scale\":1.25"),
        "{told}"
    );
    until("a wrong angle", SOON, || site.has_told("wrong rotation is 45, allowed is 0, 90, 180 or 270"));
    until("a word", SOON, || site.has_told("words brightness is \"all\", allowed is 0 to 100"));
    until("ready", SOON, || site.has_told("ready done undefined"));
    let mut heard = 0;
    until("the answer to a flood", SOON, || {
        for call in compositor.page_calls() {
            heard += 1;
            answer(&mut compositor, call.call, None, None);
        }
        site.told().iter().any(|told| told.starts_with("many "))
    });
    assert!((1..=20).contains(&heard), "{heard}");
    let many = format!("many {} there are too many calls: at most 10 a second, and 20 at once", 100 - heard);
    assert!(site.has_told(&many), "{:?}", site.told());
    assert_eq!(last_failure(&session), "");
}

#[test]
fn a_page_that_goes_is_answered_before_and_what_it_put_out_is_lit() {
    let script = "if (location.hash || sessionStorage.n) tell('again'); else { sessionStorage.n = 1;
        kiosk.screen.off().then(() => { said('reload', kiosk.reload()); }); }";
    let site = Site::start(&[("/", &page(script))]);
    let (mut compositor, _session) = start(&site, &origin(&site));
    let off = compositor.page_call();
    assert_eq!(off.request, DeviceRequest::Screen { on: false });
    answer(&mut compositor, off.call, None, None);
    until("the page anew", SOON, || site.has_told("again"));
    assert_eq!(compositor.page_call().request, DeviceRequest::Left {});
}

#[test]
fn events_come_to_a_document_that_listens() {
    let script = "for (const name of ['idle', 'wake', 'keyboard'])
        kiosk.addEventListener(name, event => tell(name + ' ' + JSON.stringify(event.detail)));";
    let site = Site::start(&[("/", &page(script))]);
    let (mut compositor, _session) = start(&site, &origin(&site));
    if compositor.last.as_ref().is_none_or(|report| report.listens == 0) {
        compositor.until(SOON, |report| report.listens != 0);
    }
    compositor.notify(&Notice::Presence { idle: true });
    until("idle", SOON, || site.has_told("idle null"));
    compositor.notify(&Notice::Presence { idle: false });
    until("wake", SOON, || site.has_told("wake null"));
    compositor.notify(&Notice::Keyboard { number: 0, area: Some((0, 500, 800, 100)) });
    let shown = "keyboard {\"area\":{\"height\":100,\"width\":800,\"x\":0,\"y\":500},\"shown\":true}";
    until("the keyboard", SOON, || site.has_told(shown));
    compositor.notify(&Notice::Keyboard { number: 0, area: None });
    until("its end", SOON, || site.has_told("keyboard {\"area\":null,\"shown\":false}"));
}

#[test]
fn neither_another_origin_nor_a_frame_of_one_is_heard_whatever_it_says() {
    // Another port, and so another origin, in the same process as the page: it calls the binding directly.
    let hand = "const forge = () => { for (const name of ['screen', 'info'])
            __kioskTell(JSON.stringify({ id: 'x' + Math.random(), name, value: false })); };
        const tries = setInterval(() => { if (typeof __kioskTell == 'function') { forge(); clearInterval(tries); tell('forged'); parent.postMessage('', '*'); } }, 50);";
    let frame = page(&format!("tell('frame has ' + typeof window.kiosk); {hand}"));
    let inner = Site::start(&[("/frame", &frame)]);
    let outer = format!("<iframe src='{}'></iframe>", inner.url("/frame"));
    let script = "addEventListener('message', () => { kiosk.ready(); said('own', kiosk.message('a')); });";
    let site = Site::start(&[("/", &(page(script) + &outer))]);
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    // While ready() is awaited, every context of the process has the binding.
    let more = format!(
        "[shell.ready]\npage = \"explicit\"\n[api]\norigins = [\"{}\"]\n[browser]\nallow = [\"{}\"]\n",
        origin(&site),
        origin(&inner)
    );
    let session = Session::start(base, &headless(&site.url("/"), &more));
    compositor.accept();
    until("the frame", BROWSER, || inner.has_told("frame has undefined"));
    until("its forgery", SOON, || inner.has_told("forged"));
    let call = compositor.page_call();
    assert_eq!(
        call.request,
        DeviceRequest::Message { text: "a".into() },
        "the frame's calls came before, and are not heard"
    );
    answer(&mut compositor, call.call, None, None);
    until("the page's own answer", SOON, || site.has_told("own done null"));
    assert_eq!(compositor.page_calls(), []);
    drop(session);
    // The page itself, from an origin that is not configured.
    let script = format!("tell(Object.keys(kiosk).join()); {hand}");
    let site = Site::start(&[("/", &page(&script))]);
    let (mut compositor, session) = start(&site, "http://localhost:1");
    until("what it has", SOON, || site.has_told("ready"));
    until("its forgery", SOON, || site.has_told("forged"));
    session.kioskctl(&["reload"]);
    until("the same again", SOON, || site.told().iter().filter(|told| *told == "forged").count() == 2);
    assert_eq!(compositor.page_calls(), []);
}

#[test]
fn the_declaration_names_what_the_page_has() {
    let script = "const names = o => { const all = []; for (let p = o; p && p !== EventTarget.prototype && p !== Object.prototype; p = Object.getPrototypeOf(p))
            all.push(...Object.getOwnPropertyNames(p)); return all.sort().join(); };
        tell('kiosk ' + names(kiosk)); tell('screen ' + names(kiosk.screen)); tell('frozen ' + Object.isFrozen(kiosk));";
    let site = Site::start(&[("/", &page(script))]);
    let (_compositor, _session) = start(&site, &origin(&site));
    let declared = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/kiosk.d.ts")).unwrap();
    let members = |interface: &str| {
        let body = declared.split_once(&format!("interface {interface} ")).unwrap().1;
        let body = body.split_once("{\n").unwrap().1.split_once("\n}").unwrap().0;
        let lines =
            body.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ") && !line.contains("*"));
        let name =
            |line: &str| line.trim().trim_start_matches("readonly ").split(['(', ':', '<']).next().unwrap().to_owned();
        let mut names: Vec<String> = lines.map(name).filter(|name| name != "removeEventListener").collect();
        names.sort();
        names.join(",")
    };
    until("the page's own", SOON, || site.told().len() == 3);
    assert!(site.has_told("frozen true"));
    assert!(site.has_told(&format!("kiosk {}", members("Kiosk"))), "{:?} {}", site.told(), members("Kiosk"));
    assert!(site.has_told(&format!("screen {}", members("KioskScreen"))), "{:?}", site.told());
    // The compositor's answers have the declared members.
    let keys = |value: serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(",");
    assert_eq!(keys(serde_json::json!(DeviceInfo::default())), members("KioskInfo"));
    assert_eq!(keys(serde_json::json!(OutputInfo::default())), members("KioskOutput"));
}
