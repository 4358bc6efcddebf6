//! The gamma table of a CRTC (`GAMMA_LUT`, of the kernel's color management properties), by which colours are changed
//! without a copy of the picture. It is set by an atomic commit of its own that does not wait and asks for a page flip
//! event, at a moment when no frame is pending; the next frame is drawn after that event. [`super::card`] calls it.
//!
//! What it is set to stays when another program gets the card, and may have been changed when it comes back; then, and
//! at the start, it is read first. At the end smithay gives the CRTC its state of the start back.

use std::io;

use smithay::{
    backend::drm::DrmDevice,
    reexports::drm::control::{
        AtomicCommitFlags, Device as ControlDevice, atomic::AtomicModeReq, crtc, property, property::Value,
    },
};

use super::properties::named;
use crate::{backend::Colours, stage::ramp::Ramp};

/// Most entries of a table that are believed; drivers have 16 to 4,096.
const MAX_ENTRIES: u64 = 65_536;
/// After so many refusals in a row by a driver that is not busy, ramps are drawn.
const MAX_FAILURES: u32 = 3;
/// Bytes of an entry (`struct drm_color_lut`): red, green, blue and a reserved value, 16 bits each.
const ENTRY: usize = 8;

/// One CRTC's table.
#[derive(Debug, Default)]
pub struct GammaTable {
    state: State,
    failures: u32,
}

#[derive(Debug, Default)]
enum State {
    /// Not looked at yet.
    #[default]
    Unasked,
    /// The driver has none, or refused it.
    None,
    /// The CRTC has one, and another program may have set it.
    Unknown(Table),
    /// The CRTC has one, set to this; `None`: it changes nothing.
    Set(Table, Option<Ramp>),
}

#[derive(Debug, Clone, Copy)]
struct Table {
    property: property::Handle,
    entries: usize,
}

impl GammaTable {
    /// Another program may have used the CRTC.
    pub fn forget(&mut self) {
        self.failures = 0;
        self.state = match std::mem::take(&mut self.state) {
            State::Set(table, _) | State::Unknown(table) => State::Unknown(table),
            State::None | State::Unasked => State::Unasked,
        };
    }

    /// Has the table show this ramp. `free`: the CRTC is on, and no frame is pending.
    pub fn show(&mut self, drm: &DrmDevice, crtc: crtc::Handle, ramp: Option<&Ramp>, free: bool) -> Colours {
        if matches!(self.state, State::Unasked) {
            self.state = find(drm, crtc).map_or(State::None, State::Unknown);
        }
        let table = match &self.state {
            State::Unasked | State::None => return Colours::Drawn,
            State::Set(_, set) if set.as_ref() == ramp => return Colours::ByDevice,
            State::Unknown(table) if ramp.is_none() && value(drm, crtc, table.property) == Some(0) => {
                self.state = State::Set(*table, None);
                return Colours::ByDevice;
            }
            State::Set(table, _) | State::Unknown(table) => *table,
        };
        if !free {
            return Colours::AfterFrame;
        }
        match commit(drm, crtc, table, ramp) {
            Ok(()) => {
                self.failures = 0;
                self.state = State::Set(table, ramp.cloned());
                Colours::Queued
            }
            // Another terminal is in front: what is shown there is not ours, and all is set again after that.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Colours::ByDevice,
            Err(error) => {
                self.failures += 1;
                if self.failures < MAX_FAILURES || error.kind() == io::ErrorKind::ResourceBusy && self.failures < 100 {
                    tracing::debug!(%error, "gamma table not set; retrying");
                    return Colours::Busy;
                }
                tracing::warn!(%error, "display driver refuses its gamma table; colours are drawn");
                self.state = State::None;
                Colours::Drawn
            }
        }
    }
}

/// The table of a CRTC; `None`: it has none, or the driver has no atomic mode setting.
fn find(drm: &DrmDevice, crtc: crtc::Handle) -> Option<Table> {
    if !drm.is_atomic() {
        return None;
    }
    let (property, _) = named(drm, crtc, "GAMMA_LUT").ok()??;
    let (_, entries) = named(drm, crtc, "GAMMA_LUT_SIZE").ok()??;
    let entries = Some(entries).filter(|entries| (2..=MAX_ENTRIES).contains(entries))?;
    Some(Table { property: property.handle(), entries: usize::try_from(entries).ok()? })
}

/// The blob that the table is set to; 0: none.
fn value(drm: &DrmDevice, crtc: crtc::Handle, property: property::Handle) -> Option<u64> {
    let properties = drm.get_properties(crtc).ok()?;
    let (handles, values) = properties.as_props_and_values();
    handles.iter().zip(values).find(|(handle, _)| **handle == property).map(|(_, value)| *value)
}

fn commit(drm: &DrmDevice, crtc: crtc::Handle, table: Table, ramp: Option<&Ramp>) -> io::Result<()> {
    let blob = ramp.map(|ramp| Blob::new(drm, &bytes(ramp, table.entries))).transpose()?;
    let mut request = AtomicModeReq::new();
    let value = Value::Blob(blob.as_ref().map_or(0, |blob| blob.number));
    request.add_property(crtc, table.property, value);
    drm.atomic_commit(AtomicCommitFlags::NONBLOCK | AtomicCommitFlags::PAGE_FLIP_EVENT, request)
}

/// A ramp as `struct drm_color_lut` has it.
fn bytes(ramp: &Ramp, entries: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries * ENTRY);
    for [red, green, blue] in ramp.resampled(entries) {
        bytes.extend([red, green, blue, 0].into_iter().flat_map(u16::to_ne_bytes));
    }
    bytes
}

/// A property blob, which lives on in the CRTC's state when this is gone.
struct Blob<'a> {
    drm: &'a DrmDevice,
    number: u64,
}

impl<'a> Blob<'a> {
    fn new(drm: &'a DrmDevice, bytes: &[u8]) -> io::Result<Self> {
        use std::os::fd::AsFd as _;
        let mut data = bytes.to_vec();
        let created = drm_ffi::mode::create_property_blob(drm.device_fd().as_fd(), &mut data)?;
        Ok(Self { drm, number: created.blob_id.into() })
    }
}

impl Drop for Blob<'_> {
    fn drop(&mut self) {
        // What cannot be destroyed is freed when the device is closed.
        let _ = self.drm.destroy_property_blob(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_four_values_an_entry_as_the_kernel_reads_it() {
        let ramp = Ramp::of_white([1.0, 0.5, 0.25]).unwrap();
        let table = bytes(&ramp, 1024);
        assert_eq!(table.len(), 1024 * ENTRY);
        let last: Vec<u16> =
            table[1023 * ENTRY..].chunks(2).map(|value| u16::from_ne_bytes([value[0], value[1]])).collect();
        assert_eq!(last, [65_535, 32_768, 16_384, 0]);
    }
}
