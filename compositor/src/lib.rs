//! The kiosk compositor.

pub mod control;
