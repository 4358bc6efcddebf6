//! The parts of [`Machine`](super::Machine)'s state: each an enum whose values can't contradict each other. Only
//! the machine's own modules change them.

use std::time::Duration;

use super::patience::Patience;

/// What people want of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Run,
    /// Stopped by command.
    Stop,
    /// The service ends.
    Leave,
    /// The same, to be started anew by the service manager.
    Renew,
}

/// The other end of the control socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compositor {
    /// None has come yet.
    Unknown,
    Here {
        pid: u32,
    },
    /// The last one, and when it went.
    Lost {
        pid: u32,
        at: Duration,
    },
}

impl Compositor {
    /// There is a compositor to show a window on.
    pub fn is_here(self) -> bool {
        matches!(self, Compositor::Here { .. })
    }

    /// The process that is there, or was last.
    pub fn last_pid(self) -> Option<u32> {
        match self {
            Compositor::Unknown => None,
            Compositor::Here { pid } | Compositor::Lost { pid, .. } => Some(pid),
        }
    }
}

/// The web server of the page that is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// Not asked, or its answer no longer counts.
    Unknown,
    /// Asked after so many refusals.
    Asking {
        refusals: u32,
    },
    /// It did not answer; asked again at `at`.
    Waiting {
        at: Duration,
        refusals: u32,
    },
    Up,
}

/// A load that the browser tries although the server did not say that it is up. The server is asked on meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    /// There is none.
    None,
    /// The server is known to be away: nothing changes for people before something comes of it.
    Away,
    /// What the server is like only the browser can find out.
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
        /// The end is heard of by then.
        limit: Duration,
    },
    /// The kernel does not end it.
    Stuck {
        /// When a strong measure is thought of again.
        again: Duration,
    },
}

/// When the next shell may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Launch {
    Now,
    /// Then, and that is too soon to be worth a word.
    Soon(Duration),
    /// Then, and people are told of the pause.
    Pause(Duration),
}

impl Launch {
    /// When the launch is due; `None`: it is not waited for.
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
    /// There is no browser, or it is being ended.
    None,
    /// The browser does not take orders yet.
    Starting(Patience),
    /// It does not take orders any more; it is ended at `limit`.
    Lost {
        limit: Duration,
    },
    /// Blank, or what it shows is not to be seen.
    Blank,
    /// Its renderer is being ended; the browser is, at `limit`.
    EndingRenderer {
        limit: Duration,
    },
    Loading {
        patience: Patience,
        /// It counts as up then, painted or not.
        empty_at: Option<Duration>,
        /// The page before it is still what people see.
        over_page: bool,
        /// It did not answer before; by then it has to.
        answer_by: Option<Duration>,
    },
    Up {
        health: Health,
        next: Next,
    },
}

/// The forgetting of what pages have stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clearing {
    /// Nothing is to be forgotten.
    None,
    /// Before another page is shown.
    Wanted,
    /// The browser has been told, and has not said that it is done.
    Ordered,
}

/// What becomes of a page that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    /// Its server had nothing better: it is loaded again when the server is well.
    Reload,
    /// The same with the page that was to be opened in its place.
    Open,
}

impl Page {
    /// When time alone changes something about it.
    pub fn deadlines(&self) -> [Option<Duration>; 3] {
        match self {
            Page::None | Page::Blank => [None; 3],
            Page::Starting(patience) => [Some(patience.deadline()), None, None],
            Page::Lost { limit } | Page::EndingRenderer { limit } => [Some(*limit), None, None],
            Page::Loading { patience, empty_at, answer_by, .. } => [Some(patience.deadline()), *empty_at, *answer_by],
            Page::Up { health, .. } => [health.at(), None, None],
        }
    }

    /// Another one is to be opened in its place.
    pub fn opens_next(&self) -> bool {
        matches!(self, Page::Up { next: Next::Open, .. })
    }

    /// The browser takes orders for it.
    pub fn is_attached(&self) -> bool {
        !matches!(self, Page::None | Page::Starting(_) | Page::Lost { .. })
    }
}

/// The signs of life of a page that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It is no page, or waits for a person.
    NotAsked,
    /// It is asked at this moment.
    Fine(Duration),
    /// It has to have answered by this moment.
    Asked(Duration),
}

impl Health {
    /// When the next question, or the end of waiting for an answer, is due; `None`: nothing is asked.
    pub fn at(self) -> Option<Duration> {
        match self {
            Health::NotAsked => None,
            Health::Fine(at) | Health::Asked(at) => Some(at),
        }
    }
}

/// Why things are not simply on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    Offline,
    Crashed,
}

/// The time until people are told that the page is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadyClock {
    /// The page is up, nothing is wanted, or no time is configured.
    Off,
    Until(Duration),
    Over,
}

impl ReadyClock {
    /// Counts from `now`; `timeout` is `shell.ready.timeout`, `None`: the page may take for ever.
    pub fn started(timeout: Option<Duration>, now: Duration) -> Self {
        timeout.map_or(ReadyClock::Off, |timeout| ReadyClock::Until(now + timeout))
    }

    /// When the page has taken too long.
    pub fn at(self) -> Option<Duration> {
        match self {
            ReadyClock::Until(at) => Some(at),
            ReadyClock::Off | ReadyClock::Over => None,
        }
    }
}
