//! A virtual machine as a test sees it: a [`Machine`] that boots the guest with what is under test, a camera
//! on its screen, hands on its keyboard, mouse and touchscreen, and an [`Agent`] that runs commands inside.
//!
//! Everything waits for an event or samples the screen against a deadline; nothing hopes that a time is enough.

mod agent;
mod cable;
mod card;
mod disk;
mod film;
mod flashed;
mod gadget;
mod guest;
mod hands;
mod initrd;
mod machine;
mod network;
mod panel;
mod picture;
mod qmp;
mod seen;
mod sleep;
mod stage;
mod vkms;
mod window;
pub mod wire;

pub use agent::{Agent, Job, Output};
pub use cable::Cable;
pub use card::{Card, Partition};
pub use disk::Disk;
pub use film::{Film, Sample};
pub use flashed::{Flashed, FlashedPlan, Kernel, Login, Processor};
pub use gadget::{Event, Gadget, Plugged, Said};
pub use guest::Guest;
pub use hands::Finger;
pub use machine::{Display, Machine, Plan};
pub use picture::{Picture, Rgb, near};
pub use seen::{has_dots, is_demo, is_splash, logo_bounds};
pub use stage::Stage;
pub use vkms::virtual_display_driver;
