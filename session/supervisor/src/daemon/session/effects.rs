//! Carries the machine's effects out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Daemon;
use crate::aging::{self, LOOK_INTERVAL, MEASURE_INTERVAL, MemoryTrend};
use crate::browser::{Surroundings, machine_memory};
use crate::certificate;
use crate::daemon::Input;
use crate::daemon::shell::Shell;
use crate::launcher::{leftovers, work};
use crate::machine::{Effect, Event, Failure, RestartReason};
use crate::memory;
use crate::page::{BLOCKED, Page, Rules, UNKNOWN};
use crate::probe::{ProbeError, ProbeSettings, probe};
use crate::profile::{prepare, set_aside};
use kiosk_core::chromium;
use kiosk_core::config::{Config, ProfileKind, Url, masked};
use kiosk_core::files::remove_tree;
use kiosk_core::text::shortened;

/// The browser's cache of its one profile, in the cache directory.
const BROWSER_CACHE: &str = "Default";
/// Blocked addresses that are logged one by one.
const FIRST_REFUSALS: u64 = 20;
/// Longest address in the log, characters: a page's may have megabytes.
const MAX_LOGGED_URL: usize = 300;

impl Daemon {
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            tracing::debug!(?effect, "effect");
            match effect {
                Effect::Probe { url } => self.ask_server(url),
                Effect::Launch => self.launch(),
                Effect::Kill { grace } => {
                    if let Some(shell) = &self.shell {
                        shell.kill(grace);
                    }
                }
                Effect::Navigate { url } => {
                    // The user and password of the configured page are given when its server asks.
                    let own = url == self.configured.url;
                    let url = if own { url.without_user() } else { url };
                    let now = self.clock.now();
                    self.with_page(|page| page.navigate(url.as_str(), now));
                }
                Effect::Reload { hard } => {
                    let now = self.clock.now();
                    self.with_page(|page| page.reload(hard, now));
                }
                Effect::Ping => {
                    self.with_page(Page::ping);
                    self.look_at_browser();
                }
                Effect::Unstick => {
                    let now = self.clock.now();
                    self.with_page(|page| page.unstick(now));
                }
                Effect::EndRenderer => {
                    let renderers = work::end_renderers(self.machine.pid());
                    tracing::info!(renderers, "page's renderer killed");
                }
                Effect::Measure => {
                    let work = work::of_group(self.machine.pid());
                    self.happened.push_back(Event::Measured { work });
                }
                Effect::SetProfileAside => self.profile_aside = true,
                Effect::TakeMeasure { rung, reason } => self.take_measure(rung, &reason),
                Effect::ClearData => {
                    let now = self.clock.now();
                    self.with_page(|page| page.clear_data(now));
                }
                // A page may try repeatedly: later refusals are logged ever more rarely.
                Effect::Refused { url, count } if count <= FIRST_REFUSALS || count.is_power_of_two() => {
                    let url = shortened(&masked(&url), MAX_LOGGED_URL);
                    tracing::info!(url, count, "navigation blocked by browser.allow");
                }
                Effect::Refused { .. } => {}
                Effect::Failed(failure) => self.failed(failure),
                Effect::Finish => self.finished = true,
            }
        }
    }

    pub(super) fn page(&mut self) -> Option<&mut Page> {
        self.shell.as_mut()?.page.as_mut()
    }

    pub(super) fn with_page(&mut self, order: impl FnOnce(&mut Page)) {
        if let Some(page) = self.page() {
            order(page);
        }
        if let Some(shell) = &mut self.shell {
            shell.flush();
        }
    }

    pub(super) fn page_events(&mut self) {
        self.look_at_files();
        if let Some(shell) = &mut self.shell {
            shell.flush();
        }
        let events = self.page().map(Page::take_events).unwrap_or_default();
        let events: Vec<Event> = events.into_iter().map(|event| self.explained(event)).collect();
        self.happened.extend(events);
        self.page_asks();
        self.look_at_inspection();
        for line in self.page().map(Page::take_console).unwrap_or_default() {
            self.console.say(&line);
        }
        self.take_turns();
    }

    /// Adds the policy's name to a refusal by policy.
    fn explained(&self, event: Event) -> Event {
        match event {
            Event::PageFailed { url, reason, error_page } if reason == BLOCKED => {
                let config = Config { shell: self.configured.clone(), ..Config::default() };
                let files = chromium::read(Path::new(chromium::MANAGED));
                let reason = chromium::conflicts(&config, &files).into_iter().next().unwrap_or(reason);
                Event::PageFailed { url, reason, error_page }
            }
            // The browser's error is unspecific; the probe's is better.
            Event::PageFailed { url, reason, error_page } if reason == UNKNOWN => {
                let reason =
                    self.probe_error.as_ref().map_or(reason, |probe_error| self.describe_probe_error(probe_error));
                Event::PageFailed { url, reason, error_page }
            }
            other => other,
        }
    }

    fn describe_probe_error(&self, probe_error: &ProbeError) -> String {
        match (probe_error, &self.configured.browser_settings.client_certificate, &self.certificate_problem) {
            (ProbeError::ClientCertificate(_), Some(_), Some(problem)) => {
                format!("{probe_error}, and browser.client-certificate can't be used: {problem}")
            }
            (ProbeError::ClientCertificate(host), Some(_), None) => {
                format!("{host} does not accept the certificate of browser.client-certificate")
            }
            (ProbeError::ClientCertificate(_), None, _) => {
                format!("{probe_error}: browser.client-certificate can name one")
            }
            _ => probe_error.to_string(),
        }
    }

    fn ask_server(&mut self, url: Url) {
        if let Some(old) = self.probe.take() {
            old.abort();
        }
        self.probes += 1;
        let (generation, inputs) = (self.probes, self.inputs.clone());
        let settings = &self.configured.browser_settings;
        let terms = ProbeSettings {
            accepted: self.configured.ready.http_status.clone(),
            proxy: settings.proxy.clone(),
            trust: settings.trust.clone(),
            sign_in: self.sign_in.clone(),
        };
        self.probe = Some(tokio::spawn(async move {
            let answer = probe(&url, &terms).await;
            let _ = inputs.send(Input::Probed { generation, answer });
        }));
    }

    /// Kills what is left of this shell's processes.
    pub(super) fn end_leftovers(&self) {
        leftovers::end_shells(&self.directories.base, &self.directories.profile);
    }

    fn launch(&mut self) {
        if self.launches == 0 {
            self.end_leftovers();
        }
        self.launches += 1;
        (self.look_at, self.measure_at) = (Duration::ZERO, self.clock.now() + MEASURE_INTERVAL);
        self.memory_trend = MemoryTrend::default();
        if std::mem::take(&mut self.profile_aside) {
            self.set_profile_aside();
        }
        if self.configured.browser_settings.profile == ProfileKind::Ephemeral
            && let Err(error) = remove_tree(&self.directories.profile)
                .and_then(|()| remove_tree(&self.directories.cache.join(BROWSER_CACHE)))
        {
            tracing::warn!(%error, "data of the last browser not removed");
        }
        leftovers::remove_marks(&self.directories.profile);
        let zoom = self.configured.browser_settings.zoom;
        if let Err(error) = prepare(&self.directories.profile, zoom) {
            let path = self.directories.profile.display();
            tracing::warn!(%error, %path, "profile not prepared");
        }
        let settings = &self.configured.browser_settings;
        match settings.client_certificate.clone().filter(|_| self.configured.is_browser()) {
            Some(file) => self.import_certificate(file),
            None => {
                if let Err(error) = certificate::forget(&self.directories.base) {
                    tracing::warn!(%error, "earlier client certificate not removed");
                }
                self.start_shell();
            }
        }
    }

    /// Measures the browser on a thread, as the reads may be slow; at the time of a ping, so that it needs no wake-up
    /// of its own.
    fn look_at_browser(&mut self) {
        let now = self.clock.now();
        if now < self.look_at {
            return;
        }
        self.look_at = now + LOOK_INTERVAL;
        let measures = now >= self.measure_at;
        if measures {
            self.measure_at = now + MEASURE_INTERVAL;
        }
        let (generation, inputs, pid) = (self.launches, self.inputs.clone(), self.machine.pid());
        tokio::task::spawn_blocking(move || {
            let replaced = aging::is_replaced(pid);
            let memory = aging::memory_limit().filter(|_| measures).map(|limit| (memory::of_group(pid), limit));
            let _ = inputs.send(Input::Looked { generation, replaced, memory });
        });
    }

    /// Handles the measurement.
    pub(super) fn looked(&mut self, replaced: bool, memory: Option<(u64, u64)>) {
        if replaced {
            self.happened.push_back(Event::RestartDue { why: RestartReason::Replaced });
        }
        let grows = memory.and_then(|(bytes, limit)| self.memory_trend.take(bytes, limit));
        if let Some(words) = grows {
            self.happened.push_back(Event::RestartDue { why: RestartReason::Memory(words) });
        }
        self.take_turns();
    }

    /// On a thread: the tools may take seconds.
    fn import_certificate(&mut self, file: PathBuf) {
        let (sign_in, base) = (self.sign_in.clone(), self.directories.base.clone());
        let (generation, inputs) = (self.launches, self.inputs.clone());
        tokio::task::spawn_blocking(move || {
            let imported = certificate::import(&file, sign_in.certificate_password(), &base);
            let problem = imported.err().map(|error| error.to_string());
            let _ = inputs.send(Input::Certificate { generation, problem });
        });
    }

    /// The certificate's import has ended: continues the launch.
    pub(super) fn certificate_ready(&mut self, problem: Option<String>) {
        if let Some(problem) = &problem {
            tracing::error!("browser.client-certificate can't be used: {problem}");
        }
        self.certificate_problem = problem;
        self.start_shell();
        self.take_turns();
    }

    fn start_shell(&mut self) {
        let root = rustix::process::geteuid().is_root();
        if root && self.launches == 1 && self.configured.is_browser() {
            tracing::warn!("running as root, without the browser's sandbox: for tests only");
        }
        let surroundings = Surroundings {
            wayland_display: self.wayland_display.clone(),
            number: self.number,
            directories: self.directories.clone(),
            own_home: self.configured.is_browser(),
            root,
            memory: machine_memory(),
        };
        let rules = self.rules();
        match Shell::start(&self.configured, rules, &surroundings, &self.inputs, self.launches) {
            Ok(shell) => {
                let pid = shell.pid;
                tracing::info!(pid, "shell started");
                self.shell = Some(shell);
                if self.console.is_wanted() {
                    self.listen_to_console();
                }
                self.happened.push_back(Event::Launched { pid });
            }
            Err(error) => self.happened.push_back(Event::LaunchFailed { reason: error.to_string() }),
        }
    }

    fn rules(&self) -> Rules {
        Rules {
            ready: self.configured.ready.page,
            http_status: self.configured.ready.http_status.clone(),
            browser: self.configured.browser_settings.clone(),
            allowed: self.allowed.clone(),
            api: self.api.clone(),
            sign_in: self.sign_in.clone(),
        }
    }

    fn set_profile_aside(&self) {
        match set_aside(&self.directories.profile) {
            Ok(kept) => {
                let kept = kept.display();
                tracing::warn!(%kept, "browser starts with an empty profile: logins and stored data are lost");
            }
            Err(error) => tracing::warn!(%error, "browser's profile not set aside"),
        }
    }

    fn failed(&mut self, failure: Failure) {
        // The state machine's reasons contain unmasked addresses.
        let goes_on = failure.goes_on;
        let kind = failure.kind;
        let failure = Failure { kind, reason: masked(&failure.reason), action: masked(&failure.action), goes_on };
        tracing::warn!(reason = failure.reason, action = failure.action, "failure");
        let now = self.clock.boot_micros();
        self.status.send_modify(|status| {
            status.last_failure = (failure.reason, failure.action, now);
            status.failures += 1;
            status.failure_counts.count(kind);
        });
        if goes_on {
            self.waiters_wait_on();
        }
    }
}
