//! The on-screen keyboard as a state machine without I/O, and the text field that it types into. The stage draws it,
//! the root feeds it ([`crate::kiosk`]); it knows neither.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod board;
pub mod field;
pub mod geometry;
pub mod keymap;
pub mod page;
pub mod presence;
