//! The scale `auto` follows the current mode, however the mode is changed.

use std::time::Duration;

use kiosk_core::config::{ModeChoice, Scale};
use kioskd::{
    command::{ApplyMode, OutputChange},
    screens::{Head, HeadMode},
};

use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    panels::Fault,
    picture::{Picture, RED},
};

/// A dense panel of 92 by 55 mm whose full mode is scaled by 2 and whose half mode is not, with a window on it.
fn dense() -> (Fixture, ClientId, Toplevel) {
    let mut fixture = Fixture::new(&["800x480"]);
    fixture.plug(Vec::new());
    let mut heads = Fixture::new(&["800x480"]).panels.heads();
    heads[0].physical = (92, 55);
    heads[0].identity.model = "dense".into();
    let half = HeadMode { width: 400, height: 240, preferred: false, ..heads[0].modes[0] };
    heads[0].modes.push(half);
    fixture.plug(heads);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    (fixture, client, window)
}

/// The scale and the size that the window got.
fn told(fixture: &mut Fixture, client: ClientId, window: &Toplevel) -> (f64, (i32, i32)) {
    fixture.roundtrip(client);
    let size = fixture[client].configured(window).map(|told| (told.width, told.height)).unwrap();
    (fixture[client].scale(&window.id()), size)
}

fn mode(width: u32, height: u32) -> OutputChange {
    OutputChange { mode: Some(ModeChoice::Exact { width, height, refresh: None }), ..OutputChange::default() }
}

#[test]
fn an_automatic_scale_follows_the_mode() {
    let (mut fixture, client, window) = dense();
    assert_eq!(told(&mut fixture, client, &window), (2.0, (400, 240)));
    fixture.change(mode(400, 240)).unwrap();
    assert_eq!(told(&mut fixture, client, &window), (1.0, (400, 240)));
    fixture.change(mode(800, 480)).unwrap();
    assert_eq!(told(&mut fixture, client, &window), (2.0, (400, 240)));
    // Also when a temporary change is reverted.
    let name = fixture.primary().name.clone();
    let briefly = ApplyMode::Temporary { revert_after: Duration::from_millis(50) };
    fixture.kiosk.apply(0, &[(name, mode(400, 240))], briefly).unwrap();
    assert_eq!(fixture.primary().scale(), 1.0);
    fixture.until("the change to go back", |fixture| fixture.primary().scale() == 2.0);
}

#[test]
fn a_scale_that_was_asked_for_stays_whatever_the_mode() {
    let (mut fixture, client, window) = dense();
    fixture.scale(1.25);
    fixture.change(mode(400, 240)).unwrap();
    fixture.roundtrip(client);
    fixture.fill(client, &window, Picture::Solid(RED));
    assert_eq!(told(&mut fixture, client, &window), (1.25, (320, 192)));
    fixture.change(OutputChange { scale: Some(Scale::Auto), ..OutputChange::default() }).unwrap();
    assert_eq!(fixture.primary().scale(), 1.0);
    fixture.change(mode(800, 480)).unwrap();
    fixture.roundtrip(client);
    fixture.fill(client, &window, Picture::Solid(RED));
    assert_eq!(told(&mut fixture, client, &window), (2.0, (400, 240)));
}

#[test]
fn a_display_whose_modes_changed_has_the_scale_of_the_new_one() {
    let half = |heads: &[Head]| {
        let mut heads = heads.to_vec();
        heads[0].modes.remove(0);
        heads[0].mode = 0;
        heads
    };
    for unplugged in [true, false] {
        let (mut fixture, client, window) = dense();
        let heads = fixture.panels.heads();
        if unplugged {
            fixture.plug(Vec::new());
        }
        fixture.plug(half(&heads));
        assert_eq!(told(&mut fixture, client, &window), (1.0, (400, 240)), "unplugged: {unplugged}");
        fixture.plug(heads);
        assert_eq!(told(&mut fixture, client, &window), (2.0, (400, 240)), "unplugged: {unplugged}");
    }
}

#[test]
fn a_mode_that_the_driver_refuses_takes_its_scale_along() {
    let (mut fixture, client, window) = dense();
    fixture.panels.set_fault(Some(Fault::RefusesMode(400, 240)));
    fixture.change(mode(400, 240)).unwrap();
    fixture.until("the mode of before", |fixture| fixture.primary().picture_size() == (800, 480).into());
    assert_eq!(told(&mut fixture, client, &window), (2.0, (400, 240)));
}

/// Chromium without a GPU keeps its size on the screen while its buffer keeps its size.
#[test]
fn a_window_that_is_to_be_smaller_at_a_larger_scale_is_first_told_the_one_and_then_the_other() {
    let mut fixture = Fixture::new(&["800x480"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    for (scale, before, size) in [(2.0, 1.0, (400, 240)), (1.0, 2.0, (800, 480))] {
        fixture.scale(scale);
        assert_eq!(told(&mut fixture, client, &window), (before, size));
        fixture.fill(client, &window, Picture::Solid(RED));
        assert_eq!(told(&mut fixture, client, &window), (scale, size));
        fixture.fill(client, &window, Picture::Solid(RED));
        assert_eq!(fixture.panel().pixel(799, 479), RED);
    }
    // A change that is undone before the window draws has no effect.
    fixture.scale(2.0);
    fixture.scale(1.0);
    fixture.fill(client, &window, Picture::Solid(RED));
    assert_eq!(told(&mut fixture, client, &window), (1.0, (800, 480)));
}
