//! kiosk-session as a process whose shell always ends: it has itself restarted once, and then requests a restart of the
//! device if that is configured.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::os::unix::net::UnixDatagram;

use kiosk_core::api::{Notice, State};
use serde_json::Value;
use session_support::{Compositor, SOON, Session};

const ENDS: &str = "[shell]\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n[health]\nreboot = true\n";
const REASON: &str = "sh ended: exit status 3";

fn last_failure(session: &Session) -> Value {
    let status: Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["session"]["last-failure"].clone()
}

#[test]
fn a_session_without_a_page_is_restarted_once_and_then_the_device() {
    let base = tempfile::tempdir().unwrap();
    let socket = base.path().join("notify");
    let _manager = UnixDatagram::bind(&socket).unwrap();
    let managed = [("NOTIFY_SOCKET", socket.to_str().unwrap())];
    let mut compositor = Compositor::listen(base.path());
    let mut session = Session::start_with(base, ENDS, &managed);
    compositor.accept();
    assert_eq!(session.wait(SOON).code(), Some(75));
    assert!(compositor.last.as_ref().is_none_or(|report| report.reboot.is_empty()));

    session.start_again_with(&managed);
    compositor.accept();
    let asks = compositor.until(SOON, |report| !report.reboot.is_empty()).pop().unwrap();
    assert!(asks.reboot.contains(REASON), "{asks:?}");
    compositor.notify(&Notice::NoReboot { reason: "three times today".into() });
    compositor.until(SOON, |report| report.reboot.is_empty());
    let failure = last_failure(&session);
    assert_eq!(failure["reason"], "three times today", "{failure}");
    assert!(session.child.try_wait().unwrap().is_none(), "it goes on trying");

    // The measure counts for the next session too, which reports its reason.
    session.terminate();
    session.configure("[shell]\ncommand = [\"sleep\", \"1000\"]\n");
    session.start_again_with(&managed);
    compositor.accept();
    compositor.until_state(State::Ready, SOON);
    let failure = last_failure(&session);
    assert!(failure["reason"].as_str().unwrap().contains(REASON), "{failure}");
    assert_eq!(failure["action"], "the device was to be restarted");
}
