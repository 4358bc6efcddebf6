//! What a back end's input device reports beyond smithay's [`Device`], and its settings. Read once when a device comes;
//! [`crate::input`] decides what follows. Never looks at screens or clients.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use kiosk_core::config::{AccelProfile, Calibration, InputSettings};
use smithay::{
    backend::{
        input::{Device, DeviceCapability},
        winit::WinitVirtualDevice,
    },
    input::keyboard::LedState,
    reexports::{
        input::{self as libinput, SendEventsMode},
        udev,
    },
};

/// The udev property that names the connector a device belongs to, as libinput and weston read it.
const WL_OUTPUT: &str = "WL_OUTPUT";

/// The identity matrix: libinput reports it as "none".
const NO_CALIBRATION: [f32; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// Keys that every keyboard for text has, by the kernel's codes: Q, A and Z of a US layout.
const LETTERS: [u32; 3] = [16, 30, 44];

/// A device of a back end. The provided methods are for one of which only the name is known.
pub trait InputDevice: Device {
    /// Its name as text: the device's own may be invalid UTF-8.
    fn label(&self) -> String {
        self.name()
    }

    /// Its own address and port, for devices that are not on a bus of the kernel.
    fn address(&self) -> [Option<String>; 2] {
        [None, None]
    }

    /// Whether it counts as trusted: it belongs to the desktop session that kioskd is a window in.
    fn is_vouched_for(&self) -> bool {
        false
    }

    /// Whether it has keys for text. Power buttons, headsets and remote controls are keyboards too, without letters.
    fn has_letters(&self) -> bool {
        self.has_capability(DeviceCapability::Keyboard)
    }

    /// Width and height of the touch area, millimetres.
    fn size(&self) -> Option<(f64, f64)> {
        None
    }

    /// The output that the system's own rules name for it.
    fn hinted_output(&self) -> Option<String> {
        None
    }

    /// A handle to its settings.
    fn settings(&self) -> Box<dyn DeviceSettings> {
        Box::new(NoSettings)
    }
}

/// The settings of one device.
pub trait DeviceSettings {
    /// Applies these; without a calibration the device's own is restored. Returns the keys that the device does not
    /// support.
    fn apply(&mut self, settings: &InputSettings) -> Vec<&'static str>;

    /// The calibration matrix in force; `None`: the device has none.
    fn calibration(&self) -> Option<[f64; 6]>;

    /// Switches the lights of a keyboard (Caps Lock and the like). Others have none.
    fn set_leds(&mut self, _leds: LedState) {}
}

/// The settings of a device that has none.
struct NoSettings;

impl DeviceSettings for NoSettings {
    fn apply(&mut self, _settings: &InputSettings) -> Vec<&'static str> {
        Vec::new()
    }

    fn calibration(&self) -> Option<[f64; 6]> {
        None
    }
}

impl InputDevice for WinitVirtualDevice {
    fn is_vouched_for(&self) -> bool {
        true
    }
}

impl InputDevice for libinput::Device {
    fn label(&self) -> String {
        // WORKAROUND(input.rs#81)
        // The binding (input 0.9) ends the program on a name that is not UTF-8, which any USB device can have.
        let named = |path: std::path::PathBuf| {
            let device = udev::Device::from_syspath(&path).ok()?.parent()?;
            Some(device.attribute_value("name")?.to_string_lossy().into_owned())
        };
        self.syspath().and_then(named).unwrap_or_else(|| self.sysname().to_owned())
    }

    fn address(&self) -> [Option<String>; 2] {
        let device =
            self.syspath().and_then(|path| udev::Device::from_syspath(&path).ok()).and_then(|event| event.parent());
        let told = |name| Some(device.as_ref()?.attribute_value(name)?.to_string_lossy().into_owned());
        [told("uniq"), told("phys")]
    }

    fn has_letters(&self) -> bool {
        LETTERS.into_iter().all(|key| self.keyboard_has_key(key) == Ok(true))
    }

    fn size(&self) -> Option<(f64, f64)> {
        libinput::Device::size(self)
    }

    fn hinted_output(&self) -> Option<String> {
        // Not through libinput, for the same reason.
        let device = udev::Device::from_syspath(&self.syspath()?).ok()?;
        device.property_value(WL_OUTPUT)?.to_str().map(str::to_owned)
    }

    fn settings(&self) -> Box<dyn DeviceSettings> {
        Box::new(self.clone())
    }
}

impl DeviceSettings for libinput::Device {
    fn apply(&mut self, settings: &InputSettings) -> Vec<&'static str> {
        let mut refused = Vec::new();
        let mut note = |key: &'static str, done: bool| {
            if !done {
                refused.push(key);
            }
        };
        if let Some(speed) = settings.accel_speed {
            note("accel-speed", self.config_accel_set_speed(speed).is_ok());
        }
        if let Some(profile) = settings.accel_profile {
            let profile = match profile {
                AccelProfile::Flat => libinput::AccelProfile::Flat,
                AccelProfile::Adaptive => libinput::AccelProfile::Adaptive,
            };
            note("accel-profile", self.config_accel_set_profile(profile).is_ok());
        }
        if let Some(on) = settings.tap {
            note("tap", self.config_tap_set_enabled(on).is_ok());
        }
        if let Some(on) = settings.natural_scroll {
            note("natural-scroll", self.config_scroll_set_natural_scroll_enabled(on).is_ok());
        }
        if let Some(on) = settings.left_handed {
            note("left-handed", self.config_left_handed_set(on).is_ok());
        }
        if let Some(off) = settings.disable {
            let mode = if off { SendEventsMode::DISABLED } else { SendEventsMode::ENABLED };
            note("disable", self.config_send_events_set_mode(mode).is_ok());
        }
        let wanted = match settings.calibration {
            Some(Calibration::Matrix(matrix)) => Some(matrix.map(|number| number as f32)),
            Some(Calibration::Own) | None => None,
        };
        if self.config_calibration_has_matrix() {
            let own = self.config_calibration_default_matrix().unwrap_or(NO_CALIBRATION);
            note("calibration", self.config_calibration_set_matrix(wanted.unwrap_or(own)).is_ok());
        } else {
            note("calibration", wanted.is_none());
        }
        refused
    }

    fn calibration(&self) -> Option<[f64; 6]> {
        let matrix = || self.config_calibration_matrix().unwrap_or(NO_CALIBRATION).map(f64::from);
        self.config_calibration_has_matrix().then(matrix)
    }

    fn set_leds(&mut self, leds: LedState) {
        self.led_update(leds.into());
    }
}
