//! Virtual keyboards and pointers of trusted tools such as wtype and wayvnc. Their events are handled like all input
//! ([`crate::input`]): they switch screens on, count as activity, may switch virtual terminals where that is allowed,
//! and are subject to the event rate limit. Held keys and buttons are released when a device is destroyed.

mod device;
mod keyboard;
mod pointer;

use smithay::{
    backend::input::InputEvent,
    reexports::wayland_server::{Client, DisplayHandle, Resource, backend::ClientId},
};

use crate::kiosk::Kiosk;
use device::{Remote, VirtualDevice};

/// Devices that one client may have at a time. Tools have one or two.
const DEVICES: usize = 16;

/// The state of the protocols.
pub struct VirtualInput {
    /// The devices, with their clients.
    devices: Vec<(ClientId, VirtualDevice)>,
    /// Counter for unique names.
    made: u64,
}

impl VirtualInput {
    /// Offers the globals.
    pub fn new(display: &DisplayHandle) -> Self {
        keyboard::offer(display);
        pointer::offer(display);
        Self { devices: Vec::new(), made: 0 }
    }

    /// Whether the client has reached the limit of devices.
    fn is_full(&self, client: &Client) -> bool {
        self.devices.iter().filter(|(owner, _)| *owner == client.id()).count() >= DEVICES
    }
}

impl Kiosk {
    fn plug_in_virtual(&mut self, client: &Client, kind: device::Kind) -> VirtualDevice {
        let virtual_input = &mut self.protocols.virtual_input;
        virtual_input.made += 1;
        let device = VirtualDevice::new(kind, virtual_input.made);
        virtual_input.devices.push((client.id(), device.clone()));
        self.input(InputEvent::<Remote>::DeviceAdded { device: device.clone() });
        device
    }

    fn pull_out_virtual(&mut self, device: &VirtualDevice) {
        self.protocols.virtual_input.devices.retain(|(_, known)| known != device);
        self.input(InputEvent::<Remote>::DeviceRemoved { device: device.clone() });
    }

    /// An event with our clock's time: the client's may be any.
    fn event_of(&self, device: &VirtualDevice, what: device::Action) -> device::Event {
        device::Event { time: self.now().as_micros() as u64, device: device.clone(), what }
    }
}

/// Refuses one more device.
fn refuse_more(resource: &impl Resource) {
    let sentence = format!("too many virtual devices: one client may have {DEVICES} at a time");
    crate::limits::refusal::post(resource, crate::limits::refusal::LIMIT, &sentence);
}
