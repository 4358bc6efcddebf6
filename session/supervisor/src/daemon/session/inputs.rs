//! What the session of a shell is told (by the compositor, probes, threads and the browser), as events of the state
//! machine. Called by the loop of [`super`]. Reports of an earlier probe or browser are recognised by their generation.

use rustix::process::{self, set_parent_process_death_signal};

use super::Daemon;
use super::inspection::Ending;
use crate::control_link::Link;
use crate::daemon::Input;
use crate::devtools::loggable;
use crate::machine::{Event, RestartReason};
use crate::probe::ProbeError;
use crate::recovery::Rung;

impl Daemon {
    pub(super) fn input(&mut self, input: Input) {
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
            Input::Link(Link::Reset { number }) => self.reset(number),
            Input::Link(Link::Idle) => self.event(Event::Idle),
            Input::Link(Link::Pinged { number, answers: false, commits }) => {
                self.event(Event::WindowAsked { number, commits });
            }
            Input::Link(Link::Pinged { number, answers: true, .. }) => self.event(Event::WindowAlive { number }),
            Input::Link(Link::NoReboot { reason }) => self.event(Event::MeasureRefused { rung: Rung::Reboot, reason }),
            Input::End => self.event(Event::Shutdown),
            Input::KeepTime => self.time_kept(),
            Input::Console => self.listen_to_console(),
            Input::Inspect(order) => self.inspect(order),
            Input::Inspector { number, said } => self.inspector_said(number, said),
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
                    self.probed(answer);
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
                    self.end_inspection(Ending::Browser);
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

    /// While somebody does.
    pub(super) fn listen_to_console(&mut self) {
        let wanted = self.console.is_wanted();
        if !wanted {
            tracing::info!("nobody listens to the page's console any more");
        }
        self.with_page(|page| page.listen_to_console(wanted));
    }

    /// The compositor's countdown is over: the last visitor's data is to be deleted.
    fn reset(&mut self, number: u64) {
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

    /// The current probe has ended. An error that the browser may not have is logged once.
    fn probed(&mut self, answer: Result<(), ProbeError>) {
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
}
