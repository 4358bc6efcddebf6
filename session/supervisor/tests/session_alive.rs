//! kiosk-session with the real Chromium, headless, and a page that is given more input than it can handle: it is alive,
//! although the browser leaves everything else until later; and it is noticed when it hangs nevertheless.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use kiosk_core::api::State;
use session_support::hand::Hand;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, Session, last_failure, until};

const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";

/// Keys at once.
const KEYS: usize = 1500;

/// A page that takes so long for each key that all of them take longer than two heartbeats, and does this with each.
fn flooded(each: &str) -> (Site, Compositor, Session, Hand) {
    let page = format!(
        "{TELL}<script>let keys = 0; tell('home');
         const spend = time => {{ const end = performance.now() + time; while (performance.now() < end); }};
         onkeydown = () => {{ keys++; spend(18); {each} }};</script>"
    );
    let site = Site::start(&[("/", &page)]);
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let flags = "extra-args = [\"--headless=new\", \"--ozone-platform=headless\", \"--remote-debugging-port=0\"]\n";
    let session = Session::start(base, &format!("[shell]\nurl = \"{}\"\n{flags}", site.url("/")));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    let mut hand = Hand::of(&session);
    hand.type_at_once("x", KEYS);
    (site, compositor, session, hand)
}

fn homes(site: &Site) -> usize {
    site.told().iter().filter(|told| *told == "home").count()
}

#[test]
fn a_page_that_handles_a_flood_of_keys_is_alive() {
    let (site, _compositor, session, _hand) = flooded(&format!("if (keys === {KEYS}) tell('all keys');"));
    until("the last key", BROWSER, || site.has_told("all keys"));
    assert_eq!((homes(&site), last_failure(&session).as_str()), (1, ""));
}

#[test]
fn a_page_that_hangs_in_a_flood_of_keys_is_loaded_again() {
    let (site, _compositor, session, _hand) = flooded("if (keys === 300) while (true);");
    until("the page again", BROWSER, || homes(&site) > 1);
    assert_eq!(last_failure(&session), "the page does not answer any more");
}
