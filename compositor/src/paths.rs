//! The directories that a run of kioskd uses, from options and environment. Creates none of them.

use std::path::PathBuf;

use kiosk_core::api;

use crate::options::{BackendChoice, Options};

/// The directory of the saved state; `None` for a window or a command, which are not the appliance.
pub fn saved_directory(options: &Options) -> Option<PathBuf> {
    let chosen = std::env::var_os(api::STATE_DIR_ENV).or_else(|| std::env::var_os("STATE_DIRECTORY"));
    match chosen.filter(|value| !value.is_empty()) {
        Some(directory) => Some(directory.into()),
        None if is_appliance(options) => Some(api::STATE_DIR.into()),
        None => None,
    }
}

/// Whether this kioskd is what its machine is for, and not a window or there for one command.
pub fn is_appliance(options: &Options) -> bool {
    options.command.is_empty() && matches!(options.backend, BackendChoice::Auto | BackendChoice::Kms)
}

/// The runtime directory: the option, systemd's, `/run/kiosk` for root, else one of the user's own.
pub fn runtime_dir(options: &Options) -> PathBuf {
    if let Some(directory) = &options.runtime_dir {
        return directory.clone();
    }
    if let Some(directory) = std::env::var_os("RUNTIME_DIRECTORY").filter(|value| !value.is_empty()) {
        let text = directory.to_string_lossy().into_owned();
        return text.split(':').next().unwrap_or_default().into();
    }
    if rustix::process::geteuid().is_root() && options.command.is_empty() {
        return api::RUNTIME_DIR.into();
    }
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    let base =
        own.unwrap_or_else(|| std::env::temp_dir().join(format!("kioskd-{}", rustix::process::geteuid().as_raw())));
    // A directory for each nested kioskd of one user.
    base.join(format!("kiosk-{}", std::process::id()))
}
