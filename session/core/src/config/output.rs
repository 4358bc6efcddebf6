//! What can be said of an output: one `[output."MATCH"]` table, and the settings that configuration, saved state and
//! changes at runtime have in common. Which of them hold for a display is in [`super::policy`].

use crate::quantities::{Brightness, Position, Rotation, Scale};

/// One `[output."MATCH"]` table: what it says about the outputs it matches; `None`: nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputRule {
    /// `*`, the EDID's `Make Model Serial`, or a connector's name such as `HDMI-A-1`.
    pub matcher: String,
    /// What it says of them.
    pub settings: OutputSettings,
}

/// The parts of an output's policy that one place names. Also what is saved at runtime.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputSettings {
    /// Which mode it is driven in.
    pub mode: Option<ModeChoice>,
    /// How it is rotated.
    pub rotation: Option<Rotation>,
    /// How much larger things are drawn.
    pub scale: Option<Scale>,
    /// Whether it is on.
    pub power: Option<bool>,
    /// The output to show the same picture as, by connector name or identity; empty: none.
    pub mirror: Option<String>,
    /// Where it lies in the layout.
    pub position: Option<Position>,
    /// For displays whose brightness can be set.
    pub brightness: Option<Brightness>,
}

impl OutputSettings {
    /// Takes over what `other` names.
    pub fn overlay(&mut self, other: &OutputSettings) {
        fn take<T: Clone>(into: &mut Option<T>, from: &Option<T>) {
            if from.is_some() {
                into.clone_from(from);
            }
        }
        take(&mut self.mode, &other.mode);
        take(&mut self.rotation, &other.rotation);
        take(&mut self.scale, &other.scale);
        take(&mut self.power, &other.power);
        take(&mut self.mirror, &other.mirror);
        take(&mut self.position, &other.position);
        take(&mut self.brightness, &other.brightness);
    }

    /// The keys that [`Self::forget`] takes.
    pub const KEYS: &[&str] = &["mode", "rotation", "scale", "power", "mirror", "position", "brightness"];

    /// Names nothing any more, or not this key. Returns whether it was named.
    pub fn forget(&mut self, key: Option<&str>) -> bool {
        let before = self.clone();
        match key {
            None => *self = OutputSettings::default(),
            Some("mode") => self.mode = None,
            Some("rotation") => self.rotation = None,
            Some("scale") => self.scale = None,
            Some("power") => self.power = None,
            Some("mirror") => self.mirror = None,
            Some("position") => self.position = None,
            Some("brightness") => self.brightness = None,
            Some(_) => {}
        }
        *self != before
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        *self == OutputSettings::default()
    }
}

/// Which mode an output is driven in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeChoice {
    /// The one the display prefers.
    Preferred,
    /// Most pixels, then highest refresh.
    Max,
    /// One that the display lists.
    Exact {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Millihertz; `None`: the highest it has at this size.
        refresh: Option<u32>,
    },
    /// Timings computed (CVT), whether listed or not.
    Custom {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Millihertz; `None`: 60 Hz.
        refresh: Option<u32>,
    },
}
