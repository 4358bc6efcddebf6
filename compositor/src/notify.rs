//! The service manager's readiness and watchdog protocol, which the event loop speaks through
//! [`Notifier`]: READY after the first page flip, WATCHDOG only from a loop that can still flip.
//!
//! Both daemons use the implementation in [`kiosk_core`].

pub use kiosk_core::notify::{ENV, Notifier, NotifyError};
