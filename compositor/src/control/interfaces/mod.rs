//! The three D-Bus interfaces. Each object shows one snapshot.

mod compositor;
mod input;
mod output;

pub(super) use compositor::Compositor;
pub(super) use input::Input;
pub(super) use output::Output;
