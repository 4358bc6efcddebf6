//! Captures of screens by wlr-screencopy and ext-image-copy-capture, as grim and wayvnc make them.

use std::time::Duration;

use kioskd::{
    command::{ApplyMode, OutputChange},
    privilege::Privilege,
    screens::HeadId,
};
use wayland_client::{
    Proxy,
    protocol::{wl_output::Transform, wl_shm::Format},
};
use wayland_protocols::ext::{
    image_capture_source::v1::client::ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1,
    image_copy_capture::v1::client::{
        ext_image_copy_capture_frame_v1::FailureReason,
        ext_image_copy_capture_manager_v1::{ExtImageCopyCaptureManagerV1, Options},
    },
};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

use crate::fixture::{
    ClientId, Fixture, Setup,
    picture::{BLUE, GREEN, GREY, Picture, RED, YELLOW},
    watcher::Told,
};

const PAINT_CURSORS: u32 = 1;

fn tool(fixture: &mut Fixture) -> ClientId {
    fixture.client_of(Privilege::Admin)
}

/// Frames of both protocols.
trait Frame: Proxy + Clone {}
impl<T: Proxy + Clone> Frame for T {}

#[track_caller]
fn answered(fixture: &mut Fixture, client: ClientId, frame: &impl Frame) -> Vec<Told> {
    fixture.until("an answer to the frame", |fixture| fixture[client].is_answered(frame));
    fixture[client].told(frame)
}

#[test]
fn a_screen_is_copied_as_it_is_seen() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Corners);
    let tool = tool(&mut fixture);
    let frame = fixture[tool].screencopy(false);
    fixture.roundtrip(tool);
    assert_eq!(fixture[tool].told(&frame), [Told::Buffer(Format::Xrgb8888, 320, 200), Told::BufferDone]);
    let canvas = fixture[tool].canvas(320, 200);
    frame.copy(&canvas.buffer);
    let told = answered(&mut fixture, tool, &frame);
    assert_eq!(told[2..], [Told::Ready]);
    assert!(canvas.pixels() == fixture.panel());
    assert_eq!(canvas.pixels().pixel(310, 5), GREEN);

    let session = fixture[tool].capture_session(0, 0);
    fixture.roundtrip(tool);
    assert_eq!(fixture[tool].told(&session), [Told::Size(320, 200), Told::ShmFormat(Format::Xrgb8888), Told::Done]);
    canvas.wipe(7);
    let frame = fixture[tool].capture(&session, &canvas);
    let told = answered(&mut fixture, tool, &frame);
    assert_eq!(told, [Told::Transform(Transform::Normal), Told::Damage(0, 0, 320, 200), Told::Ready]);
    assert!(canvas.pixels() == fixture.panel());
}

/// Tools rotate what they get by the output's transform.
#[test]
fn a_rotated_screen_is_copied_as_the_panel_shows_it() {
    for (degrees, transform) in [(90, Transform::_270), (180, Transform::_180), (270, Transform::_90)] {
        let mut fixture = Fixture::new(&["320x200"]);
        fixture.rotate(degrees);
        let shell = fixture.client();
        fixture.map(shell, Picture::Corners);
        let tool = tool(&mut fixture);
        let (frame, canvas) = (fixture[tool].screencopy(false), fixture[tool].canvas(320, 200));
        frame.copy(&canvas.buffer);
        answered(&mut fixture, tool, &frame);
        assert!(canvas.pixels() == fixture.panel(), "{degrees}");
        let session = fixture[tool].capture_session(0, 0);
        let frame = fixture[tool].capture(&session, &canvas);
        let told = answered(&mut fixture, tool, &frame);
        assert_eq!(told[0], Told::Transform(transform));
        assert!(canvas.pixels() == fixture.panel(), "{degrees}");
    }
}

#[test]
fn a_region_is_of_the_picture_and_not_of_the_panel() {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.rotate(90);
    fixture.scale(2.0);
    let shell = fixture.client();
    fixture.map(shell, Picture::Corners);
    let tool = tool(&mut fixture);
    let manager: ZwlrScreencopyManagerV1 = fixture[tool].bind();
    let (output, handle) = (fixture[tool].wl_output(0), fixture[tool].handle.clone());
    // The picture is 200x320 pixels, 100x160 logical: its top right corner is at the panel's bottom right.
    let frame = manager.capture_output_region(0, &output, 80, -5, 500, 25, &handle, ());
    fixture.roundtrip(tool);
    assert_eq!(fixture[tool].told(&frame)[0], Told::Buffer(Format::Xrgb8888, 40, 40));
    let canvas = fixture[tool].canvas(40, 40);
    frame.copy(&canvas.buffer);
    answered(&mut fixture, tool, &frame);
    let pixels = canvas.pixels();
    assert!((0..40).all(|at| pixels.pixel(at, 39 - at) == GREEN));
    // Outside the output.
    for (x, y, w, h) in [(100, 0, 5, 5), (0, 0, 0, 5), (-9, -9, 9, 9), (i32::MAX, i32::MIN, i32::MAX, i32::MAX)] {
        let frame = manager.capture_output_region(0, &output, x, y, w, h, &handle, ());
        assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(None)]);
    }
}

#[test]
fn captures_with_damage_give_what_changed_and_wait_for_it() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let window = fixture.map(shell, Picture::Solid(GREEN));
    let handle = fixture[shell].handle.clone();
    let child = fixture[shell].surface();
    let part = fixture[shell].bound().subcompositor.get_subsurface(&child, &window.surface, &handle, ());
    part.set_position(50, 60);
    fixture[shell].draw(&child, Picture::Solid(BLUE), 30, 20);
    window.surface.commit();
    fixture.roundtrip(shell);
    fixture.still();
    let tool = tool(&mut fixture);
    let manager: ZwlrScreencopyManagerV1 = fixture[tool].bind();
    let canvas = fixture[tool].canvas(320, 200);
    let first = fixture[tool].screencopy_by(&manager, false);
    first.copy_with_damage(&canvas.buffer);
    assert_eq!(answered(&mut fixture, tool, &first)[2..], [Told::Damage(0, 0, 320, 200), Told::Ready]);
    let session = fixture[tool].capture_session(0, 0);
    let other = fixture[tool].canvas(320, 200);
    let frame = fixture[tool].capture(&session, &other);
    answered(&mut fixture, tool, &frame);
    frame.destroy();

    let second = fixture[tool].screencopy_by(&manager, false);
    second.copy_with_damage(&canvas.buffer);
    let frame = session.create_frame(&fixture[tool].handle.clone(), ());
    frame.attach_buffer(&other.buffer);
    frame.capture();
    fixture.roundtrip(tool);
    fixture.nothing_left_to_do();
    assert!(!fixture[tool].is_answered(&second) && !fixture[tool].is_answered(&frame));
    // A part of the window changes.
    other.wipe(9);
    fixture[shell].draw(&child, Picture::Solid(RED), 30, 20);
    window.surface.commit();
    let damage = Told::Damage(50, 60, 30, 20);
    assert_eq!(answered(&mut fixture, tool, &second)[2..], [damage, Told::Ready]);
    assert_eq!(answered(&mut fixture, tool, &frame), [Told::Transform(Transform::Normal), damage, Told::Ready]);
    assert!(canvas.pixels() == fixture.panel());
    // Only the changed part is written to a buffer that has the rest already.
    assert_eq!(other.pixels().pixel(55, 65), RED);
    assert_eq!(other.pixels().pixel(49, 65), [9, 9, 9]);
}

#[test]
fn a_still_screen_that_is_watched_costs_nothing() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREEN));
    let tool = tool(&mut fixture);
    let session = fixture[tool].capture_session(0, PAINT_CURSORS);
    let canvas = fixture[tool].canvas(320, 200);
    let frame = fixture[tool].capture(&session, &canvas);
    answered(&mut fixture, tool, &frame);
    frame.destroy();
    let frame = fixture[tool].capture(&session, &canvas);
    fixture.roundtrip(tool);
    fixture.nothing_left_to_do();
    let (frames, watched) = (fixture.panels.frames(), fixture.panels.watched());
    assert_eq!(fixture.wakeups(Duration::from_millis(500)), 0);
    assert_eq!((fixture.panels.frames(), fixture.panels.watched()), (frames, watched));
    assert!(!fixture[tool].is_answered(&frame));
}

#[test]
fn the_pointer_is_in_the_picture_where_it_is_wanted() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREEN));
    fixture.point((100.0, 100.0));
    fixture.roundtrip(shell);
    fixture.still();
    let tool = tool(&mut fixture);
    let plain =
        |pixels: &kioskd::backend::capture::Capture| (95..120).all(|x| (95..120).all(|y| pixels.pixel(x, y) == GREEN));
    for pointer in [false, true] {
        let canvas = fixture[tool].canvas(320, 200);
        let frame = fixture[tool].screencopy(pointer);
        frame.copy(&canvas.buffer);
        answered(&mut fixture, tool, &frame);
        assert_eq!(plain(&canvas.pixels()), !pointer);
        let session = fixture[tool].capture_session(0, if pointer { PAINT_CURSORS } else { 0 });
        canvas.wipe(0);
        let frame = fixture[tool].capture(&session, &canvas);
        answered(&mut fixture, tool, &frame);
        assert_eq!(plain(&canvas.pixels()), !pointer);
    }
}

#[test]
fn the_splash_is_seen_as_well() {
    let mut fixture = Setup::kiosk(&["320x200"]).start();
    fixture.still();
    let tool = tool(&mut fixture);
    let (frame, canvas) = (fixture[tool].screencopy(false), fixture[tool].canvas(320, 200));
    frame.copy(&canvas.buffer);
    answered(&mut fixture, tool, &frame);
    let pixels = canvas.pixels();
    assert!((0..320).any(|x| (0..200).any(|y| pixels.pixel(x, y) != [0, 0, 0])), "a logo");
    assert!(pixels == fixture.panel());
}

#[test]
fn a_screen_that_is_dark_answers() {
    let mut fixture = Fixture::new(&["320x200"]);
    let tool = tool(&mut fixture);
    let canvas = fixture[tool].canvas(320, 200);
    let manager: ZwlrScreencopyManagerV1 = fixture[tool].bind();
    let session = fixture[tool].capture_session(0, 0);
    let first = fixture[tool].screencopy_by(&manager, false);
    first.copy_with_damage(&canvas.buffer);
    let frame = fixture[tool].capture(&session, &canvas);
    answered(&mut fixture, tool, &first);
    answered(&mut fixture, tool, &frame);
    frame.destroy();
    // Copies that are pending when the screen goes off.
    let waits = fixture[tool].screencopy_by(&manager, false);
    waits.copy_with_damage(&canvas.buffer);
    let frame = fixture[tool].capture(&session, &canvas);
    fixture.roundtrip(tool);
    let change = OutputChange { power: Some(false), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[("HEADLESS-1".into(), change)], ApplyMode::Keep).unwrap();
    assert_eq!(answered(&mut fixture, tool, &waits).last(), Some(&Told::Failed(None)));
    assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(Some(FailureReason::Unknown))]);
    frame.destroy();
    // Copies that are requested while it is off.
    let asks = fixture[tool].screencopy_by(&manager, false);
    assert_eq!(answered(&mut fixture, tool, &asks), [Told::Failed(None)]);
    asks.copy(&canvas.buffer);
    let frame = fixture[tool].capture(&session, &canvas);
    assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(Some(FailureReason::Unknown))]);
    frame.destroy();
    // They work again when the screen is on.
    let change = OutputChange { power: Some(true), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[("HEADLESS-1".into(), change)], ApplyMode::Keep).unwrap();
    let frame = fixture[tool].capture(&session, &canvas);
    assert_eq!(answered(&mut fixture, tool, &frame).last(), Some(&Told::Ready));
}

#[test]
fn another_terminal_answers() {
    let mut fixture = Fixture::new(&["320x200"]);
    let tool = tool(&mut fixture);
    let session = fixture[tool].capture_session(0, 0);
    let canvas = fixture[tool].canvas(320, 200);
    fixture.kiosk.seat.session.paused = true;
    let asks = fixture[tool].screencopy(false);
    assert_eq!(answered(&mut fixture, tool, &asks), [Told::Failed(None)]);
    let frame = fixture[tool].capture(&session, &canvas);
    assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(Some(FailureReason::Unknown))]);
}

#[test]
fn a_session_ends_with_its_screen_and_is_told_of_another_size() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let tool = tool(&mut fixture);
    let session = fixture[tool].capture_session(1, 0);
    let canvas = fixture[tool].canvas(200, 100);
    let frame = fixture[tool].capture(&session, &canvas);
    answered(&mut fixture, tool, &frame);
    frame.destroy();
    let mut heads = fixture.panels.heads();
    heads[1].modes[0].width = 240;
    fixture.plug(heads.clone());
    fixture.roundtrip(tool);
    assert_eq!(fixture[tool].told(&session)[3], Told::Size(240, 100));
    let frame = fixture[tool].capture(&session, &canvas);
    assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(Some(FailureReason::BufferConstraints))]);
    frame.destroy();
    // Another monitor takes over, and screens without a head are removed.
    heads.truncate(1);
    heads[0].id = HeadId(9);
    heads[0].name = "HEADLESS-9".into();
    fixture.plug(Vec::new());
    fixture.plug(heads);
    fixture.until("the end of the session", |fixture| fixture[tool].told(&session).last() == Some(&Told::Stopped));
    let frame = fixture[tool].capture(&session, &canvas);
    assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(Some(FailureReason::Stopped))]);
    assert_eq!(fixture.kiosk.protocols.captures.waiting(), 0);
}

/// A copy that waits for damage, a session whose frame is not requested yet, and a client that still has the wl_output.
#[test]
fn a_copy_of_a_screen_that_is_removed_is_answered() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let tool = tool(&mut fixture);
    let manager: ZwlrScreencopyManagerV1 = fixture[tool].bind();
    let (output, handle) = (fixture[tool].wl_output(1), fixture[tool].handle.clone());
    let canvas = fixture[tool].canvas(200, 100);
    let shot = |pointer: i32| manager.capture_output(pointer, &output, &handle, ());
    let first = shot(0);
    first.copy_with_damage(&canvas.buffer);
    assert_eq!(answered(&mut fixture, tool, &first).last(), Some(&Told::Ready));
    let (waits, late) = (shot(0), shot(0));
    waits.copy_with_damage(&canvas.buffer);
    fixture.roundtrip(tool);
    assert!(!fixture[tool].is_answered(&waits), "nothing has changed");

    let mut heads = fixture.panels.heads();
    heads.truncate(1);
    heads[0].id = HeadId(9);
    heads[0].name = "HEADLESS-9".into();
    fixture.plug(Vec::new());
    fixture.plug(heads);
    assert_eq!(answered(&mut fixture, tool, &waits).last(), Some(&Told::Failed(None)));
    late.copy(&canvas.buffer);
    assert_eq!(answered(&mut fixture, tool, &late).last(), Some(&Told::Failed(None)));
    fixture.until("the end of the screen", |fixture| fixture.kiosk.screens.iter().count() == 1);
    let asks = shot(1);
    assert_eq!(answered(&mut fixture, tool, &asks), [Told::Failed(None)]);
    let sources: ExtOutputImageCaptureSourceManagerV1 = fixture[tool].bind();
    let sessions: ExtImageCopyCaptureManagerV1 = fixture[tool].bind();
    let source = sources.create_source(&output, &handle, ());
    let session = sessions.create_session(&source, Options::empty(), &handle, ());
    fixture.roundtrip(tool);
    assert_eq!(fixture[tool].told(&session), [Told::Stopped]);
    assert_eq!(fixture.kiosk.protocols.captures.waiting(), 0);
    fixture.assert_serving();
}

#[test]
fn nothing_is_kept_for_a_client_that_is_gone() {
    let mut fixture = Fixture::new(&["320x200"]);
    let tool = tool(&mut fixture);
    let manager: ZwlrScreencopyManagerV1 = fixture[tool].bind();
    let session = fixture[tool].capture_session(0, 0);
    let canvas = fixture[tool].canvas(320, 200);
    for _ in 0..2 {
        let frame = fixture[tool].screencopy_by(&manager, false);
        frame.copy_with_damage(&canvas.buffer);
        let other = fixture[tool].capture(&session, &canvas);
        fixture.roundtrip(tool);
        other.destroy();
    }
    let last = fixture[tool].screencopy_by(&manager, false);
    last.copy_with_damage(&canvas.buffer);
    fixture.roundtrip(tool);
    let captures = &fixture.kiosk.protocols.captures;
    assert!(captures.waiting() > 0);
    assert_eq!(captures.watchers(), 2);
    fixture.disconnect(tool);
    fixture.until("the end of the copies", |fixture| fixture.kiosk.protocols.captures.waiting() == 0);
    assert_eq!(fixture.kiosk.protocols.captures.watchers(), 0);
    fixture.assert_serving();
}

#[test]
fn a_thousand_frames_are_made_some_in_each_turn() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(BLUE));
    let tool = tool(&mut fixture);
    let canvas = fixture[tool].canvas(320, 200);
    let manager: ZwlrScreencopyManagerV1 = fixture[tool].bind();
    let frames: Vec<_> = (0..200).map(|_| fixture[tool].screencopy_by(&manager, false)).collect();
    frames.iter().for_each(|frame| frame.copy(&canvas.buffer));
    // Another client is served meanwhile.
    fixture.roundtrip(shell);
    let made = frames.iter().filter(|frame| fixture[tool].is_answered(*frame)).count();
    assert!(made < 100, "{made} at once");
    for frame in &frames {
        assert_eq!(answered(&mut fixture, tool, frame).last(), Some(&Told::Ready));
    }
}

#[test]
fn a_cursor_by_itself_is_not_to_be_had() {
    let mut fixture = Fixture::new(&["320x200"]);
    let tool = tool(&mut fixture);
    let sources: wayland_protocols::ext::image_capture_source::v1::client::ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1 =
        fixture[tool].bind();
    let manager: ExtImageCopyCaptureManagerV1 = fixture[tool].bind();
    let handle = fixture[tool].handle.clone();
    let source = sources.create_source(&fixture[tool].wl_output(0), &handle, ());
    let pointer = fixture[tool].bound().pointer.clone();
    let cursor = manager.create_pointer_cursor_session(&source, &pointer, &handle, ());
    let session = cursor.get_capture_session(&handle, ());
    fixture.roundtrip(tool);
    assert_eq!(fixture[tool].told(&session), [Told::Stopped]);
    cursor.get_capture_session(&handle, ());
    assert_eq!(fixture.protocol_error_of(tool), ("ext_image_copy_capture_cursor_session_v1".into(), 1));
}

/// The error of a client.
#[track_caller]
fn ends_with(interface: &str, code: u32, wrong: impl FnOnce(&Fixture, ClientId)) {
    let mut fixture = Fixture::new(&["320x200"]);
    let tool = tool(&mut fixture);
    wrong(&fixture, tool);
    assert_eq!(fixture.protocol_error_of(tool), (interface.to_owned(), code));
    fixture.assert_serving();
}

#[test]
fn wrong_buffers_and_second_copies_are_errors_of_screencopy() {
    let wrong = |width, height, stride, format| {
        ends_with("zwlr_screencopy_frame_v1", 1, |fixture, tool| {
            let canvas = fixture[tool].canvas_of(width, height, stride, format);
            fixture[tool].screencopy(false).copy(&canvas.buffer);
        });
    };
    wrong(319, 200, 1280, Format::Xrgb8888);
    wrong(320, 199, 1280, Format::Xrgb8888);
    wrong(320, 200, 1280, Format::Argb8888);
    ends_with("zwlr_screencopy_frame_v1", 0, |fixture, tool| {
        let (frame, canvas) = (fixture[tool].screencopy(false), fixture[tool].canvas(320, 200));
        frame.copy(&canvas.buffer);
        frame.copy_with_damage(&canvas.buffer);
    });
}

#[test]
fn misuse_of_sessions_and_frames_is_an_error() {
    const FRAME: &str = "ext_image_copy_capture_frame_v1";
    ends_with("ext_image_copy_capture_session_v1", 1, |fixture, tool| {
        let session = fixture[tool].capture_session(0, 0);
        let handle = fixture[tool].handle.clone();
        session.create_frame(&handle, ());
        session.create_frame(&handle, ());
    });
    ends_with("ext_image_copy_capture_manager_v1", 1, |fixture, tool| {
        fixture[tool].capture_session(0, 0x80);
    });
    let frame = |fixture: &Fixture, tool: ClientId| {
        fixture[tool].capture_session(0, 0).create_frame(&fixture[tool].handle.clone(), ())
    };
    ends_with(FRAME, 1, |fixture, tool| frame(fixture, tool).capture());
    for (x, y, w, h) in [(-1, 0, 5, 5), (0, -1, 5, 5), (0, 0, 0, 5), (0, 0, 5, -5)] {
        ends_with(FRAME, 2, |fixture, tool| frame(fixture, tool).damage_buffer(x, y, w, h));
    }
    ends_with(FRAME, 3, |fixture, tool| {
        let canvas = fixture[tool].canvas(320, 200);
        let frame = fixture[tool].capture(&fixture[tool].capture_session(0, 0), &canvas);
        frame.capture();
    });
}

#[test]
fn buffers_may_be_too_small_gone_or_cut_off() {
    let mut fixture = Fixture::new(&["320x200"]);
    let tool = tool(&mut fixture);
    let session = fixture[tool].capture_session(0, 0);
    for (width, height) in [(319, 200), (320, 199), (1, 1), (640, 400)] {
        let canvas = fixture[tool].canvas(width, height);
        let frame = fixture[tool].capture(&session, &canvas);
        assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(Some(FailureReason::BufferConstraints))]);
        frame.destroy();
    }
    let canvas = fixture[tool].canvas(320, 200);
    let frame = fixture[tool].capture(&session, &canvas);
    canvas.buffer.destroy();
    assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(Some(FailureReason::BufferConstraints))]);
    frame.destroy();
    // Rows that are longer than the picture's.
    let roomy = fixture[tool].canvas_of(320, 200, 1500, Format::Xrgb8888);
    let frame = fixture[tool].capture(&session, &roomy);
    assert_eq!(answered(&mut fixture, tool, &frame).last(), Some(&Told::Ready));
    frame.destroy();
    // The file that the server has mapped is truncated.
    let canvas = fixture[tool].canvas(320, 200);
    fixture.roundtrip(tool);
    canvas.truncate();
    let frame = fixture[tool].screencopy(false);
    frame.copy(&canvas.buffer);
    fixture[tool].sync();
    fixture.until("the end of the client", |fixture| fixture[tool].is_gone());
    fixture.assert_serving();
}

#[test]
fn extreme_coordinates_damage_nothing_else() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREY));
    let tool = tool(&mut fixture);
    let session = fixture[tool].capture_session(0, 0);
    let canvas = fixture[tool].canvas(320, 200);
    let frame = session.create_frame(&fixture[tool].handle.clone(), ());
    frame.attach_buffer(&canvas.buffer);
    frame.damage_buffer(i32::MAX, i32::MAX, i32::MAX, i32::MAX);
    frame.damage_buffer(0, 0, i32::MAX, i32::MAX);
    frame.damage_buffer(300, i32::MAX, i32::MAX, i32::MAX);
    frame.capture();
    assert_eq!(answered(&mut fixture, tool, &frame).last(), Some(&Told::Ready));
    assert_eq!(canvas.pixels().pixel(319, 199), GREY);
}

/// The picture on the panel fades, and captures show the same.
#[test]
fn what_is_watched_while_it_changes_is_what_was_shown_at_the_end() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let window = fixture.map(shell, Picture::Solid(GREEN));
    let tool = tool(&mut fixture);
    let session = fixture[tool].capture_session(0, 0);
    let canvas = fixture[tool].canvas(320, 200);
    let mut copies = 0;
    for color in [RED, BLUE, YELLOW, GREEN].into_iter().cycle().take(12) {
        let frame = session.create_frame(&fixture[tool].handle.clone(), ());
        frame.attach_buffer(&canvas.buffer);
        frame.capture();
        fixture.roundtrip(tool);
        fixture.fill(shell, &window, Picture::Solid(color));
        assert_eq!(answered(&mut fixture, tool, &frame).last(), Some(&Told::Ready));
        frame.destroy();
        copies += 1;
    }
    assert_eq!(copies, 12);
    let frame = session.create_frame(&fixture[tool].handle.clone(), ());
    frame.attach_buffer(&canvas.buffer);
    frame.capture();
    fixture.roundtrip(tool);
    assert_eq!(canvas.pixels().pixel(5, 5), GREEN);
}
