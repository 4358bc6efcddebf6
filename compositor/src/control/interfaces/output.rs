//! `org.kioskd.Output1`, one object for each connected output.

use std::sync::Arc;

use kiosk_bus::{Failure, Served};
use kiosk_core::authority::Action;
use zbus::export::async_trait::async_trait;
use zbus::message::Header;
use zbus::{Connection, Variant, interface};

use crate::command::{ApplyMode, Command, OutputChange};
use crate::control::change;
use crate::control::shared::Shared;
use crate::snapshot::{OutputSnapshot, Snapshot};

/// One output as of `now`.
pub struct Output {
    /// The channel to the event loop, and access control.
    pub shared: Arc<Shared>,
    /// The snapshot that all properties are read from.
    pub now: Arc<Snapshot>,
    /// Index into the snapshot's outputs.
    pub index: usize,
}

impl Output {
    #[allow(clippy::indexing_slicing, reason = "made for each of this snapshot, by its index")]
    fn output(&self) -> &OutputSnapshot {
        &self.now.outputs[self.index]
    }
}

#[async_trait]
impl Served for Output {
    fn writable(&self) -> &'static [&'static str] {
        &["Power", "Rotation", "Scale", "Position", "Mode", "Mirror", "Brightness"]
    }

    /// A written property is one change of one output, kept.
    async fn write(
        &self,
        property: &str,
        value: &Variant<'_>,
        connection: &Connection,
        header: &Header<'_>,
    ) -> Result<(), Failure> {
        let mut change = OutputChange::default();
        change::set(&mut change, self.output(), &self.now, &property.to_ascii_lowercase(), value)?;
        let changes = vec![(self.output().name.clone(), change)];
        let request = Command::ApplyOutputs { serial: 0, changes, mode: ApplyMode::Keep };
        self.shared.ask((Action::Screen, request), connection, header).await.map(drop)
    }
}

/// An output.
#[interface(name = "org.kioskd.Output1")]
impl Output {
    /// The connector, such as HDMI-A-1.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> &str {
        &self.output().name
    }

    /// From the EDID.
    #[zbus(property)]
    fn make(&self) -> &str {
        &self.output().make
    }

    /// From the EDID.
    #[zbus(property)]
    fn model(&self) -> &str {
        &self.output().model
    }

    /// From the EDID.
    #[zbus(property)]
    fn serial_number(&self) -> &str {
        &self.output().serial_number
    }

    /// Whether a monitor is plugged in.
    #[zbus(property)]
    fn connected(&self) -> bool {
        self.output().connected
    }

    /// Whether the screen is on.
    #[zbus(property)]
    fn power(&self) -> bool {
        self.output().power
    }

    /// Why the screen is off, one phrase for a person; empty: it is on.
    #[zbus(property)]
    fn power_reason(&self) -> &str {
        &self.output().power_reason
    }

    /// 0, 90, 180 or 270 degrees clockwise, what the viewer sees.
    #[zbus(property)]
    fn rotation(&self) -> u32 {
        self.output().rotation
    }

    /// 1.0 to 4.0. Written: also 0.0 for auto, which follows from the display's density.
    #[zbus(property)]
    fn scale(&self) -> f64 {
        self.output().scale
    }

    /// x and y of the upper left corner in the layout, logical pixels.
    #[zbus(property)]
    fn position(&self) -> (i32, i32) {
        self.output().position
    }

    /// Width, height, refresh in millihertz (0 when written: any).
    #[zbus(property)]
    fn mode(&self) -> (u32, u32, u32) {
        self.output().mode
    }

    /// Width, height, refresh in millihertz, preferred.
    #[zbus(property)]
    fn modes(&self) -> &[(u32, u32, u32, bool)] {
        &self.output().modes
    }

    /// Which of Modes are interlaced, in their order.
    #[zbus(property)]
    fn interlaced(&self) -> &[bool] {
        &self.output().interlaced
    }

    /// Name of the output whose picture this one repeats; empty: none.
    #[zbus(property)]
    fn mirror(&self) -> &str {
        &self.output().mirror
    }

    /// 0 to 100; -1: the screen has no control of it.
    #[zbus(property)]
    fn brightness(&self) -> i32 {
        self.output().brightness
    }

    /// direct, planes or composited, then a colon and the reason where there is one.
    #[zbus(property)]
    fn scanout(&self) -> &str {
        &self.output().scanout
    }

    /// How the colours are changed and until when, one phrase for a person, such as night light until Mon 07:00, drawn;
    /// empty: they are not.
    #[zbus(property)]
    fn colours(&self) -> &str {
        &self.output().colours
    }

    /// Frames drawn by the compositor since the start.
    #[zbus(property(emits_changed_signal = "false"))]
    fn frames_composed(&self) -> u64 {
        self.output().frames_composed
    }

    /// Frames of a client put on the plane as they came, since the start.
    #[zbus(property(emits_changed_signal = "false"))]
    fn frames_direct(&self) -> u64 {
        self.output().frames_direct
    }
}
