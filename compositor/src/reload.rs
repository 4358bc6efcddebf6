//! Applies a changed configuration at runtime: by D-Bus (`kioskctl config reload`) and by SIGHUP (`systemctl reload
//! kiosk`). All of it, or nothing if it has an error. Settings that cannot change under a running page are reported
//! with the restart that applies them. Also removes saved settings, so that the configuration applies again.

use kiosk_core::config::{Config, KeyboardUse, OnScreenKeyboard, OutputPolicy};

use crate::{
    command::{ApplyMode, CommandError, OutputChange},
    idle,
    kiosk::Kiosk,
    options::SessionChoice,
    power,
    run::load_config,
    screens::ScreenId,
    splash_style,
};

/// For settings that a restart of the compositor applies.
const RESTART: &str = "takes effect after `systemctl restart kiosk`";
/// For settings that a restart of the session applies, behind the splash.
const RESTART_SESSION: &str = "takes effect after `systemctl restart kiosk-session`";

/// Why a changed configuration was not applied. The previous one stays in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Its errors, a sentence each.
    #[error("the configuration was not taken, the one of before is in force: {}", .0.join("; "))]
    Wrong(Vec<String>),
    /// The screens cannot be set so.
    #[error("the configuration was not taken, the one of before is in force: {0}")]
    Screens(CommandError),
}

impl From<ReloadError> for CommandError {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::Wrong(_) => Self::InvalidArgument(error.to_string()),
            ReloadError::Screens(_) => Self::ModeRejected(error.to_string()),
        }
    }
}

impl Kiosk {
    /// Reads and applies the configuration. Returns a sentence for each section that has changed.
    pub fn reload_configuration(&mut self) -> Result<Vec<String>, ReloadError> {
        let loaded = load_config(&self.settings.options);
        if !loaded.errors.is_empty() {
            return Err(ReloadError::Wrong(loaded.errors.iter().map(ToString::to_string).collect()));
        }
        let config = self.settings.options.over(loaded.config);
        self.take(config)
    }

    fn take(&mut self, config: Config) -> Result<Vec<String>, ReloadError> {
        let mut told = Vec::new();
        let policies = self.policies();
        let before = std::mem::replace(&mut self.settings.config, config);
        if before.outputs != self.settings.config.outputs {
            if let Err(error) = self.follow_policies(&policies) {
                self.settings.config = before;
                return Err(ReloadError::Screens(error));
            }
            told.push("output: in force".to_owned());
        }
        if before.input != self.settings.config.input {
            told.extend(self.take_input(&before));
        }
        if before.idle.screen_off != self.settings.config.idle.screen_off || before.power != self.settings.config.power
        {
            self.activity.power.configure(&self.settings.config);
            self.activity.idle.set_screen_off(self.settings.config.idle.screen_off);
            self.idle_event(idle::Event::Time);
            self.schedule_changed();
            self.power_event(power::Event::Time);
        }
        if before.night_light != self.settings.config.night_light {
            self.activity.night_light.configure(&self.settings.config.night_light);
            self.schedule_changed();
            told.push("night-light: in force".into());
        }
        if before.idle != self.settings.config.idle {
            told.push(match before.idle.reset == self.settings.config.idle.reset {
                true => "idle: in force".to_owned(),
                false => format!("idle: reset {RESTART}, the rest is in force"),
            });
        }
        if before.keyboard != self.settings.config.keyboard
            || before.input.keyboard != self.settings.config.input.keyboard
        {
            self.configure_keyboard();
        }
        if before.keyboard != self.settings.config.keyboard {
            let external = |keyboard: &OnScreenKeyboard| keyboard.when == KeyboardUse::External;
            told.push(match external(&before.keyboard) == external(&self.settings.config.keyboard) {
                true => "keyboard: in force".to_owned(),
                false => {
                    "keyboard: in force, but the socket of \"external\" comes and goes when kioskd is started again"
                        .into()
                }
            });
        }
        if before.accessibility != self.settings.config.accessibility {
            self.aids_changed();
            told.push("accessibility: in force, but for aids that kioskctl switched".into());
        }
        if before.power != self.settings.config.power {
            told.push("power: in force".into());
        }
        if before.health != self.settings.config.health {
            told.push(format!("health: {RESTART_SESSION}"));
        }
        if before.splash != self.settings.config.splash {
            told.extend(self.take_splash());
        }
        if before.x11 != self.settings.config.x11 {
            // A command has Xwayland in any case.
            told.push(match (self.settings.options.session, self.settings.options.command.is_empty()) {
                (SessionChoice::External, true) => "x11: has no effect with --session external".to_owned(),
                _ => "x11: takes effect when kioskd is started again".to_owned(),
            });
        }
        if before.lease != self.settings.config.lease {
            told.push(format!("lease: {RESTART}"));
        }
        if before.limits != self.settings.config.limits {
            told.push(format!("limits: {RESTART}"));
        }
        if before.privileges != self.settings.config.privileges {
            told.push("privilege: in force for security contexts that are made from now on".into());
        }
        if before.texts != self.settings.config.texts
            || before.browser.language != self.settings.config.browser.language
        {
            self.stage.texts = self.settings.config.all_texts(|name| std::env::var(name).ok());
            told.push(format!("text: in force but for messages of the splash: that {RESTART_SESSION}"));
        }
        if before.agent != self.settings.config.agent {
            told.push("agent: takes effect when kiosk-agent-mqtt and kiosk-agent-tls are restarted".into());
        }
        self.take_boot_problems();
        self.welcome();
        told.extend(shells(&before, &self.settings.config));
        self.status.publisher.mark_changed();
        Ok(told)
    }

    /// Applies the style of the kiosk's own screens. A faulty logo does not reject the configuration: none is shown
    /// then, as at start-up.
    fn take_splash(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        self.stage.set_style(splash_style::style(&self.settings.config, &mut wrong));
        self.status.problems.retain(|problem| !problem.starts_with("splash."));
        self.screens.request_redraw();
        let told = wrong.iter().map(|problem| format!("splash: {problem}"));
        let told = std::iter::once("splash: in force".to_owned()).chain(told).collect();
        wrong.into_iter().for_each(|problem| self.problem(problem));
        told
    }

    /// Removes the saved settings of these outputs (empty: all), or one key of them, and applies the configuration.
    pub fn forget(&mut self, outputs: &[String], key: Option<&str>) -> Result<Vec<String>, CommandError> {
        let policies = self.policies();
        let mut displays = Vec::new();
        for name in outputs {
            let screen = self.screens.by_name(name).ok_or_else(|| {
                CommandError::NotFound(format!("there is no output {name:?}; there are: {}", self.screens.names()))
            })?;
            displays.push((name, self.screens.saved_as(screen.identity())));
        }
        let before = self.settings.saved.state.clone();
        let state = &mut self.settings.saved.state;
        let mut told = Vec::new();
        let what = key.unwrap_or("everything");
        if outputs.is_empty() && state.forget_outputs(key) {
            told.push(format!("{what} that was kept of all outputs is forgotten"));
        }
        for (name, identity) in displays {
            if state.forget_output(&identity, name, key) {
                told.push(format!("{what} that was kept of {name} is forgotten"));
            }
        }
        if told.is_empty() {
            return Ok(vec!["nothing was kept of it".into()]);
        }
        if let Err(error) = self.follow_policies(&policies) {
            self.settings.saved.state = before;
            return Err(error);
        }
        self.save().map_err(|error| CommandError::Failed(format!("it is in force but could not be saved: {error}")))?;
        Ok(told)
    }

    fn take_input(&mut self, before: &Config) -> Option<String> {
        let input = self.settings.config.input.clone();
        self.seat.set_vt_switching(input.vt_switching);
        self.stage.cursor.set_policy(input.cursor);
        self.devices_changed();
        self.screens.request_redraw();
        let known = before.input.keyboard == input.keyboard || self.keyboard_configured();
        Some(match known {
            true => "input: in force".to_owned(),
            false => {
                let layout = &input.keyboard.layout;
                format!("input: in force, but xkb has no keyboard layout {layout:?}: the default one is used")
            }
        })
    }

    /// The current policy of each connected screen.
    fn policies(&self) -> Vec<(ScreenId, OutputPolicy)> {
        let connected = self.screens.iter().filter(|screen| screen.head().is_some());
        connected.map(|screen| (screen.id, self.policy_of(screen.identity(), &screen.name))).collect()
    }

    /// Applies the policies that differ from `before`, as one transaction.
    fn follow_policies(&mut self, before: &[(ScreenId, OutputPolicy)]) -> Result<(), CommandError> {
        let after = self.policies();
        let changed: Vec<(ScreenId, &OutputPolicy, &OutputPolicy)> = after
            .iter()
            .filter_map(|(id, after)| {
                let (_, before) = before.iter().find(|(known, _)| known == id)?;
                (before != after).then_some((*id, before, after))
            })
            .collect();
        let name = |id: ScreenId| self.screens.get(id).map(|screen| screen.name.clone());
        let changes: Vec<(String, OutputChange)> = changed
            .iter()
            .filter_map(|(id, before, after)| Some((name(*id)?, self.change_between(before, after))))
            .collect();
        if !changes.is_empty() {
            self.apply(0, &changes, ApplyMode::InForce)?;
        }
        for (id, _, after) in changed {
            // Set directly, as a change cannot express it: no position, and a mirror source that is not connected.
            if after.position.is_none()
                && let Some(screen) = self.screens.get_mut(id)
            {
                screen.position = None;
            }
            self.screens.set_mirror(id, after.mirror.clone());
        }
        self.layout_changed();
        Ok(())
    }

    fn change_between(&self, before: &OutputPolicy, after: &OutputPolicy) -> OutputChange {
        let source = after.mirror.clone().unwrap_or_default();
        let known = source.is_empty() || self.screens.called(&source).is_some();
        OutputChange {
            power: (before.power != after.power).then_some(after.power),
            rotation: (before.rotation != after.rotation).then_some(after.rotation),
            scale: (before.scale != after.scale).then_some(after.scale),
            mode: (before.mode != after.mode).then_some(after.mode),
            position: after.position.filter(|_| before.position != after.position),
            mirror: (known && before.mirror != after.mirror).then_some(source),
            brightness: after.brightness.filter(|_| before.brightness != after.brightness),
        }
    }
}

/// Changes that need a restart of the session or its browser.
fn shells(before: &Config, now: &Config) -> Option<String> {
    let places =
        |config: &Config| -> Vec<String> { config.all_shells().iter().map(|shell| shell.output.clone()).collect() };
    if places(before) != places(now) {
        return Some(format!("shell: other outputs {}", RESTART.replace("takes", "take")));
    }
    let same = before.all_shells() == now.all_shells() && before.browser == now.browser && before.api == now.api;
    (!same).then(|| format!("shell, browser, api: {RESTART_SESSION}"))
}
