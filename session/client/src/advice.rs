//! Advice on how to start a service with this system's service manager, for messages about services that do not run.

use std::path::{Path, PathBuf};

use kiosk_core::config::ROOT_ENV;

/// The service manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceManager {
    /// systemd runs.
    Systemd,
    /// OpenRC.
    OpenRc,
    /// Some other, or none.
    Other,
}

impl ServiceManager {
    /// That of the system below `root`.
    pub fn of(root: &Path) -> Self {
        // As sd_booted(3) finds out.
        if root.join("run/systemd/system").is_dir() {
            Self::Systemd
        } else if root.join("run/openrc").is_dir() {
            Self::OpenRc
        } else {
            Self::Other
        }
    }

    /// That of this system, `KIOSK_ROOT` taken for `/`.
    pub fn here() -> Self {
        let root = std::env::var_os(ROOT_ENV).filter(|root| !root.is_empty());
        Self::of(&root.map_or_else(|| PathBuf::from("/"), PathBuf::from))
    }

    /// What starts it, as the end of "start it with ...".
    pub fn start(self, service: &str) -> String {
        self.verb("start", service)
    }

    /// What starts it again, as the end of "then ...".
    pub fn restart(self, service: &str) -> String {
        match self {
            Self::Other => format!("restart {service}"),
            _ => self.verb("restart", service),
        }
    }

    /// What starts it now and at each boot, and says how it is.
    pub fn enable(self, service: &str) -> String {
        match self {
            Self::Systemd => format!("`systemctl enable --now {service}`, then `systemctl status {service}`"),
            Self::OpenRc => format!("`rc-update add {service}`, then `rc-service {service} start`"),
            Self::Other => format!("have {service} started, and look into its log"),
        }
    }

    /// Where its status is shown, as the end of "see ...".
    pub fn status(self, service: &str) -> String {
        match self {
            Self::Systemd => format!("`systemctl status {service}`"),
            Self::OpenRc => format!("`rc-service {service} status`"),
            Self::Other => format!("the log of {service}"),
        }
    }

    fn verb(self, verb: &str, service: &str) -> String {
        match self {
            Self::Systemd => format!("`systemctl {verb} {service}`"),
            // The script starts both programs.
            Self::OpenRc => format!("`rc-service kiosk {verb}`"),
            Self::Other => "this system's own means (systemd does not run)".to_owned(),
        }
    }
}
