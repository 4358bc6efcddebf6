//! drm-lease with a device that lends in name only: what clients are told, granted and refused. The kernel's own part, in
//! `backend::kms`, is not tested here.

use kioskd::privilege::Privilege;
use wayland_client::Proxy;
use wayland_protocols::wp::drm_lease::v1::client::{
    wp_drm_lease_device_v1::WpDrmLeaseDeviceV1, wp_drm_lease_request_v1::Error, wp_drm_lease_v1::WpDrmLeaseV1,
};

use crate::fixture::{
    ClientId, Fixture,
    picture::{GREEN, Picture},
};

/// With these connectors for clients.
fn lending(connectors: &[u32]) -> Fixture {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.panels.offer_leases(connectors);
    fixture.kiosk.displays_changed();
    fixture.kiosk.settle();
    fixture
}

fn lessee(fixture: &mut Fixture) -> (ClientId, WpDrmLeaseDeviceV1) {
    let client = fixture.client_of(Privilege::Admin);
    let device: WpDrmLeaseDeviceV1 = fixture[client].bind();
    fixture.roundtrip(client);
    (client, device)
}

/// Asks for all connectors that the client knows of, and gets an answer.
fn ask(fixture: &mut Fixture, client: ClientId, device: &WpDrmLeaseDeviceV1) -> WpDrmLeaseV1 {
    let handle = fixture[client].handle.clone();
    let request = device.create_lease_request(&handle, ());
    for connector in fixture[client].seen.leases.offered() {
        request.request_connector(&connector.object);
    }
    let lease = request.submit(&handle, ());
    fixture.roundtrip(client);
    lease
}

fn offered(fixture: &mut Fixture, client: ClientId) -> Vec<u32> {
    fixture.roundtrip(client);
    fixture[client].seen.leases.offered().iter().map(|connector| connector.number).collect()
}

#[test]
fn without_a_connector_in_the_configuration_there_is_nothing_to_bind() {
    let mut fixture = Fixture::new(&["320x200"]);
    let tool = fixture.client_of(Privilege::Admin);
    let is_lease = |global: &crate::fixture::seen::Global| global.interface == "wp_drm_lease_device_v1";
    assert!(!fixture[tool].seen.globals.iter().any(is_lease));
    let mut fixture = lending(&[41]);
    let page = fixture.client();
    assert!(!fixture[page].seen.globals.iter().any(is_lease), "the shell may not");
}

#[test]
fn a_connector_is_one_clients_until_it_gives_it_back_or_dies() {
    let mut fixture = lending(&[41, 42]);
    let page = fixture.client();
    fixture.map(page, Picture::Solid(GREEN));
    let ((first, device), (second, others)) = (lessee(&mut fixture), lessee(&mut fixture));
    let log = &fixture[first].seen.leases;
    assert_eq!((log.device_fds, log.done, log.connectors.len()), (1, 1, 2));
    assert!(
        log.connectors.iter().all(|connector| connector.done && connector.name == format!("DP-{}", connector.number))
    );
    let lease = ask(&mut fixture, first, &device);
    assert_eq!(fixture[first].seen.leases.granted[0].0, lease.id());
    assert_eq!(fixture.panels.lessor(|lessor| lessor.leases.clone()), [(1, vec![41, 42])]);
    assert!(offered(&mut fixture, second).is_empty(), "they are not withdrawn");
    assert_eq!(fixture[second].seen.leases.done, 2);

    // Given back.
    lease.destroy();
    assert_eq!(offered(&mut fixture, first), [41, 42]);
    assert_eq!(offered(&mut fixture, second), [41, 42]);
    assert_eq!(fixture.panels.lessor(|lessor| lessor.leases.len()), 0);

    let _lease = ask(&mut fixture, second, &others);
    assert_eq!(fixture[second].seen.leases.granted.len(), 1);
    fixture.disconnect(second);
    fixture.until("the connectors of the dead", |fixture| {
        fixture.panels.lessor(|lessor| lessor.leases.is_empty()) && fixture[first].seen.leases.offered().len() == 2
    });
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
}

#[test]
fn who_asks_for_what_was_just_lent_or_refused_is_told_so_and_lives() {
    let mut fixture = lending(&[41]);
    let ((first, device), (second, others)) = (lessee(&mut fixture), lessee(&mut fixture));
    let handle = fixture[second].handle.clone();
    let request = others.create_lease_request(&handle, ());
    request.request_connector(&fixture[second].seen.leases.connectors[0].object);
    ask(&mut fixture, first, &device);
    let late = request.submit(&handle, ());
    fixture.roundtrip(second);
    assert_eq!(fixture[second].seen.leases.finished, [late.id()]);
    assert!(fixture[second].seen.leases.granted.is_empty());

    let mut fixture = lending(&[41]);
    let (client, device) = lessee(&mut fixture);
    fixture.panels.lessor(|lessor| lessor.refuses = true);
    let lease = ask(&mut fixture, client, &device);
    assert_eq!(fixture[client].seen.leases.finished, [lease.id()]);
    assert_eq!(offered(&mut fixture, client), [41]);
}

#[test]
fn a_lease_whose_descriptor_is_closed_and_one_whose_cable_is_pulled_end() {
    let mut fixture = lending(&[41]);
    let (client, device) = lessee(&mut fixture);
    let lease = ask(&mut fixture, client, &device);
    // As the kernel does it, with an event of the device.
    fixture.panels.lessor(|lessor| lessor.leases.clear());
    fixture.kiosk.displays_changed();
    fixture.kiosk.settle();
    assert_eq!(offered(&mut fixture, client), [41]);
    assert_eq!(fixture[client].seen.leases.finished, [lease.id()]);

    let lease = ask(&mut fixture, client, &device);
    fixture.panels.lessor(|lessor| lessor.leases.clear());
    fixture.panels.offer_leases(&[]);
    fixture.kiosk.displays_changed();
    fixture.kiosk.settle();
    assert!(offered(&mut fixture, client).is_empty());
    assert!(fixture[client].seen.leases.finished.contains(&lease.id()));
    fixture.panels.offer_leases(&[41, 43]);
    fixture.kiosk.displays_changed();
    fixture.kiosk.settle();
    assert_eq!(offered(&mut fixture, client), [41, 43]);
}

#[test]
fn requests_that_are_none_end_their_client() {
    let wrong: [fn(&mut Fixture, ClientId, &WpDrmLeaseDeviceV1) -> Error; 2] = [
        |fixture, client, device| {
            let handle = fixture[client].handle.clone();
            device.create_lease_request(&handle, ()).submit(&handle, ());
            Error::EmptyLease
        },
        |fixture, client, device| {
            let handle = fixture[client].handle.clone();
            let request = device.create_lease_request(&handle, ());
            let connector = fixture[client].seen.leases.connectors[0].object.clone();
            request.request_connector(&connector);
            request.request_connector(&connector);
            Error::DuplicateConnector
        },
    ];
    for wrong in wrong {
        let mut fixture = lending(&[41]);
        let (client, device) = lessee(&mut fixture);
        let error = wrong(&mut fixture, client, &device);
        fixture[client].sync();
        fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
        // Submitting destroys the object that is told.
        assert_eq!(fixture[client].error().map(|(_, code)| code), Some(error as u32));
        assert_eq!(fixture.panels.lessor(|lessor| lessor.granted), 0);
        fixture.assert_serving();
    }
}

#[test]
fn objects_may_be_left_in_any_order_and_have_a_number() {
    let mut fixture = lending(&[41]);
    let (client, device) = lessee(&mut fixture);
    let handle = fixture[client].handle.clone();
    let request = device.create_lease_request(&handle, ());
    let connector = fixture[client].seen.leases.connectors[0].object.clone();
    request.request_connector(&connector);
    connector.destroy();
    device.release();
    let lease = request.submit(&handle, ());
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.leases.released, 1);
    assert_eq!(fixture[client].seen.leases.granted[0].0, lease.id());
    fixture.disconnect(client);
    fixture.until("the lease to end", |fixture| fixture.panels.lessor(|lessor| lessor.leases.is_empty()));

    let (client, device) = lessee(&mut fixture);
    let handle = fixture[client].handle.clone();
    for _ in 0..200_000 {
        device.create_lease_request(&handle, ());
        if fixture[client].is_gone() {
            break;
        }
        fixture[client].sync();
        fixture.turn(std::time::Duration::ZERO);
    }
    assert!(fixture[client].is_gone(), "requests without end");
    fixture.assert_serving();
}
