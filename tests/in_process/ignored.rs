//! Requests of toolkits that a kiosk accepts without effect or refuses: icons, the bell, tearing, content types,
//! shortcuts, session lock; and destroyed registries.

use smithay::wayland::{compositor::with_states, content_type::ContentTypeSurfaceCachedState};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop, protocol::wl_fixes::WlFixes};
use wayland_protocols::{
    ext::session_lock::v1::client::{
        ext_session_lock_manager_v1::ExtSessionLockManagerV1,
        ext_session_lock_surface_v1::ExtSessionLockSurfaceV1,
        ext_session_lock_v1::{self, ExtSessionLockV1},
    },
    wp::{
        content_type::v1::client::{
            wp_content_type_manager_v1::WpContentTypeManagerV1,
            wp_content_type_v1::{Type, WpContentTypeV1},
        },
        keyboard_shortcuts_inhibit::zv1::client::{
            zwp_keyboard_shortcuts_inhibit_manager_v1::ZwpKeyboardShortcutsInhibitManagerV1,
            zwp_keyboard_shortcuts_inhibitor_v1::{self, ZwpKeyboardShortcutsInhibitorV1},
        },
        tearing_control::v1::client::{
            wp_tearing_control_manager_v1::WpTearingControlManagerV1,
            wp_tearing_control_v1::{PresentationHint, WpTearingControlV1},
        },
    },
    xdg::{
        system_bell::v1::client::xdg_system_bell_v1::XdgSystemBellV1,
        toplevel_icon::v1::client::{
            xdg_toplevel_icon_manager_v1::{self, XdgToplevelIconManagerV1},
            xdg_toplevel_icon_v1::{self, XdgToplevelIconV1},
        },
    },
};

use crate::fixture::{
    ClientId, Fixture,
    hands::keys,
    picture::{BLUE, Picture, RED},
    seen::{Extra, Global, KeySeen, Seen},
};

delegate_noop!(Seen: XdgToplevelIconV1);
delegate_noop!(Seen: XdgSystemBellV1);
delegate_noop!(Seen: WpTearingControlManagerV1);
delegate_noop!(Seen: WpTearingControlV1);
delegate_noop!(Seen: WpContentTypeManagerV1);
delegate_noop!(Seen: WpContentTypeV1);
delegate_noop!(Seen: ZwpKeyboardShortcutsInhibitManagerV1);
delegate_noop!(Seen: ExtSessionLockManagerV1);
delegate_noop!(Seen: ignore ExtSessionLockSurfaceV1);
delegate_noop!(Seen: WlFixes);

impl Dispatch<XdgToplevelIconManagerV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &XdgToplevelIconManagerV1,
        event: xdg_toplevel_icon_manager_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_toplevel_icon_manager_v1::Event::Done = event {
            seen.extra.push(Extra::AllSaid);
        }
    }
}

impl Dispatch<ZwpKeyboardShortcutsInhibitorV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZwpKeyboardShortcutsInhibitorV1,
        event: zwp_keyboard_shortcuts_inhibitor_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwp_keyboard_shortcuts_inhibitor_v1::Event::Active = event {
            seen.extra.push(Extra::Granted);
        }
    }
}

impl Dispatch<ExtSessionLockV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ExtSessionLockV1,
        event: ext_session_lock_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            ext_session_lock_v1::Event::Finished => seen.extra.push(Extra::Refused),
            ext_session_lock_v1::Event::Locked => seen.extra.push(Extra::Granted),
            _ => {}
        }
    }
}

/// The error of the client after all its requests.
#[track_caller]
fn turned_out(fixture: &mut Fixture, client: ClientId) -> Option<(String, u32)> {
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    fixture.assert_serving();
    fixture[client].error()
}

#[test]
fn an_icon_is_taken_and_not_shown() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let icons: XdgToplevelIconManagerV1 = fixture[client].bind();
    fixture.roundtrip(client);
    assert!(fixture[client].seen.extra.contains(&Extra::AllSaid), "toolkits wait for it");
    let icon = icons.create_icon(&handle, ());
    icon.set_name("text-html".into());
    let square = fixture[client].buffer(Picture::Solid(BLUE), 16, 16);
    icon.add_buffer(&square, 1);
    icons.set_icon(&window.toplevel, Some(&icon));
    icon.destroy();
    square.destroy();
    icons.set_icon(&window.toplevel, None);
    window.surface.commit();
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture[client].error(), None);
    assert!(fixture.panel().rgba.chunks_exact(4).all(|pixel| pixel[..3] == RED));
}

#[test]
fn an_icon_that_is_none_is_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let handle = fixture[client].handle.clone();
    let icons: XdgToplevelIconManagerV1 = fixture[client].bind();
    let icon = icons.create_icon(&handle, ());
    icon.add_buffer(&fixture[client].buffer(Picture::Solid(BLUE), 16, 12), 1);
    let error = turned_out(&mut fixture, client);
    assert_eq!(error, Some(("xdg_toplevel_icon_v1".into(), xdg_toplevel_icon_v1::Error::InvalidBuffer as u32)));

    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let icons: XdgToplevelIconManagerV1 = fixture[client].bind();
    let icon = icons.create_icon(&handle, ());
    icons.set_icon(&window.toplevel, Some(&icon));
    icon.set_name("text-html".into());
    let error = turned_out(&mut fixture, client);
    assert_eq!(error, Some(("xdg_toplevel_icon_v1".into(), xdg_toplevel_icon_v1::Error::Immutable as u32)));
}

#[test]
fn a_bell_and_tearing_are_taken_without_effect() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let bell: XdgSystemBellV1 = fixture[client].bind();
    let frames = fixture.panels.frames();
    for _ in 0..1000 {
        bell.ring(Some(&window.surface));
        bell.ring(None);
    }
    let tearing: WpTearingControlManagerV1 = fixture[client].bind();
    let control = tearing.get_tearing_control(&window.surface, &handle, ());
    control.set_presentation_hint(PresentationHint::Async);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panels.frames(), frames, "a bell is not seen");
    control.destroy();
    let control = tearing.get_tearing_control(&window.surface, &handle, ());
    fixture.roundtrip(client);
    assert_eq!(fixture[client].error(), None, "one after the other is no two");
    tearing.get_tearing_control(&window.surface, &handle, ());
    assert_eq!(turned_out(&mut fixture, client), Some(("wp_tearing_control_manager_v1".into(), 0)));
    drop(control);
}

#[test]
fn shortcuts_are_inhibited_but_for_the_ways_out() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let seat = fixture[client].bound().seat.clone();
    let inhibitors: ZwpKeyboardShortcutsInhibitManagerV1 = fixture[client].bind();
    inhibitors.inhibit_shortcuts(&window.surface, &seat, &handle, ());
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.extra.iter().filter(|extra| **extra == Extra::Granted).count(), 1);
    fixture[client].seen.keyboard.clear();
    fixture.key(keys::LEFT_ALT, true);
    fixture.tap_key(keys::A);
    fixture.key(keys::LEFT_CTRL, true);
    fixture.tap_key(keys::F2);
    fixture.roundtrip(client);
    let is = |wanted: u32| move |seen: &&KeySeen| matches!(seen, KeySeen::Key { code, .. } if *code == wanted);
    let count = |code: u32| fixture[client].seen.keyboard.iter().filter(is(code)).count();
    assert_eq!(count(keys::A), 2, "a shortcut of other compositors is the page's");
    assert_eq!(count(keys::F2), 0, "the keys that switch the terminal reach no client");
    assert_eq!(fixture.panels.virtual_terminals(), [2]);
    inhibitors.inhibit_shortcuts(&window.surface, &seat, &handle, ());
    let error = turned_out(&mut fixture, client);
    assert_eq!(error, Some(("zwp_keyboard_shortcuts_inhibit_manager_v1".into(), 0)));
}

#[test]
fn a_session_lock_is_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    let page = fixture.client();
    fixture.map(page, Picture::Solid(RED));
    let locker = fixture.client();
    let handle = fixture[locker].handle.clone();
    let locks: ExtSessionLockManagerV1 = fixture[locker].bind();
    let lock = locks.lock(&handle, ());
    // As lockers do, without waiting for an answer.
    let surface = fixture[locker].surface();
    let output = fixture[locker].wl_output(0);
    let lock_surface = lock.get_lock_surface(&surface, &output, &handle, ());
    fixture.roundtrip(locker);
    assert_eq!(fixture[locker].seen.extra, [Extra::Refused]);
    lock_surface.destroy();
    lock.destroy();
    surface.destroy();
    fixture.roundtrip(locker);
    assert_eq!(fixture[locker].error(), None);
    fixture.still();
    assert_eq!(fixture.panel().pixel(5, 5), RED);
    fixture.tap_key(keys::A);
    fixture.roundtrip(page);
    let keys = fixture[page].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count();
    assert_eq!(keys, 2, "the page has its keys");

    locks.lock(&handle, ()).unlock_and_destroy();
    // The object is destroyed on the client's side, so its name is not known.
    let code = turned_out(&mut fixture, locker).map(|(_, code)| code);
    assert_eq!(code, Some(ext_session_lock_v1::Error::InvalidUnlock as u32));
}

#[test]
fn registries_that_are_given_back_are_made_anew_without_end() {
    let heads = Fixture::new(&["320x200"]).panels.heads();
    let mut fixture = Fixture::new(&[]);
    let client = fixture.client();
    let fixes: WlFixes = fixture[client].bind();
    for turn in 0..60 {
        for _ in 0..50 {
            let registry = fixture[client].another_registry();
            fixes.destroy_registry(&registry);
        }
        fixture.roundtrip(client);
        assert!(!fixture[client].is_gone(), "after {turn} times 50");
    }
    // The client's own registry still works: it gets the global of the screen that replaces the virtual one.
    let known = fixture[client].seen.globals.clone();
    fixture.plug(heads);
    fixture.until("a new screen", |fixture| {
        let is_new = |global: &Global| global.interface == "wl_output" && !known.contains(global);
        fixture[client].seen.globals.iter().any(is_new)
    });
}

/// Players tell it of their video. It counts from the next commit on.
#[test]
fn a_surfaces_content_type_is_taken_with_its_commit_and_gone_with_its_object() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let manager: WpContentTypeManagerV1 = fixture[client].bind();
    let known = |fixture: &Fixture| {
        let surface = fixture.kiosk.stage.windows.iter().next().and_then(|shown| shown.window.wl_surface()).unwrap();
        with_states(&surface, |states| {
            *states.cached_state.get::<ContentTypeSurfaceCachedState>().current().content_type() as u32
        })
    };
    let content = manager.get_surface_content_type(&window.surface, &handle, ());
    content.set_content_type(Type::Video);
    fixture.roundtrip(client);
    assert_eq!(known(&fixture), Type::None as u32, "not committed");
    window.surface.commit();
    fixture.roundtrip(client);
    assert_eq!(known(&fixture), Type::Video as u32);
    content.destroy();
    window.surface.commit();
    fixture.roundtrip(client);
    assert_eq!(known(&fixture), Type::None as u32);
    fixture.fill(client, &window, Picture::Solid(BLUE));
    fixture.until("the next picture", |fixture| fixture.panel().pixel(5, 5) == BLUE);

    let _again = manager.get_surface_content_type(&window.surface, &handle, ());
    manager.get_surface_content_type(&window.surface, &handle, ());
    assert_eq!(turned_out(&mut fixture, client), Some(("wp_content_type_manager_v1".into(), 0)));
}
