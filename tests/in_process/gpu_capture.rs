//! Captures into buffers of a GPU, as video recorders and screen sharing make them.

use kioskd::privilege::Privilege;
use smithay::backend::allocator::{Fourcc, Modifier};
use wayland_client::{
    Proxy,
    protocol::{wl_output::Transform, wl_shm::Format},
};
use wayland_protocols::{
    ext::image_copy_capture::v1::client::ext_image_copy_capture_frame_v1::FailureReason,
    wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::Flags,
};

use crate::fixture::{
    ClientId, Fixture,
    gpu::{self, DEVICE},
    picture::{BLUE, GREEN, Picture, RED},
    watcher::{Canvas, Layout, Told},
};

const LINEAR: Layout = Layout { code: Fourcc::Xrgb8888, modifier: Modifier::Linear, flags: Flags::empty() };
const UNFIT: Told = Told::Failed(Some(FailureReason::BufferConstraints));

/// A kiosk with a GPU, a window and a tool.
fn kiosk(outputs: &[&str]) -> (Fixture, ClientId, ClientId) {
    let mut fixture = Fixture::new(outputs);
    fixture.offer_gpu();
    fixture.panels.capture_by_gpu(true);
    let shell = fixture.client();
    fixture.map(shell, Picture::Corners);
    let tool = fixture.client_of(Privilege::Admin);
    (fixture, shell, tool)
}

fn canvas(fixture: &Fixture, tool: ClientId) -> Canvas {
    fixture[tool].gpu_canvas(320, 200, LINEAR)
}

#[track_caller]
fn answered(fixture: &mut Fixture, client: ClientId, frame: &impl Proxy) -> Vec<Told> {
    fixture.until("an answer to the frame", |fixture| fixture[client].is_answered(frame));
    fixture[client].told(frame)
}

#[test]
fn a_screen_is_copied_into_a_buffer_of_the_gpu() {
    for degrees in [0, 90] {
        let (mut fixture, _, tool) = kiosk(&["320x200"]);
        fixture.rotate(degrees);
        fixture.still();
        let canvas = canvas(&fixture, tool);
        let frame = fixture[tool].screencopy(false);
        frame.copy(&canvas.buffer);
        let xrgb = Fourcc::Xrgb8888 as u32;
        let asked = [Told::Buffer(Format::Xrgb8888, 320, 200), Told::LinuxDmabuf(xrgb, 320, 200), Told::BufferDone];
        let told = answered(&mut fixture, tool, &frame);
        assert_eq!(told[..3], asked);
        assert_eq!(told[3..], [Told::Ready]);
        assert!(canvas.pixels() == fixture.panel(), "{degrees}");

        canvas.wipe(7);
        let session = fixture[tool].capture_session(0, 0);
        fixture.roundtrip(tool);
        let constraints = [
            Told::Size(320, 200),
            Told::ShmFormat(Format::Xrgb8888),
            Told::DmabufDevice(DEVICE),
            Told::DmabufFormat(xrgb, 0),
            Told::DmabufFormat(Fourcc::Xbgr8888 as u32, 0),
            Told::Done,
        ];
        assert_eq!(fixture[tool].told(&session), constraints);
        let frame = fixture[tool].capture(&session, &canvas);
        assert_eq!(answered(&mut fixture, tool, &frame)[1..], [Told::Damage(0, 0, 320, 200), Told::Ready]);
        assert!(canvas.pixels() == fixture.panel(), "{degrees}");
    }
}

#[test]
fn only_what_has_changed_is_copied_again() {
    let (mut fixture, shell, tool) = kiosk(&["320x200"]);
    let window = fixture.map(shell, Picture::Solid(GREEN));
    let handle = fixture[shell].handle.clone();
    let child = fixture[shell].surface();
    let part = fixture[shell].bound().subcompositor.get_subsurface(&child, &window.surface, &handle, ());
    part.set_position(50, 60);
    fixture[shell].draw(&child, Picture::Solid(BLUE), 30, 20);
    window.surface.commit();
    fixture.roundtrip(shell);
    fixture.still();
    let canvas = canvas(&fixture, tool);
    let session = fixture[tool].capture_session(0, 0);
    let frame = fixture[tool].capture(&session, &canvas);
    answered(&mut fixture, tool, &frame);
    frame.destroy();

    canvas.wipe(9);
    let frame = session.create_frame(&fixture[tool].handle.clone(), ());
    frame.attach_buffer(&canvas.buffer);
    frame.capture();
    fixture.roundtrip(tool);
    fixture.nothing_left_to_do();
    assert!(!fixture[tool].is_answered(&frame), "nothing has changed");
    fixture[shell].draw(&child, Picture::Solid(RED), 30, 20);
    window.surface.commit();
    let told = answered(&mut fixture, tool, &frame);
    assert_eq!(told, [Told::Transform(Transform::Normal), Told::Damage(50, 60, 30, 20), Told::Ready]);
    let pixels = canvas.pixels();
    assert_eq!([pixels.pixel(50, 60), pixels.pixel(79, 79)], [RED, RED]);
    assert_eq!([pixels.pixel(49, 60), pixels.pixel(80, 79)], [[9, 9, 9]; 2]);
}

/// A picture that the GPU still draws is not given out, and the compositor goes on meanwhile.
#[test]
fn a_copy_is_ready_when_the_gpu_has_finished() {
    let (mut fixture, _, tool) = kiosk(&["320x200"]);
    let canvas = canvas(&fixture, tool);
    for by_session in [false, true] {
        let finish = fixture.panels.slow_gpu();
        let session = fixture[tool].capture_session(0, 0);
        let (frame, copy) = (fixture[tool].capture(&session, &canvas), fixture[tool].screencopy(false));
        match by_session {
            true => copy.destroy(),
            false => {
                frame.destroy();
                copy.copy(&canvas.buffer);
            }
        }
        fixture.roundtrip(tool);
        fixture.assert_serving();
        assert_eq!(fixture.kiosk.protocols.captures.finishing(), 1);
        let is_answered = |fixture: &Fixture| match by_session {
            true => fixture[tool].is_answered(&frame),
            false => fixture[tool].is_answered(&copy),
        };
        assert!(!is_answered(&fixture), "the GPU has not finished");
        finish.finish();
        fixture.until("an answer", |fixture| is_answered(fixture));
        assert_eq!(fixture.kiosk.protocols.captures.finishing(), 0);
        session.destroy();
    }
}

#[test]
fn nothing_is_kept_of_a_copy_that_nobody_waits_for() {
    let (mut fixture, _, tool) = kiosk(&["320x200", "200x100"]);
    let canvas = canvas(&fixture, tool);
    // Never finished.
    let _work = fixture.panels.slow_gpu();
    let frame = fixture[tool].screencopy(false);
    frame.copy(&canvas.buffer);
    fixture.until("the copy", |fixture| fixture.kiosk.protocols.captures.finishing() == 1);
    frame.destroy();
    fixture.until("its end", |fixture| fixture.kiosk.protocols.captures.finishing() == 0);

    // A screen that goes.
    let small = fixture[tool].gpu_canvas(200, 100, LINEAR);
    let session = fixture[tool].capture_session(1, 0);
    let frame = fixture[tool].capture(&session, &small);
    fixture.until("the copy", |fixture| fixture.kiosk.protocols.captures.finishing() == 1);
    let mut heads = fixture.panels.heads();
    heads.truncate(1);
    heads[0].id = kioskd::screens::HeadId(9);
    heads[0].name = "HEADLESS-9".into();
    fixture.plug(Vec::new());
    fixture.plug(heads);
    assert_eq!(answered(&mut fixture, tool, &frame), [Told::Failed(Some(FailureReason::Stopped))]);

    // A client that goes.
    let frame = fixture[tool].screencopy(false);
    fixture.roundtrip(tool);
    if let Some(Told::Buffer(_, width, height)) = fixture[tool].told(&frame).first().copied() {
        let canvas = fixture[tool].gpu_canvas(width as i32, height as i32, LINEAR);
        frame.copy(&canvas.buffer);
        fixture.until("the copy", |fixture| fixture.kiosk.protocols.captures.finishing() == 1);
    }
    fixture.disconnect(tool);
    fixture.until("nothing", |fixture| fixture.kiosk.protocols.captures.finishing() == 0);
}

#[test]
fn what_the_gpu_cannot_draw_into_is_refused() {
    let (mut fixture, _, tool) = kiosk(&["320x200"]);
    let session = fixture[tool].capture_session(0, 0);
    let tiled = Layout { modifier: gpu::TILED, ..LINEAR };
    let upside_down = Layout { flags: Flags::YInvert, ..LINEAR };
    for (width, height, layout) in [
        (319, 200, LINEAR),
        (320, 201, LINEAR),
        (320, 200, Layout { code: Fourcc::Rgb565, ..LINEAR }),
        (320, 200, tiled),
        (320, 200, upside_down),
    ] {
        let canvas = fixture[tool].gpu_canvas(width, height, layout);
        let frame = fixture[tool].capture(&session, &canvas);
        assert_eq!(answered(&mut fixture, tool, &frame), [UNFIT], "{width}x{height} {layout:?}");
        frame.destroy();
    }
    // The device cannot at the moment.
    fixture.panels.capture_by_gpu(false);
    let canvas = canvas(&fixture, tool);
    let frame = fixture[tool].capture(&session, &canvas);
    assert_eq!(answered(&mut fixture, tool, &frame), [UNFIT]);
    fixture.panels.capture_by_gpu(true);
    // Screencopy does not tell clients which layouts there are.
    for layout in [tiled, upside_down] {
        let canvas = fixture[tool].gpu_canvas(320, 200, layout);
        let frame = fixture[tool].screencopy(false);
        frame.copy(&canvas.buffer);
        assert_eq!(answered(&mut fixture, tool, &frame).last(), Some(&Told::Failed(None)));
    }
    fixture.assert_serving();
}

#[test]
fn a_wrong_buffer_of_the_gpu_is_an_error_of_screencopy() {
    for (gpu, width, code) in
        [(true, 319, Fourcc::Xrgb8888), (true, 320, Fourcc::Rgb565), (false, 320, Fourcc::Xrgb8888)]
    {
        let (mut fixture, _, tool) = kiosk(&["320x200"]);
        // Pixels are drawn without it: nothing is offered.
        fixture.panels.capture_by_gpu(gpu);
        let canvas = fixture[tool].gpu_canvas(width, 200, Layout { code, ..LINEAR });
        fixture[tool].screencopy(false).copy(&canvas.buffer);
        assert_eq!(fixture.protocol_error_of(tool), ("zwlr_screencopy_frame_v1".into(), 1));
        fixture.assert_serving();
    }
}

/// As where the card that draws is replaced.
#[test]
fn a_session_is_told_when_the_gpu_goes() {
    let (mut fixture, _, tool) = kiosk(&["320x200"]);
    let session = fixture[tool].capture_session(0, 0);
    fixture.roundtrip(tool);
    let before = fixture[tool].told(&session).len();
    fixture.panels.capture_by_gpu(false);
    fixture.until("the news", |fixture| fixture[tool].told(&session).len() > before);
    let told = fixture[tool].told(&session);
    assert_eq!(told[before..], [Told::Size(320, 200), Told::ShmFormat(Format::Xrgb8888), Told::Done]);
    assert!(gpu::formats().has(Fourcc::Xrgb8888));
}
