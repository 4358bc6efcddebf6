//! Further windows of a browser that is allowed to have some: centred above the page, with a button that closes them.

use kiosk_core::config::NewWindows;

use crate::fixture::{
    ClientId, Fixture, Setup,
    client::Toplevel,
    picture::{BLUE, GREEN, Picture, RED},
};

fn with_popups() -> (Fixture, ClientId, Toplevel) {
    let mut setup = Setup::bare(&["400x300"]);
    setup.config.shell.browser_settings.new_windows = NewWindows::Popup;
    let mut fixture = setup.start();
    let client = fixture.client();
    let page = fixture.map(client, Picture::Solid(RED));
    (fixture, client, page)
}

/// A window without a parent, as browsers open popups.
fn popup(fixture: &mut Fixture, client: ClientId) -> Toplevel {
    let popup = fixture[client].toplevel();
    popup.surface.commit();
    fixture.until("the popup's configure", |fixture| fixture[client].configured(&popup).is_some());
    fixture[client].draw(&popup.surface, Picture::Solid(GREEN), 200, 100);
    fixture.roundtrip(client);
    fixture.still();
    popup
}

#[test]
fn a_further_window_is_centred_above_the_page_and_closed_by_its_button() {
    let (mut fixture, client, page) = with_popups();
    let popup = popup(&mut fixture, client);
    let told = fixture[client].configured(&popup).cloned().unwrap();
    assert_eq!((told.width, told.height, told.fullscreen), (0, 0, false), "it chooses its own size");
    let panel = fixture.panel();
    assert_eq!((panel.pixel(120, 180), panel.pixel(50, 150)), (GREEN, RED));
    // The button is a disc over the corner at 300, 100, with a white cross in it.
    assert_eq!(panel.pixel(300, 100), [255, 255, 255]);
    assert!(![RED, GREEN].contains(&panel.pixel(300, 86)) && panel.pixel(277, 77) == RED);
    fixture.point((200.0, 150.0));
    fixture.click();
    fixture.point((300.0, 100.0));
    fixture.click();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.closed, [popup.id()], "only the click on the button closes it");
    popup.destroy();
    fixture.roundtrip(client);
    fixture.still();
    let panel = fixture.panel();
    assert_eq!((panel.pixel(200, 150), panel.pixel(288, 92)), (RED, RED), "beside the cursor");
    assert_eq!(fixture.focus(client), Some(page.id()));
}

#[test]
fn a_finger_closes_it_where_it_came_down() {
    let (mut fixture, client, _page) = with_popups();
    let popup = popup(&mut fixture, client);
    fixture.touch_down(0, (50.0, 150.0));
    fixture.touch_move(0, (300.0, 100.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.closed, [], "a finger that came from the page");
    fixture.touch_down(0, (305.0, 95.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.closed, [popup.id()]);
}

#[test]
fn without_popups_a_further_window_fills_the_screen_as_ever() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let second = fixture.map(client, Picture::Solid(BLUE));
    fixture.still();
    assert!(fixture[client].configured(&second).unwrap().fullscreen);
    assert_eq!(fixture.panel().pixel(399, 0), BLUE);
    // With popups allowed, another client's first window is not a popup.
    let (mut fixture, _client, _page) = with_popups();
    let other = fixture.client();
    let first = fixture.map(other, Picture::Solid(BLUE));
    assert!(fixture[other].configured(&first).unwrap().fullscreen);
}
