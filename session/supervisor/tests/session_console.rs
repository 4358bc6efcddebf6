//! The console of the real Chromium's page, headless, as a caller on `session.sock` reads it; and that the page is looked after
//! as before, while somebody listens and when nobody does any more.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::io::{BufRead, BufReader};

use kiosk_core::api::State;
use serde_json::Value;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, until};

const PAGE: &str = "<body style='background:#264'><script>
    setInterval(() => console.warn('beat \\u001b[2J', 7), 100);
    setInterval(() => { throw new Error('it broke'); }, 100);</script>";

/// Its lines.
fn listen(session: &Session) -> impl Iterator<Item = Value> {
    let options = std::collections::HashMap::<&str, zbus::Variant<'_>>::new();
    let stream = session.socket_of("Console", &(options,)).unwrap();
    BufReader::new(stream).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

#[test]
fn the_console_is_read_while_somebody_listens_and_the_page_is_none_the_worse() {
    let site = Site::start(&[("/", PAGE)]);
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &headless(&site.url("/"), ""));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    for _ in 0..2 {
        let mut lines = listen(&session);
        let mut find = |source: &str| lines.find(|line| line["source"] == source).unwrap();
        let said = find("console");
        assert_eq!((&said["level"], &said["text"]), (&"warning".into(), &"beat \u{fffd}[2J 7".into()), "{said}");
        assert_eq!(said["url"], site.url("/"));
        let thrown = find("exception");
        assert!(thrown["text"].as_str().unwrap().contains("it broke"), "{thrown}");
        let before = session.log().matches("nobody listens").count();
        drop(lines);
        until("nobody listens", SOON, || session.log().matches("nobody listens").count() > before);
    }
    assert!(!session.log().contains("failure"), "{}", session.log());
}
