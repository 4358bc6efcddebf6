//! Debian's own programs against kioskd, unmodified: what looks at the screen, types, copies and manages outputs from
//! afar. `make clients` runs them, against a kioskd without a display, and leaves their pictures in `tests/out/clients`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod cage;
mod hands;
mod keyboards;
#[path = "../nested/process.rs"]
mod process;
mod programs;
mod stand;
mod supervised;
mod vnc;
mod x_programs;
