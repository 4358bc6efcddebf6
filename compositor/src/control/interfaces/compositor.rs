//! `org.kioskd.Compositor1`, the object of the whole.

use kiosk_core::config::masked;

use crate::control::schema::{Announced, Interface, Method, Property, Signal, arg};
use crate::snapshot::Snapshot;

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
            read: |s| s.problems.iter().map(|problem| masked(problem)).collect::<Vec<_>>().into(),
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
