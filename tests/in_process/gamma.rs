//! wlr-gamma-control: tools that adjust a screen's colours.

use std::os::fd::AsFd;

use kioskd::privilege::Privilege;
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols_wlr::gamma_control::v1::client::{
    zwlr_gamma_control_manager_v1::ZwlrGammaControlManagerV1,
    zwlr_gamma_control_v1::{self, Error, ZwlrGammaControlV1},
};

use crate::fixture::{
    ClientId, Fixture,
    picture::{Picture, memory},
    seen::{Extra, Seen},
};

delegate_noop!(Seen: ZwlrGammaControlManagerV1);

impl Dispatch<ZwlrGammaControlV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZwlrGammaControlV1,
        event: zwlr_gamma_control_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            zwlr_gamma_control_v1::Event::GammaSize { size } => seen.extra.push(Extra::RampSize(size)),
            zwlr_gamma_control_v1::Event::Failed => seen.extra.push(Extra::Refused),
            _ => {}
        }
    }
}

const LIGHT: [u8; 3] = [200, 200, 200];

/// The tool's control of the first output's gamma.
pub fn control(fixture: &mut Fixture, tool: ClientId) -> ZwlrGammaControlV1 {
    let handle = fixture[tool].handle.clone();
    let manager: ZwlrGammaControlManagerV1 = fixture[tool].bind();
    let output = fixture[tool].wl_output(0);
    let control = manager.get_gamma_control(&output, &handle, ());
    fixture.roundtrip(tool);
    control
}

/// Sets ramps that divide red, green and blue by these.
pub fn divide(control: &ZwlrGammaControlV1, by: [u16; 3]) {
    let values = by.iter().flat_map(|by| (0..256u16).map(move |value| value * 257 / by));
    let bytes: Vec<u8> = values.flat_map(u16::to_ne_bytes).collect();
    control.set_gamma(memory(&bytes).as_fd());
}

fn seen(fixture: &mut Fixture, tool: ClientId) -> [u8; 3] {
    fixture.roundtrip(tool);
    fixture.still();
    fixture.panel().pixel(5, 5)
}

#[test]
fn a_tool_makes_the_screen_warmer_until_it_goes() {
    let mut fixture = Fixture::new(&["320x200"]);
    let page = fixture.client();
    let window = fixture.map(page, Picture::Solid(LIGHT));
    let tool = fixture.client_of(Privilege::Admin);
    let control = control(&mut fixture, tool);
    assert_eq!(fixture[tool].seen.extra, [Extra::RampSize(256)]);
    assert_eq!(seen(&mut fixture, tool), LIGHT);
    divide(&control, [1, 2, 4]);
    assert_eq!(seen(&mut fixture, tool), [200, 100, 50]);
    // The ramp applies to the page's new frames, and a static page causes none.
    fixture.fill(page, &window, Picture::Solid([100, 100, 100]));
    assert_eq!(seen(&mut fixture, tool), [100, 50, 25]);
    assert_eq!(fixture.screenshot().pixel(5, 5), [100, 100, 100]);
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(std::time::Duration::from_millis(400)), 0);
    divide(&control, [1, 1, 1]);
    assert_eq!(seen(&mut fixture, tool), [100, 100, 100]);
    divide(&control, [2, 2, 2]);
    assert_eq!(seen(&mut fixture, tool), [50, 50, 50]);
    fixture.disconnect(tool);
    fixture.until("the colours of before", |fixture| fixture.panel().pixel(5, 5) == [100, 100, 100]);
}

#[test]
fn one_tool_has_a_screen_at_a_time() {
    let mut fixture = Fixture::new(&["320x200"]);
    let page = fixture.client();
    fixture.map(page, Picture::Solid(LIGHT));
    let (first, second) = (fixture.client_of(Privilege::Admin), fixture.client_of(Privilege::Admin));
    let has_it = control(&mut fixture, first);
    let has_not = control(&mut fixture, second);
    assert_eq!(fixture[second].seen.extra, [Extra::Refused]);
    divide(&has_not, [4, 4, 4]);
    assert_eq!(seen(&mut fixture, second), LIGHT);
    has_it.destroy();
    fixture.roundtrip(first);
    has_not.destroy();
    let has_it = control(&mut fixture, second);
    divide(&has_it, [4, 4, 4]);
    assert_eq!(seen(&mut fixture, second), [50, 50, 50]);
}

#[test]
fn ramps_that_are_none_are_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    for length in [0, 3 * 256 * 2 - 1] {
        let tool = fixture.client_of(Privilege::Admin);
        control(&mut fixture, tool).set_gamma(memory(&vec![0; length]).as_fd());
        fixture[tool].sync();
        fixture.until("the tool to be disconnected", |fixture| fixture[tool].is_gone());
        assert_eq!(fixture[tool].error(), Some(("zwlr_gamma_control_v1".into(), Error::InvalidGamma as u32)));
    }
    let (never_written, _writer) = rustix::pipe::pipe().unwrap();
    // Others of its kind make who reads them wait.
    let device = std::fs::File::open("/dev/zero").unwrap();
    for file in [never_written.as_fd(), device.as_fd()] {
        let tool = fixture.client_of(Privilege::Admin);
        control(&mut fixture, tool).set_gamma(file);
        fixture[tool].sync();
        fixture.until("the tool to be disconnected", |fixture| fixture[tool].is_gone());
        fixture.assert_serving();
    }
}
