//! Hotplug: each display gets its earlier screen or a new one, by configuration and saved state, and clients always
//! have an output. Changes by request are in [`crate::transaction`].

use std::time::Duration;

use kiosk_core::config::{ModeChoice, OutputPolicy, conflicting_rules, output_policy, syntax};

use crate::{
    backend::{BackendError, HeadState, PresentError},
    kiosk::Kiosk,
    power,
    screens::{DEFAULT_REFRESH, Head, HeadId, HeadMode, Identity, Screen, ScreenId, ScreenPolicy, mode, validation},
};

/// Size of the screen that carries the shell while no display is connected.
const VIRTUAL_SIZE: (i32, i32) = (1280, 720);
/// Its name: no connector is called that.
const VIRTUAL_NAME: &str = "VIRTUAL-1";
/// How long an unneeded screen stays, for clients to move to another output.
const RETIREMENT: Duration = Duration::from_secs(1);

/// A screen could not be switched on or off.
#[derive(Debug, thiserror::Error)]
#[error("{screen}: the screen could not be switched {}: {error}", on_off(*on))]
pub struct SwitchError {
    /// Its name.
    screen: String,
    on: bool,
    error: BackendError,
}

impl Kiosk {
    /// The policy for a display, from configuration and saved state.
    fn policy_for(&self, head: &Head) -> OutputPolicy {
        self.policy_of(&head.identity, &head.name)
    }

    /// The same for the display with this identity on this connector.
    pub(crate) fn policy_of(&self, identity: &Identity, connector: &str) -> OutputPolicy {
        let saved = self.settings.saved.state.output(&self.screens.saved_as(identity), connector);
        output_policy(&self.settings.config.outputs, saved, &identity.description(), connector)
    }

    /// Brings the screens in line with the displays that the back end has: at start, and on each hotplug.
    pub fn displays_changed(&mut self) {
        let heads = self.hardware.backend.heads();
        self.protocols.drm_leases.displays_changed();
        self.screens.note_equal_identities(&heads);
        self.detach_missing(&heads);
        for head in heads {
            self.attach(head);
        }
        self.ensure_any_screen();
        self.screens.arrange();
        self.rearrange();
        for contradiction in validation::told(&self.facts()) {
            // Reported once, not at each hotplug.
            if !self.status.problems.contains(&contradiction) {
                self.problem(contradiction);
            }
        }
    }

    /// Detaches screens whose display is gone; they stay, off, while they are needed.
    fn detach_missing(&mut self, heads: &[Head]) {
        let gone = |screen: &&Screen| screen.head().is_some_and(|id| !heads.iter().any(|head| head.id == id));
        let gone: Vec<ScreenId> = self.screens.iter().filter(gone).map(|screen| screen.id).collect();
        for id in gone {
            self.screens.disconnect(id);
            if let Some(screen) = self.screens.get_mut(id) {
                tracing::info!(screen = screen.name, "display disconnected; screen kept");
                screen.redraw.resume();
            }
        }
    }

    /// Attaches a display to its earlier screen or a new one.
    fn attach(&mut self, head: Head) {
        let own = self.screens.by_head(head.id).map(|screen| (screen.id, false));
        let before = || self.screens.iter().find(|screen| screen.head().is_none() && screen.name == head.name);
        match own.or_else(|| before().map(|screen| (screen.id, true))) {
            Some((id, replugged)) => self.attach_again(id, head, replugged),
            None => self.attach_new(head),
        }
    }

    /// Updates a screen whose display is still connected, or connected again.
    fn attach_again(&mut self, id: ScreenId, mut head: Head, replugged: bool) {
        let Some(screen) = self.screens.get(id) else { return };
        // A display without a readable EDID is taken for the previous one.
        if head.identity == Identity::default() {
            head.identity = screen.identity().clone();
        }
        let another = head.identity != *screen.identity();
        if !replugged && !another && screen.modes == head.modes {
            return;
        }
        let policy = self.policy_for(&head);
        self.choose_mode(&mut head, policy.mode);
        self.screens.connect(id, &head);
        if replugged || another {
            self.hardware.brightness.forget(id);
            self.screens.set_mirror(id, policy.mirror);
        }
        let Some(screen) = self.screens.get_mut(id) else { return };
        tracing::info!(screen = screen.name, display = head.identity.description(), "display connected again");
        if replugged || another {
            screen.set_rotation(policy.rotation);
            screen.set_scale(policy.scale);
            screen.position = policy.position.map(|at| <(i32, i32)>::from(at).into());
        }
        // The same display stays off if it was switched off: some pulse their hotplug line in standby.
        let lit = screen.power;
        let power = if another { self.power_for(id, policy.power) } else { lit };
        self.set_power(id, power);
    }

    fn attach_new(&mut self, mut head: Head) {
        let rules = conflicting_rules(&self.settings.config.outputs, &head.identity.description(), &head.name);
        rules.into_iter().for_each(|conflict| self.problem(conflict));
        let policy = self.policy_for(&head);
        self.choose_mode(&mut head, policy.mode);
        let mirror = policy.mirror;
        let policy = ScreenPolicy {
            rotation: policy.rotation,
            scale: policy.scale,
            power: policy.power,
            position: policy.position,
        };
        tracing::info!(screen = head.name, display = head.identity.description(), "display connected");
        let id = self.screens.add::<Self>(&self.main_loop.display, &head, policy);
        self.screens.set_mirror(id, mirror);
        self.hardware.brightness.lit(id);
        if !self.power_for(id, policy.power) {
            self.set_power(id, false);
        }
        self.retire_unneeded_screens();
    }

    fn choose_mode(&mut self, head: &mut Head, wanted: ModeChoice) {
        let Some((mode, found)) = mode::choose(&head.modes, wanted) else { return };
        if !found {
            self.problem(format!(
                "{}: the configured mode {} is not one this display can show; {}x{} is used",
                head.name,
                syntax::mode_text(wanted),
                mode.width,
                mode.height
            ));
        }
        if head.modes.get(head.mode) != Some(&mode) {
            let mode = self.first_possible(head, mode);
            match self.hardware.backend.set_mode(head.id, mode) {
                Ok(()) => drop(head.switch_to(mode)),
                Err(error) => self.problem(format!("{}: the mode could not be set: {error}", head.name)),
            }
        }
    }

    /// The wanted mode if it passes the driver's test, else the best that does. A later refusal is seen at the first
    /// frame ([`Kiosk::mode_refused`]).
    fn first_possible(&mut self, head: &Head, wanted: HeadMode) -> HeadMode {
        let mut refused = None;
        for mode in std::iter::once(wanted).chain(mode::fallbacks(&head.modes)) {
            match (self.hardware.backend.test(&[HeadState { head: head.id, mode: Some(mode), on: true }]), &refused) {
                (Ok(()), None) => return mode,
                (Ok(()), Some(error)) => {
                    let (wanted, used) = (mode::describe(wanted), mode::describe(mode));
                    self.problem(format!("{}: {wanted} is not possible: {error}; {used} is used", head.name));
                    return mode;
                }
                (Err(error), None) => refused = Some(error),
                (Err(_), Some(_)) => {}
            }
        }
        wanted
    }

    /// The driver would not show the mode, and the back end uses another one.
    pub(crate) fn mode_refused(&mut self, id: ScreenId, reason: &PresentError) {
        let Some(screen) = self.screens.get(id) else { return };
        let (name, head) = (screen.name.clone(), screen.head());
        self.problem(format!("{name}: {reason}"));
        let Some(head) = self.hardware.backend.heads().into_iter().find(|found| Some(found.id) == head) else { return };
        if let Some(screen) = self.screens.get_mut(id) {
            screen.adopt_modes(&head);
            screen.redraw.resume();
        }
        self.layout_changed();
    }

    /// With nothing connected a virtual screen carries the shell: Chromium spins without any output.
    fn ensure_any_screen(&mut self) {
        if self.screens.iter().next().is_some() {
            return;
        }
        tracing::warn!("no display connected; shell on a virtual screen");
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
                custom: None,
                interlaced: false,
            }],
            mode: 0,
        };
        let id = self.screens.add::<Self>(&self.main_loop.display, &head, ScreenPolicy::default());
        self.screens.disconnect(id);
    }

    /// Removes screens without a display when another one takes over, but only after clients had time to bind that
    /// one's output, so that they always have one.
    fn retire_unneeded_screens(&mut self) {
        let unneeded = |screen: &&Screen| {
            screen.head().is_none() && !screen.retiring() && self.screens.shell_on(screen.id).is_none()
        };
        let unneeded: Vec<ScreenId> = self.screens.iter().filter(unneeded).map(|screen| screen.id).collect();
        if !unneeded.is_empty() {
            self.after(RETIREMENT, Self::drop_retired_screens);
        }
        for id in unneeded {
            self.screens.set_retiring(id, true);
        }
    }

    fn drop_retired_screens(&mut self) {
        let retired: Vec<ScreenId> =
            self.screens.iter().filter(|screen| screen.retiring()).map(|screen| screen.id).collect();
        // Without any display these screens carry the shells.
        if !self.screens.iter().any(|screen| screen.head().is_some()) {
            return retired.into_iter().for_each(|id| self.screens.set_retiring(id, false));
        }
        for id in retired {
            if let Some(screen) = self.screens.get(id) {
                self.stage.windows.surfaces().for_each(|surface| screen.output.leave(&surface));
            }
            self.screens.remove::<Self>(&self.main_loop.display, id);
            self.stage.pictures.remove(id);
            self.forget_captured(id);
            self.power_event(power::Event::Gone(id));
        }
        self.status.publisher.mark_changed();
        self.rearrange();
    }

    /// Switches a screen on or off, or says why not. The shell keeps its output.
    pub fn set_power(&mut self, id: ScreenId, on: bool) {
        if let Err(error) = self.try_set_power(id, on) {
            self.problem(error.to_string());
        }
    }

    /// As [`Kiosk::set_power`], with the error returned; the screen's state changes in any case.
    pub(crate) fn try_set_power(&mut self, id: ScreenId, on: bool) -> Result<(), SwitchError> {
        let Some(screen) = self.screens.get_mut(id) else { return Ok(()) };
        screen.power = on;
        screen.redraw.resume();
        if on {
            self.hardware.brightness.lit(id);
        }
        let Some(head) = screen.head().filter(|_| !self.seat.session.paused) else { return Ok(()) };
        let switched = self.hardware.backend.set_power(head, on);
        switched.map_err(|error| SwitchError { screen: screen.name.clone(), on, error })
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
