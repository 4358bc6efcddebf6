//! alpha-modifier: the opacity of a whole surface.

use wayland_client::delegate_noop;
use wayland_protocols::wp::alpha_modifier::v1::client::{
    wp_alpha_modifier_surface_v1::WpAlphaModifierSurfaceV1, wp_alpha_modifier_v1::WpAlphaModifierV1,
};

use crate::fixture::{
    Fixture,
    picture::{GREEN, Picture, RED},
    seen::Seen,
};

delegate_noop!(Seen: WpAlphaModifierV1);
delegate_noop!(Seen: WpAlphaModifierSurfaceV1);

/// Whether the pixel is this mix of both colours, within rounding errors.
#[track_caller]
fn assert_mixed(pixel: [u8; 3], upper: [u8; 3], lower: [u8; 3], share: f64) {
    for channel in 0..3 {
        let wanted = f64::from(upper[channel]) * share + f64::from(lower[channel]) * (1.0 - share);
        assert!(
            (f64::from(pixel[channel]) - wanted).abs() <= 2.0,
            "{pixel:?} is not {share} of {upper:?} on {lower:?}"
        );
    }
}

#[test]
fn a_surface_fades_as_a_whole_and_what_is_below_it_is_seen() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let dialog = fixture.dialog(client, &shell, GREEN, (100, 60));
    // An opaque region applies to the pixels, not to the surface's opacity.
    let region = fixture[client].bound().compositor.create_region(&fixture[client].handle, ());
    region.add(0, 0, 100, 60);
    dialog.surface.set_opaque_region(Some(&region));
    let handle = fixture[client].handle.clone();
    let manager: WpAlphaModifierV1 = fixture[client].bind();
    let alpha = manager.get_surface(&dialog.surface, &handle, ());
    alpha.set_multiplier(u32::MAX / 4);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(160, 100), GREEN, "it counts with the commit");
    dialog.surface.commit();
    fixture.roundtrip(client);
    fixture.still();
    assert_mixed(fixture.panel().pixel(160, 100), GREEN, RED, 0.25);
    assert_eq!(fixture.panel().pixel(5, 5), RED);
    let drawn = fixture.panel().rgba;
    assert_eq!(fixture.draw_from_scratch().rgba, drawn, "what was drawn is what a whole frame would be");
    alpha.set_multiplier(0);
    dialog.surface.commit();
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(160, 100), RED);
    // Destroying the object makes the surface opaque with the next commit.
    alpha.destroy();
    dialog.surface.commit();
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(160, 100), GREEN);
    manager.get_surface(&dialog.surface, &handle, ());
    fixture.roundtrip(client);
    assert_eq!(fixture[client].error(), None);
}

#[test]
fn a_page_that_fades_lies_on_black() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let manager: WpAlphaModifierV1 = fixture[client].bind();
    let alpha = manager.get_surface(&shell.surface, &handle, ());
    alpha.set_multiplier(u32::MAX / 2);
    shell.surface.commit();
    fixture.roundtrip(client);
    fixture.still();
    assert_mixed(fixture.panel().pixel(160, 100), RED, [0, 0, 0], 0.5);
}

#[test]
fn two_factors_for_a_surface_and_one_without_are_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let handle = fixture[client].handle.clone();
    let manager: WpAlphaModifierV1 = fixture[client].bind();
    let surface = fixture[client].surface();
    manager.get_surface(&surface, &handle, ());
    manager.get_surface(&surface, &handle, ());
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("wp_alpha_modifier_v1".into(), 0)));

    let client = fixture.client();
    let handle = fixture[client].handle.clone();
    let manager: WpAlphaModifierV1 = fixture[client].bind();
    let surface = fixture[client].surface();
    let alpha = manager.get_surface(&surface, &handle, ());
    surface.destroy();
    alpha.set_multiplier(7);
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("wp_alpha_modifier_surface_v1".into(), 0)));
    fixture.assert_serving();
}
