//! Debian's own programs with kioskd, unmodified: tools that capture the screen, type, copy and manage outputs.
//! `make clients` runs them, with a headless kioskd, and saves their pictures in `tests/out/clients`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod cage;
mod desktop_programs;
mod hands;
mod keyboards;
#[path = "../nested/process.rs"]
mod process;
mod programs;
mod stand;
mod supervised;
mod vnc;
mod x_programs;
