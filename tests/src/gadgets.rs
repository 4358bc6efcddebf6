//! The guest's end of [`crate::vm::Gadget`]: makes the devices by the kernel's uinput, and those that are USB's by its
//! uhid (Documentation/hid/uhid.rst), and feeds what they say. Called by the agent in the guest.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use evdev::uinput::VirtualDevice;
use evdev::{
    AbsInfo, AbsoluteAxisCode, AttributeSet, BusType, InputEvent, InputId, KeyCode, PropType, RelativeAxisCode,
    UinputAbsSetup,
};

use crate::vm::{Event, Gadget, Said};

/// Words of uhid: a device with its description, and a report of it. (It goes when the file is closed.)
const UHID_CREATE2: u32 = 11;
const UHID_INPUT2: u32 = 12;
/// Bytes of the texts in a description.
const NAME: usize = 128;
const PHYS: usize = 64;
const UNIQ: usize = 64;
const BUS_USB: u16 = 3;

/// The devices that are plugged in, by the host's number.
#[derive(Default)]
pub struct Gadgets(Mutex<HashMap<u64, Device>>);

enum Device {
    Input(VirtualDevice),
    Hid(File),
}

impl Gadgets {
    pub fn plug(&self, number: u64, gadget: &Gadget) -> Result<()> {
        let device = match gadget.report_descriptor.as_slice() {
            [] => Device::Input(make(gadget).context("uinput (module uinput)")?),
            descriptor => Device::Hid(make_hid(gadget, descriptor).context("uhid (module uhid)")?),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number, device);
        Ok(())
    }

    /// Each is one moment; a device takes this long between two.
    pub fn feed(&self, number: u64, said: &[Said], pause: Duration) -> Result<()> {
        for (index, said) in said.iter().enumerate() {
            if index > 0 {
                thread::sleep(pause);
            }
            let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match (devices.get_mut(&number).context("that device was pulled out")?, said) {
                (Device::Input(device), Said::Events(events)) => {
                    device.emit(&events.iter().map(event).collect::<Vec<_>>())?
                }
                (Device::Hid(file), Said::Report(report)) => file.write_all(&input(report)?)?,
                _ => anyhow::bail!("that is not the language of this device"),
            }
        }
        Ok(())
    }

    pub fn pull(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }
}

fn event((kind, code, value): &Event) -> InputEvent {
    InputEvent::new(*kind, *code, *value)
}

/// `struct uhid_input2_req`, behind its word.
fn input(report: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = UHID_INPUT2.to_ne_bytes().to_vec();
    bytes.extend(u16::try_from(report.len())?.to_ne_bytes());
    bytes.extend_from_slice(report);
    Ok(bytes)
}

/// `struct uhid_create2_req`, behind its word; what is not written of it is nothing.
fn make_hid(gadget: &Gadget, descriptor: &[u8]) -> Result<File> {
    let mut bytes = UHID_CREATE2.to_ne_bytes().to_vec();
    for (text, length) in [(gadget.name.as_str(), NAME), (gadget.phys.as_str(), PHYS), ("", UNIQ)] {
        anyhow::ensure!(text.len() < length, "{text:?} is too long");
        let end = bytes.len() + length;
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(end, 0);
    }
    bytes.extend(u16::try_from(descriptor.len())?.to_ne_bytes());
    bytes.extend(BUS_USB.to_ne_bytes());
    // Vendor, product, version, country.
    for number in [u32::from(gadget.vendor), u32::from(gadget.product), 1, 0] {
        bytes.extend(number.to_ne_bytes());
    }
    bytes.extend_from_slice(descriptor);
    let mut file = File::options().read(true).write(true).open("/dev/uhid")?;
    file.write_all(&bytes)?;
    Ok(file)
}

fn make(gadget: &Gadget) -> Result<VirtualDevice> {
    let keys: AttributeSet<KeyCode> = gadget.keys.iter().map(|code| KeyCode(*code)).collect();
    let relative: AttributeSet<RelativeAxisCode> = gadget.relative.iter().map(|code| RelativeAxisCode(*code)).collect();
    let properties: AttributeSet<PropType> = gadget.properties.iter().map(|code| PropType(*code)).collect();
    let mut builder = VirtualDevice::builder()?
        .name(&gadget.name)
        .input_id(InputId::new(BusType::BUS_USB, gadget.vendor, gadget.product, 1))
        .with_keys(&keys)?
        .with_relative_axes(&relative)?
        .with_properties(&properties)?;
    for axis in &gadget.absolute {
        let info = AbsInfo::new(0, 0, axis.max, 0, 0, axis.resolution);
        builder = builder.with_absolute_axis(&UinputAbsSetup::new(AbsoluteAxisCode(axis.code), info))?;
    }
    Ok(builder.build()?)
}
