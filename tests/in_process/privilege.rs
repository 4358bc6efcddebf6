//! Which globals a client sees, by the socket it came through.

use std::collections::BTreeSet;

use kioskd::privilege::{ClientState, Privilege, may_bind};

use crate::fixture::{ClientId, Fixture};

/// What is for trusted tools alone, whether or not it is offered yet.
const FOR_ADMINS: [&str; 9] = [
    "zwlr_output_manager_v1",
    "zwlr_output_power_manager_v1",
    "zwlr_screencopy_manager_v1",
    "ext_image_copy_capture_manager_v1",
    "zwlr_layer_shell_v1",
    "zwp_virtual_keyboard_manager_v1",
    "zwlr_virtual_pointer_manager_v1",
    "zwlr_data_control_manager_v1",
    "ext_data_control_manager_v1",
];

/// What Chromium and the toolkits look for and can be given without a GPU.
const FOR_EVERYONE: [&str; 24] = [
    "wl_compositor",
    "wl_subcompositor",
    "wl_shm",
    "wl_seat",
    "wl_output",
    "wl_data_device_manager",
    "xdg_wm_base",
    "xdg_wm_dialog_v1",
    "xdg_activation_v1",
    "zxdg_decoration_manager_v1",
    "zxdg_output_manager_v1",
    "wp_viewporter",
    "wp_presentation",
    "wp_fractional_scale_manager_v1",
    "wp_single_pixel_buffer_manager_v1",
    "wp_content_type_manager_v1",
    "wp_cursor_shape_manager_v1",
    "zwp_primary_selection_device_manager_v1",
    "zwp_relative_pointer_manager_v1",
    "zwp_pointer_constraints_v1",
    "zwp_pointer_gestures_v1",
    "zwp_tablet_manager_v2",
    "zwp_idle_inhibit_manager_v1",
    "ext_idle_notifier_v1",
];

fn seen(fixture: &Fixture, client: ClientId) -> BTreeSet<String> {
    fixture[client].seen.globals.iter().map(|global| global.interface.clone()).collect()
}

#[test]
fn the_shell_sees_what_it_needs_and_nothing_that_is_for_admins() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let globals = seen(&fixture, shell);
    for interface in FOR_EVERYONE {
        assert!(globals.contains(interface), "{interface} is not offered");
    }
    for interface in FOR_ADMINS {
        assert!(!globals.contains(interface), "{interface} is offered to the shell");
    }
}

#[test]
fn every_global_there_is_asks_for_the_privilege() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let admin = fixture.client_of(Privilege::Admin);
    let (for_shell, for_admin) = (seen(&fixture, shell), seen(&fixture, admin));
    let (_ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let state = ClientState::new(&mut fixture.kiosk.protocols.limits, Privilege::Shell, 0, 0, None).unwrap();
    let stranger = fixture.kiosk.display.insert_client(theirs, state).unwrap();
    for interface in &for_admin {
        assert_eq!(for_shell.contains(interface), may_bind(&stranger, interface), "{interface}");
    }
    assert!(for_shell.is_subset(&for_admin));
}

#[test]
fn a_global_bound_by_a_guessed_number_is_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    for number in 1000..1010 {
        let handle = fixture[client].handle.clone();
        fixture[client].registry.bind::<wayland_client::protocol::wl_shm::WlShm, _, _>(number, 1, &handle, ());
    }
    fixture[client].sync();
    fixture.until("the client to be turned out", |fixture| fixture[client].is_gone());
    fixture.assert_serving();
}
