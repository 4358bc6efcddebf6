//! Frame callbacks and presentation feedback.

use std::time::{Duration, Instant};

use kioskd::debug::DebugAids;

use crate::fixture::{
    Fixture, Setup,
    picture::{BLUE, GREEN, Picture, RED},
    seen::Feedback,
};

fn at_60_hertz() -> Setup {
    Setup { refresh: 60_000, ..Setup::bare(&["320x200"]) }
}

#[test]
fn no_callback_comes_without_a_commit() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture[client].ask_frame(&window.surface);
    fixture.roundtrip(client);
    fixture.pass(Duration::from_millis(100));
    assert_eq!(fixture[client].frames(&window.surface), 0);
    window.surface.commit();
    fixture.until("the callback", |fixture| fixture[client].frames(&window.surface) == 1);
}

#[test]
fn a_busy_client_is_held_to_the_screens_rate() {
    let mut fixture = at_60_hertz().start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let started = Instant::now();
    for count in 1..=20 {
        fixture[client].ask_frame(&window.surface);
        let color = if count % 2 == 0 { RED } else { BLUE };
        fixture[client].draw(&window.surface, Picture::Solid(color), 320, 200);
        fixture.until("the next frame", |fixture| fixture[client].frames(&window.surface) == count);
    }
    // 20 callbacks are at least 19 whole frame times apart.
    assert!(started.elapsed() >= Duration::from_micros(16_600) * 19, "{:?}", started.elapsed());
}

#[test]
fn a_commit_that_changes_nothing_is_answered_at_the_screens_rate_too() {
    let mut fixture = at_60_hertz().start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let frames = fixture.panels.frames();
    let started = Instant::now();
    for count in 1..=8 {
        fixture[client].ask_frame(&window.surface);
        window.surface.commit();
        fixture.until("the next frame", |fixture| fixture[client].frames(&window.surface) == count);
    }
    assert!(started.elapsed() >= Duration::from_micros(16_600) * 7, "{:?}", started.elapsed());
    assert_eq!(fixture.panels.frames(), frames, "nothing changed, and something was drawn");
}

#[test]
fn a_client_goes_on_slowly_while_the_screen_is_off_and_nothing_is_drawn() {
    let mut fixture = at_60_hertz().start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let id = fixture.primary().id;
    fixture.kiosk.set_power(id, false);
    let frames = fixture.panels.frames();
    let started = Instant::now();
    for count in 1..=2 {
        fixture[client].ask_frame(&window.surface);
        fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
        fixture.until("a slow callback", |fixture| fixture[client].frames(&window.surface) == count);
    }
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}: too fast for no one", started.elapsed());
    assert_eq!(fixture.panels.frames(), frames, "drawn on a screen that is off");
    assert_eq!(fixture.panel().pixel(5, 5), [0, 0, 0], "the panel is not off");
    fixture.kiosk.set_power(id, true);
    fixture.until("the picture", |fixture| fixture.panel().pixel(5, 5) == GREEN);
}

#[test]
fn a_client_under_the_splash_is_told_to_draw_too() {
    let mut fixture = Setup::kiosk(&["320x200"]).start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    for count in 1..=3 {
        fixture[client].ask_frame(&window.surface);
        fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
        fixture.until("a callback", |fixture| fixture[client].frames(&window.surface) == count);
    }
}

#[test]
fn every_surface_of_the_window_is_told_to_draw() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let part = fixture[client].surface();
    let below = fixture[client].bound().subcompositor.get_subsurface(&part, &window.surface, &handle, ());
    below.place_below(&window.surface);
    fixture[client].ask_frame(&part);
    fixture[client].draw(&part, Picture::Solid(BLUE), 20, 20);
    window.surface.commit();
    fixture.until("a callback for what is hidden", |fixture| fixture[client].frames(&part) == 1);
}

#[test]
fn presented_and_discarded_frames_get_feedback() {
    let mut fixture = at_60_hertz().start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    // Two commits before one frame: the first is never shown.
    fixture[client].ask_feedback(&window.surface);
    fixture[client].draw(&window.surface, Picture::Solid(BLUE), 320, 200);
    fixture[client].ask_feedback(&window.surface);
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.until("both answers", |fixture| fixture[client].feedback(&window.surface).len() == 2);
    let said = fixture[client].feedback(&window.surface);
    assert_eq!(said[0], Feedback::Discarded);
    let Feedback::Presented { refresh, kind } = said[1] else { panic!("{said:?}") };
    assert!(refresh.abs_diff(16_666_666) < 1_000, "{refresh} ns");
    assert_eq!(kind & 0x8, 0, "composed frames are not zero-copy");
}

#[test]
fn buffers_come_back() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let before = fixture[client].seen.released;
    let buffers: Vec<_> = (0..3).map(|_| fixture[client].buffer(Picture::Solid(GREEN), 320, 200)).collect();
    for buffer in &buffers {
        window.surface.attach(Some(buffer), 0, 0);
        window.surface.damage_buffer(0, 0, 320, 200);
        window.surface.commit();
    }
    fixture.until("the replaced buffers", |fixture| fixture[client].seen.released >= before + 2);
}

#[test]
fn a_picture_that_can_be_shown_in_a_better_way_is_drawn_once_more_and_then_rests() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.until("the last frame's watch to end", |fixture| !fixture.kiosk.hardware.flips.is_watching());
    let presented = fixture.panels.presented();
    fixture.panels.offer_better_way();
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.until("the frame and one more", |fixture| fixture.panels.presented() == presented + 2);
    fixture.until("the timers of the last frame to end", |fixture| {
        !fixture.kiosk.hardware.flips.is_watching() && !fixture.kiosk.main_loop.lifecycle.is_settling()
    });
    assert_eq!(fixture.wakeups(Duration::from_millis(300)), 0);
    assert_eq!(fixture.panels.presented(), presented + 2);
    // What is drawn for another reason gets its own frame and no more.
    fixture[client].draw(&window.surface, Picture::Solid(RED), 320, 200);
    fixture.until("the next frame", |fixture| fixture.panels.presented() == presented + 3);
    fixture.pass(Duration::from_millis(100));
    assert_eq!(fixture.panels.presented(), presented + 3);
}

#[test]
fn what_a_frame_repaints_is_tinted_for_developers_who_want_to_see_it() {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.kiosk.stage.debug = DebugAids { damage: true, ..DebugAids::default() };
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.still();
    assert_eq!(fixture.screenshot().pixel(5, 5), GREEN, "a screenshot has no tint");
    assert_ne!(fixture.panel().pixel(5, 5), GREEN, "the first frame paints everything");
    // The pointer appears, and everything below it is painted again.
    fixture.point((20.0, 60.0));
    fixture.still();
    fixture.panels.start_film();
    for step in 0..4 {
        fixture.point((40.0 + f64::from(step) * 50.0, 60.0));
        fixture.still();
    }
    let film = fixture.panels.take_film();
    assert!(film.len() >= 4, "{} frames", film.len());
    let mut last = GREEN;
    for shot in film {
        let area: i32 = shot.damage.iter().map(|part| part.size.w * part.size.h).sum();
        assert!(area * 4 < 320 * 200, "the tint itself is no reason to repaint: {:?}", shot.damage);
        // The arrow does not cover the corners of its damage.
        let corners = shot.damage.iter().map(|part| {
            let (x, y) = (part.loc.x + part.size.w - 1, part.loc.y + part.size.h - 1);
            shot.pixels.pixel(x.unsigned_abs(), y.unsigned_abs())
        });
        let corners: Vec<[u8; 3]> = corners.collect();
        assert!(corners.iter().all(|corner| *corner == corners[0] && *corner != GREEN), "{corners:?}");
        assert_ne!(corners[0], last, "each frame has another colour than the one before it");
        last = corners[0];
    }
}

#[test]
fn a_client_that_missed_a_vertical_blank_draws_on_before_its_frame_is_shown() {
    let mut fixture = Setup { refresh: 4_000, ..Setup::bare(&["320x200"]) }.start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let draw = |fixture: &mut Fixture, color| {
        fixture[client].ask_frame(&window.surface);
        fixture[client].ask_feedback(&window.surface);
        fixture[client].draw(&window.surface, Picture::Solid(color), 320, 200);
        let count = fixture[client].frames(&window.surface);
        fixture.until("the callback", |fixture| fixture[client].frames(&window.surface) > count);
        fixture[client].feedback(&window.surface).len()
    };
    // In time: the callback comes with the page flip, after the feedback.
    assert_eq!(draw(&mut fixture, GREEN), 1);
    // More than a period of 250 ms after that flip.
    fixture.pass(Duration::from_millis(300));
    assert_eq!(draw(&mut fixture, BLUE), 1, "the callback waited for the late flip");
    // The next one is drawn at that flip, without waiting for what the client draws then.
    assert_eq!(draw(&mut fixture, RED), 2);
    fixture.until("the last picture", |fixture| fixture[client].feedback(&window.surface).len() == 3);
    let shown = |said: &Feedback| matches!(said, Feedback::Presented { .. });
    assert!(fixture[client].feedback(&window.surface).iter().all(shown));
}
