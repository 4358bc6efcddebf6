//! fifo: each commit is on the screen for a frame before the next.

use std::time::{Duration, Instant};

use kioskd::limits::{refusal::LIMIT, table::WAITING_UPDATES};
use wayland_client::{delegate_noop, protocol::wl_surface::WlSurface};
use wayland_protocols::wp::fifo::v1::client::{wp_fifo_manager_v1::WpFifoManagerV1, wp_fifo_v1::WpFifoV1};

use crate::fixture::{
    ClientId, Fixture, Setup,
    picture::{BLUE, GREEN, Picture, RED, YELLOW},
    seen::{Feedback, Seen},
};

delegate_noop!(Seen: WpFifoManagerV1);
delegate_noop!(Seen: WpFifoV1);

const FRAME: Duration = Duration::from_micros(16_600);

fn at_60_hertz() -> Fixture {
    Setup { refresh: 60_000, ..Setup::bare(&["320x200"]) }.start()
}

impl Fixture {
    fn fifo(&mut self, client: ClientId, surface: &WlSurface) -> WpFifoV1 {
        let handle = self[client].handle.clone();
        let manager: WpFifoManagerV1 = self[client].bind();
        manager.get_fifo(surface, &handle, ())
    }

    /// Number of the surface's presented commits.
    fn shown(&self, client: ClientId, surface: &WlSurface) -> usize {
        let feedback = self[client].feedback(surface);
        feedback.iter().filter(|said| matches!(said, Feedback::Presented { .. })).count()
    }

    /// Commits one after the other, each with presentation feedback.
    fn queue(&mut self, client: ClientId, surface: &WlSurface, fifo: &WpFifoV1, colors: &[[u8; 3]]) {
        for color in colors {
            self[client].ask_feedback(surface);
            fifo.wait_barrier();
            fifo.set_barrier();
            self[client].draw(surface, Picture::Solid(*color), 320, 200);
        }
    }
}

#[test]
fn each_commit_is_seen_for_a_frame() {
    let mut fixture = at_60_hertz();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let fifo = fixture.fifo(client, &window.surface);
    fixture.panels.start_film();
    let started = Instant::now();
    fixture.queue(client, &window.surface, &fifo, &[GREEN, BLUE, YELLOW, GREEN, RED]);
    fixture.until("the last", |fixture| fixture[client].feedback(&window.surface).len() == 5);
    assert_eq!(fixture.shown(client, &window.surface), 5, "none was replaced before it was seen");
    assert!(started.elapsed() >= FRAME * 4, "{:?}", started.elapsed());
    let film: Vec<[u8; 3]> = fixture.panels.take_film().iter().map(|shot| shot.pixels.pixel(5, 5)).collect();
    assert_eq!(film, [GREEN, BLUE, YELLOW, GREEN, RED]);
}

#[test]
fn without_a_wait_the_newest_is_seen() {
    let mut fixture = at_60_hertz();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let fifo = fixture.fifo(client, &window.surface);
    for color in [GREEN, BLUE, YELLOW] {
        fifo.set_barrier();
        fixture[client].draw(&window.surface, Picture::Solid(color), 320, 200);
    }
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(5, 5), YELLOW);
    // A barrier that has ended blocks nothing.
    fifo.wait_barrier();
    fixture[client].draw(&window.surface, Picture::Solid(RED), 320, 200);
    fixture.until("the next", |fixture| fixture.panel().pixel(5, 5) == RED);
}

#[test]
fn commits_that_change_nothing_go_on_at_the_screens_rate() {
    let mut fixture = at_60_hertz();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let fifo = fixture.fifo(client, &window.surface);
    let started = Instant::now();
    for _ in 0..6 {
        fifo.wait_barrier();
        fifo.set_barrier();
        fixture[client].ask_frame(&window.surface);
        window.surface.commit();
    }
    fixture.until("the last", |fixture| fixture[client].frames(&window.surface) == 6);
    let took = started.elapsed();
    assert!(took >= FRAME * 5, "{took:?}");
    // A commit that runs into the time-out takes a second.
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn no_commit_waits_for_ever_where_nothing_is_shown() {
    let mut fixture = at_60_hertz();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let fifo = fixture.fifo(client, &window.surface);
    let screen = fixture.primary().id;
    fixture.kiosk.set_power(screen, false);
    fixture.queue(client, &window.surface, &fifo, &[GREEN, BLUE, YELLOW]);
    // A replaced commit is discarded.
    fixture.until("the last on a dark screen", |fixture| fixture[client].feedback(&window.surface).len() == 2);

    // A surface that is not shown, without a role.
    let loose = fixture[client].surface();
    let fifo = fixture.fifo(client, &loose);
    fixture.queue(client, &loose, &fifo, &[GREEN, BLUE, YELLOW]);
    fixture.until("the last of a surface without a role", |fixture| fixture[client].feedback(&loose).len() == 2);
    fixture.assert_still_afterwards();
}

#[test]
fn a_subsurface_that_leaves_its_parents_pace_does_not_wait_for_itself() {
    let mut fixture = at_60_hertz();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let part = fixture[client].surface();
    let bound = fixture[client].bound();
    let role = bound.subcompositor.get_subsurface(&part, &window.surface, &fixture[client].handle, ());
    window.surface.commit();
    let fifo = fixture.fifo(client, &part);
    // Blocked with its barrier until the parent commits, which it does not.
    fifo.set_barrier();
    fixture[client].draw(&part, Picture::Solid(GREEN), 320, 200);
    role.set_desync();
    fifo.wait_barrier();
    fixture[client].draw(&part, Picture::Solid(BLUE), 320, 200);
    fixture.until("the second picture", |fixture| fixture.panel().pixel(5, 5) == BLUE);
}

#[test]
fn a_surface_that_goes_holds_up_nothing() {
    let mut fixture = at_60_hertz();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let fifo = fixture.fifo(client, &window.surface);
    fixture.queue(client, &window.surface, &fifo, &[GREEN, BLUE, YELLOW, GREEN]);
    fifo.destroy();
    window.destroy();
    fixture.roundtrip(client);
    let other = fixture.map(client, Picture::Solid(BLUE));
    fixture.until("the other window", |fixture| fixture.panel().pixel(5, 5) == BLUE);
    let fifo = fixture.fifo(client, &other.surface);
    fixture.queue(client, &other.surface, &fifo, &[GREEN, BLUE, YELLOW, GREEN]);
    fixture.disconnect(client);
    fixture.assert_serving();
    fixture.assert_still_afterwards();
}

#[test]
fn commits_that_wait_have_an_end() {
    let mut fixture = at_60_hertz();
    let screen = fixture.primary().id;
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let other = fixture.map(client, Picture::Solid(GREEN));
    fixture.kiosk.set_power(screen, false);
    // On two surfaces: the limit is for all of a client's surfaces.
    let fifos = [fixture.fifo(client, &window.surface), fixture.fifo(client, &other.surface)];
    for _ in 0..WAITING_UPDATES {
        for (fifo, window) in fifos.iter().zip([&window, &other]) {
            fifo.wait_barrier();
            fifo.set_barrier();
            window.surface.commit();
            fixture.hand_over(client);
        }
    }
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("wl_surface".into(), LIMIT)));
    fixture.kiosk.set_power(screen, true);
    fixture.assert_serving();
}

#[test]
fn what_waits_no_more_does_not_count() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let fifo = fixture.fifo(client, &window.surface);
    for _ in 0..8 {
        for _ in 0..WAITING_UPDATES / 4 {
            fifo.wait_barrier();
            fifo.set_barrier();
            window.surface.commit();
        }
        fixture[client].ask_frame(&window.surface);
        let before = fixture[client].frames(&window.surface);
        fifo.wait_barrier();
        window.surface.commit();
        fixture.until("all of them", |fixture| fixture[client].frames(&window.surface) > before);
    }
    assert_eq!(fixture[client].error(), None);
}

#[test]
fn a_second_fifo_and_one_without_a_surface_are_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let surface = fixture[client].surface();
    fixture.fifo(client, &surface).destroy();
    fixture.fifo(client, &surface);
    fixture.roundtrip(client);
    fixture.fifo(client, &surface);
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("wp_fifo_manager_v1".into(), 0)));

    let client = fixture.client();
    let surface = fixture[client].surface();
    let fifo = fixture.fifo(client, &surface);
    surface.destroy();
    fifo.set_barrier();
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("wp_fifo_v1".into(), 0)));
    fixture.assert_serving();
}

impl Fixture {
    /// After all commits are applied, nothing wakes the loop.
    #[track_caller]
    fn assert_still_afterwards(&mut self) {
        self.pass(Duration::from_millis(1200));
        self.nothing_left_to_do();
        assert_eq!(self.wakeups(Duration::from_millis(1500)), 0);
    }
}
