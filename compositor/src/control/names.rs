//! The control plane's names on D-Bus.

/// The well-known name on the system bus.
pub const BUS_NAME: &str = "org.kioskd.Compositor1";
/// The object with the compositor's own interface and the object manager.
pub const ROOT_PATH: &str = "/org/kioskd/Compositor1";
/// Parent of the output objects.
pub const OUTPUTS_PATH: &str = "/org/kioskd/Compositor1/outputs";
/// Parent of the input objects.
pub const INPUTS_PATH: &str = "/org/kioskd/Compositor1/inputs";
