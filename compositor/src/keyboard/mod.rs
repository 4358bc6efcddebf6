//! Typing without a keyboard: what is known of the field that is typed into, and the keyboard on the screen as a machine
//! without I/O. The stage draws it, the root feeds it ([`crate::kiosk`]); it knows neither.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod board;
pub mod field;
pub mod geometry;
pub mod keymap;
pub mod page;
pub mod presence;
