//! What people see and what clients are told, with the whole compositor in the test's process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fixture/mod.rs"]
mod fixture;

mod rotation;
mod shell;
