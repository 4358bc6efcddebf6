//! Grants the permissions that are configured for a page's origin. All others are denied without a prompt.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::Page;
use super::orders::origin;
use super::wire::Purpose;
use kiosk_core::config::Permission;

/// What no browser asks for, and pages have had at all times. Names as in `Browser.PermissionType`.
const HARMLESS: [&str; 5] =
    ["wakeLockScreen", "clipboardSanitizedWrite", "sensors", "durableStorage", "backgroundSync"];
/// Most origins that are remembered as set in the browser; a dropped one is set again.
const MAX_ORIGINS: usize = 64;

/// Origins whose permissions the browser knows, oldest first.
#[derive(Debug, Default)]
pub(super) struct Permissions {
    told: VecDeque<String>,
}

/// For all origins that nothing else is said of: what is not in the list is denied.
pub(super) fn everywhere() -> Value {
    json!({ "permissions": HARMLESS })
}

fn names(permission: Permission) -> &'static [&'static str] {
    match permission {
        Permission::Camera => &["videoCapture"],
        Permission::Microphone => &["audioCapture"],
        Permission::Location => &["geolocation"],
        Permission::Midi => &["midi", "midiSysex"],
        Permission::Notifications => &["notifications"],
        Permission::Clipboard => &["clipboardReadWrite"],
        // By device, in the managed policy.
        Permission::Usb | Permission::Serial | Permission::Hid => &[],
    }
}

impl Page {
    /// A document of this address is about to be shown: its origin gets what is configured for it, before that.
    pub(super) fn grant(&mut self, url: &str) {
        let Some(origin) = origin(url).filter(|origin| !self.permissions.told.contains(origin)) else { return };
        let granted = self.rules.browser.granted(&origin);
        if granted.is_empty() {
            return;
        }
        let configured = granted.into_iter().flat_map(|permission| names(permission).iter().copied());
        let names: Vec<&str> = HARMLESS.into_iter().chain(configured).collect();
        let order = json!({ "origin": origin, "permissions": names });
        self.wire.send(None, "Browser.grantPermissions", order, Purpose::Other);
        if self.permissions.told.len() >= MAX_ORIGINS {
            self.permissions.told.pop_front();
        }
        self.permissions.told.push_back(origin);
    }
}
