//! How far the program's life has come: the first frame, the first shell, and how it ends. The root keeps it; what it
//! means for the service manager is in [`crate::watchdog`] and [`crate::signals`].

use std::collections::BTreeSet;

use rustix::process::Pid;

use crate::notify::Notifier;

/// Why the loop ends, as an exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub u8);

/// How long it is since the first shell was shown: what was needed to start is not needed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstShell {
    /// Not shown yet.
    Awaited,
    /// Shown a moment ago: what follows from it takes a while.
    Settling,
    /// What the start needed is given back.
    Settled,
}

/// The program's life.
pub struct Lifecycle {
    /// The service manager, if one started us.
    pub notifier: Notifier,
    /// The command or kiosk-session that we started.
    pub child: Option<Pid>,
    /// The shells whose sessions ask for a restart of the device.
    pub reboot_requested: BTreeSet<usize>,
    /// logind is asked to restart it.
    pub reboots: bool,
    exit: Option<Exit>,
    first_frame: bool,
    first_shell: FirstShell,
}

impl Lifecycle {
    /// A life that begins. `notifier`: the service manager, if one started us.
    pub fn new(notifier: Notifier) -> Self {
        let (reboot_requested, reboots) = (BTreeSet::new(), false);
        Self {
            notifier,
            child: None,
            reboot_requested,
            reboots,
            exit: None,
            first_frame: false,
            first_shell: FirstShell::Awaited,
        }
    }

    /// Ends the loop with this status, unless it ends already.
    pub fn stop(&mut self, exit: Exit) {
        self.exit.get_or_insert(exit);
    }

    /// With what the loop ends; `None`: it goes on.
    pub fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// A frame has reached a display. Returns whether it was the first.
    pub fn frame_presented(&mut self) -> bool {
        !std::mem::replace(&mut self.first_frame, true)
    }

    /// A shell is shown, and nothing of ours over it. Returns whether it was the first.
    pub fn shell_shown(&mut self) -> bool {
        let first = self.first_shell == FirstShell::Awaited;
        if first {
            self.first_shell = FirstShell::Settling;
        }
        first
    }

    /// What follows the first shell's picture is over.
    pub fn settled(&mut self) {
        self.first_shell = FirstShell::Settled;
    }

    /// Whether the first shell was shown a moment ago.
    pub fn is_settling(&self) -> bool {
        self.first_shell == FirstShell::Settling
    }
}
