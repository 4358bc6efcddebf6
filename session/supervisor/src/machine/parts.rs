//! The parts of [`Machine`](super::Machine)'s state, each an enum, so that they cannot be inconsistent. Only the
//! machine's own modules change them.

use std::time::Duration;

use super::hang_timer::HangTimer;

/// The wanted state of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Run,
    /// Stopped by command.
    Stop,
    /// The service shuts down.
    Leave,
    /// The same, to be restarted by the service manager.
    Renew,
}

/// The other end of the control socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compositor {
    /// Not connected yet.
    Unknown,
    Here {
        pid: u32,
    },
    /// Disconnected: the last one's process id, and when.
    Lost {
        pid: u32,
        at: Duration,
    },
}

impl Compositor {
    /// Whether a compositor is connected.
    pub fn is_here(self) -> bool {
        matches!(self, Compositor::Here { .. })
    }

    /// The process id of the current or last one.
    pub fn last_pid(self) -> Option<u32> {
        match self {
            Compositor::Unknown => None,
            Compositor::Here { pid } | Compositor::Lost { pid, .. } => Some(pid),
        }
    }
}

/// The web server of the page to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// Not probed, or the result is outdated.
    Unknown,
    /// Being probed, after a number of failures.
    Asking {
        refusals: u32,
    },
    /// Not up; probed again at `at`.
    Waiting {
        at: Duration,
        refusals: u32,
    },
    Up,
}

/// An attempt of the browser although the probe failed. Probing goes on meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BrowserAttempt {
    /// There is none.
    None,
    /// The server is down: the shown state does not change before the attempt has a result.
    Away,
    /// Only the browser can tell whether the server is up.
    Unknown,
}

/// The shell's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Browser {
    None,
    /// [`Effect::Launch`](super::Effect::Launch) is being carried out.
    Starting,
    Running {
        pid: u32,
    },
    /// [`Effect::Kill`](super::Effect::Kill) is being carried out.
    Ending {
        /// Time limit for the exit.
        limit: Duration,
    },
    /// SIGKILL has no effect.
    Stuck {
        /// When a strong measure is considered again.
        again: Duration,
    },
}

/// When the next shell may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Launch {
    Now,
    /// At this time, too soon to be shown.
    Soon(Duration),
    /// At this time, with the pause shown.
    Pause(Duration),
}

impl Launch {
    /// When the launch is due; `None`: no launch is pending.
    pub fn at(self) -> Option<Duration> {
        match self {
            Launch::Now => None,
            Launch::Soon(at) | Launch::Pause(at) => Some(at),
        }
    }
}

/// The page within the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// There is no browser, or it is exiting.
    None,
    /// DevTools is not attached yet.
    Starting(HangTimer),
    /// DevTools is detached; the browser is terminated at `limit`.
    Lost {
        limit: Duration,
    },
    /// Blank, or its content must not be visible.
    Blank,
    /// Its renderer is being killed; the browser is killed at `limit`.
    EndingRenderer {
        limit: Duration,
    },
    Loading {
        hang_timer: HangTimer,
        /// When it counts as up even without a paint.
        empty_at: Option<Duration>,
        /// The previous page is still visible.
        over_page: bool,
        /// It did not answer before; the deadline for its answer.
        answer_by: Option<Duration>,
    },
    Up {
        health: Health,
        next: Next,
    },
}

/// The deletion of the pages' stored data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clearing {
    /// Not needed.
    None,
    /// Needed before another page is shown.
    Wanted,
    /// In progress.
    Ordered,
}

/// The next step of a page that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    /// Reload when the server is up, as it answered with an error.
    Reload,
    /// Open the pending navigation when its server is up.
    Open,
}

impl Page {
    /// Its deadlines.
    pub fn deadlines(&self) -> [Option<Duration>; 3] {
        match self {
            Page::None | Page::Blank => [None; 3],
            Page::Starting(hang_timer) => [Some(hang_timer.deadline()), None, None],
            Page::Lost { limit } | Page::EndingRenderer { limit } => [Some(*limit), None, None],
            Page::Loading { hang_timer, empty_at, answer_by, .. } => {
                [Some(hang_timer.deadline()), *empty_at, *answer_by]
            }
            Page::Up { health, .. } => [health.at(), None, None],
        }
    }

    /// Whether another page has to be opened in its place.
    pub fn opens_next(&self) -> bool {
        matches!(self, Page::Up { next: Next::Open, .. })
    }

    /// Whether DevTools is attached.
    pub fn is_attached(&self) -> bool {
        !matches!(self, Page::None | Page::Starting(_) | Page::Lost { .. })
    }
}

/// The pings of a page that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// No pings: there is no page, or it waits for a person.
    NotAsked,
    /// The next ping.
    Fine(Duration),
    /// The deadline for the answer.
    Asked(Duration),
}

impl Health {
    /// When the next ping is due or the answer's time limit ends; `None`: no pings.
    pub fn at(self) -> Option<Duration> {
        match self {
            Health::NotAsked => None,
            Health::Fine(at) | Health::Asked(at) => Some(at),
        }
    }
}

/// The reason for a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DelayReason {
    None,
    Offline,
    Crashed,
}

/// The timer of `shell.ready.timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadyClock {
    /// Not running: the page is up, none is wanted, or no timeout is configured.
    Off,
    Until(Duration),
    Over,
}

impl ReadyClock {
    /// Starts at `now`; `timeout` is `shell.ready.timeout`, `None`: no limit.
    pub fn started(timeout: Option<Duration>, now: Duration) -> Self {
        timeout.map_or(ReadyClock::Off, |timeout| ReadyClock::Until(now + timeout))
    }

    /// When the page is overdue.
    pub fn at(self) -> Option<Duration> {
        match self {
            ReadyClock::Until(at) => Some(at),
            ReadyClock::Off | ReadyClock::Over => None,
        }
    }
}
