//! Changes of the screens as transactions: checked, tested on the hardware, carried out completely or undone, and saved
//! on request. Used by D-Bus, `kioskctl apply` and the output management protocols.

use kiosk_core::config::{Brightness, OutputSettings, Position, SaveError, Scale, ScaleFactor};

use crate::{
    backend::{BackendError, HeadState},
    brightness::BrightnessError,
    command::{ApplyMode, CommandError, OutputChange},
    kiosk::Kiosk,
    layout::SwitchError,
    power,
    screens::{
        HeadMode, Screen, ScreenId, Screens,
        plan::{self, Facts, Planned},
        plan_error::PlanError,
    },
};

/// Why a set of changes was not carried out, or not saved. Partial changes were undone, except for [`Self::Unsaved`].
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// The caller's layout serial is outdated.
    #[error("the screens changed since layout {serial}; it is {in_force} now: look again and retry")]
    Stale {
        /// The caller's serial.
        serial: u32,
        /// The current serial.
        in_force: u32,
    },
    /// The displays or their driver refuse it.
    #[error("{screens}: {error}")]
    Mode {
        /// The names of the affected screens.
        screens: String,
        /// The back end's error.
        error: BackendError,
    },
    /// A screen could not be switched on or off.
    #[error(transparent)]
    Power(#[from] SwitchError),
    /// The brightness could not be set.
    #[error("{screen}: {error}")]
    Brightness {
        /// Its name.
        screen: String,
        /// The control's error.
        error: BrightnessError,
    },
    /// The change is in force, but could not be saved.
    #[error("the change is in force but could not be saved: {0}")]
    Unsaved(#[from] SaveError),
}

impl From<TransactionError> for CommandError {
    fn from(error: TransactionError) -> Self {
        let text = error.to_string();
        match error {
            TransactionError::Stale { .. } => Self::StaleSerial(text),
            TransactionError::Mode { .. } => Self::ModeRejected(text),
            TransactionError::Power(_) | TransactionError::Brightness { .. } | TransactionError::Unsaved(_) => {
                Self::Failed(text)
            }
        }
    }
}

impl Kiosk {
    /// Checks a set of changes, carries it out, and saves it if asked to. Returns the layout's new serial.
    pub fn apply(
        &mut self,
        serial: u32,
        changes: &[(String, OutputChange)],
        how: ApplyMode,
    ) -> Result<u32, CommandError> {
        if serial != 0 && serial != self.screens.serial {
            return Err(TransactionError::Stale { serial, in_force: self.screens.serial }.into());
        }
        let planned = self.plan(changes)?;
        let before: Vec<(ScreenId, Planned)> = planned
            .iter()
            .filter_map(|(id, plan)| {
                let now = current(&self.screens, self.screens.get(*id)?);
                Some((*id, Planned { brightness: plan.brightness.and(now.brightness), ..now }))
            })
            .collect();
        self.test(&planned)?;
        if how == ApplyMode::Verify {
            return Ok(self.screens.serial);
        }
        if let Err(error) = self.switch_all(&planned) {
            // All or nothing: undone before clients are told.
            if let Err(error) = self.switch_all(&before) {
                self.problem(format!("a screen change that failed could not be undone: {error}"));
            }
            self.layout_changed();
            return Err(error.into());
        }
        // A change of brightness alone does not change the layout.
        if !changes.iter().all(|(_, change)| only_brightness(change)) {
            self.layout_changed();
        }
        self.note_power(&planned, changes);
        match how {
            ApplyMode::Verify => {}
            ApplyMode::InForce => self.end_trial_of(&planned),
            ApplyMode::Keep => {
                self.end_trial_of(&planned);
                self.keep(&planned, changes)?;
            }
            ApplyMode::Temporary { revert_after } => self.start_trial(&before, changes, revert_after),
        }
        Ok(self.screens.serial)
    }

    /// Checks every change and turns names into screens.
    pub(crate) fn plan(&self, changes: &[(String, OutputChange)]) -> Result<Vec<(ScreenId, Planned)>, PlanError> {
        plan::plan(&self.facts(), changes)
    }

    /// All screens, as input of a plan.
    pub(crate) fn facts(&self) -> Vec<Facts> {
        self.screens.iter().map(|screen| facts(&self.screens, screen)).collect()
    }

    /// Tests on the hardware whether all screens can have these states at once.
    fn test(&mut self, planned: &[(ScreenId, Planned)]) -> Result<(), TransactionError> {
        let state = |(id, plan): &(ScreenId, Planned)| {
            let screen = self.screens.get(*id)?;
            let now = current(&self.screens, screen);
            let mode = plan.mode.filter(|_| plan.mode != now.mode);
            let state = HeadState { head: screen.head()?, mode, on: plan.power };
            (mode.is_some() || plan.power != now.power).then_some((screen.name.clone(), state))
        };
        let (names, states): (Vec<String>, Vec<HeadState>) = planned.iter().filter_map(state).unzip();
        if states.is_empty() {
            return Ok(());
        }
        let tested = self.hardware.backend.test(&states);
        tested.map_err(|error| TransactionError::Mode { screens: names.join(", "), error })
    }

    /// Sets these states, and tells clients. After an error some screens are set and some are not.
    pub(crate) fn carry_out(&mut self, planned: &[(ScreenId, Planned)]) -> Result<(), TransactionError> {
        let done = self.switch_all(planned);
        self.layout_changed();
        done
    }

    fn switch_all(&mut self, planned: &[(ScreenId, Planned)]) -> Result<(), TransactionError> {
        planned.iter().try_for_each(|(id, plan)| self.switch(*id, plan))
    }

    /// Updates touches and windows after screens were rotated, scaled, moved or switched.
    pub(crate) fn layout_changed(&mut self) {
        self.screens.arrange();
        self.touch_cancel();
        self.rearrange();
    }

    fn switch(&mut self, id: ScreenId, plan: &Planned) -> Result<(), TransactionError> {
        let Some(screen) = self.screens.get(id) else { return Ok(()) };
        let now = current(&self.screens, screen);
        if let Some(mode) = plan.mode.filter(|_| plan.mode != now.mode) {
            self.use_mode(id, mode)?;
        }
        // By identity rather than connector, where it is unique.
        let source = plan.mirror.and_then(|source| self.screens.get(source)).map(|source| {
            let identity = self.screens.saved_as(source.identity());
            if identity.is_empty() { source.name.clone() } else { identity }
        });
        if plan.mirror != now.mirror {
            self.screens.set_mirror(id, source);
        }
        let Some(screen) = self.screens.get_mut(id) else { return Ok(()) };
        if plan.rotation != now.rotation {
            screen.set_rotation(plan.rotation);
        }
        screen.set_scale(if plan.auto_scale { Scale::Auto } else { Scale::Fixed(plan.scale) });
        screen.position = plan.position.map(|at| <(i32, i32)>::from(at).into());
        screen.redraw.request();
        if plan.power != now.power {
            self.try_set_power(id, plan.power)?;
            self.power_event(power::Event::Commanded { screen: id, on: plan.power });
        }
        if let Some(brightness) = plan.brightness {
            let set = self.set_brightness(id, i32::from(brightness.percent()));
            let name = |id| self.screens.get(id).map(|screen| screen.name.clone()).unwrap_or_default();
            set.map_err(|error| TransactionError::Brightness { screen: name(id), error })?;
        }
        Ok(())
    }

    /// A command for the current state counts too: on by name is stronger than on by touch.
    fn note_power(&mut self, planned: &[(ScreenId, Planned)], changes: &[(String, OutputChange)]) {
        for ((id, plan), (_, change)) in planned.iter().zip(changes) {
            if change.power.is_some() {
                self.power_event(power::Event::Commanded { screen: *id, on: plan.power });
            }
        }
    }

    fn use_mode(&mut self, id: ScreenId, mode: HeadMode) -> Result<(), TransactionError> {
        let Some(screen) = self.screens.get_mut(id) else { return Ok(()) };
        let Some(head) = screen.head() else { return Ok(()) };
        self.hardware
            .backend
            .set_mode(head, mode)
            .map_err(|error| TransactionError::Mode { screens: screen.name.clone(), error })?;
        if let Some(found) = self.hardware.backend.heads().into_iter().find(|found| found.id == head) {
            screen.adopt_modes(&found);
        }
        Ok(())
    }

    /// Saves the changes under each display's identity, else its connector.
    pub(crate) fn keep(
        &mut self,
        planned: &[(ScreenId, Planned)],
        changes: &[(String, OutputChange)],
    ) -> Result<(), TransactionError> {
        for ((id, plan), (_, change)) in planned.iter().zip(changes) {
            let Some(screen) = self.screens.get(*id) else { continue };
            let settings = settings(change, plan);
            self.settings.saved.state.change(&self.screens.saved_as(screen.identity()), &screen.name, &settings);
        }
        let in_passing = changes.iter().all(|(_, change)| only_brightness(change));
        let saved = if in_passing { self.save_in_passing() } else { self.save() };
        Ok(saved?)
    }
}

/// The settings to save of a change.
fn settings(change: &OutputChange, plan: &Planned) -> OutputSettings {
    OutputSettings {
        mode: change.mode,
        rotation: change.rotation.map(|_| plan.rotation),
        scale: change.scale,
        // Power is not saved: a device that boots with a dark screen looks broken.
        power: None,
        mirror: change.mirror.clone(),
        position: change.position,
        brightness: change.brightness,
    }
}

/// Whether the change sets only the brightness, as sliders do many times a second.
fn only_brightness(change: &OutputChange) -> bool {
    *change == OutputChange { brightness: change.brightness, ..OutputChange::default() }
}

/// A screen's current state.
fn current(screens: &Screens, screen: &Screen) -> Planned {
    let mode = screen.output.current_mode();
    Planned {
        power: screen.power,
        rotation: screen.rotation,
        scale: ScaleFactor::nearest(screen.scale()),
        auto_scale: screen.auto_scale,
        mode: mode.and_then(|mode| {
            let listed = |listed: &&HeadMode| {
                (listed.width, listed.height, listed.refresh) == (mode.size.w, mode.size.h, mode.refresh)
            };
            screen.modes.iter().find(listed).copied()
        }),
        position: screen.position.and_then(|at| Position::try_from((at.x, at.y)).ok()),
        mirror: screen.mirror().and_then(|name| screens.called(name)).map(|source| source.id),
        brightness: screen.brightness.map(Brightness::nearest),
    }
}

fn facts(screens: &Screens, screen: &Screen) -> Facts {
    Facts {
        id: screen.id,
        name: screen.name.clone(),
        identity: screen.identity().description(),
        connected: screen.head().is_some(),
        physical: screen.physical,
        modes: screen.modes.clone(),
        now: current(screens, screen),
    }
}
