//! What is read from elsewhere, as targets of a fuzzer: bytes go in, and whatever they are, the code that reads them
//! neither panics nor takes long, refuses in a sentence, and keeps a property that is the target's own.
//!
//! `cargo test` plays a bounded number of inputs, the same each time; `make fuzz` looks for new ones by what of the code
//! they reach (libFuzzer). One that fails belongs into `finds/TARGET/`, where each run of the tests plays it first.
//! Targets open no files and speak to no other machine.

// A property that does not hold is a find.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod messages;
pub mod targets;

use std::path::PathBuf;

/// A reader of foreign bytes, and what must be true of it.
#[derive(Clone, Copy)]
pub struct Target {
    /// As on the command line and below `finds`.
    pub name: &'static str,
    /// Panics where a property does not hold.
    pub run: fn(&[u8]),
    /// Inputs as they are meant to be, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words that a random input would not hit upon.
    pub words: &'static [&'static str],
    /// Bytes of the longest input that is tried: longer ones find nothing more, later.
    pub longest: usize,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    targets::config::TARGET,
    targets::control::TARGET,
    targets::dbus::TARGET,
    targets::devtools::TARGET,
    targets::edid::TARGET,
    targets::logo::TARGET,
    targets::probe::TARGET,
    targets::screen::TARGET,
    targets::state::TARGET,
    targets::url::TARGET,
    targets::values::TARGET,
];

/// The target of that name, or a sentence with those that there are.
pub fn target(name: &str) -> Result<Target, String> {
    TARGETS.iter().find(|target| target.name == name).copied().ok_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        format!("there is no target {name:?}; there are {}", names.join(", "))
    })
}

/// The inputs that once did harm to `target`, by their files' names.
pub fn finds(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("finds").join(target.name);
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut finds: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    finds.sort();
    finds.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}
