//! The tables of `org.kioskd.Compositor1`, `Output1` and `Input1`. What the methods do is in `dispatch`; the
//! files in `assets/dbus/interfaces` are written from here and compared by a test.

mod compositor;
mod input;
mod output;

pub use compositor::COMPOSITOR;
pub use input::INPUT;
pub use output::OUTPUT;
