//! Groups of [`Kiosk`]'s state that belong to no single module. They have no behaviour.

use std::{os::fd::OwnedFd, rc::Rc};

use kiosk_core::config::Config;
use smithay::{
    reexports::wayland_server::DisplayHandle,
    utils::{Clock, Monotonic},
};

use super::{FlipWatch, Kiosk, Pages, SystemScreens};
use crate::{
    backend::Backend, boot_problems::BootProblems, boot_times::BootRecord, brightness::Brightness,
    deadline_timer::DeadlineTimer, event_loop::Handle, idle::Idle, lifecycle::Lifecycle, night_light::NightLight,
    options::Options, persistence::Saved, power::Power, problems::Problems, publisher::Publisher,
    session_link::SessionLinks, trial::Trial,
};

/// The event loop, its clock and the program's lifecycle.
pub struct MainLoop {
    /// To add sources to the event loop.
    pub handle: Handle<Kiosk>,
    /// libwayland's display: clients and globals.
    pub display: DisplayHandle,
    /// The clock of frame times and input events: CLOCK_MONOTONIC.
    pub clock: Clock<Monotonic>,
    /// One-shot timers that must not be armed twice.
    pub timers: Timers,
    /// The program's state from its start to its end.
    pub lifecycle: Lifecycle,
}

/// The configuration and the changes since.
pub struct Settings {
    /// As last read. Changes that were kept are in `saved`.
    pub config: Config,
    /// The command line, which overrides the configuration.
    pub options: Options,
    /// Changes that outlive a restart (`state.toml`).
    pub saved: Saved,
    /// Changes of the screens that are reverted unless they are confirmed.
    pub trial: Trial,
}

/// What is reported about the state.
pub struct Status {
    /// The problems in `kioskctl status`.
    pub problems: Problems,
    /// What the system found wrong while it booted; told among `problems`.
    pub boot_problems: BootProblems,
    /// When this boot had its first frame and its first page.
    pub boot_times: BootRecord,
    /// Whether D-Bus has to be updated.
    pub publisher: Publisher,
    /// Messages, pairing, and the welcome screen of a device that is not set up.
    pub system_screens: SystemScreens,
}

/// The screens' devices.
pub struct Hardware {
    /// The back end.
    pub backend: Box<dyn Backend>,
    /// Pending and lost page flips.
    pub flips: FlipWatch,
    /// The brightness control of each monitor.
    pub brightness: Brightness,
}

/// Whether the kiosk is in use, which screens are on, and in which light.
pub struct Activity {
    /// Whether the kiosk is in use.
    pub idle: Idle,
    /// Which screens are on, and until when.
    pub power: Power,
    /// How warm the screens' colours are.
    pub night_light: NightLight,
}

/// The connections to kiosk-session, and its pages' calls.
#[derive(Default)]
pub struct Session {
    /// Its connections on the control socket.
    pub links: SessionLinks,
    /// The state of the pages' calls.
    pub pages: Pages,
}

/// One-shot timers: each is armed at most once.
#[derive(Debug, Default)]
pub struct Timers {
    /// The next step of the splash.
    pub(crate) animation: DeadlineTimer,
    /// Timeout of the file chooser.
    pub(super) chooser: DeadlineTimer,
    /// Long presses, repeats and hiding of the on-screen keyboard.
    pub(super) keyboard: DeadlineTimer,
    /// Slow keys.
    pub(super) slow_keys: DeadlineTimer,
    /// The wall clock timer, for the schedule's edges and for resume.
    pub clock: Option<Rc<OwnedFd>>,
    /// Whether the system's time zone is watched.
    pub watches_zone: bool,
    /// Hiding of the idle pointer.
    pub cursor: bool,
    /// Touches without a release.
    pub stuck_fingers: bool,
}
