//! `org.kioskd.Input1`, one object for each input device.

use std::sync::Arc;

use kiosk_bus::{Failure, Served};
use kiosk_core::authority::Action;
use kiosk_core::config::{InputSettings, OUTPUT_AUTO, calibration_of};
use zbus::export::async_trait::async_trait;
use zbus::message::Header;
use zbus::{Connection, Variant, interface};

use crate::command::Command;
use crate::control::shared::Shared;
use crate::snapshot::{InputSnapshot, Snapshot};

/// One input device as of `now`.
pub struct Input {
    /// The channel to the event loop, and access control.
    pub shared: Arc<Shared>,
    /// The snapshot that all properties are read from.
    pub now: Arc<Snapshot>,
    /// Index into the snapshot's inputs.
    pub index: usize,
}

impl Input {
    #[allow(clippy::indexing_slicing, reason = "made for each of this snapshot, by its index")]
    fn input(&self) -> &InputSnapshot {
        &self.now.inputs[self.index]
    }
}

#[async_trait]
impl Served for Input {
    fn writable(&self) -> &'static [&'static str] {
        &["Output", "Calibration"]
    }

    /// A written property of a device is kept; an empty one is forgotten.
    async fn write(
        &self,
        property: &str,
        value: &Variant<'_>,
        connection: &Connection,
        header: &Header<'_>,
    ) -> Result<(), Failure> {
        let change = change(self.input(), property, value)?;
        let request = Command::ChangeInput { id: self.input().id.clone(), change };
        self.shared.ask((Action::Screen, request), connection, header).await.map(drop)
    }
}

/// What `property` set to `value` means, or a sentence with what is allowed.
fn change(input: &InputSnapshot, property: &str, value: &Variant<'_>) -> Result<InputSettings, Failure> {
    let wrong_type = |wanted: &str| {
        let found = value.value_signature();
        Failure::invalid(format!("input {}: {property} has D-Bus type {found}, it must have {wanted}", input.id))
    };
    let mut change = InputSettings::default();
    if property == "Output" {
        let Variant::Str(output) = value else { return Err(wrong_type("s, an output's name, or auto")) };
        let output = if output.is_empty() { OUTPUT_AUTO } else { output.as_str() };
        change.output = Some(output.to_owned());
        return Ok(change);
    }
    let numbers: Option<Vec<f64>> = match value {
        // An empty array has its type too.
        Variant::Array(numbers) if value.value_signature() == "ad" => {
            numbers.iter().map(|number| if let Variant::F64(number) = number { Some(*number) } else { None }).collect()
        }
        _ => None,
    };
    let numbers = numbers.ok_or_else(|| wrong_type("ad, six numbers"))?;
    let calibration = calibration_of(&numbers).map_err(|allowed| {
        Failure::invalid(format!("input {}: {property} can't be this, allowed is {allowed}", input.id))
    })?;
    change.calibration = Some(calibration);
    Ok(change)
}

/// An input device.
#[interface(name = "org.kioskd.Input1")]
impl Input {
    /// As the kernel has it.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> &str {
        &self.input().name
    }

    /// What configuration and saved state call it: the name, with @ and the port behind it where several devices of
    /// one name are plugged in.
    #[zbus(property)]
    fn id(&self) -> &str {
        &self.input().id
    }

    /// keyboard, pointer, touch or tablet.
    #[zbus(property)]
    fn kind(&self) -> &str {
        &self.input().kind
    }

    /// Of a keyboard: the XKB layouts that it types with, such as us or de(nodeadkeys); of others empty.
    #[zbus(property)]
    fn layout(&self) -> &str {
        &self.input().layout
    }

    /// Whether the device is heard. If not, it waits for org.kioskd.Compositor1.TrustInput.
    #[zbus(property)]
    fn trusted(&self) -> bool {
        self.input().trusted
    }

    /// Name of the output the device lies on; empty: on none. Written: a connector or Make Model Serial, kept; auto or
    /// empty: found by itself.
    #[zbus(property)]
    fn output(&self) -> &str {
        &self.input().output
    }

    /// The first two rows of libinput's calibration matrix; empty: the device has none. Written: six numbers of -10 to
    /// 10, kept; empty: the device's own.
    #[zbus(property)]
    fn calibration(&self) -> &[f64] {
        &self.input().calibration
    }
}
