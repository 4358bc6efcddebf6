//! The kiosk compositor.

pub mod control;
pub mod notify;
