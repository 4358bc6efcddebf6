//! The published state by value: what D-Bus shows and compares.

use crate::boot_times::BootTimes;

/// The compositor as D-Bus shows it. The loop makes one when something may have changed; the control thread
/// compares it with the last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// `kms`, `winit` or `headless`.
    pub backend: String,
    /// `gles` or `pixman`.
    pub renderer: String,
    /// `splash`, `shell` or `system-screen`: of all shells that have an output.
    pub stage: String,
    /// The screen of our own that is over everything: `message` or `pairing`; `welcome` below nothing else; empty: none.
    pub system_screen: String,
    /// Whether the keyboard is on the screen: `shown` or `hidden`.
    pub keyboard: String,
    /// Aids that are on, such as `sticky-keys`.
    pub accessibility: Vec<String>,
    /// By number.
    pub shells: Vec<ShellSnapshot>,
    /// The terminal in front, 1 to 63; 0: there are none.
    pub active_vt: u32,
    /// When this boot had its first frame and its first page.
    pub boot: BootTimes,
    /// Of the screen layout.
    pub serial: u32,
    /// All screens, those without a display included.
    pub outputs: Vec<OutputSnapshot>,
    /// In the order in which they came.
    pub inputs: Vec<InputSnapshot>,
    /// Warnings and configuration errors since the start, one sentence each.
    pub problems: Vec<String>,
}

/// One shell as `org.kioskd.Compositor1.Shells` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShellSnapshot {
    /// Name of the output that it is on, connected or not; empty: every one is another shell's.
    pub output: String,
    /// `splash`, `shell` or `system-screen`.
    pub stage: String,
}

/// One output as `org.kioskd.Output1` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputSnapshot {
    /// The connector's, such as `HDMI-A-1`; names its object's path.
    pub name: String,
    /// The manufacturer by EDID; empty: it says none.
    pub make: String,
    /// The monitor's name by EDID; empty: it says none.
    pub model: String,
    /// By EDID; empty: it says none.
    pub serial_number: String,
    /// A display is plugged in.
    pub connected: bool,
    /// Wanted on.
    pub power: bool,
    /// Why it is off, one phrase; empty: it is on.
    pub power_reason: String,
    /// Degrees clockwise: 0, 90, 180 or 270.
    pub rotation: u32,
    /// 1.0 to 4.0, in force.
    pub scale: f64,
    /// Top left corner in the layout, logical pixels.
    pub position: (i32, i32),
    /// Width, height, millihertz.
    pub mode: (u32, u32, u32),
    /// Width, height, millihertz, preferred.
    pub modes: Vec<(u32, u32, u32, bool)>,
    /// Which of `modes` are interlaced, in their order.
    pub interlaced: Vec<bool>,
    /// The connector whose picture it is to show; empty: its own.
    pub mirror: String,
    /// 0 to 100, -1: none.
    pub brightness: i32,
    /// `direct`, `planes` or `composited`, then `: ` and the reason where there is one.
    pub scanout: String,
    /// How its colours are changed, one phrase; empty: they are not.
    pub colours: String,
    /// Frames composed by us, since the start.
    pub frames_composed: u64,
    /// Frames that were a client's buffer as it came, since the start.
    pub frames_direct: u64,
}

/// One input device as `org.kioskd.Input1` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputSnapshot {
    /// As the kernel has it; several devices may have one.
    pub name: String,
    /// The name, with the port behind it where several devices of one name are plugged in.
    pub id: String,
    /// `keyboard`, `pointer`, `touch` or `tablet`.
    pub kind: String,
    /// Of a keyboard: the XKB layouts that it types with, such as `us` or `de(nodeadkeys)`; else empty.
    pub layout: String,
    /// Output it is mapped to; empty: all.
    pub output: String,
    /// The matrix in force, six numbers; empty: it can't be calibrated.
    pub calibration: Vec<f64>,
    /// Whether it is trusted; if not, its input is ignored until it is.
    pub trusted: bool,
}
