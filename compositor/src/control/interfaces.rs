//! The tables of `org.kioskd.Compositor1`, `Output1` and `Input1`. What the methods do is in `dispatch`; the
//! files in `assets/dbus/interfaces` are written from here and compared by a test.

use super::schema::{Announced, Interface, Method, Property, Signal, arg};
use super::{InputSnapshot, OutputSnapshot, Snapshot};

pub static COMPOSITOR: Interface<Snapshot> = Interface {
    name: "org.kioskd.Compositor1",
    methods: &[
        Method {
            name: "ApplyOutputs",
            inputs: &[arg("serial", "u"), arg("changes", "a(sa{sv})"), arg("mode", "s"), arg("options", "a{sv}")],
            outputs: &[arg("new_serial", "u")],
            doc: "Changes several outputs at once, all or nothing. serial: the layout the changes were made for, 0: \
                  whatever it is now. changes: output name and power b, rotation u, scale d (0.0: auto), mode (uuu) or s \
                  as in the configuration, position (ii), mirror s, brightness i. mode: verify, temporary or keep. options: revert-after \
                  (u seconds or s such as 15s, for temporary; default 15 s).",
        },
        Method {
            name: "Confirm",
            inputs: &[arg("serial", "u")],
            outputs: &[],
            doc: "Keeps a temporary change; serial is what ApplyOutputs returned.",
        },
        Method {
            name: "Screenshot",
            inputs: &[arg("output", "s"), arg("options", "a{sv}")],
            outputs: &[arg("png", "h")],
            doc: "What the output shows, as a PNG in a memory file. output: empty for the primary one.",
        },
        Method {
            name: "SwitchVt",
            inputs: &[arg("vt", "u")],
            outputs: &[],
            doc: "Switches to a virtual terminal, 1 to 63.",
        },
        Method {
            name: "ShowMessage",
            inputs: &[arg("text", "s"), arg("options", "a{sv}")],
            outputs: &[],
            doc: "Shows a text over everything until Dismiss. options: title s.",
        },
        Method {
            name: "ShowPairing",
            inputs: &[arg("url", "s"), arg("code", "s"), arg("options", "a{sv}")],
            outputs: &[],
            doc: "Shows a pairing screen with a QR code until Dismiss.",
        },
        Method { name: "Dismiss", inputs: &[], outputs: &[], doc: "Takes a message or pairing screen away." },
    ],
    properties: &[
        Property {
            name: "Version",
            signature: "s",
            writable: false,
            announced: Announced::Constant,
            read: |_| env!("CARGO_PKG_VERSION").into(),
            doc: "Of kioskd.",
        },
        Property {
            name: "Backend",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |s| s.backend.clone().into(),
            doc: "kms, winit or headless.",
        },
        Property {
            name: "Renderer",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |s| s.renderer.clone().into(),
            doc: "gles or pixman.",
        },
        Property {
            name: "Stage",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |s| s.stage.clone().into(),
            doc: "What people see: splash, shell or system-screen. With several shells it is splash until none that has \
                  an output is covered by one.",
        },
        Property {
            name: "Shells",
            signature: "a(ss)",
            writable: false,
            announced: Announced::Changes,
            read: |s| shells(s).into(),
            doc: "Of each shell, by the number it has in org.kioskd.Session1.Shells: name of the output it is on (empty: \
                  every one is another shell's), and what is shown there: splash, shell or system-screen.",
        },
        Property {
            name: "ActiveVt",
            signature: "u",
            writable: false,
            announced: Announced::Changes,
            read: |s| s.active_vt.into(),
            doc: "The virtual terminal in the foreground; 0: unknown or none.",
        },
        Property {
            name: "Serial",
            signature: "u",
            writable: false,
            announced: Announced::Changes,
            read: |s| s.serial.into(),
            doc: "Of the screen layout; goes up with each change.",
        },
        Property {
            name: "Problems",
            signature: "as",
            writable: false,
            announced: Announced::Changes,
            read: |s| s.problems.clone().into(),
            doc: "Warnings and configuration errors since the start, one sentence each.",
        },
    ],
    signals: &[
        Signal { name: "StageChanged", args: &[arg("stage", "s")], doc: "Stage has changed." },
        Signal { name: "LayoutChanged", args: &[arg("serial", "u")], doc: "Serial has changed." },
    ],
};

fn shells(snapshot: &Snapshot) -> Vec<(String, String)> {
    snapshot.shells.iter().map(|shell| (shell.output.clone(), shell.stage.clone())).collect()
}

pub static OUTPUT: Interface<OutputSnapshot> = Interface {
    name: "org.kioskd.Output1",
    methods: &[],
    properties: &[
        Property {
            name: "Name",
            signature: "s",
            writable: false,
            announced: Announced::Constant,
            read: |o| o.name.clone().into(),
            doc: "The connector, such as HDMI-A-1.",
        },
        Property {
            name: "Make",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |o| o.make.clone().into(),
            doc: "From the EDID.",
        },
        Property {
            name: "Model",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |o| o.model.clone().into(),
            doc: "From the EDID.",
        },
        Property {
            name: "SerialNumber",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |o| o.serial_number.clone().into(),
            doc: "From the EDID.",
        },
        Property {
            name: "Connected",
            signature: "b",
            writable: false,
            announced: Announced::Changes,
            read: |o| o.connected.into(),
            doc: "Whether a monitor is plugged in.",
        },
        Property {
            name: "Power",
            signature: "b",
            writable: true,
            announced: Announced::Changes,
            read: |o| o.power.into(),
            doc: "Whether the screen is on.",
        },
        Property {
            name: "Rotation",
            signature: "u",
            writable: true,
            announced: Announced::Changes,
            read: |o| o.rotation.into(),
            doc: "0, 90, 180 or 270 degrees clockwise, what the viewer sees.",
        },
        Property {
            name: "Scale",
            signature: "d",
            writable: true,
            announced: Announced::Changes,
            read: |o| o.scale.into(),
            doc: "1.0 to 4.0. Written: also 0.0 for auto, which follows from the display's density.",
        },
        Property {
            name: "Position",
            signature: "(ii)",
            writable: true,
            announced: Announced::Changes,
            read: |o| o.position.into(),
            doc: "x and y of the upper left corner in the layout, logical pixels.",
        },
        Property {
            name: "Mode",
            signature: "(uuu)",
            writable: true,
            announced: Announced::Changes,
            read: |o| o.mode.into(),
            doc: "Width, height, refresh in millihertz (0 when written: any).",
        },
        Property {
            name: "Modes",
            signature: "a(uuub)",
            writable: false,
            announced: Announced::Changes,
            read: |o| o.modes.clone().into(),
            doc: "Width, height, refresh in millihertz, preferred.",
        },
        Property {
            name: "Mirror",
            signature: "s",
            writable: true,
            announced: Announced::Changes,
            read: |o| o.mirror.clone().into(),
            doc: "Name of the output whose picture this one repeats; empty: none.",
        },
        Property {
            name: "Brightness",
            signature: "i",
            writable: true,
            announced: Announced::Changes,
            read: |o| o.brightness.into(),
            doc: "0 to 100; -1: the screen has no control of it.",
        },
        Property {
            name: "Scanout",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |o| o.scanout.clone().into(),
            doc: "direct, planes or composited, then a colon and the reason where there is one.",
        },
        Property {
            name: "FramesComposed",
            signature: "t",
            writable: false,
            announced: Announced::Silent,
            read: |o| o.frames_composed.into(),
            doc: "Frames drawn by the compositor since the start.",
        },
        Property {
            name: "FramesDirect",
            signature: "t",
            writable: false,
            announced: Announced::Silent,
            read: |o| o.frames_direct.into(),
            doc: "Frames of a client put on the plane as they came, since the start.",
        },
    ],
    signals: &[],
};

pub static INPUT: Interface<InputSnapshot> = Interface {
    name: "org.kioskd.Input1",
    methods: &[],
    properties: &[
        Property {
            name: "Name",
            signature: "s",
            writable: false,
            announced: Announced::Constant,
            read: |i| i.name.clone().into(),
            doc: "As the kernel has it.",
        },
        Property {
            name: "Id",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |i| i.id.clone().into(),
            doc: "What configuration and saved state call it: the name, with @ and the port behind it where several \
                  devices of one name are plugged in.",
        },
        Property {
            name: "Kind",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |i| i.kind.clone().into(),
            doc: "keyboard, pointer, touch or tablet.",
        },
        Property {
            name: "Output",
            signature: "s",
            writable: true,
            announced: Announced::Changes,
            read: |i| i.output.clone().into(),
            doc: "Name of the output the device lies on; empty: on none. Written: a connector or Make Model Serial, kept; \
                  auto or empty: found by itself.",
        },
        Property {
            name: "Calibration",
            signature: "ad",
            writable: true,
            announced: Announced::Changes,
            read: |i| i.calibration.clone().into(),
            doc: "The first two rows of libinput's calibration matrix; empty: the device has none. Written: six numbers \
                  of -10 to 10, kept; empty: the device's own.",
        },
    ],
    signals: &[],
};
