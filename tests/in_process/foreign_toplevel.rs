//! The list of windows for taskbars, and what they may do with the windows.

use kioskd::privilege::Privilege;
use wayland_client::{Proxy, protocol::wl_seat::WlSeat};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::ExtForeignToplevelListV1;
use wayland_protocols_wlr::foreign_toplevel::v1::client::zwlr_foreign_toplevel_manager_v1::ZwlrForeignToplevelManagerV1;

use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    picture::{BLUE, GREEN, Picture},
};

const ACTIVATED: u32 = 2;
const FULLSCREEN: u32 = 3;

fn tool(fixture: &mut Fixture) -> (ClientId, ZwlrForeignToplevelManagerV1, ExtForeignToplevelListV1) {
    let client = fixture.client_of(Privilege::Admin);
    let (wlr, ext) = (fixture[client].bind(), fixture[client].bind());
    fixture.roundtrip(client);
    (client, wlr, ext)
}

/// A fullscreen window with this title.
fn window(fixture: &mut Fixture, shell: ClientId, title: &str, picture: Picture) -> Toplevel {
    let window = fixture.map(shell, picture);
    window.toplevel.set_title(title.into());
    window.toplevel.set_app_id("org.example.App".into());
    fixture.roundtrip(shell);
    window
}

#[test]
fn windows_are_listed_with_what_they_are_until_they_close() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let first = window(&mut fixture, shell, "first", Picture::Solid(GREEN));
    let (client, _wlr, _ext) = tool(&mut fixture);
    let second = window(&mut fixture, shell, "second", Picture::Solid(BLUE));
    second.toplevel.set_parent(Some(&first.toplevel));
    fixture.roundtrip(shell);
    fixture.roundtrip(client);

    let list = &fixture[client].seen.window_list;
    let (one, two) = (list.window("first"), list.window("second"));
    assert_eq!((one.app_id.as_str(), two.app_id.as_str()), ("org.example.App", "org.example.App"));
    assert_eq!(one.states, [FULLSCREEN]);
    assert_eq!(two.states, [ACTIVATED], "a dialog does not fill the screen");
    assert_eq!((one.parent.clone(), two.parent.clone()), (None, Some(one.handle.id())));
    assert!(one.done > 0 && two.done > 0);
    let titles: Vec<&str> = list.ext.iter().map(|listed| listed.title.as_str()).collect();
    assert_eq!(titles, ["first", "second"]);
    assert_ne!(list.ext[0].identifier, list.ext[1].identifier);
    assert!(list.ext.iter().all(|listed| (1..=32).contains(&listed.identifier.len())));

    // Without changes no events.
    let before: Vec<usize> = list.wlr.iter().map(|listed| listed.done).collect();
    fixture.roundtrip(shell);
    fixture.roundtrip(client);
    let list = &fixture[client].seen.window_list;
    assert_eq!(list.wlr.iter().map(|listed| listed.done).collect::<Vec<_>>(), before);

    second.surface.attach(None, 0, 0);
    second.surface.commit();
    fixture.roundtrip(shell);
    fixture.roundtrip(client);
    let list = &fixture[client].seen.window_list;
    assert_eq!(
        list.wlr.iter().filter(|listed| listed.closed).map(|listed| &listed.title).collect::<Vec<_>>(),
        ["second"]
    );
    assert_eq!(
        list.ext.iter().filter(|listed| listed.closed).map(|listed| &listed.title).collect::<Vec<_>>(),
        ["second"]
    );
    assert_eq!(list.window("first").states, [ACTIVATED, FULLSCREEN]);
}

#[test]
fn an_output_that_the_tool_has_is_told_whenever_it_was_bound() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    window(&mut fixture, shell, "page", Picture::Solid(GREEN));
    let (client, _wlr, _ext) = tool(&mut fixture);
    let late = fixture[client].wl_output(0);
    fixture.roundtrip(client);
    assert!(fixture[client].seen.window_list.window("page").outputs.contains(&late));
}

#[test]
fn a_tool_raises_a_window_and_asks_it_to_close_but_changes_no_size() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let below = window(&mut fixture, shell, "below", Picture::Solid(GREEN));
    window(&mut fixture, shell, "above", Picture::Solid(BLUE));
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), BLUE);
    let (client, _wlr, _ext) = tool(&mut fixture);
    let seat: WlSeat = fixture[client].bind();
    let handle = fixture[client].seen.window_list.window("below").handle.clone();
    handle.activate(&seat);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
    assert_eq!(fixture[client].seen.window_list.window("below").states, [ACTIVATED, FULLSCREEN]);

    let configures = fixture[shell].configures(&below).count();
    handle.unset_fullscreen();
    handle.set_minimized();
    handle.set_maximized();
    handle.close();
    fixture.roundtrip(client);
    fixture.roundtrip(shell);
    assert_eq!(fixture[shell].configures(&below).count(), configures);
    assert_eq!(fixture[shell].seen.closed, [below.id()]);
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
}

#[test]
fn a_list_that_was_stopped_is_told_of_no_window_that_comes_and_its_handles_go_on() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let first = window(&mut fixture, shell, "first", Picture::Solid(GREEN));
    let (client, wlr, ext) = tool(&mut fixture);
    wlr.stop();
    ext.stop();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.window_list.finished, 2);
    window(&mut fixture, shell, "second", Picture::Solid(BLUE));
    first.toplevel.set_title("renamed".into());
    fixture.roundtrip(shell);
    fixture.roundtrip(client);
    let list = &fixture[client].seen.window_list;
    assert_eq!((list.wlr.len(), list.ext.len()), (1, 1));
    assert_eq!((list.wlr[0].title.as_str(), list.ext[0].title.as_str()), ("renamed", "renamed"));
}

/// As wlrctl does: it binds, stops, and then waits for events.
#[test]
fn a_list_that_is_bound_and_stopped_at_once_has_the_windows_that_there_are() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    window(&mut fixture, shell, "first", Picture::Solid(GREEN));
    let client = fixture.client_of(Privilege::Admin);
    let (wlr, ext): (ZwlrForeignToplevelManagerV1, ExtForeignToplevelListV1) =
        (fixture[client].bind(), fixture[client].bind());
    wlr.stop();
    ext.stop();
    fixture.roundtrip(client);
    let list = &fixture[client].seen.window_list;
    assert_eq!((list.wlr.len(), list.ext.len(), list.finished), (1, 1, 2));
    assert_eq!((list.wlr[0].title.as_str(), list.ext[0].title.as_str()), ("first", "first"));
}

#[test]
fn a_window_whose_handle_the_tool_has_destroyed_is_not_told_of_again() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    window(&mut fixture, shell, "first", Picture::Solid(GREEN));
    let (client, _wlr, _ext) = tool(&mut fixture);
    let list = &fixture[client].seen.window_list;
    assert_eq!((list.wlr.len(), list.ext.len()), (1, 1));
    list.wlr[0].handle.destroy();
    list.ext[0].handle.destroy();
    for _ in 0..3 {
        fixture.roundtrip(client);
    }
    let list = &fixture[client].seen.window_list;
    assert_eq!((list.wlr.len(), list.ext.len()), (1, 1));
    // A new window is announced.
    window(&mut fixture, shell, "second", Picture::Solid(BLUE));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.window_list.wlr.len(), 2);
}
