//! Screens come and go, are turned, scaled and switched: the one path for configuration, saved state, hotplug
//! and requests.

use std::time::Duration;

use kiosk_session::config::{ModeChoice, OutputPolicy, OutputSettings, Scale, output_policy};

use crate::{
    control::{ApplyMode, ControlError, OutputChange},
    kiosk::Kiosk,
    screens::{DEFAULT_REFRESH, Head, HeadId, HeadMode, Identity, ScreenId, ScreenPolicy, mode, rotation::Rotation},
};

/// Size of the screen that carries the shell while no display is connected.
const VIRTUAL_SIZE: (i32, i32) = (1280, 720);
/// Its name: no connector is called that.
const VIRTUAL_NAME: &str = "VIRTUAL-1";
/// How long a screen that is not needed any more stays, for clients to move to another output.
const RETIREMENT: Duration = Duration::from_secs(1);
/// Density at which a scale of 1 is right, pixels a millimetre (about 110 dpi).
const BASE_DENSITY: f64 = 110.0 / 25.4;

impl Kiosk {
    /// What configuration and saved state say of a display.
    fn policy_for(&self, head: &Head) -> OutputPolicy {
        let identity = head.identity.description();
        let saved = self.saved.state.output(&identity, &head.name);
        output_policy(&self.config.outputs, saved, &identity, &head.name)
    }

    /// Brings the screens in line with the displays that the back end has: at start, and on each hotplug.
    pub fn displays_changed(&mut self) {
        let heads = self.backend.heads();
        self.detach_missing(&heads);
        for head in heads {
            self.attach(head);
        }
        self.ensure_any_screen();
        self.screens.arrange();
        self.rearrange();
    }

    /// Screens whose display is gone: they stay while they are needed, dark.
    fn detach_missing(&mut self, heads: &[Head]) {
        for screen in self.screens.iter_mut() {
            let gone = screen.head.is_some_and(|id| !heads.iter().any(|head| head.id == id));
            if gone {
                tracing::info!(screen = screen.name, "display disconnected; its screen is kept");
                screen.head = None;
                screen.redraw.resume();
            }
        }
    }

    /// A display is there: its own screen of before, or a new one.
    fn attach(&mut self, mut head: Head) {
        let policy = self.policy_for(&head);
        if let Some(screen) = self.screens.by_head(head.id) {
            let id = screen.id;
            if screen.modes != head.modes {
                // Another display on the same connector, or a window of another size: the policy holds for it too.
                self.choose_mode(&mut head, policy.mode);
                if let Some(screen) = self.screens.get_mut(id) {
                    screen.adopt_modes(&head);
                    screen.redraw.resume();
                }
            }
            return;
        }
        self.choose_mode(&mut head, policy.mode);
        let known = self.screens.iter().find(|screen| screen.head.is_none() && screen.name == head.name);
        if let Some(id) = known.map(|screen| screen.id) {
            if let Some(screen) = self.screens.get_mut(id) {
                tracing::info!(screen = screen.name, "display connected again");
                screen.retiring = false;
                screen.head = Some(head.id);
                screen.identity = head.identity.clone();
                screen.adopt_modes(&head);
                screen.redraw.resume();
            }
            return;
        }
        let policy =
            ScreenPolicy { rotation: policy.rotation, scale: scale_for(&head, policy.scale), power: policy.power };
        tracing::info!(screen = head.name, display = head.identity.description(), "display connected");
        let id = self.screens.add(&self.display, &head, policy);
        if !policy.power {
            self.set_power(id, false);
        }
        self.retire_unneeded_screens();
    }

    fn choose_mode(&mut self, head: &mut Head, wanted: ModeChoice) {
        let Some((index, found)) = mode::choose(&head.modes, wanted) else { return };
        if !found {
            self.problem(format!(
                "{}: the configured mode {wanted:?} is not one this display lists; {}x{} is used",
                head.name, head.modes[index].width, head.modes[index].height
            ));
        }
        if index != head.mode {
            match self.backend.set_mode(head.id, index) {
                Ok(()) => head.mode = index,
                Err(error) => self.problem(format!("{}: the mode could not be set: {error}", head.name)),
            }
        }
    }

    /// With nothing connected a virtual screen carries the shell: Chromium spins without any output.
    fn ensure_any_screen(&mut self) {
        if self.screens.iter().next().is_some() {
            return;
        }
        tracing::warn!("no display is connected; the shell runs on a virtual screen until one is");
        let head = Head {
            id: HeadId(0),
            name: VIRTUAL_NAME.into(),
            identity: Identity { make: "kioskd".into(), model: "virtual".into(), serial: String::new() },
            physical: (0, 0),
            modes: vec![HeadMode {
                width: VIRTUAL_SIZE.0,
                height: VIRTUAL_SIZE.1,
                refresh: DEFAULT_REFRESH,
                preferred: true,
            }],
            mode: 0,
        };
        let id = self.screens.add(&self.display, &head, ScreenPolicy::default());
        if let Some(screen) = self.screens.get_mut(id) {
            screen.head = None;
        }
    }

    /// Screens without a display go when another one carries on: not before clients had the time to get to know
    /// that one, so that they are never without an output.
    fn retire_unneeded_screens(&mut self) {
        let mut any = false;
        for screen in self.screens.iter_mut().filter(|screen| screen.head.is_none() && !screen.retiring) {
            screen.retiring = true;
            any = true;
        }
        if any {
            self.after(RETIREMENT, Self::drop_retired_screens);
        }
    }

    fn drop_retired_screens(&mut self) {
        // All of them, without a display: then they are what the shell is on.
        if !self.screens.iter().any(|screen| screen.head.is_some()) {
            self.screens.iter_mut().for_each(|screen| screen.retiring = false);
            return;
        }
        let retired: Vec<ScreenId> =
            self.screens.iter().filter(|screen| screen.retiring).map(|screen| screen.id).collect();
        for id in retired {
            if let Some(screen) = self.screens.get(id) {
                self.stage.windows.surfaces().for_each(|surface| screen.output.leave(&surface));
            }
            self.screens.remove(&self.display, id);
        }
        self.changed = true;
        self.rearrange();
    }

    /// Switches a screen on or off. The shell keeps its output.
    pub fn set_power(&mut self, id: ScreenId, on: bool) {
        let Some(screen) = self.screens.get_mut(id) else { return };
        screen.power = on;
        screen.redraw.resume();
        let (head, name) = (screen.head, screen.name.clone());
        if let Some(head) = head
            && let Err(error) = self.backend.set_power(head, on)
        {
            self.problem(format!("{name}: the screen could not be switched {}: {error}", word(on)));
        }
    }

    /// Checks a set of changes, carries it out, and saves it if asked to. Returns the layout's new serial.
    pub fn apply(
        &mut self,
        serial: u32,
        changes: &[(String, OutputChange)],
        how: ApplyMode,
    ) -> Result<u32, ControlError> {
        if serial != 0 && serial != self.screens.serial {
            return Err(ControlError::StaleSerial(format!(
                "the screens changed since layout {serial}; it is {} now: look again and retry",
                self.screens.serial
            )));
        }
        let planned = self.plan(changes)?;
        let before: Vec<(ScreenId, Planned)> =
            planned.iter().filter_map(|(id, _)| Some((*id, self.current(*id)?))).collect();
        if how == ApplyMode::Verify {
            return Ok(self.screens.serial);
        }
        if let Err(error) = self.carry_out(&planned) {
            // All or nothing: what was done is undone.
            let _ = self.carry_out(&before);
            return Err(error);
        }
        match how {
            ApplyMode::Verify => {}
            ApplyMode::Keep => {
                self.end_trial_of(&planned);
                self.keep(&planned, changes)?;
            }
            ApplyMode::Temporary { revert_after } => self.start_trial(&before, changes, revert_after),
        }
        Ok(self.screens.serial)
    }

    /// Checks every change and turns names into screens.
    pub(crate) fn plan(&self, changes: &[(String, OutputChange)]) -> Result<Vec<(ScreenId, Planned)>, ControlError> {
        let mut planned = Vec::new();
        for (name, change) in changes {
            let screen = self.screens.by_name(name).ok_or_else(|| {
                ControlError::NotFound(format!("there is no output {name:?}; there are: {}", self.screens.names()))
            })?;
            let unsupported =
                |what: &str| ControlError::Unsupported(format!("{name}: {what} cannot be changed at run time yet"));
            if change.position.is_some() {
                return Err(unsupported("the position"));
            }
            if change.mirror.as_ref().is_some_and(|other| !other.is_empty()) {
                return Err(unsupported("mirroring"));
            }
            if change.brightness.is_some() {
                return Err(unsupported("the brightness"));
            }
            let mut plan =
                Planned { power: screen.power, rotation: screen.rotation, scale: screen.scale(), mode: None };
            if let Some(power) = change.power {
                plan.power = power;
            }
            if let Some(degrees) = change.rotation {
                plan.rotation = Rotation::from_degrees(degrees).ok_or_else(|| {
                    ControlError::InvalidArgument(format!(
                        "{name}: rotation {degrees} is not possible; 0, 90, 180 and 270 are"
                    ))
                })?;
            }
            if let Some(scale) = change.scale {
                if !(1.0..=4.0).contains(&scale) {
                    return Err(ControlError::InvalidArgument(format!(
                        "{name}: scale {scale} is not possible; 1.0 to 4.0 is"
                    )));
                }
                plan.scale = scale;
            }
            if let Some((width, height, refresh)) = change.mode {
                let wanted = ModeChoice::Exact { width, height, refresh: Some(refresh).filter(|rate| *rate != 0) };
                match mode::choose(&screen.modes, wanted) {
                    Some((index, true)) => plan.mode = Some(index),
                    _ => {
                        return Err(ControlError::ModeRejected(format!(
                            "{name}: the display does not list {width}x{height}; `kioskctl outputs` shows what it lists"
                        )));
                    }
                }
            }
            planned.push((screen.id, plan));
        }
        Ok(planned)
    }

    fn current(&self, id: ScreenId) -> Option<Planned> {
        let screen = self.screens.get(id)?;
        let current = screen.output.current_mode()?;
        let mode = screen.modes.iter().position(|mode| {
            mode.width == current.size.w && mode.height == current.size.h && mode.refresh == current.refresh
        });
        Some(Planned { power: screen.power, rotation: screen.rotation, scale: screen.scale(), mode })
    }

    pub(crate) fn carry_out(&mut self, planned: &[(ScreenId, Planned)]) -> Result<(), ControlError> {
        for (id, plan) in planned {
            let Some(screen) = self.screens.get_mut(*id) else { continue };
            if let (Some(index), Some(head)) = (plan.mode, screen.head) {
                self.backend
                    .set_mode(head, index)
                    .map_err(|error| ControlError::ModeRejected(format!("{}: {error}", screen.name)))?;
                if let Some(found) = self.backend.heads().into_iter().find(|found| found.id == head) {
                    screen.adopt_modes(&found);
                }
            }
            if screen.rotation != plan.rotation {
                screen.set_rotation(plan.rotation);
            }
            screen.set_scale(plan.scale);
            let power_changes = screen.power != plan.power;
            screen.redraw.request();
            if power_changes {
                self.set_power(*id, plan.power);
            }
        }
        self.screens.arrange();
        self.touch_cancel();
        self.rearrange();
        Ok(())
    }

    /// Saves what was asked for, under each display's identity, else its connector.
    pub(crate) fn keep(
        &mut self,
        planned: &[(ScreenId, Planned)],
        changes: &[(String, OutputChange)],
    ) -> Result<(), ControlError> {
        for ((id, plan), (_, change)) in planned.iter().zip(changes) {
            let Some(screen) = self.screens.get(*id) else { continue };
            let mode = change.mode.map(|(width, height, refresh)| ModeChoice::Exact {
                width,
                height,
                refresh: Some(refresh).filter(|rate| *rate != 0),
            });
            let settings = OutputSettings {
                mode,
                rotation: change.rotation.map(|_| plan.rotation),
                scale: change.scale.map(Scale::Fixed),
                // Off is for now: a device that boots dark looks broken.
                power: None,
                mirror: None,
                position: None,
            };
            self.saved.state.change(&screen.identity.description(), &screen.name, &settings);
        }
        let Some(directory) = &self.saved.directory else { return Ok(()) };
        self.saved
            .state
            .save(directory)
            .map_err(|error| ControlError::Failed(format!("the change is in force but could not be saved: {error}")))
    }
}

/// A screen's state as it is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Planned {
    power: bool,
    rotation: Rotation,
    scale: f64,
    mode: Option<usize>,
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// `auto`: from the display's density, in quarters; 1 where the size is not known.
fn scale_for(head: &Head, scale: Scale) -> f64 {
    match scale {
        Scale::Fixed(scale) => scale,
        Scale::Auto => {
            let Some(mode) = head.modes.get(head.mode) else { return 1.0 };
            let (width, height) = head.physical;
            // Projectors and adapters claim centimetre-sized or aspect-ratio "sizes".
            if width < 60 || height < 40 {
                return 1.0;
            }
            let density = f64::from(mode.width.max(mode.height)) / f64::from(width.max(height));
            ((density / BASE_DENSITY * 4.0).round() / 4.0).clamp(1.0, 4.0)
        }
    }
}
