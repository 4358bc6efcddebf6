//! The parts of [`Kiosk`] that are no module's own: what goes together, put together. They do nothing by themselves.

use std::{os::fd::OwnedFd, rc::Rc};

use kiosk_core::config::Config;
use smithay::{
    reexports::{calloop::LoopHandle, wayland_server::DisplayHandle},
    utils::{Clock, Monotonic},
};

use super::{FlipWatch, Kiosk, Pages, SystemScreens};
use crate::{
    backend::Backend, brightness::Brightness, deadline_timer::DeadlineTimer, idle::Idle, lifecycle::Lifecycle,
    options::Options, persistence::Saved, power::Power, problems::Problems, publisher::Publisher,
    session_link::SessionLinks, trial::Trial,
};

/// The event loop, its clock, and how far the program has come.
pub struct MainLoop {
    /// To add sources to the event loop.
    pub handle: LoopHandle<'static, Kiosk>,
    /// libwayland's display: clients and globals.
    pub display: DisplayHandle,
    /// The clock of frame times and input events: CLOCK_MONOTONIC.
    pub clock: Clock<Monotonic>,
    /// One-shot timers that must not be armed twice.
    pub timers: Timers,
    /// How far the program has come, and how it ends.
    pub lifecycle: Lifecycle,
}

/// What was configured, and what was changed since.
pub struct Settings {
    /// As it was last read. What was changed and kept since is in `saved`.
    pub config: Config,
    /// The command line: it counts more than the configuration.
    pub options: Options,
    /// Changes that outlive a restart (`state.toml`).
    pub saved: Saved,
    /// Changes of the screens that go back unless they are confirmed.
    pub trial: Trial,
}

/// What people read of how it is.
pub struct Status {
    /// What people read in `kioskctl status`.
    pub problems: Problems,
    /// Whether D-Bus has to be told anything.
    pub publisher: Publisher,
    /// Messages, pairing and the welcome of a device that is not set up.
    pub system_screens: SystemScreens,
}

/// The screens' devices.
pub struct Hardware {
    /// The way to them.
    pub backend: Box<dyn Backend>,
    /// Page flips that are awaited, and those that never came.
    pub flips: FlipWatch,
    /// Which display has which control for its brightness.
    pub brightness: Brightness,
}

/// Whether anybody is there, and which screens are on for that.
pub struct Activity {
    /// Whether anybody is there.
    pub idle: Idle,
    /// Which screens are on, and until when.
    pub power: Power,
}

/// kiosk-session, and what its pages ask for.
#[derive(Default)]
pub struct Session {
    /// Its connections on the control socket.
    pub links: SessionLinks,
    /// What the shells' pages have asked for.
    pub pages: Pages,
}

/// Which one-shot timers are armed: each at most once.
#[derive(Debug, Default)]
pub struct Timers {
    /// A list that nobody chooses from.
    pub(super) chooser: DeadlineTimer,
    /// What the keyboard on the screen does by itself.
    pub(super) keyboard: DeadlineTimer,
    /// Keys that count when they were held for a while.
    pub(super) slow_keys: DeadlineTimer,
    /// The alarm on the clock of the day, for the schedule's edges and for the end of a sleep.
    pub clock: Option<Rc<OwnedFd>>,
    /// The system's time zone is watched.
    pub watches_zone: bool,
    /// The next step of the splash.
    pub animation: bool,
    /// The pointer's rest.
    pub cursor: bool,
    /// Fingers that are never lifted.
    pub stuck_fingers: bool,
}
