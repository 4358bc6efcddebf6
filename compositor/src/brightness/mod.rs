//! The brightness of displays: a built-in panel's backlight through the kernel's file or logind, a monitor's own
//! control through DDC/CI. Called by the root state when displays are plugged in and for changes of brightness.
//!
//! The event loop never waits: DDC/CI and logind run on a thread for each job, one at a time for each screen, which
//! answers over a channel. Nothing is polled.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod backlight;
mod ddc;
mod logind;
pub mod watch;

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use smithay::reexports::calloop::channel::{self, Channel, Sender};

use crate::logind::LogindError;
use crate::screens::{HeadId, Screen, ScreenId};
use backlight::Backlight;
use ddc::{DdcError, Level};

/// Saved brightness is restored to at least this, percent: on many panels 0 is off, and a device that starts with a
/// dark screen looks broken. (systemd-backlight has the same bound.)
pub const MIN_RESTORED_PERCENT: i32 = 5;

/// Why a display's brightness was not set. The caller names the screen.
#[derive(Debug, thiserror::Error)]
pub enum BrightnessError {
    /// Neither a backlight of the kernel's nor DDC/CI.
    #[error("this display has no brightness control")]
    NoControl,
    /// The kernel refused the value, or its file is gone.
    #[error("the backlight could not be set: {0}")]
    Backlight(io::Error),
    /// We may not write the file in `/sys`, and logind did not do it either.
    #[error("{file}; and logind: {logind}")]
    NotAllowed {
        /// What the kernel said.
        file: io::Error,
        /// logind's error.
        logind: LogindError,
    },
    /// DDC/CI failed.
    #[error(transparent)]
    Monitor(#[from] DdcError),
}

/// How a display's brightness is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Control {
    Backlight(Backlight),
    Monitor { bus: PathBuf, level: Level },
}

/// A thread's result.
#[derive(Debug)]
enum Answer {
    /// A monitor that has the control, or that has none.
    Found(Option<Control>),
    /// The brightness is set.
    Set(Result<(), BrightnessError>),
}

/// A thread's answer on its way to [`Brightness::answered`].
#[derive(Debug)]
pub struct Answered {
    screen: ScreenId,
    head: HeadId,
    answer: Answer,
}

/// The next step after a thread's answer.
#[derive(Debug)]
pub enum Next {
    /// The display's control is known: restore the saved brightness.
    Restore,
    /// The brightness was set, or not.
    Report {
        /// Why not; `None`: it was set.
        failed: Option<BrightnessError>,
        /// Requested meanwhile, 0 to 100: to be set next.
        then: Option<i32>,
    },
}

/// One screen's control.
#[derive(Debug)]
struct Known {
    /// Of this display.
    head: HeadId,
    control: Option<Control>,
    /// A thread is running.
    busy: bool,
    /// To be set when it has ended.
    next: Option<i32>,
}

/// The displays' brightness.
pub struct Brightness {
    known: BTreeMap<ScreenId, Known>,
    /// Screens whose display is asked after its first frame: some do not answer before.
    due: HashSet<ScreenId>,
    answers: Sender<Answered>,
}

impl Brightness {
    /// An empty set. The threads' answers come over the channel: pass each to [`Brightness::answered`].
    pub fn new() -> (Self, Channel<Answered>) {
        let (answers, channel) = channel::channel();
        (Self { known: BTreeMap::new(), due: HashSet::new(), answers }, channel)
    }

    /// This screen's display was switched on. It is asked unless it answered before.
    pub fn lit(&mut self, id: ScreenId) {
        self.due.insert(id);
    }

    /// Drops what is known of this screen: it may have another display.
    pub fn forget(&mut self, id: ScreenId) {
        self.known.remove(&id);
    }

    /// The screen shows something: whether its display is to be asked now. Asked once for each [`Brightness::lit`].
    pub fn take_due(&mut self, id: ScreenId) -> bool {
        self.due.remove(&id)
    }

    /// Finds the brightness control of a screen's display. `sysfs`: where the kernel describes it. Returns whether one
    /// was found at once; a monitor answers later.
    pub fn find(&mut self, screen: &mut Screen, sysfs: &Path) -> bool {
        let (id, Some(head)) = (screen.id, screen.head()) else { return false };
        let known = self.known.get(&id).filter(|known| known.head == head);
        if known.is_some_and(|known| known.busy || known.control.is_some()) {
            return false;
        }
        screen.brightness = None;
        let mut known = Known { head, control: None, busy: false, next: None };
        if let Some(backlight) = Backlight::find(sysfs, &screen.name) {
            screen.brightness = backlight.percent();
            known.control = screen.brightness.map(|_| Control::Backlight(backlight));
            tracing::info!(screen = screen.name, control = ?known.control, "brightness");
        } else if let Some(bus) = ddc::bus(sysfs, &screen.name).filter(|bus| may_use(bus)) {
            known.busy = self.ask(id, head, move || {
                let level = ddc::open(&bus).and_then(|mut wire| ddc::read_patiently(&mut wire));
                let level = level.inspect_err(|error| tracing::debug!(bus = %bus.display(), %error, "no DDC/CI"));
                Answer::Found(level.ok().map(|level| Control::Monitor { bus, level }))
            });
        }
        let found = known.control.is_some();
        self.known.insert(id, known);
        found
    }

    /// This backlight was changed, added or removed. Returns whether a screen's brightness changed, and the screens
    /// whose display has to be asked again.
    pub fn backlight_changed<'a>(
        &mut self,
        screens: impl Iterator<Item = &'a mut Screen>,
        name: &str,
        come: bool,
    ) -> (bool, Vec<ScreenId>) {
        let (mut changed, mut again) = (false, Vec::new());
        for screen in screens.filter(|screen| screen.shown) {
            let Some(known) = self.known.get(&screen.id) else { continue };
            match &known.control {
                None if come && !known.busy => again.push(screen.id),
                // Our own change: its result is reported by the thread.
                Some(Control::Backlight(backlight)) if backlight.name() == name && !known.busy => {
                    let now = backlight.percent();
                    if now.is_none() {
                        again.push(screen.id);
                    }
                    changed |= screen.brightness != now;
                    screen.brightness = now;
                }
                _ => {}
            }
        }
        (changed, again)
    }

    /// Sets the brightness of a screen's display, 0 to 100. What fails later comes with [`Brightness::answered`].
    pub fn set(&mut self, screen: &mut Screen, percent: i32) -> Result<(), BrightnessError> {
        let id = screen.id;
        let known = self.known.get_mut(&id).filter(|known| screen.head() == Some(known.head));
        let known = known.ok_or(BrightnessError::NoControl)?;
        let (head, control) = (known.head, known.control.clone().ok_or(BrightnessError::NoControl)?);
        if known.busy {
            known.next = Some(percent);
            screen.brightness = Some(percent);
            return Ok(());
        }
        let mut now = Some(percent);
        let busy = match control {
            Control::Backlight(backlight) => match backlight.write(percent) {
                Ok(()) => {
                    // The backlight may have fewer steps.
                    now = backlight.percent();
                    false
                }
                Err(file) if needs_rights(&file) => self.ask(id, head, move || {
                    let set = logind::set_brightness(None, &backlight.name(), backlight.value(percent));
                    Answer::Set(set.map_err(|logind| BrightnessError::NotAllowed { file, logind }))
                }),
                Err(error) => return Err(BrightnessError::Backlight(error)),
            },
            Control::Monitor { bus, level } => self.ask(id, head, move || {
                let set = ddc::open(&bus).and_then(|mut wire| ddc::write(&mut wire, level.step(percent)));
                Answer::Set(set.map_err(BrightnessError::from))
            }),
        };
        if let Some(known) = self.known.get_mut(&id) {
            known.busy = busy;
        }
        screen.brightness = now;
        Ok(())
    }

    /// Runs a slow job on a thread. Returns whether an answer will come.
    fn ask(&self, screen: ScreenId, head: HeadId, job: impl FnOnce() -> Answer + Send + 'static) -> bool {
        let answers = self.answers.clone();
        let thread = std::thread::Builder::new().name("brightness".into());
        let started = thread.spawn(move || {
            // The loop is gone only when the process ends.
            let _ = answers.send(Answered { screen, head, answer: job() });
        });
        started.inspect_err(|error| tracing::warn!(%error, "no thread for the brightness")).is_ok()
    }

    /// Handles a thread's answer; `screen` finds its screen. `None`: the screen is gone, or has another display.
    pub fn answered<'a>(
        &mut self,
        answered: Answered,
        screen: impl FnOnce(ScreenId) -> Option<&'a mut Screen>,
    ) -> Option<(ScreenId, Next)> {
        let Answered { screen: id, head, answer } = answered;
        let known = self.known.get_mut(&id).filter(|known| known.head == head)?;
        let screen = screen(id)?;
        known.busy = false;
        let then = known.next.take();
        let next = match answer {
            Answer::Found(control) => {
                screen.brightness = match &control {
                    Some(Control::Monitor { level, .. }) => Some(level.percent()),
                    Some(Control::Backlight(backlight)) => backlight.percent(),
                    None => None,
                };
                known.control = control;
                Next::Restore
            }
            Answer::Set(set) => {
                // Read back: the backlight may have fewer steps, or may have refused.
                if let Some(Control::Backlight(backlight)) = &known.control {
                    screen.brightness = backlight.percent();
                }
                Next::Report { failed: set.err(), then }
            }
        };
        Some((id, next))
    }
}

/// The directory of a connector: its name is that of the card, then its own.
fn connector_directory(sysfs: &Path, connector: &str) -> Option<PathBuf> {
    let of_card = |name: &str| {
        let rest = name.strip_prefix("card")?;
        let (card, name) = rest.split_once('-')?;
        (name == connector && card.bytes().all(|digit| digit.is_ascii_digit())).then_some(())
    };
    let entries = fs::read_dir(sysfs.join("class/drm")).ok()?.flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|entry| of_card(&entry.file_name().to_string_lossy()).is_some()).map(|e| e.path()).collect();
    found.sort();
    // Two cards may both have an HDMI-A-1.
    let connected =
        |path: &PathBuf| fs::read_to_string(path.join("status")).is_ok_and(|text| text.trim() == "connected");
    let best = found.iter().find(|path| connected(path)).or(found.first())?;
    fs::canonicalize(best).ok()
}

/// Whether the file is there and ours to use.
fn may_use(bus: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(bus, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// Whether it failed for lack of rights.
fn needs_rights(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}
