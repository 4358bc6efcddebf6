//! A session that requests a restart of the device: it gets an answer, and only what is configured is done.

use kiosk_core::api::{Notice, Report, State};

use crate::fixture::{Fixture, Setup, session::Session};

fn report(reboot: &str) -> Report {
    Report { state: State::Backoff, reboot: reboot.into(), ..Report::default() }
}

fn refusals(session: &mut Session) -> Vec<String> {
    let notices = session.notices().into_iter();
    notices.filter_map(|notice| if let Notice::NoReboot { reason } = notice { Some(reason) } else { None }).collect()
}

#[track_caller]
fn refusal(fixture: &mut Fixture, session: &mut Session) -> String {
    let mut told = Vec::new();
    fixture.until("the answer", |_| {
        told.extend(refusals(session));
        !told.is_empty()
    });
    assert_eq!(told.len(), 1);
    told.remove(0)
}

#[test]
fn a_session_that_asks_for_a_restart_of_the_device_hears_why_there_is_none() {
    let mut fixture = Setup::kiosk(&["640x400"]).start();
    let mut session = fixture.session();
    session.send(&report("no page"));
    assert_eq!(refusal(&mut fixture, &mut session), "health.reboot is false");
    let said =
        |fixture: &Fixture| fixture.kiosk.status.problems.iter().filter(|text| text.contains("no restart")).count();
    assert_eq!(said(&fixture), 1);
    // The same request is not repeated; another session's or a later one counts.
    session.send(&Report { message: "again".into(), ..report("no page") });
    fixture.until("the report", |fixture| fixture.kiosk.stage.shells[0].readiness.message == "again");
    assert_eq!(refusals(&mut session), [""; 0]);
    session.send(&report(""));
    fixture.kiosk.settings.config.health.reboot = true;
    session.send(&report("no page"));
    // Tests have no device screens, so this machine's logind is not called.
    assert_eq!(refusal(&mut fixture, &mut session), "kioskd does not run on the device's own screens");
    assert!(!fixture.kiosk.main_loop.lifecycle.reboots);
}
