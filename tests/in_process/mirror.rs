//! One screen's picture on another: letterboxed, rotated, in step, and touchable.

use std::time::Duration;

use kiosk_core::config::{OutputRule, OutputSettings, Position, Rotation};
use kioskd::{
    backend::capture::Capture,
    command::{ApplyMode, OutputChange},
    screens::{HeadId, mirror::Fit},
};

use crate::{
    fixture::{
        Fixture, Setup,
        picture::{BLUE, GREEN, GREY, Picture, RED, YELLOW},
        seen::TouchSeen,
        tools::{Kind, Spec},
    },
    rotation::on_panel,
};

const BLACK: [u8; 3] = [0, 0, 0];
const MIRROR: HeadId = HeadId(2);

/// Two screens, of which the second mirrors the first.
fn mirrored(source: &str, mirror: &str) -> Setup {
    let mut setup = Setup::bare(&[source, mirror]);
    setup.config.outputs.push(OutputRule {
        matcher: "HEADLESS-2".into(),
        settings: OutputSettings { mirror: Some("HEADLESS-1".into()), ..OutputSettings::default() },
    });
    setup
}

fn change(fixture: &mut Fixture, name: &str, change: OutputChange) -> Result<u32, kioskd::command::CommandError> {
    let applied = fixture.kiosk.apply(0, &[(name.to_owned(), change)], ApplyMode::Keep);
    fixture.kiosk.settle();
    fixture.still();
    applied
}

fn rotated(degrees: u32) -> OutputChange {
    OutputChange { rotation: Some(Rotation::try_from(degrees).unwrap()), ..OutputChange::default() }
}

/// The largest difference of two pictures' pixels: scaled pictures are blended in the memory order of their pixels, and
/// rounded accordingly.
fn difference(one: &Capture, other: &Capture) -> u8 {
    assert_eq!((one.width, one.height), (other.width, other.height));
    one.rgba.iter().zip(&other.rgba).map(|(one, other)| one.abs_diff(*other)).max().unwrap_or_default()
}

/// The four corners of an area, clockwise from the top left, each `inset` pixels inside.
fn corners(area: (u32, u32, u32, u32), inset: u32) -> [(u32, u32); 4] {
    let (left, top) = (area.0 + inset, area.1 + inset);
    let (right, bottom) = (area.0 + area.2 - 1 - inset, area.1 + area.3 - 1 - inset);
    [(left, top), (right, top), (right, bottom), (left, bottom)]
}

/// `seen` shows the corner picture centred, as large as possible, and black elsewhere.
fn assert_letterboxed(seen: &Capture, source: (i32, i32), what: &str) {
    let fit = Fit::new(source.into(), 1.0, (seen.width as i32, seen.height as i32).into());
    let (x, y) = (fit.area.loc.x as u32, fit.area.loc.y as u32);
    let (w, h) = (fit.area.size.w as u32, fit.area.size.h as u32);
    for inset in [0, 3] {
        let colors = corners((x, y, w, h), inset).map(|(x, y)| seen.pixel(x, y));
        assert_eq!(colors, [RED, GREEN, YELLOW, BLUE], "{inset} pixels inside {fit:?}, {what}");
    }
    assert_eq!(seen.pixel(seen.width / 2, seen.height / 2), GREY, "{what}");
    for (px, py) in (0..seen.width).flat_map(|px| [(px, 0), (px, seen.height - 1)]) {
        let inside = (x..x + w).contains(&px) && (y..y + h).contains(&py);
        assert_eq!(seen.pixel(px, py) == BLACK, !inside, "at {px},{py} of {fit:?}, {what}");
    }
    for (px, py) in (0..seen.height).flat_map(|py| [(0, py), (seen.width - 1, py)]) {
        let inside = (x..x + w).contains(&px) && (y..y + h).contains(&py);
        assert_eq!(seen.pixel(px, py) == BLACK, !inside, "at {px},{py} of {fit:?}, {what}");
    }
    // A bar's pixel beside the picture is black.
    if y > 0 {
        assert_eq!([seen.pixel(x, y - 1), seen.pixel(x, y + h)], [BLACK; 2], "{fit:?}, {what}");
    }
    if x > 0 {
        assert_eq!([seen.pixel(x - 1, y), seen.pixel(x + w, y)], [BLACK; 2], "{fit:?}, {what}");
    }
}

#[test]
fn a_mirror_shows_the_whole_picture_at_any_shape_rotation_and_scale() {
    for (source, mirror) in
        [("640x400", "640x400"), ("640x400", "500x500"), ("640x400@2", "333x200@1.5"), ("320x200", "1280x1024")]
    {
        for (source_rotation, mirror_rotation) in [(0, 0), (0, 90), (90, 0), (270, 180), (180, 270)] {
            let what = format!("{source} rotated by {source_rotation} on {mirror} rotated by {mirror_rotation}");
            let mut fixture = mirrored(source, mirror).start();
            change(&mut fixture, "HEADLESS-1", rotated(source_rotation)).unwrap();
            change(&mut fixture, "HEADLESS-2", rotated(mirror_rotation)).unwrap();
            let client = fixture.client();
            fixture.map(client, Picture::Corners);
            assert_eq!(fixture[client].seen.output_count(), 2);
            let original = fixture.screenshot();
            let seen = fixture.screenshot_of("HEADLESS-2");
            assert_letterboxed(&seen, (original.width as i32, original.height as i32), &what);
            let off = difference(&fixture.panel_of(MIRROR), &on_panel(&seen, mirror_rotation));
            assert!(off <= 8, "{what}: {off}");
        }
    }
}

#[test]
fn a_mirror_of_the_same_size_shows_the_same_pixels_and_follows_every_change() {
    let mut fixture = mirrored("320x200", "320x200").start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Corners);
    assert!(fixture.panel_of(MIRROR) == fixture.panel());
    for picture in [Picture::Solid(RED), Picture::Solid(GREEN), Picture::Corners] {
        fixture.fill(client, &window, picture);
        assert!(fixture.panel_of(MIRROR) == fixture.panel());
    }
    // A static picture causes no frames, on both.
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(200)), 0);
}

#[test]
fn a_small_change_is_a_small_change_on_the_mirror_too() {
    let mut fixture = mirrored("320x200", "500x500").start();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREY));
    let whole = fixture.screenshot_of("HEADLESS-2");
    fixture.point((20.0, 20.0));
    fixture.still();
    let shown = fixture.panel_of(MIRROR);
    assert!(shown != whole, "the pointer is part of the picture");
    fixture.point((300.0, 180.0));
    fixture.still();
    // Partial repaints give the same as drawing from scratch.
    let pieces = fixture.panel_of(MIRROR);
    let id = fixture.kiosk.screens.by_name("HEADLESS-2").unwrap().id;
    fixture.kiosk.set_power(id, false);
    fixture.kiosk.set_power(id, true);
    fixture.kiosk.settle();
    fixture.still();
    assert!(fixture.panel_of(MIRROR) == pieces);
}

#[test]
fn the_splash_is_mirrored_too_with_its_own_background_and_black_bars() {
    let mut setup = mirrored("640x400", "500x500");
    setup.splash = true;
    setup.waits_for_session = true;
    setup.config.splash.background = [10, 60, 110];
    let mut fixture = setup.start();
    fixture.until("both splashes", |fixture| {
        let seen = |head| fixture.panels.frames() > 2 && fixture.panels.pixels(head).pixel(250, 250) != BLACK;
        seen(HeadId(1)) && seen(MIRROR)
    });
    let seen = fixture.screenshot_of("HEADLESS-2");
    assert_eq!(seen.pixel(3, 100), [10, 60, 110]);
    assert_eq!(seen.pixel(3, 3), BLACK);
    assert_eq!(seen.pixel(3, 496), BLACK);
}

#[test]
fn a_finger_on_a_mirror_is_where_it_seems_to_be() {
    const GLASS: Spec = Spec {
        id: "event9",
        name: "Glass",
        kind: Kind::Touch,
        model: Some((0x3333, 1)),
        port: Some("1-3"),
        serial: None,
        size: None,
        hint: Some("HEADLESS-2"),
    };
    for mirror_rotation in [0, 90, 180, 270] {
        let mut fixture = mirrored("640x400@2", "500x300").start();
        change(&mut fixture, "HEADLESS-2", rotated(mirror_rotation)).unwrap();
        let client = fixture.client();
        fixture.map(client, Picture::Corners);
        let glass = fixture.plug_in(GLASS);
        let panel = fixture.panel_of(MIRROR);
        let mut found = Vec::new();
        // A touch on each colour on the mirror is in that corner of the page.
        for (color, corner) in [(RED, (0, 0)), (GREEN, (1, 0)), (YELLOW, (1, 1)), (BLUE, (0, 1))] {
            let places: Vec<(u32, u32)> = (0..panel.height)
                .flat_map(|y| (0..panel.width).map(move |x| (x, y)))
                .filter(|(x, y)| panel.pixel(*x, *y) == color)
                .collect();
            let (x, y) = places[places.len() / 2];
            let before = fixture[client].seen.touch.len();
            let at = (f64::from(x) / f64::from(panel.width), f64::from(y) / f64::from(panel.height));
            fixture.finger_down(&glass, 0, at);
            fixture.finger_up(&glass, 0);
            fixture.roundtrip(client);
            let Some(TouchSeen::Down { x, y, .. }) = fixture[client].seen.touch.get(before).cloned() else {
                panic!("the finger on {color:?} was not felt, rotated by {mirror_rotation}")
            };
            assert!((0.0..320.0).contains(&x) && (0.0..200.0).contains(&y));
            found.push(((i32::from(x > 240.0), i32::from(y > 140.0)), corner));
            assert!(!(80.0..=240.0).contains(&x), "{x}");
            assert!(!(60.0..=140.0).contains(&y), "{y}");
        }
        assert!(found.iter().all(|(felt, corner)| felt == corner), "rotated by {mirror_rotation}: {found:?}");
    }
}

#[test]
fn mirroring_begins_and_ends_at_run_time_and_is_kept() {
    let mut fixture = Fixture::new(&["320x200", "400x300"]);
    let client = fixture.client();
    fixture.map(client, Picture::Corners);
    assert_eq!(fixture.panel_of(MIRROR).pixel(200, 150), BLACK);
    let mirror = |source: &str| OutputChange { mirror: Some(source.into()), ..OutputChange::default() };
    change(&mut fixture, "HEADLESS-2", mirror("HEADLESS-1")).unwrap();
    let seen = fixture.screenshot_of("HEADLESS-2");
    assert_letterboxed(&seen, (320, 200), "at run time");
    assert_eq!(fixture.kiosk.snapshot().outputs[1].mirror, "HEADLESS-1");
    let kept = fixture.kiosk.settings.saved.state.output("", "HEADLESS-2").and_then(|kept| kept.mirror.clone());
    let kept = kept.or_else(|| {
        let identity = fixture.kiosk.screens.by_name("HEADLESS-2")?.identity().description();
        fixture.kiosk.settings.saved.state.output(&identity, "HEADLESS-2")?.mirror.clone()
    });
    assert_eq!(kept.as_deref(), Some("HEADLESS-1"));
    for wrong in ["HEADLESS-2", "HDMI-A-9"] {
        let refused = change(&mut fixture, "HEADLESS-2", mirror(wrong)).unwrap_err();
        assert!(refused.to_string().contains("HEADLESS-2"), "{refused}");
    }
    assert!(change(&mut fixture, "HEADLESS-1", mirror("HEADLESS-2")).is_err(), "a circle");
    assert!(fixture.panel_of(MIRROR) == seen);
    change(&mut fixture, "HEADLESS-2", mirror("")).unwrap();
    assert_eq!(fixture.panel_of(MIRROR).pixel(200, 150), BLACK);
    assert_eq!(fixture.panel().pixel(2, 2), RED);
}

#[test]
fn a_mirror_whose_source_is_unplugged_shows_the_page_itself() {
    let mut fixture = mirrored("320x200", "400x300").start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let heads = fixture.panels.heads();
    for _ in 0..2 {
        fixture.panels.set_heads(vec![heads[1].clone()]);
        fixture.kiosk.displays_changed();
        fixture.roundtrip(client);
        fixture.fill(client, &window, Picture::Solid(GREEN));
        assert_eq!(fixture.panel_of(MIRROR).pixel(399, 299), GREEN);
        fixture.panels.set_heads(heads.clone());
        fixture.kiosk.displays_changed();
        fixture.roundtrip(client);
        fixture.fill(client, &window, Picture::Corners);
        assert_letterboxed(&fixture.screenshot_of("HEADLESS-2"), (320, 200), "plugged in again");
        assert_eq!(fixture.panel().pixel(2, 2), RED);
    }
}

#[test]
fn a_configured_circle_of_mirrors_is_no_mirror_at_all() {
    let mut setup = mirrored("320x200", "320x200");
    setup.config.outputs.push(OutputRule {
        matcher: "HEADLESS-1".into(),
        settings: OutputSettings { mirror: Some("HEADLESS-2".into()), ..OutputSettings::default() },
    });
    let mut fixture = setup.start();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    assert_eq!(fixture.panel().pixel(2, 2), RED);
    assert_eq!(fixture.panel_of(MIRROR).pixel(2, 2), BLACK);
}

#[test]
fn configuration_that_goes_in_circles_is_told_once_and_every_screen_shows_something() {
    let mut setup = Setup::bare(&["320x200", "320x200", "320x200"]);
    let settings = |mirror: &str| OutputSettings { mirror: Some(mirror.into()), ..OutputSettings::default() };
    for (matcher, mirror) in [("HEADLESS-1", "HEADLESS-2"), ("HEADLESS-2", "HEADLESS-1")] {
        setup.config.outputs.push(OutputRule { matcher: matcher.into(), settings: settings(mirror) });
    }
    let over = OutputSettings { position: Position::try_from((0, 0)).ok(), ..OutputSettings::default() };
    for matcher in ["HEADLESS-1", "HEADLESS-3"] {
        setup.config.outputs.push(OutputRule { matcher: matcher.into(), settings: over.clone() });
    }
    let mut fixture = setup.start();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    assert_eq!(fixture.panel().pixel(9, 9), RED);
    fixture.kiosk.displays_changed();
    let circles = |fixture: &Fixture| {
        fixture.kiosk.status.problems.iter().filter(|text| text.contains("its mirrors go in a circle")).count()
    };
    assert_eq!(circles(&fixture), 1, "{:?}", fixture.kiosk.status.problems);
    // After a command ends the cycle, positions are checked.
    let own = OutputChange { mirror: Some(String::new()), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[("HEADLESS-1".to_owned(), own)], ApplyMode::Keep).unwrap();
    fixture.kiosk.displays_changed();
    let over = "HEADLESS-3: its position is over HEADLESS-1, which is there already";
    assert!(
        fixture.kiosk.status.problems.iter().any(|text| text.starts_with(over)),
        "{:?}",
        fixture.kiosk.status.problems
    );
    assert_eq!(circles(&fixture), 1);
}
