//! The session of one shell: turns inputs (compositor, server, browser, commands, signals, time) into events of
//! [`crate::machine`], carries out its effects by [`effects`], and publishes the state to the compositor, the bus and
//! the service manager.

mod credentials;
mod effects;
mod inputs;
mod inspection;
mod measures;
mod page_calls;
mod publish;
mod settings;
mod uploads;
mod waiters;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use self::credentials::signed_in_for;
use self::inspection::{Ending, Inspection};
use self::measures::Kept;
use self::page_calls::{MAX_CALLS as MAX_PAGE_CALLS, PageCalls};
use self::publish::report_of;
use self::settings::settings;
pub(crate) use self::uploads::UploadAnswer;
use self::waiters::Waiter;
use super::Input;
use super::board::Board;
use super::clock::Clock;
use super::restart_clock;
use super::shell::Shell;
use super::signals::Signals;
use crate::aging::MemoryTrend;
use crate::bus::{Call, Console, Inspect, Status};
use crate::control_link;
use crate::machine::{Counts, Event, Machine};
use crate::page::Page;
use crate::probe::ProbeError;
use crate::profile::Directories;
use crate::sign_in::{CREDENTIALS_ENV, SignIn};
use kiosk_core::api::{CONTROL_SOCKET, Report};
use kiosk_core::config::{Allowed, Api, Shell as Configured};
use kiosk_core::texts::Texts;

/// Most queued commands; further callers wait.
const MAX_CALLS: usize = 32;

/// Inputs handled before commands and the clock get a turn. Less than tokio's budget of a task (128), else they would
/// never be polled.
const MAX_IN_A_ROW: u32 = 32;

/// The sources of a shell's events.
pub(super) struct EventSources {
    signals: Signals,
    from_tasks: mpsc::UnboundedReceiver<Input>,
    from_bus: mpsc::Receiver<Call>,
    /// The other end of `from_bus`.
    pub calls: mpsc::Sender<Call>,
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
    /// Who listens to the page's console.
    pub console: Console,
    /// Who looks at it by DevTools, and how many have.
    inspection: Option<Inspection>,
    inspections: u64,
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
        self.end_inspection(Ending::Session);
        self.kept.keep();
        self.machine.renews()
    }

    /// By which somebody may look at its page.
    pub fn inspect_way(&self) -> Inspect {
        let inputs = self.inputs.clone();
        // Dropped by a session that has ended, which the caller is told.
        Inspect::new(move |order| drop(inputs.send(Input::Inspect(order))))
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
            waiting_for: String::new(),
            last_failure: last_failure.unwrap_or_default(),
            pid: 0,
            readies: 0,
            failures: 0,
            failure_counts: Counts::default(),
            restart_causes: Counts::default(),
        };
        Daemon {
            report: watch::Sender::new(report_of(number, &machine, None)),
            number,
            status: watch::Sender::new(status),
            console: Console::new({
                let inputs = inputs.clone();
                move || drop(inputs.send(Input::Console))
            }),
            inspection: None,
            inspections: 0,
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
        let inspection = self.inspection.as_ref().map(Inspection::deadline);
        [self.machine.deadline(), page, watchdog, self.waiters_deadline(), inspection].into_iter().flatten().min()
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
        self.expire_inspection();
        let now = self.clock.now();
        if let Some(page) = self.page() {
            page.tick(now);
            self.page_events();
        }
        self.event(Event::Tick);
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

    fn event(&mut self, event: Event) {
        self.happened.push_back(event);
        self.take_turns();
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
}
