//! commit-timing: a commit is shown at its time, and not before.

use std::time::Duration;

use wayland_client::{delegate_noop, protocol::wl_surface::WlSurface};
use wayland_protocols::wp::commit_timing::v1::client::{
    wp_commit_timer_v1::{Error, WpCommitTimerV1},
    wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
};

use crate::fixture::{
    ClientId, Fixture,
    picture::{BLUE, GREEN, Picture, RED},
    seen::Seen,
};

delegate_noop!(Seen: WpCommitTimingManagerV1);
delegate_noop!(Seen: WpCommitTimerV1);

/// An invalid request.
type Wrong = fn(&WpCommitTimerV1, &WlSurface);

fn set(timer: &WpCommitTimerV1, at: Duration) {
    timer.set_timestamp((at.as_secs() >> 32) as u32, at.as_secs() as u32, at.subsec_nanos());
}

impl Fixture {
    fn timer(&mut self, client: ClientId, surface: &WlSurface) -> WpCommitTimerV1 {
        let handle = self[client].handle.clone();
        let manager: WpCommitTimingManagerV1 = self[client].bind();
        manager.get_timer(surface, &handle, ())
    }
}

#[test]
fn a_commit_is_seen_at_its_time_and_those_behind_it_after_it() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let timer = fixture.timer(client, &window.surface);
    let wanted = fixture.kiosk.now() + Duration::from_millis(400);
    set(&timer, wanted);
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture[client].ask_feedback(&window.surface);
    fixture[client].draw(&window.surface, Picture::Solid(BLUE), 320, 200);
    fixture.roundtrip(client);
    fixture.still();
    if fixture.kiosk.now() < wanted - Duration::from_millis(100) {
        assert_eq!(fixture.panel().pixel(5, 5), RED);
    }
    fixture.until("the commits", |fixture| fixture.panel().pixel(5, 5) != RED);
    let seen = fixture.kiosk.now();
    assert!(seen >= wanted, "{:?} too early", wanted - seen);
    fixture.until("both", |fixture| fixture.panel().pixel(5, 5) == BLUE);
}

#[test]
fn a_time_that_has_passed_is_now() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let timer = fixture.timer(client, &window.surface);
    set(&timer, Duration::from_nanos(1));
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(5, 5), GREEN);
}

#[test]
fn a_time_far_away_costs_nothing_and_ends_with_its_surface() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    for far in [Duration::from_secs(3600 * 24 * 365 * 500), Duration::new(u64::MAX, 999_999_999)] {
        let loose = fixture[client].surface();
        let timer = fixture.timer(client, &loose);
        set(&timer, far);
        loose.commit();
    }
    let timer = fixture.timer(client, &window.surface);
    set(&timer, Duration::from_secs(u64::MAX));
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.roundtrip(client);
    fixture.still();
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(500)), 0);
    assert_eq!(fixture.panel().pixel(5, 5), RED);
    timer.destroy();
    window.destroy();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].error(), None);
    fixture.disconnect(client);
    fixture.assert_serving();
}

#[test]
fn times_that_are_none_are_refused() {
    let wrongs: [(Wrong, Error); 3] = [
        (|timer, _| timer.set_timestamp(0, 1, 1_000_000_000), Error::InvalidTimestamp),
        (|timer, _| (0..2).for_each(|_| timer.set_timestamp(0, 1, 0)), Error::TimestampExists),
        (
            |timer, surface| {
                surface.destroy();
                timer.set_timestamp(0, 1, 0);
            },
            Error::SurfaceDestroyed,
        ),
    ];
    let mut fixture = Fixture::new(&["320x200"]);
    for (wrong, wanted) in wrongs {
        let client = fixture.client();
        let surface = fixture[client].surface();
        let timer = fixture.timer(client, &surface);
        wrong(&timer, &surface);
        fixture[client].sync();
        fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
        assert_eq!(fixture[client].error(), Some(("wp_commit_timer_v1".into(), wanted as u32)));
    }
    let client = fixture.client();
    let surface = fixture[client].surface();
    fixture.timer(client, &surface);
    fixture.timer(client, &surface);
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("wp_commit_timing_manager_v1".into(), 0)));
    fixture.assert_serving();
}
