//! Rotated and scaled screens: picture, touches, pointer and screenshot are consistent.

use kioskd::backend::capture::Capture;
use proptest::prelude::*;

use crate::fixture::{
    ClientId, Fixture,
    picture::{BLUE, GREEN, GREY, Picture, RED, YELLOW},
    seen::{PointerSeen, TouchSeen},
};

/// The colours in the corners, clockwise from the top left.
fn corners(capture: &Capture) -> [[u8; 3]; 4] {
    let (right, bottom) = (capture.width - 1, capture.height - 1);
    [capture.pixel(0, 0), capture.pixel(right, 0), capture.pixel(right, bottom), capture.pixel(0, bottom)]
}

/// The upright picture as the pixels of a panel that is mounted rotated.
pub fn on_panel(picture: &Capture, degrees: u32) -> Capture {
    let (w, h) = (picture.width, picture.height);
    let (width, height) = if degrees.is_multiple_of(180) { (w, h) } else { (h, w) };
    let mut rgba = Vec::with_capacity(picture.rgba.len());
    for y in 0..height {
        for x in 0..width {
            let (from_x, from_y) = match degrees {
                90 => (y, width - 1 - x),
                180 => (width - 1 - x, height - 1 - y),
                270 => (height - 1 - y, x),
                _ => (x, y),
            };
            let start = (from_y as usize * w as usize + from_x as usize) * 4;
            rgba.extend_from_slice(&picture.rgba[start..start + 4]);
        }
    }
    Capture { width, height, rgba }
}

const PANEL: (f64, f64) = (640.0, 400.0);

/// The panel's pixel that shows the picture's corner `index`, clockwise from the top left, a little inside.
fn panel_corner(index: usize, degrees: u32) -> (f64, f64) {
    let clockwise = [(8.5, 8.5), (PANEL.0 - 8.5, 8.5), (PANEL.0 - 8.5, PANEL.1 - 8.5), (8.5, PANEL.1 - 8.5)];
    // Rotated clockwise by 90°, the picture's top left is the panel's top right.
    clockwise[(index + degrees as usize / 90) % 4]
}

fn touched(fixture: &mut Fixture, client: ClientId, at: (f64, f64)) -> (f64, f64) {
    let before = fixture[client].seen.touch.len();
    fixture.touch_down(0, at);
    fixture.touch_up(0);
    fixture.roundtrip(client);
    match fixture[client].seen.touch.get(before) {
        Some(TouchSeen::Down { x, y, .. }) => (*x, *y),
        other => panic!("a finger at {at:?} was seen as {other:?}"),
    }
}

fn pointed(fixture: &mut Fixture, client: ClientId, at: (f64, f64)) -> (f64, f64) {
    fixture.point(at);
    fixture.roundtrip(client);
    match fixture[client].seen.pointer.iter().rev().find(|seen| !matches!(seen, PointerSeen::Other)) {
        Some(PointerSeen::Motion { x, y } | PointerSeen::Enter { x, y, .. }) => (*x, *y),
        other => panic!("a pointer at {at:?} was seen as {other:?}"),
    }
}

#[test]
fn picture_fingers_pointer_and_screenshot_rotate_together_at_every_scale() {
    for scale in ["1", "1.25", "1.5", "2"] {
        for degrees in [0, 90, 180, 270] {
            let what = format!("scale {scale}, rotated by {degrees}");
            let mut fixture = Fixture::new(&[&format!("640x400@{scale}")]);
            fixture.rotate(degrees);
            let client = fixture.client();
            let window = fixture.map(client, Picture::Corners);
            let told = fixture[client].configured(&window).cloned().unwrap();
            let scale: f64 = scale.parse().unwrap();

            let screenshot = fixture.screenshot();
            assert_eq!(corners(&screenshot), [RED, GREEN, YELLOW, BLUE], "screenshot at {what}");
            assert_eq!(screenshot.pixel(screenshot.width / 2, screenshot.height / 2), GREY);
            let panel = fixture.panel();
            assert_eq!((panel.width, panel.height), (640, 400));
            assert_eq!(panel, on_panel(&screenshot, degrees), "panel at {what}");

            let edges = [(0, 0), (1, 0), (1, 1), (0, 1)];
            for (index, (right, bottom)) in edges.into_iter().enumerate() {
                let at = panel_corner(index, degrees);
                let inset = 8.5 / scale;
                let expected = (
                    if right == 1 { f64::from(told.width) - inset } else { inset },
                    if bottom == 1 { f64::from(told.height) - inset } else { inset },
                );
                for (how, seen) in
                    [("finger", touched(&mut fixture, client, at)), ("pointer", pointed(&mut fixture, client, at))]
                {
                    let off = (seen.0 - expected.0).abs().max((seen.1 - expected.1).abs());
                    assert!(off < 1.0, "{how} in corner {index} at {what}: {seen:?}, not {expected:?}");
                }
            }
        }
    }
}

#[test]
fn a_window_covers_its_screen_to_the_last_pixel_whatever_the_scale() {
    for (size, scale) in [
        ((1366, 768), "1.25"),
        ((1366, 768), "1.5"),
        ((1366, 768), "1.75"),
        ((1920, 1080), "2.25"),
        ((1024, 601), "2"),
        ((1281, 801), "3"),
        ((1365, 767), "4"),
        ((801, 479), "1.1"),
    ] {
        let mut fixture = Fixture::new(&[&format!("{}x{}@{scale}", size.0, size.1)]);
        let client = fixture.client();
        fixture.map(client, Picture::Solid(RED));
        let panel = fixture.panel();
        assert_eq!(corners(&panel), [RED; 4], "{size:?} at scale {scale}");
    }
}

#[test]
fn a_screen_rotated_at_run_time_shows_the_same_as_one_that_was_so_from_the_start() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Corners);
    for degrees in [90, 180, 270, 0, 270] {
        fixture.rotate(degrees);
        fixture.roundtrip(client);
        fixture.fill(client, &window, Picture::Corners);
        assert_eq!(corners(&fixture.screenshot()), [RED, GREEN, YELLOW, BLUE]);
        assert_eq!(fixture.panel(), on_panel(&fixture.screenshot(), degrees), "rotated by {degrees}");
    }
}

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    /// Draws a rectangle of the buffer, with only that as damage.
    Paint {
        x: i32,
        y: i32,
        w: i32,
        h: i32,
        color: [u8; 3],
    },
    Rotate(u32),
    Scale(f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..160i32, 0..100i32, 1..60i32, 1..60i32, any::<[u8; 3]>())
            .prop_map(|(x, y, w, h, color)| Step::Paint { x, y, w, h, color }),
        1 => prop::sample::select(vec![0u32, 90, 180, 270]).prop_map(Step::Rotate),
        1 => prop::sample::select(vec![1.0, 1.25, 1.5, 2.0]).prop_map(Step::Scale),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Partial repaints of the panel give the same as drawing from scratch.
    #[test]
    fn partial_repaints_leave_nothing_behind(steps in prop::collection::vec(step(), 1..16)) {
        let mut fixture = Fixture::new(&["160x100"]);
        let client = fixture.client();
        let window = fixture.map(client, Picture::Corners);
        for step in steps {
            match step {
                Step::Rotate(degrees) => fixture.rotate(degrees),
                Step::Scale(scale) => fixture.scale(scale),
                Step::Paint { x, y, w, h, color } => {
                    // A subsurface adds a rectangle without redrawing its parent.
                    let surface = fixture[client].surface();
                    let handle = fixture[client].handle.clone();
                    let part =
                        fixture[client].bound().subcompositor.get_subsurface(&surface, &window.surface, &handle, ());
                    part.set_position(x, y);
                    part.set_desync();
                    fixture[client].draw(&surface, Picture::Solid(color), w, h);
                    window.surface.commit();
                }
            }
            fixture.roundtrip(client);
            fixture.still();
            let shown = fixture.panel();
            let wanted = fixture.draw_from_scratch();
            prop_assert_eq!((shown.width, shown.height), (wanted.width, wanted.height));
            prop_assert!(shown.rgba == wanted.rgba, "the panel differs from a drawing from scratch");
        }
    }
}
