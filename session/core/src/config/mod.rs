//! The configuration: TOML layers merged key by key, with exact error positions; the changes saved at runtime;
//! and the policy that follows from both for one output. kioskd, kiosk-session and kioskctl read it from here.
//! Nothing here talks to a service, and no input makes it panic.

mod accessibility;
mod agent;
pub mod allow;
mod api;
mod browser;
mod devices;
pub mod edit;
mod keyboard;
mod keys;
mod layer;
mod limits;
mod lint;
mod load;
mod masked;
mod messages;
mod model;
mod night_light;
mod origin;
mod output;
mod policy;
mod privilege;
mod raw;
mod screens;
mod setters;
mod shell;
mod show;
mod splash;
mod state;
mod suggest;
pub mod syntax;
mod trust;
pub mod url;
mod variable;

pub use accessibility::{Accessibility, Aid, AidError};
pub use agent::{Agent, Broker, BrokerError, Mqtt, RenewAt};
pub use allow::{Allowed, UrlPattern};
pub use api::Api;
pub use browser::{
    Answer, BrowserSettings, Dialogs, NewWindows, Permission, PermissionRule, Printing, ProfileKind, Proxy, Shortcuts,
};
pub use devices::{
    AccelProfile, Calibration, DeviceNames, InputRule, InputSettings, OUTPUT_AUTO, calibration_of, input_settings,
};
pub use keyboard::{KeyboardSize, KeyboardUse, OnScreenKeyboard};
pub use limits::Limits;
pub use load::{ADMIN_DIR, ADMIN_FILE, ConfigFiles, Loaded, ROOT_ENV, Sources, VENDOR_DIR};
pub use masked::masked;
pub use model::{
    CaptureSettings, Config, CursorPolicy, Days, Health, Idle, Input, Keyboard, Lease, NewDevices, Power,
    ScheduleEntry, TimeOfDay, X11,
};
pub use night_light::NightLight;
pub use origin::{ConfigError, Origin, Source, TextPosition};
pub use output::{ModeChoice, OutputRule, OutputSettings};
pub use policy::{OutputPolicy, conflicting_rules, identity, output_policy};
pub use privilege::{Group, PrivilegeRule};
pub use screens::OutputTables;
pub use shell::{PageReady, Ready, Shell, StatusRanges};
pub use show::Setting;
pub use splash::{Look, Splash, SplashPosition};
pub use state::{SaveError, SavedState, StateError, state_dir};
pub use suggest::closest;
pub use trust::{DeviceIdentity, TrustList};
pub use url::Url;

pub use crate::quantities::{Brightness, ColourTemperature, Position, Rotation, Scale, ScaleFactor, VtNumber};
