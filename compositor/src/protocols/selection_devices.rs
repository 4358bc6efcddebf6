//! Data devices: what their clients copy, what a new one is told, and the cleanup of those of clients that died.
//!
//! WORKAROUND(smithay:dead-devices): smithay forgets a device only when its client destroys it. Those of killed clients
//! are kept for ever, and each selection goes through all of them. They are destroyed before the next device is
//! created, so that there are never more than were alive at one time.

use smithay::{
    reexports::{
        wayland_protocols::{
            ext::data_control::v1::server::{
                ext_data_control_device_v1::{self, ExtDataControlDeviceV1},
                ext_data_control_manager_v1::{self, ExtDataControlManagerV1},
            },
            wp::primary_selection::zv1::server::{
                zwp_primary_selection_device_manager_v1::{self, ZwpPrimarySelectionDeviceManagerV1},
                zwp_primary_selection_device_v1::{self, ZwpPrimarySelectionDeviceV1},
            },
        },
        wayland_protocols_wlr::data_control::v1::server::{
            zwlr_data_control_device_v1::{self, ZwlrDataControlDeviceV1},
            zwlr_data_control_manager_v1::{self, ZwlrDataControlManagerV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource,
            backend::{ClientId, ObjectId},
            protocol::{
                wl_data_device::{self, WlDataDevice},
                wl_data_device_manager::{self, WlDataDeviceManager},
            },
        },
    },
    wayland::selection::{
        SelectionTarget,
        data_device::{DataDeviceState, DataDeviceUserData, set_data_device_focus},
        ext_data_control::{self, ExtDataControlDeviceUserData, ExtDataControlManagerUserData},
        primary_selection::{PrimaryDeviceUserData, PrimarySelectionState, set_primary_focus},
        wlr_data_control::{self, DataControlDeviceUserData, DataControlManagerUserData},
    },
};

use super::selection_sources::Source;
use crate::{
    kiosk::Kiosk,
    limits::refusal::{self, LIMIT},
    privilege::ClientState,
    protocols::dispatch::objects,
};

/// Devices of one client, of each kind: each is offered every selection, with all its MIME types. Toolkits make one.
const MAX_DEVICES: u32 = 16;
const TOO_MANY: &str = "too many devices: one client may have 16 of each kind at a time";

/// Passes requests on to smithay, after it has destroyed the devices of dead clients.
pub struct SelectionDevices;

/// Devices of clients that died.
#[derive(Debug, Default)]
pub struct DeadDevices {
    data: Vec<WlDataDevice>,
    primary: Vec<ZwpPrimarySelectionDeviceV1>,
    ext: Vec<ExtDataControlDeviceV1>,
    wlr: Vec<ZwlrDataControlDeviceV1>,
}

/// The selection that a request sets, and its source.
type Selected = Option<(SelectionTarget, Option<Source>)>;

fn core(request: &wl_data_device::Request) -> Selected {
    match request {
        wl_data_device::Request::SetSelection { source, .. } => {
            Some((SelectionTarget::Clipboard, source.clone().map(Source::Core)))
        }
        _ => None,
    }
}

fn primary(request: &zwp_primary_selection_device_v1::Request) -> Selected {
    match request {
        zwp_primary_selection_device_v1::Request::SetSelection { source, .. } => {
            Some((SelectionTarget::Primary, source.clone().map(Source::Primary)))
        }
        _ => None,
    }
}

fn ext(request: &ext_data_control_device_v1::Request) -> Selected {
    match request {
        ext_data_control_device_v1::Request::SetSelection { source } => {
            Some((SelectionTarget::Clipboard, source.clone().map(Source::Ext)))
        }
        ext_data_control_device_v1::Request::SetPrimarySelection { source } => {
            Some((SelectionTarget::Primary, source.clone().map(Source::Ext)))
        }
        _ => None,
    }
}

fn wlr(request: &zwlr_data_control_device_v1::Request) -> Selected {
    match request {
        zwlr_data_control_device_v1::Request::SetSelection { source } => {
            Some((SelectionTarget::Clipboard, source.clone().map(Source::Wlr)))
        }
        zwlr_data_control_device_v1::Request::SetPrimarySelection { source } => {
            Some((SelectionTarget::Primary, source.clone().map(Source::Wlr)))
        }
        _ => None,
    }
}

/// Of windows: who has the keyboard sets the selection.
fn focused(kiosk: &Kiosk, device: &ObjectId) -> bool {
    let keyboard = kiosk.seat.seat.get_keyboard();
    keyboard.is_some_and(|keyboard| keyboard.client_of_object_has_focus(device))
}

/// Of trusted tools: each may.
fn anybody(_: &Kiosk, _: &ObjectId) -> bool {
    true
}

/// Whether the client has more devices of this kind than it may, with the one that it makes now.
fn has_too_many(client: &Client, interface: &'static str) -> bool {
    client.get_data::<ClientState>().is_some_and(|state| state.counts.used(interface) > MAX_DEVICES)
}

/// Offers the clipboard to all devices of the client that has the keyboard: smithay does so only when it gets it.
fn tell_clipboard(kiosk: &Kiosk, client: &Client) {
    set_data_device_focus(&kiosk.main_loop.display, &kiosk.seat.seat, None);
    set_data_device_focus(&kiosk.main_loop.display, &kiosk.seat.seat, Some(client.clone()));
}

/// The same with the primary selection.
fn tell_primary(kiosk: &Kiosk, client: &Client) {
    set_primary_focus(&kiosk.main_loop.display, &kiosk.seat.seat, None);
    set_primary_focus(&kiosk.main_loop.display, &kiosk.seat.seat, Some(client.clone()));
}

/// A tool's new device is told by smithay.
fn told_by_smithay(_: &Kiosk, _: &Client) {}

macro_rules! devices {
    ($(
        $dead:ident: $state:ty, $manager:ty, $manager_data:ty, $get:path
            => $device:ty, $data:ty, $destroy:expr, $selected:path, $may:path, $tell:path;
    )+) => {$(
        impl Dispatch<$manager, $manager_data, Kiosk> for SelectionDevices {
            fn request(
                kiosk: &mut Kiosk,
                client: &Client,
                manager: &$manager,
                request: <$manager as Resource>::Request,
                data: &$manager_data,
                display: &DisplayHandle,
                init: &mut DataInit<'_, Kiosk>,
            ) {
                let makes = matches!(request, $get { .. });
                if makes {
                    if has_too_many(client, <$device as Resource>::interface().name) {
                        refusal::post(manager, LIMIT, TOO_MANY);
                        return;
                    }
                    for device in std::mem::take(&mut kiosk.protocols.dead_devices.$dead) {
                        if let Some(data) = device.data::<$data>() {
                            <$state as Dispatch<$device, $data, Kiosk>>::request(
                                kiosk, client, &device, $destroy, data, display, init,
                            );
                        }
                    }
                }
                <$state as Dispatch<$manager, $manager_data, Kiosk>>::request(
                    kiosk, client, manager, request, data, display, init,
                );
                if makes && focused(kiosk, &manager.id()) {
                    $tell(kiosk, client);
                }
            }
        }

        impl Dispatch<$device, $data, Kiosk> for SelectionDevices {
            fn request(
                kiosk: &mut Kiosk,
                client: &Client,
                device: &$device,
                request: <$device as Resource>::Request,
                data: &$data,
                display: &DisplayHandle,
                init: &mut DataInit<'_, Kiosk>,
            ) {
                if let Some((kind, source)) = $selected(&request) {
                    if $may(kiosk, &device.id()) {
                        kiosk.select(kind, source);
                    }
                    return;
                }
                <$state as Dispatch<$device, $data, Kiosk>>::request(
                    kiosk, client, device, request, data, display, init,
                );
            }

            fn destroyed(kiosk: &mut Kiosk, client: ClientId, device: &$device, data: &$data) {
                kiosk.protocols.dead_devices.$dead.push(device.clone());
                <$state as Dispatch<$device, $data, Kiosk>>::destroyed(kiosk, client, device, data);
            }
        }

        objects! {
            $manager, $manager_data => SelectionDevices;
            $device, $data => SelectionDevices;
        }
    )+};
}

devices! {
    data: DataDeviceState, WlDataDeviceManager, (), wl_data_device_manager::Request::GetDataDevice
        => WlDataDevice, DataDeviceUserData, wl_data_device::Request::Release, core, focused, tell_clipboard;
    primary: PrimarySelectionState, ZwpPrimarySelectionDeviceManagerV1, (),
        zwp_primary_selection_device_manager_v1::Request::GetDevice
        => ZwpPrimarySelectionDeviceV1, PrimaryDeviceUserData, zwp_primary_selection_device_v1::Request::Destroy,
        primary, focused, tell_primary;
    ext: ext_data_control::DataControlState, ExtDataControlManagerV1, ExtDataControlManagerUserData,
        ext_data_control_manager_v1::Request::GetDataDevice
        => ExtDataControlDeviceV1, ExtDataControlDeviceUserData, ext_data_control_device_v1::Request::Destroy, ext, anybody, told_by_smithay;
    wlr: wlr_data_control::DataControlState, ZwlrDataControlManagerV1, DataControlManagerUserData,
        zwlr_data_control_manager_v1::Request::GetDataDevice
        => ZwlrDataControlDeviceV1, DataControlDeviceUserData, zwlr_data_control_device_v1::Request::Destroy, wlr, anybody, told_by_smithay;
}
