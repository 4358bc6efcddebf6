//! The session of one shell: turns inputs (compositor, server, browser, commands, signals, time) into events of
//! [`crate::machine`], carries out its effects by [`effects`], and publishes the state to the compositor, the bus and
//! the service manager.

mod effects;
mod measures;
mod page_calls;
mod uploads;
mod waiters;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{self, set_parent_process_death_signal};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use self::measures::Kept;
use self::page_calls::{MAX_CALLS as MAX_PAGE_CALLS, PageCalls};
pub(crate) use self::uploads::UploadAnswer;
use self::waiters::Waiter;
use super::Input;
use super::board::Board;
use super::clock::Clock;
use super::restart_clock;
use super::shell::Shell;
use super::signals::Signals;
use crate::aging::MemoryTrend;
use crate::bus::{self, Call, Status};
use crate::control_link::{self, Link};
use crate::devtools::loggable;
use crate::machine::{Command, Event, Machine, RestartReason, Settings};
use crate::page::Page;
use crate::probe::ProbeError;
use crate::profile::Directories;
use crate::recovery::{LastMeasures, Rung};
use crate::sign_in::{CREDENTIALS_ENV, SignIn};
use kiosk_core::api::{CONTROL_SOCKET, Report, State};
use kiosk_core::config::{Allowed, Api, PageReady, Shell as Configured, masked};
use kiosk_core::container;
use kiosk_core::text::shortened;
use kiosk_core::texts::Texts;

/// Most queued commands; further callers wait.
const MAX_CALLS: usize = 32;

/// Inputs handled before commands and the clock get a turn. Less than tokio's budget of a task (128), else they would
/// never be polled.
const MAX_IN_A_ROW: u32 = 32;

/// Longest message for the screen, characters: URLs in it may have megabytes, but a line of the control socket is
/// bounded.
const MAX_CHARACTERS: usize = 500;

/// The sources of a shell's events.
pub(super) struct EventSources {
    signals: Signals,
    from_tasks: mpsc::UnboundedReceiver<Input>,
    from_bus: mpsc::Receiver<Call>,
    /// The other end of `from_bus`.
    pub calls: mpsc::Sender<Call>,
}

/// Whether a command or a container gets the URL, so that its server has to be up first.
fn wants_url(configured: &Configured) -> bool {
    if configured.is_container() {
        return container::read(&configured.container).is_ok_and(|definition| definition.wants_url());
    }
    configured.command.iter().any(|word| word.contains("{url}"))
}

fn settings(configured: &Configured, texts: Texts, before: LastMeasures) -> Settings {
    let command = !configured.is_browser();
    let container = configured.container.to_string_lossy();
    let program = match configured.command.first() {
        _ if configured.is_container() => &container,
        Some(program) => program.as_str(),
        None => &configured.browser,
    };
    Settings {
        home: configured.url.clone(),
        command,
        needs_server: !command || wants_url(configured),
        program: program.rsplit('/').next().unwrap_or_default().to_owned(),
        ready_timeout: configured.ready.timeout,
        explicit: !command && configured.ready.page == PageReady::Explicit,
        texts,
        before,
    }
}

/// The credentials after `command` is accepted. The user in an opened URL is removed from it: like the configured
/// page's it is given only when the server asks, until another page is opened.
fn signed_in_for(sign_in: &SignIn, command: &mut Command) -> SignIn {
    match command {
        Command::Open { url } => {
            let own = sign_in.with_user_of(url);
            if url.user().is_some() {
                *url = url.without_user();
            }
            own
        }
        Command::Home | Command::ClearData | Command::Stop => sign_in.without_opened(),
        Command::Reload { .. } | Command::Restart | Command::Start => sign_in.clone(),
    }
}

/// The state machine's report, with its shell's number, cut to fit the control socket.
fn report_of(number: usize, machine: &Machine, page: Option<&Page>) -> Report {
    let report = machine.report();
    let message = shortened(&masked(&report.message), MAX_CHARACTERS);
    let reboot = shortened(&masked(&report.reboot), MAX_CHARACTERS);
    let reason = shortened(&masked(&report.reason), MAX_CHARACTERS);
    Report { shell: number as u32, message, reboot, reason, listens: page.map_or(0, Page::listens), ..report }
}

/// The session of one shell.
pub(super) struct Daemon {
    /// The shell's number.
    number: usize,
    machine: Machine,
    configured: Configured,
    /// What the page may show.
    allowed: Allowed,
    /// Which pages may use `window.kiosk`.
    api: Api,
    page_calls: PageCalls,
    sign_in: SignIn,
    /// The certificate's error.
    certificate_problem: Option<String>,
    /// The last probe's result that the browser may know better.
    probe_error: Option<ProbeError>,
    /// The one already logged, as the server is probed twice a second.
    logged_probe_error: Option<String>,
    clock: Clock,
    /// A thread is reading files for an upload. At most one, as a drive may never answer.
    looks_at_files: bool,
    inputs: mpsc::UnboundedSender<Input>,
    board: Arc<Board>,
    /// When the watchdog was last fed.
    pet: Duration,
    /// Asks the bus to check its socket.
    look: Arc<Notify>,
    report: watch::Sender<Report>,
    /// What D-Bus shows.
    pub status: watch::Sender<Status>,
    directories: Directories,
    wayland_display: PathBuf,
    shell: Option<Shell>,
    launches: u64,
    /// When the running browser is next checked, and measured.
    look_at: Duration,
    measure_at: Duration,
    memory_trend: MemoryTrend,
    probe: Option<JoinHandle<()>>,
    probes: u64,
    /// Events that came while effects were carried out, handled afterwards.
    happened: VecDeque<Event>,
    /// Start the next shell with an empty profile.
    profile_aside: bool,
    /// The strong measures that were taken.
    kept: Kept,
    /// `health.reboot`.
    reboot: bool,
    /// kioskd is our parent and restarts us.
    kioskd_restarts_us: bool,
    /// Callers that wait for the page.
    waiters: Vec<Waiter>,
    finished: bool,
}

impl Daemon {
    /// Makes a shell's session and its connection to the compositor.
    pub fn start(
        number: usize,
        (configured, allowed, api, texts, reboot): (&Configured, Allowed, Api, Texts, bool),
        runtime_dir: &Path,
        board: Arc<Board>,
        look: Arc<Notify>,
        directories: Directories,
    ) -> anyhow::Result<(Self, EventSources)> {
        let signals = Signals::new().context("signals can't be received")?;
        let (inputs, from_tasks) = mpsc::unbounded_channel();
        let (calls, from_bus) = mpsc::channel(MAX_CALLS);
        let clock = Clock::start().context("no alarm clock")?;
        let (to_compositor, page_calls) = mpsc::channel(MAX_PAGE_CALLS);
        let own = (configured.clone(), allowed, api, texts, reboot);
        let ways = (inputs.clone(), PageCalls::new(to_compositor));
        let daemon = Daemon::new(number, own, clock, ways, board, look, directories);
        if let Some(time) = configured.browser_settings.restart_at {
            let inputs = inputs.clone();
            tokio::spawn(async move {
                let tell = move || drop(inputs.send(Input::RestartDue));
                if let Err(error) = restart_clock::keep(time, tell).await {
                    tracing::error!(%error, "browser.restart-at is not followed");
                }
            });
        }
        let reports = daemon.report.subscribe();
        let socket = runtime_dir.join(CONTROL_SOCKET);
        tokio::spawn(async move {
            let tell = move |link| drop(inputs.send(Input::Link(link)));
            control_link::keep(&socket, number, reports, page_calls, tell).await;
        });
        Ok((daemon, EventSources { signals, from_tasks, from_bus, calls }))
    }

    /// Runs until shutdown. Returns whether it asks to be restarted.
    pub async fn run(mut self, ends: EventSources) -> bool {
        let EventSources { mut signals, mut from_tasks, mut from_bus, calls: _calls } = ends;
        self.keep_time();
        let mut in_a_row = 0;
        while !self.finished {
            let wake = self.next_wake();
            in_a_row += 1;
            let others_first = in_a_row > MAX_IN_A_ROW;
            tokio::select! {
                // Inputs before deadlines, as after a suspend both are ready. But a browser that always has messages
                // must not starve the rest.
                biased;
                () = signals.end() => self.event(Event::Shutdown),
                Some(input) = from_tasks.recv(), if !others_first => self.input(input),
                Some(call) = from_bus.recv() => {
                    in_a_row = 0;
                    self.call(call);
                }
                () = self.clock.sleep_until(wake) => {
                    in_a_row = 0;
                    self.tick();
                }
                () = std::future::ready(()), if others_first => in_a_row = 0,
            }
            self.still_alive();
        }
        self.kept.keep();
        self.machine.renews()
    }

    /// The sender of its inputs.
    pub fn inputs(&self) -> mpsc::UnboundedSender<Input> {
        self.inputs.clone()
    }

    fn new(
        number: usize,
        (configured, allowed, api, texts, reboot): (Configured, Allowed, Api, Texts, bool),
        clock: Clock,
        (inputs, page_calls): (mpsc::UnboundedSender<Input>, PageCalls),
        board: Arc<Board>,
        look: Arc<Notify>,
        directories: Directories,
    ) -> Self {
        let mut kept = Kept::read(&directories);
        let machine = Machine::new(settings(&configured, texts, kept.before()), clock.now());
        let credentials = std::env::var_os(CREDENTIALS_ENV).map(PathBuf::from);
        let sign_in =
            SignIn::load(configured.browser_settings.sign_in.as_deref(), credentials.as_deref(), &configured.url);
        if let Some(problem) = sign_in.problem() {
            tracing::error!("browser.sign-in: {problem}");
        }
        let last_failure = kept.occasion().map(|(reason, action)| (reason, action, clock.boot_micros()));
        if let Some((reason, action, _)) = &last_failure {
            tracing::warn!(reason, action, "why this session was started");
        }
        let status = Status {
            state: machine.state(),
            url: machine.url().to_owned(),
            since: clock.boot_micros(),
            restarts: 0,
            refused: 0,
            restart_reason: String::new(),
            last_failure: last_failure.unwrap_or_default(),
            pid: 0,
            readies: 0,
            failures: 0,
        };
        Daemon {
            report: watch::Sender::new(report_of(number, &machine, None)),
            number,
            status: watch::Sender::new(status),
            pet: clock.now(),
            machine,
            configured,
            allowed,
            api,
            page_calls,
            sign_in,
            certificate_problem: None,
            probe_error: None,
            logged_probe_error: None,
            clock,
            looks_at_files: false,
            inputs,
            board,
            look,
            directories,
            wayland_display: PathBuf::new(),
            shell: None,
            launches: 0,
            look_at: Duration::ZERO,
            measure_at: Duration::ZERO,
            memory_trend: MemoryTrend::default(),
            probe: None,
            probes: 0,
            happened: VecDeque::new(),
            profile_aside: false,
            kept,
            reboot,
            kioskd_restarts_us: false,
            waiters: Vec::new(),
            finished: false,
        }
    }

    /// The machine's deadline, or the service manager's.
    fn next_wake(&self) -> Option<Duration> {
        let watchdog = self.board.watchdog(self.number).map(|period| self.pet + period / 2);
        let page = self.shell.as_ref().and_then(|shell| shell.page.as_ref()).and_then(Page::deadline);
        [self.machine.deadline(), page, watchdog, self.waiters_deadline()].into_iter().flatten().min()
    }

    /// Feeds the watchdog, once a turn; early if we are awake anyway, to save a wake-up.
    fn still_alive(&mut self) {
        if let Some(period) = self.board.watchdog(self.number)
            && self.clock.now() >= self.pet + period / 4
        {
            let now = self.clock.now();
            // After a failure it is fed again soon.
            self.pet = if self.board.alive() {
                now
            } else {
                (now + kiosk_core::notify::TELL_AGAIN).saturating_sub(period / 2)
            };
        }
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        if let Some(page) = self.page() {
            page.tick(now);
            self.page_events();
        }
        self.event(Event::Tick);
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Link(Link::Up { pid, wayland_display, tells_windows, takes_calls }) => {
                self.compositor_takes(takes_calls);
                tracing::info!(pid, display = %wayland_display.display(), "connected to kioskd");
                self.wayland_display = wayland_display;
                self.look.notify_one();
                self.end_with(pid);
                // Before the next event: a command that is started at once waits for its window.
                self.event(Event::Window { mapped: tells_windows.then_some(false) });
                self.event(Event::CompositorUp { pid });
            }
            Input::Link(Link::Window { mapped }) => self.event(Event::Window { mapped: Some(mapped) }),
            Input::Link(Link::Reset { number }) => {
                tracing::info!(number, "idle reset: opening the first page, deleting the last visitor's data");
                let sign_in = self.sign_in.without_opened();
                let keeps = self.machine.is_new_reset(number) && self.sign_in.forgets_opened(&sign_in);
                if self.machine.is_new_reset(number) {
                    self.set_sign_in(sign_in);
                }
                self.event(Event::Reset { number });
                if keeps {
                    self.event(Event::PasswordKept);
                }
            }
            Input::Link(Link::Idle) => self.event(Event::Idle),
            Input::Link(Link::Pinged { number, answers: false, commits }) => {
                self.event(Event::WindowAsked { number, commits });
            }
            Input::Link(Link::Pinged { number, answers: true, .. }) => self.event(Event::WindowAlive { number }),
            Input::Link(Link::NoReboot { reason }) => self.event(Event::MeasureRefused { rung: Rung::Reboot, reason }),
            Input::End => self.event(Event::Shutdown),
            Input::KeepTime => self.time_kept(),
            Input::Link(Link::Presence { idle }) => self.with_page(|page| page.tell_presence(idle)),
            Input::Link(Link::Keyboard { area }) => self.with_page(|page| page.tell_keyboard(area)),
            Input::Link(Link::Answer(answer)) => self.compositor_answered(answer),
            Input::RestartDue => self.event(Event::RestartDue { why: RestartReason::TimeOfDay }),
            Input::Link(Link::Down) => {
                self.dismiss_chooser();
                self.compositor_takes_none();
                self.event(Event::CompositorDown);
            }
            Input::Probed { generation, answer } => {
                if generation == self.probes {
                    self.probe_error = None;
                    let event = match answer {
                        Ok(()) => {
                            self.logged_probe_error = None;
                            Event::ServerUp
                        }
                        Err(error) if error.browser_may_know() => {
                            if !matches!(&self.logged_probe_error, Some(said) if *said == error.to_string()) {
                                tracing::info!(%error, "probe failed; browser tries nevertheless");
                                self.logged_probe_error = Some(error.to_string());
                            }
                            let (silent, reason) = (error.is_silence(), error.to_string());
                            self.probe_error = Some(error);
                            if silent { Event::ServerSilent { reason } } else { Event::ServerUp }
                        }
                        Err(error) => Event::ServerDown { reason: error.to_string() },
                    };
                    self.event(event);
                }
            }
            Input::FromBrowser { generation, message, _room } => {
                let now = self.clock.now();
                if generation == self.launches
                    && let Some(page) = self.page()
                {
                    tracing::trace!(message = %loggable(&message), "from the browser");
                    page.take(&message, now);
                    self.page_events();
                }
            }
            Input::Looked { generation, replaced, memory } => {
                if generation == self.launches && self.shell.is_some() {
                    self.looked(replaced, memory);
                }
            }
            Input::Certificate { generation, problem } => {
                if generation == self.launches && self.shell.is_none() {
                    self.certificate_ready(problem);
                }
            }
            Input::Link(Link::Chosen { number, files }) => self.chosen(number, &files),
            Input::Uploads { generation, number, answer } => self.files_looked_at(generation, number, answer),
            Input::PipeClosed { generation, why } => {
                if generation == self.launches && self.shell.is_some() {
                    self.event(Event::Detached { reason: why.into() });
                }
            }
            Input::Exited { generation, how } => {
                if generation == self.launches {
                    self.shell = None;
                    // A command that went to the background left its processes outside of our group.
                    if !self.configured.is_browser() {
                        self.end_leftovers();
                    }
                    self.event(Event::Exited { how });
                }
            }
        }
    }

    /// Dies with the compositor that started us, as it starts another session when it is restarted.
    fn end_with(&mut self, compositor: u32) {
        let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
        self.kioskd_restarts_us = parent == Some(compositor);
        if !self.kioskd_restarts_us {
            return;
        }
        if let Err(error) = set_parent_process_death_signal(Some(process::Signal::TERM)) {
            tracing::warn!(%error, "kiosk-session will survive if kioskd is killed");
        }
    }

    fn call(&mut self, mut call: Call) {
        let sign_in = signed_in_for(&self.sign_in, &mut call.command);
        let shows_page = call.command.shows_page();
        match self.machine.command(call.command, self.clock.now()) {
            // The caller may be gone.
            Err(refusal) => drop(call.reply.send(Err(refusal))),
            Ok(effects) => {
                self.forget_opened(sign_in);
                if shows_page {
                    self.answer_when_shown(call.reply);
                } else {
                    let _ = call.reply.send(Ok(()));
                }
                self.carry_out(effects);
                self.take_turns();
            }
        }
    }

    fn set_sign_in(&mut self, sign_in: SignIn) {
        self.sign_in = sign_in.clone();
        if let Some(page) = self.page() {
            page.set_sign_in(sign_in);
        }
    }

    fn event(&mut self, event: Event) {
        self.happened.push_back(event);
        self.take_turns();
    }

    /// Sets the credentials. If the user of an opened URL is dropped, the browser still has the password cached, so it is
    /// restarted.
    fn forget_opened(&mut self, sign_in: SignIn) {
        if self.sign_in.forgets_opened(&sign_in) {
            self.happened.push_back(Event::PasswordKept);
        }
        self.set_sign_in(sign_in);
    }

    /// Steps the state machine once for each event, and carries out its effects before the next.
    fn take_turns(&mut self) {
        while let Some(event) = self.happened.pop_front() {
            tracing::debug!(?event, "event");
            self.tell_measures();
            let effects = self.machine.step(event, self.clock.now());
            self.carry_out(effects);
        }
        self.publish();
        self.answer_waiters();
    }

    /// Publishes the state, if it changed.
    fn publish(&mut self) {
        let page = self.shell.as_ref().and_then(|shell| shell.page.as_ref());
        let report = Report { chooser: self.chooser(), ..report_of(self.number, &self.machine, page) };
        let state = self.machine.state();
        let (url, restarts, pid) = (self.machine.url(), self.machine.restarts(), self.machine.pid());
        let refused = self.machine.refused();
        let since = self.clock.boot_micros();
        let before = self.status.borrow().state;
        self.board.seen(self.number, state == State::Ready);
        self.status.send_if_modified(|status| {
            let restart_reason = self.machine.restart_reason().to_owned();
            let mut new = Status { url: url.to_owned(), restarts, refused, pid, restart_reason, ..status.clone() };
            if new.state != state {
                new.state = state;
                new.since = since;
                new.readies += u64::from(state == State::Ready);
            }
            let modified = new != *status;
            *status = new;
            modified
        });
        if before != state {
            tracing::info!(state = bus::state_name(state), url = masked(url), text = report.message, "state");
        }
        self.report.send_if_modified(|old| {
            let modified = *old != report;
            if modified {
                let text = if report.message.is_empty() { bus::state_name(state) } else { &report.message };
                if old.message != report.message || old.state != report.state {
                    self.board.tell(self.number, text);
                }
                old.clone_from(&report);
            }
            modified
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kiosk_core::config::Url;

    #[test]
    fn the_user_of_an_opened_address_is_in_force_while_that_is_what_is_shown() {
        let url = |text: &str| Url::parse(text).unwrap();
        let nobody = SignIn::load(None, None, &url("http://a/"));
        let mut open = Command::Open { url: url("http://ann:two@a/x") };
        let opened = signed_in_for(&nobody, &mut open);
        assert_eq!(open, Command::Open { url: url("http://a/x") }, "told to nobody else");
        assert!(nobody.login("http://a/").is_none() && opened.login("http://a/").is_some());
        for (mut command, stays) in [
            (Command::Reload { hard: true }, true),
            (Command::Restart, true),
            (Command::Start, true),
            (Command::Open { url: url("http://a/y") }, false),
            (Command::Home, false),
            (Command::ClearData, false),
            (Command::Stop, false),
        ] {
            assert_eq!(signed_in_for(&opened, &mut command).login("http://a/").is_some(), stays, "{command:?}");
        }
    }
}
