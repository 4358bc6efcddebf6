//! A display as a back end finds it: its names and modes. Plain data; a [`super::screen`] outlives it.

/// Refresh rate assumed where none is known (virtual screens, headless), millihertz.
pub const DEFAULT_REFRESH: i32 = 60_000;

/// Names a back end's display: a connector of a card, a window, an offscreen picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeadId(pub u64);

/// A display's identity from its EDID; empty strings where it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The manufacturer's three letters, such as `DEL`.
    pub make: String,
    /// The monitor's name, else its product code as `0x1234`.
    pub model: String,
    /// The serial number as a text, else as `0x12345678`.
    pub serial: String,
}

impl Identity {
    /// As configuration names it: `Make Model Serial`, empty parts left out.
    pub fn description(&self) -> String {
        let parts: Vec<&str> =
            [&self.make, &self.model, &self.serial].into_iter().map(|s| s.as_str()).filter(|s| !s.is_empty()).collect();
        parts.join(" ")
    }
}

/// A size and refresh rate that a display can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadMode {
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// Millihertz.
    pub refresh: i32,
    /// The display marks it as preferred.
    pub preferred: bool,
    /// For computed timings ([`super::cvt`]): the requested refresh rate, millihertz.
    pub custom: Option<u32>,
    /// Each field has every other line; `refresh` counts fields.
    pub interlaced: bool,
}

/// A display as the back end found it.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The back end's name for it.
    pub id: HeadId,
    /// The connector's name, such as `HDMI-A-1`.
    pub name: String,
    /// Distinguishes it from other displays on the same connector.
    pub identity: Identity,
    /// Millimetres; zero where unknown.
    pub physical: (i32, i32),
    /// The display's modes in its own order, then a custom one.
    pub modes: Vec<HeadMode>,
    /// Index into `modes`: the one in force.
    pub mode: usize,
}
