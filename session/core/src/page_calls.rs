//! The calls of a page (`window.kiosk`) that concern its screen, from the session to the compositor and back. The
//! session has checked the page's origin; both ends check the values, by the types of [`crate::quantities`]. No I/O.

use serde::{Deserialize, Serialize};

/// Longest message that a page may show, characters: as in `ShowMessage`.
pub const MAX_TEXT: usize = 2000;

/// One call of a page, a line of the control socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PageCall {
    /// Identifies the call in its [`PageAnswer`]; counted by the session.
    pub call: u64,
    /// The number of the shell whose page asks.
    #[serde(default)]
    pub shell: u32,
    /// What it asks for.
    pub request: DeviceRequest,
}

/// What a page may ask of the compositor, always for the screen of its shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum DeviceRequest {
    /// The screen, and those that show its picture, on or off.
    Screen {
        /// True: as input would switch it on; false: off until the next input.
        on: bool,
    },
    /// The document that switched the screen off is gone: switch it on, unless it is off for another reason too.
    Left {},
    /// How bright the screen is.
    Brightness {
        /// A [`crate::quantities::Brightness`].
        percent: i64,
    },
    /// How far the picture is rotated.
    Rotate {
        /// A [`crate::quantities::Rotation`].
        degrees: u32,
    },
    /// A text over the page, for a while.
    Message {
        /// At most [`MAX_TEXT`] characters; empty: none any more.
        text: String,
    },
    /// What the device is.
    Info {},
}

/// The outcome of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PageAnswer {
    /// That of the [`PageCall`].
    pub call: u64,
    /// Why not, in one sentence; `None`: it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The answer to [`DeviceRequest::Info`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<DeviceInfo>,
}

/// What the device is, as `window.kiosk.info` has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// The host's name.
    pub name: String,
    /// Of kioskd.
    pub version: String,
    /// The screen that the page is on, then those that show its picture. Empty: none is left for it.
    pub outputs: Vec<OutputInfo>,
    /// IP addresses that others can reach, the likeliest first, then `NAME.local`.
    pub addresses: Vec<String>,
}

/// One screen of the page's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInfo {
    /// The connector's, such as `HDMI-A-1`.
    pub name: String,
    /// The manufacturer by EDID; empty: it says none.
    pub make: String,
    /// The monitor's name by EDID; empty: it says none.
    pub model: String,
    /// Of the mode, physical pixels, before any rotation.
    pub width: u32,
    /// Of the mode, physical pixels, before any rotation.
    pub height: u32,
    /// Millihertz.
    pub refresh: u32,
    /// Degrees clockwise: 0, 90, 180 or 270.
    pub rotation: u32,
    /// Thousandths of a physical pixel per CSS pixel at zoom 1: 1000 to 4000.
    pub scale: u32,
    /// It is on.
    pub power: bool,
    /// 0 to 100; `None`: there is no control.
    pub brightness: Option<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_as_it_was_written_and_nothing_else_is_one() {
        for request in [
            DeviceRequest::Screen { on: false },
            DeviceRequest::Left {},
            DeviceRequest::Brightness { percent: -1 },
            DeviceRequest::Rotate { degrees: 45 },
            DeviceRequest::Message { text: "\u{2028}\n\"".into() },
            DeviceRequest::Info {},
        ] {
            let call = PageCall { call: 7, shell: 1, request };
            let line = serde_json::to_string(&call).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<PageCall>(&line).unwrap(), call);
        }
        for wrong in [
            r#"{"call":1,"request":{"do":"reboot"}}"#,
            r#"{"call":1,"request":{"do":"screen"}}"#,
            r#"{"call":1,"state":"ready","request":{"do":"info"}}"#,
            r#"{"call":-1,"request":{"do":"info"}}"#,
        ] {
            assert!(serde_json::from_str::<PageCall>(wrong).is_err(), "{wrong}");
        }
    }
}
