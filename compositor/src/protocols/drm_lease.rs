//! drm-lease: a client drives a connector by itself, with its own modes and page flips (headsets, video walls). Opt-in:
//! only connectors that `[lease]` names are offered, which are no screens of ours. smithay's own is not used: it opens the
//! card by its path, which kioskd may not, ends clients whose request crosses a withdrawal, and hears of no lease whose
//! descriptor was closed.

use std::sync::{Mutex, PoisonError};

use smithay::reexports::{
    wayland_protocols::wp::drm_lease::v1::server::{
        wp_drm_lease_connector_v1::{self, WpDrmLeaseConnectorV1},
        wp_drm_lease_device_v1::{self, WpDrmLeaseDeviceV1},
        wp_drm_lease_request_v1::{self, Error, WpDrmLeaseRequestV1},
        wp_drm_lease_v1::{self, WpDrmLeaseV1},
    },
    wayland_server::{
        Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
        backend::{ClientId, GlobalId},
    },
};

use crate::{
    backend::lease::{DeviceNumber, LeaseOffer},
    kiosk::Kiosk,
    limits::{refusal, unread},
    protocols::dispatch::{globals, objects},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;

/// The state of the protocol.
#[derive(Default)]
pub struct DrmLeases {
    /// One global for each device that has connectors to lease.
    globals: Vec<(DeviceNumber, GlobalId)>,
    bound: Vec<(WpDrmLeaseDeviceV1, DeviceNumber)>,
    /// What clients were told may be leased, and was not withdrawn.
    told: Vec<Told>,
    leases: Vec<Held>,
    /// The displays or the leases have changed: clients are told at the end of the turn.
    stale: bool,
}

/// A connector that a client was told of.
struct Told {
    resource: WpDrmLeaseConnectorV1,
    device: WpDrmLeaseDeviceV1,
    offer: LeaseOffer,
}

/// A lease in force.
struct Held {
    resource: WpDrmLeaseV1,
    device: DeviceNumber,
    number: u32,
}

/// The data of a device's global and objects.
#[derive(Debug, Clone, Copy)]
pub struct Device(DeviceNumber);

/// The data of a connector's object.
#[derive(Debug, Clone, Copy)]
pub struct Connector {
    device: DeviceNumber,
    connector: u32,
}

/// The data of a request: its connectors, each once.
#[derive(Debug)]
pub struct Request {
    device: DeviceNumber,
    connectors: Mutex<Vec<u32>>,
}

impl DrmLeases {
    /// The displays may have changed, or which devices are ours.
    pub fn displays_changed(&mut self) {
        self.stale = true;
    }

    /// Tells one device object of all that is offered.
    fn tell(
        &mut self,
        display: &DisplayHandle,
        object: &WpDrmLeaseDeviceV1,
        number: DeviceNumber,
        offers: &[LeaseOffer],
    ) {
        let Some(client) = object.client() else { return };
        let mut changed = false;
        self.told.retain(|told| {
            let stays = told.device != *object || offers.contains(&told.offer);
            if !stays && told.resource.is_alive() {
                told.resource.withdrawn();
                changed = true;
            }
            stays
        });
        for offer in offers.iter().filter(|offer| offer.device == number) {
            if self.told.iter().any(|told| told.device == *object && told.offer == *offer) {
                continue;
            }
            let data = Connector { device: number, connector: offer.connector };
            let Ok(resource) =
                client.create_resource::<WpDrmLeaseConnectorV1, Connector, Kiosk>(display, VERSION, data)
            else {
                return;
            };
            object.connector(&resource);
            resource.name(offer.name.clone());
            resource.description(offer.description.clone());
            resource.connector_id(offer.connector);
            resource.done();
            self.told.push(Told { resource, device: object.clone(), offer: offer.clone() });
            changed = true;
        }
        if changed {
            object.done();
        }
    }
}

impl Kiosk {
    /// Brings clients up to date with what may be leased and with the leases that have ended, once a turn.
    pub(crate) fn tell_leases(&mut self) {
        if !std::mem::take(&mut self.protocols.drm_leases.stale) {
            return;
        }
        let backend = &mut self.hardware.backend;
        let devices = backend.lease_devices();
        let leases = &mut self.protocols.drm_leases;
        if devices.is_empty() && leases.globals.is_empty() {
            return;
        }
        leases.globals.retain(|(device, global)| {
            let here = devices.contains(device);
            if !here {
                self.main_loop.display.disable_global::<Kiosk>(global.clone());
            }
            here
        });
        for device in &devices {
            if !leases.globals.iter().any(|(known, _)| known == device) {
                let global =
                    self.main_loop.display.create_global::<Kiosk, WpDrmLeaseDeviceV1, Device>(VERSION, Device(*device));
                leases.globals.push((*device, global));
            }
        }
        let in_force: Vec<(DeviceNumber, u32)> = devices
            .iter()
            .flat_map(|device| backend.leases(*device).into_iter().map(move |number| (*device, number)))
            .collect();
        leases.leases.retain(|held| {
            let here = in_force.contains(&(held.device, held.number));
            if !here && held.resource.is_alive() {
                tracing::info!(number = held.number, "lease ended");
                held.resource.finished();
            }
            here
        });
        let offers = backend.lease_offers();
        for (object, number) in leases.bound.clone() {
            self.protocols.drm_leases.tell(&self.main_loop.display, &object, number, &offers);
        }
    }

    /// Grants a lease, or finishes it at once.
    fn grant_lease(&mut self, resource: WpDrmLeaseV1, device: DeviceNumber, connectors: &[u32]) {
        match self.hardware.backend.lease(device, connectors) {
            Ok(lease) => {
                tracing::info!(number = lease.number, ?connectors, "connectors leased");
                use std::os::fd::AsFd as _;
                resource.lease_fd(lease.fd.as_fd());
                let leases = &mut self.protocols.drm_leases;
                leases.leases.push(Held { resource, device, number: lease.number });
                leases.stale = true;
            }
            Err(error) => {
                tracing::debug!(%error, ?connectors, "no lease");
                resource.finished();
            }
        }
    }
}

impl GlobalDispatch<WpDrmLeaseDeviceV1, Device, Kiosk> for DrmLeases {
    fn bind(
        kiosk: &mut Kiosk,
        display: &DisplayHandle,
        client: &Client,
        resource: New<WpDrmLeaseDeviceV1>,
        device: &Device,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let object = init.init(resource, *device);
        if !unread::takes(client, 1, unread::Sent::Own) {
            refusal::post(&object, refusal::LIMIT, unread::UNREAD);
            return;
        }
        match kiosk.hardware.backend.lease_device_fd(device.0) {
            Ok(fd) => {
                use std::os::fd::AsFd as _;
                object.drm_fd(fd.as_fd());
            }
            // It comes with the device's next state; until then nothing is offered.
            Err(error) => {
                tracing::debug!(%error, "no file descriptor of the device for a lease");
                object.done();
                return;
            }
        }
        let offers = kiosk.hardware.backend.lease_offers();
        let leases = &mut kiosk.protocols.drm_leases;
        let told = leases.told.len();
        leases.tell(display, &object, device.0, &offers);
        if leases.told.len() == told {
            object.done();
        }
        leases.bound.push((object, device.0));
    }
}

impl Dispatch<WpDrmLeaseDeviceV1, Device, Kiosk> for DrmLeases {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &WpDrmLeaseDeviceV1,
        request: wp_drm_lease_device_v1::Request,
        device: &Device,
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        match request {
            wp_drm_lease_device_v1::Request::CreateLeaseRequest { id } => {
                init.init(id, Request { device: device.0, connectors: Mutex::default() });
            }
            wp_drm_lease_device_v1::Request::Release => {
                kiosk.protocols.drm_leases.bound.retain(|(bound, _)| bound != resource);
                resource.released();
            }
            _ => {}
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &WpDrmLeaseDeviceV1, _: &Device) {
        let leases = &mut kiosk.protocols.drm_leases;
        leases.bound.retain(|(bound, _)| bound != resource);
        leases.told.retain(|told| told.device != *resource);
    }
}

impl Dispatch<WpDrmLeaseConnectorV1, Connector, Kiosk> for DrmLeases {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &WpDrmLeaseConnectorV1,
        _: wp_drm_lease_connector_v1::Request,
        _: &Connector,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &WpDrmLeaseConnectorV1, _: &Connector) {
        kiosk.protocols.drm_leases.told.retain(|told| told.resource != *resource);
    }
}

impl Dispatch<WpDrmLeaseRequestV1, Request, Kiosk> for DrmLeases {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &WpDrmLeaseRequestV1,
        request: wp_drm_lease_request_v1::Request,
        data: &Request,
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let mut connectors = data.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        match request {
            wp_drm_lease_request_v1::Request::RequestConnector { connector } => {
                let Some(wanted) = connector.data::<Connector>() else { return };
                if wanted.device != data.device {
                    refusal::post(resource, Error::WrongDevice, "this connector is one of another device");
                } else if connectors.contains(&wanted.connector) {
                    refusal::post(resource, Error::DuplicateConnector, "this connector is requested already");
                } else {
                    connectors.push(wanted.connector);
                }
            }
            wp_drm_lease_request_v1::Request::Submit { id } => {
                let lease = init.init(id, ());
                match connectors.is_empty() {
                    true => refusal::post(resource, Error::EmptyLease, "no connector was requested"),
                    false => kiosk.grant_lease(lease, data.device, &connectors),
                }
            }
            _ => {}
        }
    }
}

impl Dispatch<WpDrmLeaseV1, (), Kiosk> for DrmLeases {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &WpDrmLeaseV1,
        _: wp_drm_lease_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &WpDrmLeaseV1, (): &()) {
        let leases = &mut kiosk.protocols.drm_leases;
        let Some(at) = leases.leases.iter().position(|held| held.resource == *resource) else { return };
        let Held { device, number, .. } = leases.leases.swap_remove(at);
        leases.stale = true;
        tracing::info!(number, "lease given back");
        kiosk.hardware.backend.revoke_lease(device, number);
    }
}

globals! {
    WpDrmLeaseDeviceV1, Device => DrmLeases;
}
objects! {
    WpDrmLeaseDeviceV1, Device => DrmLeases;
    WpDrmLeaseConnectorV1, Connector => DrmLeases;
    WpDrmLeaseRequestV1, Request => DrmLeases;
    WpDrmLeaseV1, () => DrmLeases;
}
