//! Tools that list windows wrongly or without limit.

use kioskd::{
    limits::{refusal::LIMIT, table::ADMIN_FACTOR},
    privilege::Privilege,
};
use wayland_client::protocol::wl_seat::WlSeat;
use wayland_protocols_wlr::foreign_toplevel::v1::client::zwlr_foreign_toplevel_manager_v1::ZwlrForeignToplevelManagerV1;

use super::Bystander;
use crate::fixture::{
    Fixture, Setup,
    picture::{GREEN, Picture},
};

#[test]
fn a_rectangle_without_size_ends_the_client() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let client = fixture.client_of(Privilege::Admin);
    let _manager: ZwlrForeignToplevelManagerV1 = fixture[client].bind();
    fixture.roundtrip(client);
    let handle = fixture[client].seen.window_list.wlr[0].handle.clone();
    let surface = fixture[client].surface();
    handle.set_rectangle(&surface, 0, 0, -1, 5);
    assert_eq!(fixture.protocol_error_of(client), ("zwlr_foreign_toplevel_handle_v1".to_owned(), 0));
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_handle_of_a_closed_window_does_nothing() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREEN));
    let client = fixture.client_of(Privilege::Admin);
    let manager: ZwlrForeignToplevelManagerV1 = fixture[client].bind();
    let seat: WlSeat = fixture[client].bind();
    fixture.roundtrip(client);
    fixture.disconnect(shell);
    fixture.roundtrip(client);
    let list = &fixture[client].seen.window_list;
    assert_eq!(list.wlr.iter().filter(|listed| listed.closed).count(), 1);
    manager.stop();
    for listed in &list.wlr {
        listed.handle.activate(&seat);
        listed.handle.close();
        listed.handle.destroy();
    }
    fixture.roundtrip(client);
    assert!(fixture[client].error().is_none());
    bystander.assert_seen(&mut fixture);
}

#[test]
fn handles_have_an_end() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits.objects = 20;
    let mut fixture = setup.start();
    let bystander = Bystander::new(&mut fixture);
    let client = fixture.client_of(Privilege::Admin);
    // Managers end, but not their handles.
    for _ in 0..=20 * ADMIN_FACTOR {
        let manager: ZwlrForeignToplevelManagerV1 = fixture[client].bind();
        fixture[client].sync();
        fixture.until("the list", |fixture| {
            let told = fixture[client].seen.window_list.wlr.len();
            fixture[client].is_gone() || told > fixture[client].seen.window_list.finished
        });
        if fixture[client].is_gone() {
            break;
        }
        manager.stop();
        fixture.roundtrip(client);
    }
    assert_eq!(fixture[client].error(), Some(("zwlr_foreign_toplevel_manager_v1".to_owned(), LIMIT)));
    assert_eq!(fixture[client].seen.window_list.wlr.len(), 20 * ADMIN_FACTOR as usize);
    bystander.assert_seen(&mut fixture);
}
