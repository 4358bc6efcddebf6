//! A pen on a tablet that is mapped to a screen: its position on the page.

use wayland_client::{Connection, Dispatch, QueueHandle, event_created_child};
use wayland_protocols::wp::tablet::zv2::client::{
    zwp_tablet_manager_v2::ZwpTabletManagerV2,
    zwp_tablet_pad_v2::ZwpTabletPadV2,
    zwp_tablet_seat_v2::{self, ZwpTabletSeatV2},
    zwp_tablet_tool_v2::{self, ZwpTabletToolV2},
    zwp_tablet_v2::ZwpTabletV2,
};

use crate::fixture::{
    ClientId, Fixture,
    picture::{Picture, RED},
    seen::{Extra, Seen},
    tools::{Kind, Spec, Tool},
};

impl Dispatch<ZwpTabletSeatV2, ()> for Seen {
    fn event(
        _: &mut Self,
        _: &ZwpTabletSeatV2,
        _: zwp_tablet_seat_v2::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }

    event_created_child!(Seen, ZwpTabletSeatV2, [
        zwp_tablet_seat_v2::EVT_TABLET_ADDED_OPCODE => (ZwpTabletV2, ()),
        zwp_tablet_seat_v2::EVT_TOOL_ADDED_OPCODE => (ZwpTabletToolV2, ()),
        zwp_tablet_seat_v2::EVT_PAD_ADDED_OPCODE => (ZwpTabletPadV2, ()),
    ]);
}

impl Dispatch<ZwpTabletToolV2, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZwpTabletToolV2,
        event: zwp_tablet_tool_v2::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        seen.extra.push(match event {
            zwp_tablet_tool_v2::Event::ProximityIn { .. } => Extra::PenNear(true),
            zwp_tablet_tool_v2::Event::ProximityOut => Extra::PenNear(false),
            zwp_tablet_tool_v2::Event::Down { .. } => Extra::PenDown(true),
            zwp_tablet_tool_v2::Event::Up => Extra::PenDown(false),
            zwp_tablet_tool_v2::Event::Motion { x, y } => Extra::PenAt(x, y),
            _ => return,
        });
    }
}

wayland_client::delegate_noop!(Seen: ZwpTabletManagerV2);
wayland_client::delegate_noop!(Seen: ignore ZwpTabletV2);
wayland_client::delegate_noop!(Seen: ignore ZwpTabletPadV2);

const TABLET: Spec = Spec {
    id: "event1",
    name: "Wacom Pen",
    kind: Kind::Tablet,
    model: Some((0x056a, 1)),
    port: Some("1-1"),
    serial: None,
    size: None,
    hint: None,
};

/// A client that uses tablets.
fn listener(fixture: &mut Fixture) -> ClientId {
    let client = fixture.client();
    let manager: ZwpTabletManagerV2 = fixture[client].bind();
    let handle = fixture[client].handle.clone();
    manager.get_tablet_seat(&fixture[client].bound().seat, &handle, ());
    fixture.roundtrip(client);
    client
}

fn last_place(fixture: &Fixture, client: ClientId) -> Option<(f64, f64)> {
    fixture[client].seen.extra.iter().rev().find_map(|extra| match extra {
        Extra::PenAt(x, y) => Some((*x, *y)),
        _ => None,
    })
}

fn written(fixture: &mut Fixture, client: ClientId, tablet: &Tool, at: (f64, f64)) -> (f64, f64) {
    // From another position: a motion to the current one would prove nothing.
    fixture.pen_move(tablet, (0.5, 0.5));
    fixture.pen_move(tablet, at);
    fixture.roundtrip(client);
    last_place(fixture, client).expect("the pen was seen")
}

#[test]
fn a_pen_is_where_it_touches_at_every_rotation_and_scale() {
    for degrees in [0, 90, 180, 270] {
        for scale in [1.0, 1.5, 2.0, 4.0] {
            let mut fixture = Fixture::new(&["640x400"]);
            fixture.rotate(degrees);
            fixture.scale(scale);
            let client = listener(&mut fixture);
            let window = fixture.map(client, Picture::Solid(RED));
            let told = fixture[client].configured(&window).cloned().unwrap();
            let tablet = fixture.plug_in(TABLET);
            fixture.pen_near(&tablet, true, (0.5, 0.5));
            fixture.roundtrip(client);
            let (width, height) = (f64::from(told.width), f64::from(told.height));
            for (u, v) in [(0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95)] {
                let (x, y) = match degrees {
                    0 => (u, v),
                    90 => (v, 1.0 - u),
                    180 => (1.0 - u, 1.0 - v),
                    _ => (1.0 - v, u),
                };
                let seen = written(&mut fixture, client, &tablet, (u, v));
                let off = (seen.0 - x * width).abs().max((seen.1 - y * height).abs());
                assert!(off < 1.0, "rotated by {degrees}, scale {scale}, at {u},{v}: {seen:?}");
            }
        }
    }
}

#[test]
fn a_pen_writes_on_the_screen_that_its_tablet_lies_on_and_on_no_other() {
    let mut fixture = Fixture::new(&["320x200", "400x300"]);
    let client = listener(&mut fixture);
    fixture.map(client, Picture::Solid(RED));
    let tablet = fixture.plug_in(Spec { hint: Some("HEADLESS-2"), ..TABLET });
    assert_eq!(fixture.mapped(), [("Wacom Pen".to_owned(), "HEADLESS-2".to_owned())]);
    fixture.pen_near(&tablet, true, (0.5, 0.5));
    fixture.pen_move(&tablet, (0.6, 0.5));
    fixture.pen_near(&tablet, false, (0.6, 0.5));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.extra, [], "the page is on the other screen");
}

#[test]
fn a_pen_says_in_order_when_it_comes_writes_and_goes() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = listener(&mut fixture);
    fixture.map(client, Picture::Solid(RED));
    let tablet = fixture.plug_in(TABLET);
    fixture.pen_near(&tablet, true, (0.25, 0.5));
    fixture.roundtrip(client);
    // The client has the tool's object from here on, and gets events when the pen returns.
    fixture.pen_near(&tablet, false, (0.25, 0.5));
    fixture.roundtrip(client);
    fixture[client].seen.extra.clear();
    fixture.pen_near(&tablet, true, (0.25, 0.5));
    fixture.pen_tip(&tablet, true, (0.25, 0.5));
    fixture.pen_move(&tablet, (0.5, 0.5));
    fixture.pen_tip(&tablet, false, (0.5, 0.5));
    fixture.pen_near(&tablet, false, (0.5, 0.5));
    fixture.roundtrip(client);
    let seen = &fixture[client].seen.extra;
    let wanted = [
        Extra::PenNear(true),
        Extra::PenAt(80.0, 100.0),
        Extra::PenDown(true),
        Extra::PenAt(160.0, 100.0),
        Extra::PenDown(false),
        Extra::PenNear(false),
    ];
    assert_eq!(*seen, wanted);
    assert!(!fixture.kiosk.stage.cursor.is_visible(), "a pen shows no pointer");
    // The tablet is removed while the pen is on it.
    fixture.pen_near(&tablet, true, (0.25, 0.5));
    fixture.pen_tip(&tablet, true, (0.25, 0.5));
    fixture.pull_out(&tablet);
    fixture.pen_move(&tablet, (0.5, 0.5));
    fixture.roundtrip(client);
    assert!(!fixture[client].is_gone());
    let after = &fixture[client].seen.extra[wanted.len()..];
    assert_eq!(after[2..], [Extra::PenDown(true), Extra::PenDown(false), Extra::PenNear(false)]);
    fixture.assert_serving();
}

#[test]
fn a_line_that_is_drawn_while_the_screen_is_rotated_ends_there() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = listener(&mut fixture);
    fixture.map(client, Picture::Solid(RED));
    let tablet = fixture.plug_in(TABLET);
    fixture.pen_near(&tablet, true, (0.25, 0.5));
    fixture.roundtrip(client);
    fixture.pen_near(&tablet, false, (0.25, 0.5));
    fixture.pen_near(&tablet, true, (0.25, 0.5));
    fixture.pen_tip(&tablet, true, (0.25, 0.5));
    fixture.roundtrip(client);
    fixture[client].seen.extra.clear();
    fixture.rotate(180);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.extra, [Extra::PenDown(false), Extra::PenNear(false)]);
    // The pen is still down; its next events do not continue that stroke.
    fixture[client].seen.extra.clear();
    fixture.pen_move(&tablet, (0.5, 0.5));
    fixture.pen_tip(&tablet, false, (0.5, 0.5));
    fixture.pen_tip(&tablet, true, (0.5, 0.5));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.extra, [Extra::PenNear(true), Extra::PenAt(160.0, 100.0), Extra::PenDown(true)]);
}
