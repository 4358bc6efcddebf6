//! kiosk-session with two real Chromiums, headless, one for each shell: each follows the `[shells.browser]` of its own,
//! and nothing that happens to one reaches the other.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use kiosk_core::api::State;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, kill, until};

/// Chromium draws nothing, and pages may open windows without a click.
const FLAGS: &str = "extra-args = [\"--headless=new\", \"--ozone-platform=headless\", \"--disable-popup-blocking\"]\n";

/// Reports all that the keys of its shell decide, and its visits.
const PAGE: &str = "<body style='background:#264'><script>
    const tell = text => fetch('/tell', { method: 'POST', body: text });
    (async () => {
        const camera = (await navigator.permissions.query({ name: 'camera' })).state;
        const visits = localStorage.visits = (+localStorage.visits || 0) + 1;
        tell(`zoom ${devicePixelRatio} camera ${camera} language ${navigator.language}`);
        tell('visits ' + visits);
        setTimeout(() => open('/other'), 300);
        setTimeout(() => { location = 'http://127.0.0.1:' + location.port + '/elsewhere'; }, 2000);
    })();</script>";

fn table(site: &Site, output: &str, browser: &str) -> String {
    format!("[[shells]]\noutput = \"{output}\"\nurl = \"{}\"\n{FLAGS}[shells.browser]\n{browser}\n", site.url("/"))
}

struct Pair {
    compositors: [Compositor; 2],
    session: Session,
}

fn start(config: &str, base: tempfile::TempDir) -> Pair {
    let mut one = Compositor::listen(base.path());
    let session = Session::start(base, config);
    let mut other = one.another();
    one.accept();
    other.accept();
    let number = |compositor: &mut Compositor| compositor.until_state(State::Ready, BROWSER).shell;
    let compositors = match (number(&mut one), number(&mut other)) {
        (0, 1) => [one, other],
        (1, 0) => [other, one],
        numbers => panic!("{numbers:?}"),
    };
    Pair { compositors, session }
}

fn site() -> Site {
    let said = |word: &str| format!("<script>fetch('/tell', {{ method: 'POST', body: '{word}' }})</script>");
    Site::start(&[("/", PAGE), ("/other", &said("other")), ("/elsewhere", &said("elsewhere"))])
}

fn status(session: &Session, shell: usize) -> serde_json::Value {
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["shells"][shell].clone()
}

#[test]
fn each_of_two_browsers_follows_the_keys_of_its_own_shell() {
    let (left, right) = (site(), site());
    let base = tempfile::tempdir().unwrap();
    let sign_in = base.path().join("sign-in.toml");
    std::fs::write(&sign_in, format!("[\"http://localhost:{}\"]\ncookies = {{ key = \"left\" }}\n", left.port))
        .unwrap();
    std::fs::set_permissions(&sign_in, std::fs::Permissions::from_mode(0o600)).unwrap();
    let of_left = format!(
        "new-windows = \"popup\"\nzoom = 1.5\nprofile = \"ephemeral\"\nlanguage = \"fr\"\nallow = [\"http://127.0.0.1:*\"]\nsign-in = \"{}\"\n\
         permissions = {{ \"http://localhost:{}\" = [\"camera\"] }}",
        sign_in.display(),
        left.port
    );
    let of_right = "new-windows = \"deny\"\nzoom = 0.5\nprofile = \"kept\"\nlanguage = \"de\"";
    let config = table(&left, "HDMI-A-1", &of_left) + &table(&right, "HDMI-A-2", of_right);
    let Pair { compositors: [mut first, mut second], session } = start(&config, base);

    until("what the left one has", SOON, || left.has_told("zoom 1.5 camera granted language fr"));
    until("what the right one has", SOON, || right.has_told("zoom 0.5 camera denied language de"));
    assert!(left.cookies().iter().any(|cookie| cookie == "key=left"), "{:?}", left.cookies());
    assert_eq!(right.cookies(), [""; 0], "by the same name of the host");
    until("the popup", SOON, || left.has_told("other"));
    until("where the left one may go", SOON, || left.has_told("elsewhere"));
    until("the refusals of the right one", SOON, || status(&session, 1)["refused"].as_u64() >= Some(1));
    assert!(!right.has_told("other") && !right.has_told("elsewhere"), "{:?}", right.told());
    assert_eq!(status(&session, 0)["refused"], 0);
    assert_eq!(status(&session, 1)["url"], right.url("/"));

    // What happens to one, in all ways, is nothing to the other.
    let pid = |compositor: &Compositor| compositor.last.as_ref().unwrap().pid;
    let (of_first, of_second) = (pid(&first), pid(&second));
    session.kioskctl(&["home", "-s", "HDMI-A-1"]);
    session.kioskctl(&["restart", "-s", "HDMI-A-1"]);
    until("the left page of a new browser", BROWSER, || {
        left.told().iter().filter(|told| *told == "visits 1").count() >= 2
    });
    first.until(BROWSER, |report| report.state == State::Ready && report.pid != of_first);
    kill(pid(&first));
    first.until_state(State::Crashed, SOON);
    first.until_state(State::Ready, BROWSER);
    session.kioskctl(&["stop", "-s", "HDMI-A-1"]);
    second.stays_silent(Duration::from_millis(500));
    assert_eq!(right.told().iter().filter(|told| told.starts_with("visits")).count(), 1);
    let seen = status(&session, 1);
    assert_eq!((&seen["state"], &seen["browser-pid"]), (&"ready".into(), &of_second.into()), "{seen}");

    // And what it has stored stays when the other one's is deleted.
    session.kioskctl(&["start", "-s", "HDMI-A-1"]);
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
    session.kioskctl(&["clear-data", "-s", "HDMI-A-1"]);
    session.kioskctl(&["reload", "-s", "HDMI-A-2"]);
    until("the right page again", SOON, || right.has_told("visits 2"));
}
