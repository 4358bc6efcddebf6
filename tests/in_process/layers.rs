//! Panels and notices of trusted tools, above and below the page: their place, and who gets touches and keys.

use kioskd::{privilege::Privilege, screens::HeadId, stage::SystemScreen};
use wayland_protocols_wlr::layer_shell::v1::client::{
    zwlr_layer_shell_v1::Layer,
    zwlr_layer_surface_v1::{Anchor, KeyboardInteractivity},
};

use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    hands::keys,
    layer_windows::LayerWindow,
    picture::{BLUE, GREEN, Picture, RED},
    seen::{KeySeen, TouchSeen},
};

fn start() -> (Fixture, ClientId, Toplevel, ClientId) {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let page = fixture.map(shell, Picture::Solid(RED));
    let tool = fixture.client_of(Privilege::Admin);
    (fixture, shell, page, tool)
}

/// A bar of 40 pixels at the lower edge, as an exclusive zone.
fn bar(fixture: &mut Fixture, tool: ClientId, layer: Layer, keys: KeyboardInteractivity) -> LayerWindow {
    let window = fixture.layer(tool, layer, None);
    window.layer.set_size(0, 40);
    window.layer.set_anchor(Anchor::Bottom | Anchor::Left | Anchor::Right);
    window.layer.set_exclusive_zone(40);
    window.layer.set_keyboard_interactivity(keys);
    fixture.show_layer(tool, &window, Picture::Solid(GREEN));
    window
}

fn keys_to(fixture: &mut Fixture, client: ClientId) -> usize {
    let typed = |fixture: &Fixture| {
        fixture[client].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count()
    };
    let before = typed(fixture);
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    typed(fixture) - before
}

#[test]
fn a_bar_lies_over_the_page_which_keeps_its_size() {
    let (mut fixture, shell, page, tool) = start();
    let told = fixture[shell].configures(&page).count();
    let bar = bar(&mut fixture, tool, Layer::Top, KeyboardInteractivity::None);
    assert_eq!(fixture.layer_size(tool, &bar), Some((320, 40)));
    let panel = fixture.panel();
    assert_eq!([panel.pixel(160, 159), panel.pixel(0, 160), panel.pixel(319, 199)], [RED, GREEN, GREEN]);
    fixture.roundtrip(shell);
    assert_eq!(fixture[shell].configures(&page).count(), told, "the page was told of another size");
    assert!(keys_to(&mut fixture, shell) > 0, "the page is no longer typed to");
    bar.destroy();
    fixture.roundtrip(tool);
    fixture.still();
    assert_eq!(fixture.panel().pixel(160, 180), RED);
}

#[test]
fn fingers_on_a_bar_are_the_bars_and_beside_it_the_pages() {
    let (mut fixture, shell, _, tool) = start();
    bar(&mut fixture, tool, Layer::Overlay, KeyboardInteractivity::None);
    let downs = |fixture: &Fixture, client: ClientId| {
        fixture[client].seen.touch.iter().filter(|seen| matches!(seen, TouchSeen::Down { .. })).count()
    };
    for (at, expected) in [((100.0, 180.0), [0, 1]), ((100.0, 100.0), [1, 1])] {
        fixture.touch_down(0, at);
        fixture.touch_up(0);
        fixture.roundtrip(tool);
        fixture.roundtrip(shell);
        assert_eq!([downs(&fixture, shell), downs(&fixture, tool)], expected, "at {at:?}");
    }
}

#[test]
fn what_is_below_the_windows_is_hidden_by_the_page() {
    let (mut fixture, _, page, tool) = start();
    let window = fixture.layer(tool, Layer::Bottom, None);
    window.layer.set_anchor(Anchor::all());
    fixture.show_layer(tool, &window, Picture::Solid(BLUE));
    assert_eq!(fixture.layer_size(tool, &window), Some((320, 200)));
    assert_eq!(fixture.panel().pixel(160, 100), RED);
    page.destroy();
    fixture.until("the layer alone", |fixture| fixture.panel().pixel(160, 100) == BLUE);
}

#[test]
fn a_layer_that_insists_on_the_keyboard_has_it_and_one_that_was_touched_until_the_page_is() {
    let (mut fixture, shell, _, tool) = start();
    let insisting = bar(&mut fixture, tool, Layer::Top, KeyboardInteractivity::Exclusive);
    assert_eq!([keys_to(&mut fixture, shell), keys_to(&mut fixture, tool).min(1)], [0, 1]);
    fixture.touch_down(0, (100.0, 100.0));
    fixture.touch_up(0);
    assert_eq!(keys_to(&mut fixture, shell), 0, "a touch took the keyboard from who insists on it");
    insisting.destroy();
    fixture.roundtrip(tool);
    assert!(keys_to(&mut fixture, shell) > 0);
    bar(&mut fixture, tool, Layer::Top, KeyboardInteractivity::OnDemand);
    assert_eq!(keys_to(&mut fixture, shell), 0, "it has just appeared");
    fixture.touch_down(0, (100.0, 100.0));
    fixture.touch_up(0);
    assert!(keys_to(&mut fixture, shell) > 0);
    fixture.touch_down(0, (100.0, 180.0));
    fixture.touch_up(0);
    assert_eq!(keys_to(&mut fixture, shell), 0);
}

#[test]
fn a_screen_of_our_own_is_over_every_layer() {
    let (mut fixture, shell, _, tool) = start();
    bar(&mut fixture, tool, Layer::Overlay, KeyboardInteractivity::Exclusive);
    fixture.kiosk.stage.system_screen = Some(SystemScreen::Message { title: String::new(), text: "closed".into() });
    fixture.kiosk.screens.request_redraw();
    fixture.until("the message", |fixture| fixture.panel().pixel(2, 198) != GREEN);
    fixture.touch_down(0, (100.0, 180.0));
    fixture.touch_up(0);
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    assert!(fixture[tool].seen.touch.is_empty(), "{:?}", fixture[tool].seen.touch);
}

#[test]
fn a_layer_follows_its_screens_rotation_and_scale_and_is_closed_with_it() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(RED));
    let tool = fixture.client_of(Privilege::Admin);
    let window = fixture.layer(tool, Layer::Top, Some(0));
    window.layer.set_size(0, 40);
    window.layer.set_anchor(Anchor::Top | Anchor::Left | Anchor::Right);
    fixture.show_layer(tool, &window, Picture::Solid(GREEN));
    fixture.rotate(90);
    fixture.until("the rotated size", |fixture| fixture.layer_size(tool, &window) == Some((200, 40)));
    fixture.scale(2.0);
    fixture.until("the scaled size", |fixture| fixture.layer_size(tool, &window) == Some((100, 40)));
    let other = fixture.layer(tool, Layer::Top, Some(1));
    other.layer.set_size(10, 10);
    fixture.show_layer(tool, &other, Picture::Solid(GREEN));
    let mut heads = fixture.panels.heads();
    // Another monitor: the screen of the former one is no longer needed.
    heads[1].id = HeadId(3);
    heads[1].name = "HEADLESS-3".into();
    fixture.plug(heads);
    fixture.until("the end of the other screen's", |fixture| fixture[tool].seen.layers.closed == [other.number]);
}

#[test]
fn a_layer_without_a_size_or_with_an_early_buffer_is_an_error() {
    let (mut fixture, _, _, tool) = start();
    let window = fixture.layer(tool, Layer::Top, None);
    window.layer.set_size(0, 40);
    window.surface.commit();
    assert_eq!(fixture.protocol_error_of(tool), ("zwlr_layer_surface_v1".into(), 1));
    let tool = fixture.client_of(Privilege::Admin);
    let window = fixture.layer(tool, Layer::Top, None);
    window.layer.set_size(40, 40);
    fixture[tool].draw(&window.surface, Picture::Solid(GREEN), 40, 40);
    assert_eq!(fixture.protocol_error_of(tool), ("zwlr_layer_surface_v1".into(), 0));
    fixture.assert_serving();
}

#[test]
fn a_surface_becomes_a_layer_once() {
    let (mut fixture, _, _, tool) = start();
    let shell: wayland_protocols_wlr::layer_shell::v1::client::zwlr_layer_shell_v1::ZwlrLayerShellV1 =
        fixture[tool].bind();
    let window = fixture.layer(tool, Layer::Top, None);
    let handle = fixture[tool].handle.clone();
    shell.get_layer_surface(&window.surface, None, Layer::Top, String::new(), &handle, 0);
    assert_eq!(fixture.protocol_error_of(tool), ("zwlr_layer_shell_v1".into(), 0));
    fixture.assert_serving();
}

#[test]
fn sizes_and_margins_out_of_all_measure_do_no_harm() {
    let (mut fixture, _, _, tool) = start();
    let window = fixture.layer(tool, Layer::Overlay, None);
    window.layer.set_size(u32::MAX, 1);
    window.layer.set_anchor(Anchor::Bottom | Anchor::Left | Anchor::Right);
    window.layer.set_margin(i32::MAX, i32::MIN, i32::MAX, i32::MIN);
    window.layer.set_exclusive_zone(i32::MAX);
    window.surface.commit();
    fixture.until("an answer", |fixture| fixture.layer_size(tool, &window).is_some());
    for round in 0..2000 {
        window.layer.set_size(round + 1, 1);
        window.surface.commit();
    }
    fixture.roundtrip(tool);
    fixture.assert_serving();
}
