//! Typing without a keyboard: what is known of the field that is typed into. Pure; knows no protocol and no screen.

pub mod field;
