//! The metrics of `/metrics`, made of one answer of each service: no counting goes on between two scrapes. Labels are bounded:
//! shells by number, outputs by connector, words of fixed sets.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use kiosk_client::frames::OutputFrames;
use kiosk_client::state::{CompositorState, SessionState, time_since};
use kiosk_client::{Client, Status};
use kiosk_core::slots::{self, Slot, Slots};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::answer::{self, Answer, Problem};
use super::configure::root;
use super::device::Device;
use super::tls;

const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The words of `Session1.State`.
const STATES: [&str; 8] = ["waiting", "launching", "loading", "ready", "offline", "crashed", "backoff", "stopped"];
/// The words of `Compositor1.Stage`.
const STAGES: [&str; 3] = ["splash", "shell", "system-screen"];

/// Of a set of words of kiosk-session's, whatever is in its place.
const MAX_WORDS: usize = 16;

/// A look at the image's versions makes systemd mount the ESP for two minutes (its automount point), and checks that file system
/// first: not at each scrape. They change with an update and with the next start.
const SLOTS_INTERVAL: Duration = Duration::from_secs(3600);
static SLOTS: LastSlots = LastSlots(Mutex::new(None));

/// The image's versions when they were last looked at, and when that was.
struct LastSlots(Mutex<Option<(Instant, Option<Slots>)>>);

impl LastSlots {
    /// Looks anew where the last look is old.
    fn at(&self, now: Instant, look: impl FnOnce() -> Option<Slots>) -> Option<Slots> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, slots)) if now.duration_since(*at) < SLOTS_INTERVAL => slots.clone(),
            _ => last.insert((now, look())).1.clone(),
        }
    }
}

type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Gauge<f64, AtomicU64>>;
type Counts = Family<Labels, Counter>;

/// What is told.
pub struct Found {
    /// What the services answered.
    pub status: Status,
    /// Of each connected output; empty: not told.
    pub frames: Vec<OutputFrames>,
    /// The versions of the image; `None`: it has none.
    pub slots: Option<Slots>,
    /// When the device's certificate ends, seconds since 1970; `None`: it has none.
    pub certificate_end: Option<u64>,
    /// The device itself.
    pub device: Device,
}

impl Found {
    /// Now; `certificates`: the folder of the device's.
    pub async fn read(client: &Client, certificates: &Path) -> Self {
        Found {
            status: Status::read(client).await,
            frames: OutputFrames::read_all(client).await.unwrap_or_default(),
            slots: SLOTS.at(Instant::now(), || slots::read(&root())),
            certificate_end: tls::own_end(certificates),
            device: Device::read(),
        }
    }
}

/// Of what was found; services that did not answer have `kiosk_up` 0 and nothing else.
pub fn answer(found: &Found) -> Answer {
    let mut text = String::new();
    match text::encode(&mut text, &registry(found)) {
        Ok(()) => answer::of(StatusCode::OK, KIND, text.into()),
        Err(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics can't be written").answer(),
    }
}

fn registry(found: &Found) -> Registry {
    let status = &found.status;
    let mut registry = Registry::with_prefix("kiosk");
    let up = numbers(&mut registry, "up", "Whether the program answers");
    flag(&up, vec![("program", "kioskd".into())], status.compositor.is_ok());
    flag(&up, vec![("program", "kiosk-session".into())], status.session.is_ok());
    let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("agent_build", "The program that tells this", build);
    of_device(&mut registry, found);
    if let Ok(compositor) = &status.compositor {
        of_compositor(&mut registry, compositor);
        of_frames(&mut registry, &found.frames);
    }
    if let Ok(shells) = &status.session {
        of_shells(&mut registry, shells);
    }
    registry
}

/// What can't be measured is missing.
fn of_device(registry: &mut Registry, found: &Found) {
    let device = &found.device;
    let bytes = |count: Option<u64>| count.map(|count| count as f64);
    for (name, help, value) in [
        ("device_memory_total_bytes", "Memory of the device", bytes(device.memory_total)),
        ("device_memory_available_bytes", "Memory that programs could have", bytes(device.memory_available)),
        ("device_disk_total_bytes", "Size of the file system that the kiosk writes to", bytes(device.disk_total)),
        ("device_disk_free_bytes", "Free space of it", bytes(device.disk_free)),
        ("device_temperature_celsius", "The warmest that is measured", device.temperature),
        ("device_clock_timestamp_seconds", "The device's time of day, since 1970", Some(device.clock as f64)),
        ("device_uptime_seconds", "Since the device's start", Some(device.uptime as f64)),
        (
            "agent_certificate_end_timestamp_seconds",
            "When the device's certificate ends, since 1970; missing: it has none",
            found.certificate_end.map(|end| end as f64),
        ),
    ] {
        if let Some(value) = value {
            set(&numbers(registry, name, help), Vec::new(), value);
        }
    }
    if let Some(slots) = &found.slots {
        of_slots(registry, slots);
    }
}

/// The versions by what is known of them, and the one that runs.
fn of_slots(registry: &mut Registry, slots: &Slots) {
    let states =
        numbers(registry, "slots", "Versions of the image: good, on trial, or bad (without a page when tried)");
    for state in Slot::STATES {
        let count = slots.all().iter().filter(|slot| slot.state() == state).count();
        set(&states, vec![("state", state.into())], count as f64);
    }
    if let Some(slot) = slots.all().iter().find(|slot| slot.running) {
        let labels: Labels = vec![("version", slot.name.clone()), ("state", slot.state().into())];
        registry.register("running_slot", "The version of the image that has booted", Info::new(labels));
    }
}

fn of_frames(registry: &mut Registry, frames: &[OutputFrames]) {
    let lost = counts(registry, "output_flips_lost", "Page flips that did not come within a second");
    let missed =
        counts(registry, "output_latches_missed", "Frames that were shown later than at the next vertical blank");
    for output in frames {
        let labels = || vec![("output", output.output.clone())];
        lost.get_or_create(&labels()).inc_by(output.lost_flips);
        missed.get_or_create(&labels()).inc_by(output.missed_latches);
    }
}

fn of_compositor(registry: &mut Registry, state: &CompositorState) {
    let build = [("version", &state.version), ("backend", &state.backend), ("renderer", &state.renderer)];
    let build: Labels = build.into_iter().map(|(name, value)| (name, value.clone())).collect();
    registry.register("compositor_build", "The compositor, and what it draws with", Info::new(build));
    let stage = numbers(registry, "stage", "1 for what people see, 0 for the rest");
    for word in STAGES {
        flag(&stage, vec![("stage", word.into())], state.stage == word);
    }
    let problems = numbers(registry, "problems", "Warnings and configuration errors since the start");
    set(&problems, Vec::new(), state.problems.len() as f64);
    let visible = numbers(registry, "shell_visible", "Whether the output of the shell shows it");
    for (number, place) in state.shells.iter().enumerate() {
        flag(&visible, vec![("shell", number.to_string())], place.stage == "shell");
    }
    let connected = numbers(registry, "output_connected", "Whether a display is connected");
    let power = numbers(registry, "output_power", "Whether the output is on");
    let rotation = numbers(registry, "output_rotation_degrees", "Clockwise, as the viewer sees it");
    let brightness = numbers(registry, "output_brightness_percent", "Where the display lets itself be told");
    let composed = counts(registry, "output_frames_composed", "Frames that were painted");
    let direct = counts(registry, "output_frames_direct", "Frames that were a client's buffer as it is");
    for output in &state.outputs {
        let labels = || vec![("output", output.name.clone())];
        flag(&connected, labels(), output.connected);
        flag(&power, labels(), output.power);
        set(&rotation, labels(), output.rotation as f64);
        if output.brightness >= 0 {
            set(&brightness, labels(), output.brightness as f64);
        }
        count(&composed, labels(), output.frames_composed);
        count(&direct, labels(), output.frames_direct);
    }
}

fn of_shells(registry: &mut Registry, shells: &[SessionState]) {
    let states = numbers(registry, "shell_state", "1 for the state of the shell, 0 for the rest");
    let ready = numbers(registry, "shell_ready", "Whether the page is up");
    let seconds = numbers(registry, "shell_state_seconds", "For how long the state holds");
    let memory = numbers(registry, "shell_memory_bytes", "Of the browser with its helpers; missing: unknown");
    let failed = numbers(registry, "shell_failure_seconds", "How long ago the last failure was; missing: none");
    let restarts = counts(registry, "shell_restarts", "Starts of the browser after the first");
    let failures =
        counts(registry, "shell_failures", "What has failed: server, page, browser, no page in time, a measure");
    let causes = counts(registry, "shell_restart_causes", "Starts of the browser after the first, by what made them");
    let refused = counts(registry, "shell_refused", "How often the page wanted to go where it may not");
    for (number, shell) in shells.iter().enumerate() {
        let labels = || vec![("shell", number.to_string())];
        for word in STATES {
            let with_state = vec![("shell", number.to_string()), ("state", word.to_owned())];
            flag(&states, with_state, shell.state == word);
        }
        flag(&ready, labels(), shell.state == "ready");
        if let Some(span) = u64::try_from(shell.since).ok().and_then(time_since) {
            set(&seconds, labels(), span.as_secs_f64());
        }
        if shell.memory_bytes > 0 {
            set(&memory, labels(), shell.memory_bytes as f64);
        }
        if let Some(span) = shell.last_failure.as_ref().and_then(|failure| time_since(failure.at)) {
            set(&failed, labels(), span.as_secs_f64());
        }
        count(&restarts, labels(), shell.restarts);
        count(&refused, labels(), shell.refused);
        // The words are kiosk-session's own, of a fixed set.
        for (family, name, all) in [(&failures, "kind", &shell.failures), (&causes, "cause", &shell.restart_causes)] {
            for (word, times) in all.iter().take(MAX_WORDS) {
                count(family, vec![("shell", number.to_string()), (name, word.clone())], *times);
            }
        }
    }
}

fn numbers(registry: &mut Registry, name: &str, help: &str) -> Numbers {
    let family = Numbers::default();
    registry.register(name, help, family.clone());
    family
}

fn counts(registry: &mut Registry, name: &str, help: &str) -> Counts {
    let family = Counts::default();
    registry.register(name, help, family.clone());
    family
}

/// 1 or 0.
fn flag(family: &Numbers, labels: Labels, is: bool) {
    set(family, labels, f64::from(u8::from(is)));
}

fn set(family: &Numbers, labels: Labels, value: f64) {
    family.get_or_create(&labels).set(value);
}

fn count(family: &Counts, labels: Labels, value: i64) {
    family.get_or_create(&labels).inc_by(u64::try_from(value).unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_the_image_are_looked_at_once_an_hour() {
        let (last, begin, looks) = (LastSlots(Mutex::new(None)), Instant::now(), std::cell::Cell::new(0));
        let scrape = |seconds| {
            last.at(begin + Duration::from_secs(seconds), || {
                looks.set(looks.get() + 1);
                None
            });
            looks.get()
        };
        assert_eq!([0, 15, 3599].map(scrape), [1; 3]);
        assert_eq!([3600, 3615].map(scrape), [2; 2]);
    }
}
