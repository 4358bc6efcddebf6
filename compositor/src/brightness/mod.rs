//! The brightness of displays: a built-in panel's backlight through the kernel's file or logind, a monitor's own
//! control through DDC/CI. Called by the root state when displays come and when somebody asks for a change.
//!
//! The event loop never waits for it: what takes longer than a file of the kernel's runs on a thread that ends with
//! its job, one at a time for each screen. Nothing is asked again by itself.

mod backlight;
mod ddc;
mod logind;
mod watch;

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use smithay::reexports::calloop::channel::{self, Event, Sender};

use crate::{
    kiosk::Kiosk,
    screens::{HeadId, ScreenId},
};
use backlight::Backlight;
use ddc::Level;

/// What was kept is no darker than this when it is brought back, percent: on many panels 0 is no light at all, and a
/// device that comes up black looks broken. (systemd-backlight has the same bound.)
const DIMMEST_AT_START: i32 = 5;

/// How a display's brightness is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Control {
    Backlight(Backlight),
    Monitor { bus: PathBuf, level: Level },
}

/// What a thread found out.
#[derive(Debug)]
enum Answer {
    /// A monitor that has the control, or that has none.
    Found(Option<Control>),
    /// The brightness is set.
    Set(Result<(), String>),
}

/// One screen's control.
#[derive(Debug)]
struct Known {
    /// Of this display.
    head: HeadId,
    control: Option<Control>,
    /// A thread is at it.
    busy: bool,
    /// What is to be set when that has ended.
    next: Option<i32>,
}

/// The displays' brightness.
#[derive(Default)]
pub struct Brightness {
    known: HashMap<ScreenId, Known>,
    /// Screens whose display is to be asked once it shows something: before, some do not answer.
    due: HashSet<ScreenId>,
    answers: Option<Sender<(ScreenId, HeadId, Answer)>>,
}

impl Brightness {
    /// This screen's display was switched on. It is asked unless it answered before.
    pub fn lit(&mut self, id: ScreenId) {
        self.due.insert(id);
    }

    /// Another display may be on this screen: what was known of it is not true any more.
    pub fn forget(&mut self, id: ScreenId) {
        self.known.remove(&id);
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

impl Kiosk {
    /// The screen shows something: looks what control its display has, if that is due.
    pub(crate) fn find_brightness(&mut self, id: ScreenId) {
        if !self.brightness.due.remove(&id) {
            return;
        }
        let (Some(sysfs), Some(screen)) = (self.backend.sysfs(), self.screens.get_mut(id)) else { return };
        let Some(head) = screen.head else { return };
        let known = self.brightness.known.get(&id).filter(|known| known.head == head);
        if known.is_some_and(|known| known.busy || known.control.is_some()) {
            return;
        }
        screen.brightness = None;
        let mut known = Known { head, control: None, busy: false, next: None };
        let name = screen.name.clone();
        if let Some(backlight) = Backlight::find(&sysfs, &name) {
            screen.brightness = backlight.percent();
            known.control = screen.brightness.map(|_| Control::Backlight(backlight));
            tracing::info!(screen = name, control = ?known.control, "brightness");
        } else if let Some(bus) = ddc::bus(&sysfs, &name).filter(|bus| may_use(bus)) {
            known.busy = self.ask(id, head, move || {
                let level = ddc::open(&bus).and_then(|mut wire| ddc::read_patiently(&mut wire));
                let level = level.inspect_err(|error| tracing::debug!(bus = %bus.display(), %error, "no DDC/CI"));
                Answer::Found(level.ok().map(|level| Control::Monitor { bus, level }))
            });
        }
        let found = known.control.is_some();
        self.changed |= found;
        self.brightness.known.insert(id, known);
        if found {
            self.restore_brightness(id);
        }
    }

    /// The display has come, and its control is known: it shines as was kept, or as the configuration says.
    fn restore_brightness(&mut self, id: ScreenId) {
        let Some(screen) = self.screens.get(id) else { return };
        let Some(percent) = self.policy_of(&screen.identity, &screen.name).brightness else { return };
        let (percent, name) = (i32::from(percent.percent()).max(DIMMEST_AT_START), screen.name.clone());
        if screen.brightness == Some(percent) {
            return;
        }
        if let Err(error) = self.set_brightness(id, percent) {
            self.problem(format!("{name}: the brightness that was kept could not be set: {error}"));
        }
    }

    /// This backlight was changed by somebody, has come, or has gone.
    fn backlight_changed(&mut self, name: &str, come: bool) {
        let mut again = Vec::new();
        for screen in self.screens.iter_mut().filter(|screen| screen.shown) {
            let Some(known) = self.brightness.known.get(&screen.id) else { continue };
            match &known.control {
                None if come && !known.busy => again.push(screen.id),
                // Our own change: its end is told.
                Some(Control::Backlight(backlight)) if backlight.name() == name && !known.busy => {
                    let now = backlight.percent();
                    if now.is_none() {
                        again.push(screen.id);
                    }
                    self.changed |= screen.brightness != now;
                    screen.brightness = now;
                }
                _ => {}
            }
        }
        for id in again {
            self.brightness.forget(id);
            self.brightness.lit(id);
            self.find_brightness(id);
        }
    }

    /// Sets the brightness of a screen's display, 0 to 100. What fails later is a problem that people are told of.
    pub(crate) fn set_brightness(&mut self, id: ScreenId, percent: i32) -> Result<(), String> {
        let Some(screen) = self.screens.get_mut(id) else { return Ok(()) };
        let none = format!("{}: this display has no brightness control", screen.name);
        let known = self.brightness.known.get_mut(&id).filter(|known| screen.head == Some(known.head));
        let Some(known) = known else { return Err(none) };
        let (head, Some(control)) = (known.head, known.control.clone()) else { return Err(none) };
        if known.busy {
            known.next = Some(percent);
            screen.brightness = Some(percent);
            return Ok(());
        }
        let mut now = Some(percent);
        let busy = match control {
            Control::Backlight(backlight) => match backlight.write(percent) {
                Ok(()) => {
                    // It may have fewer steps.
                    now = backlight.percent();
                    false
                }
                Err(error) if needs_leave(&error) => self.ask(id, head, move || {
                    let set = logind::set_brightness(None, &backlight.name(), backlight.value(percent));
                    Answer::Set(set.map_err(|why| format!("{error}; and logind: {why}")))
                }),
                Err(error) => return Err(format!("{}: the backlight could not be set: {error}", screen.name)),
            },
            Control::Monitor { bus, level } => self.ask(id, head, move || {
                let set = ddc::open(&bus).and_then(|mut wire| ddc::write(&mut wire, level.step(percent)));
                Answer::Set(set.map_err(|error| error.to_string()))
            }),
        };
        if let Some(known) = self.brightness.known.get_mut(&id) {
            known.busy = busy;
        }
        if let Some(screen) = self.screens.get_mut(id) {
            screen.brightness = now;
        }
        self.changed = true;
        Ok(())
    }

    /// Does something that takes its time, on a thread. Returns whether an answer will come.
    fn ask(&mut self, id: ScreenId, head: HeadId, job: impl FnOnce() -> Answer + Send + 'static) -> bool {
        let Some(answers) = self.brightness_answers() else { return false };
        let thread = std::thread::Builder::new().name("brightness".into());
        let started = thread.spawn(move || {
            // The loop is gone only when the process ends.
            let _ = answers.send((id, head, job()));
        });
        started.inspect_err(|error| tracing::warn!(%error, "no thread for the brightness")).is_ok()
    }

    fn brightness_answers(&mut self) -> Option<Sender<(ScreenId, HeadId, Answer)>> {
        if self.brightness.answers.is_none() {
            let (sender, receiver) = channel::channel();
            let inserted = self.handle.insert_source(receiver, |event, _, kiosk| {
                if let Event::Msg((id, head, answer)) = event {
                    kiosk.brightness_answered(id, head, answer);
                }
            });
            match inserted {
                Ok(_) => self.brightness.answers = Some(sender),
                Err(error) => tracing::warn!(%error, "the brightness cannot be changed"),
            }
        }
        self.brightness.answers.clone()
    }

    fn brightness_answered(&mut self, id: ScreenId, head: HeadId, answer: Answer) {
        let known = self.brightness.known.get_mut(&id).filter(|known| known.head == head);
        let (Some(known), Some(screen)) = (known, self.screens.get_mut(id)) else { return };
        known.busy = false;
        let next = known.next.take();
        self.changed = true;
        match answer {
            Answer::Found(control) => {
                screen.brightness = match &control {
                    Some(Control::Monitor { level, .. }) => Some(level.percent()),
                    Some(Control::Backlight(backlight)) => backlight.percent(),
                    None => None,
                };
                known.control = control;
                return self.restore_brightness(id);
            }
            Answer::Set(set) => {
                // What has become of it: it may have fewer steps, or have refused.
                if let Some(Control::Backlight(backlight)) = &known.control {
                    screen.brightness = backlight.percent();
                }
                let name = screen.name.clone();
                if let Err(error) = set {
                    self.problem(format!("{name}: the brightness could not be set: {error}"));
                }
            }
        }
        if let Some(percent) = next
            && let Err(error) = self.set_brightness(id, percent)
        {
            self.problem(error);
        }
    }
}

/// Whether the file is there and ours to use.
fn may_use(bus: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(bus, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// Whether somebody with more rights could do it.
fn needs_leave(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}
