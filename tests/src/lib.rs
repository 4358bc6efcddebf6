//! Machine, nested and in-process tests.
//!
//! `vm` drives a virtual machine from outside: power, picture, keys, fingers, and commands inside of it. The
//! machine tests (`tests/vm`) and the benchmark (`tests/bench`) are written on it.

// Read by tests alone, whose names say what they look for.
#![allow(missing_docs)]

pub mod frames;
pub mod gadgets;
pub mod sample;
pub mod vm;
