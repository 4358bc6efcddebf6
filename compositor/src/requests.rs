//! Carries out commands from D-Bus, and makes the snapshot that D-Bus shows.

use kiosk_core::config::Aid;

use crate::{
    backend::capture::CaptureError,
    command::{Call, Command, CommandError, Frames, Reply},
    kiosk::{Hardware, Kiosk},
    screens::{Screen, Screens},
    snapshot::{OutputSnapshot, ShellSnapshot, Snapshot},
    stage::Frame,
};

/// There is no output of this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no output {name:?}; there are: {there}")]
struct NoOutput {
    name: String,
    there: String,
}

impl From<NoOutput> for CommandError {
    fn from(error: NoOutput) -> Self {
        Self::NotFound(error.to_string())
    }
}

/// Why there is no screenshot.
#[derive(Debug, thiserror::Error)]
enum ScreenshotError {
    /// There is no output of this name.
    #[error(transparent)]
    NoOutput(#[from] NoOutput),
    /// It was removed before it could be drawn.
    #[error("the output has just gone")]
    Gone,
    /// It could not be drawn or written.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

impl From<ScreenshotError> for CommandError {
    fn from(error: ScreenshotError) -> Self {
        match error {
            ScreenshotError::NoOutput(_) | ScreenshotError::Gone => Self::NotFound(error.to_string()),
            ScreenshotError::Capture(_) => Self::Failed(error.to_string()),
        }
    }
}

/// The screen of this connector; `None`: the primary one.
fn called<'a>(screens: &'a Screens, output: Option<&str>) -> Result<&'a Screen, NoOutput> {
    let screen = match output {
        None => screens.primary(),
        Some(name) => screens.by_name(name),
    };
    screen.ok_or_else(|| NoOutput { name: output.unwrap_or("primary").to_owned(), there: screens.names() })
}

impl Kiosk {
    /// Carries out a request and answers it.
    pub fn answer(&mut self, call: Call) {
        let _span = tracing::debug_span!("dbus_call", request = call.request.name()).entered();
        let call = match call.request {
            Command::ShowMessage { title, text } => {
                self.show_message(title, text, call.reply);
                return;
            }
            _ => call,
        };
        let result = self.request(call.request);
        self.status.publisher.mark_changed();
        // The caller may be gone.
        let _ = call.reply.send(result);
    }

    fn request(&mut self, request: Command) -> Result<Reply, CommandError> {
        match request {
            Command::ApplyOutputs { serial, changes, mode } => self.apply(serial, &changes, mode).map(Reply::Serial),
            Command::Confirm { serial } => self.confirm(serial).map(Reply::Serial),
            Command::ChangeInput { id, change } => self.change_input(&id, &change).map(|()| Reply::Done),
            Command::TrustInput { id, trusted } => self.trust_input(&id, trusted).map(|()| Reply::Done),
            Command::Screenshot { output } => Ok(self.screenshot(output.as_deref())?),
            Command::Frames { output } => {
                let Screen { direct, composed, times, .. } = called(&self.screens, output.as_deref())?;
                let frames = Frames { direct: *direct, composed: *composed, summary: times.summary() };
                Ok(Reply::Frames(Box::new(frames)))
            }
            Command::SwitchVt { vt } => {
                let switched = self.hardware.backend.switch_vt(vt);
                switched.map(|()| Reply::Done).map_err(|error| CommandError::Unsupported(error.to_string()))
            }
            // Answered later, when it is known how much is visible.
            Command::ShowMessage { .. } => Ok(Reply::Done),
            Command::ReloadConfiguration => Ok(Reply::Told(self.reload_configuration()?)),
            Command::Forget { outputs, key } => Ok(Reply::Told(self.forget(&outputs, key.as_deref())?)),
            Command::ShowPairing(request) => Ok(Reply::Pairing { url: self.show_pairing(request) }),
            Command::Keyboard { mode } => self.command_keyboard(mode).map(|()| Reply::Done),
            Command::Accessibility { aid, on } => self.command_aid(aid, on).map(|()| Reply::Done),
            Command::Dismiss => {
                self.dismiss();
                Ok(Reply::Done)
            }
        }
    }

    fn screenshot(&mut self, output: Option<&str>) -> Result<Reply, ScreenshotError> {
        let now = self.now();
        let Self { stage, screens, hardware: Hardware { backend, .. }, .. } = self;
        let screen = called(screens, output)?;
        let Some(frame) = Frame::new(screens, screen.id, stage, now) else {
            return Err(ScreenshotError::Gone);
        };
        Ok(Reply::Png(backend.capture(&frame.plain())?.to_png()?))
    }

    /// Publishes the state to D-Bus and to tools on the admin socket, if it changed.
    pub fn publish(&mut self) {
        if !self.status.publisher.take_changed() {
            return;
        }
        self.tell_output_managers();
        self.tell_output_power();
        self.status.publisher.publish(self.snapshot());
    }

    /// The state as D-Bus shows it.
    pub fn snapshot(&self) -> Snapshot {
        let shells = self.shell_snapshots();
        // A shell without an output is not visible.
        let nowhere = shells.iter().all(|shell| shell.output.is_empty());
        let seen = (0..shells.len()).filter(|shell| nowhere || !shells[*shell].output.is_empty());
        Snapshot {
            backend: self.hardware.backend.name().into(),
            renderer: self.hardware.backend.renderer().into(),
            stage: self.stage.name(seen).into(),
            system_screen: self.stage.system_screen_name().into(),
            keyboard: if self.any_keyboard_is_shown() { "shown" } else { "hidden" }.into(),
            accessibility: Aid::ALL
                .into_iter()
                .filter(|aid| self.accessibility().is_on(*aid))
                .map(|aid| aid.to_string())
                .collect(),
            active_vt: self.hardware.backend.active_vt(),
            boot: self.status.boot_times.times(),
            serial: self.screens.serial,
            outputs: self
                .screens
                .iter()
                .map(|screen| {
                    let words = (self.off_because(screen.id), self.colours_text(screen.id));
                    output(&self.screens, screen, words)
                })
                .collect(),
            inputs: self.input_snapshots(),
            problems: self.status.problems.to_vec(),
            shells,
        }
    }

    /// Each shell's output, and what it shows.
    fn shell_snapshots(&self) -> Vec<ShellSnapshot> {
        let shell_screens = self.screens.shell_screens();
        let output = |shell: usize| self.screens.get((*shell_screens.get(shell)?)?).map(|screen| screen.name.clone());
        let snapshot = |shell| ShellSnapshot {
            output: output(shell).unwrap_or_default(),
            stage: self.stage.name_of(shell).into(),
        };
        (0..self.stage.shells.len()).map(snapshot).collect()
    }
}

/// With why it is off, and how its colours are changed, in words.
fn output(screens: &Screens, screen: &Screen, (off_because, colours): (Option<String>, String)) -> OutputSnapshot {
    let mode = screen.output.current_mode();
    OutputSnapshot {
        name: screen.name.clone(),
        make: screen.identity().make.clone(),
        model: screen.identity().model.clone(),
        serial_number: screen.identity().serial.clone(),
        connected: screen.head().is_some(),
        power: screen.power,
        power_reason: off_because.unwrap_or_default(),
        rotation: screen.rotation.degrees(),
        scale: screen.scale(),
        position: screen.output.current_location().into(),
        mode: mode
            .map(|mode| (mode.size.w.unsigned_abs(), mode.size.h.unsigned_abs(), mode.refresh.unsigned_abs()))
            .unwrap_or_default(),
        modes: screen
            .modes
            .iter()
            .map(|mode| {
                (mode.width.unsigned_abs(), mode.height.unsigned_abs(), mode.refresh.unsigned_abs(), mode.preferred)
            })
            .collect(),
        interlaced: screen.modes.iter().map(|mode| mode.interlaced).collect(),
        mirror: mirror_name(screens, screen),
        brightness: screen.brightness.unwrap_or(-1),
        scanout: if screen.lit() { screen.scanout.to_string() } else { "composited: the screen is off".into() },
        colours,
        frames_composed: screen.composed,
        frames_direct: screen.direct,
    }
}

/// The connector of this screen's mirror source; the configured name if the source is not connected.
fn mirror_name(screens: &Screens, screen: &Screen) -> String {
    let wanted = screen.mirror().unwrap_or_default();
    screens.called(wanted).map_or(wanted, |source| &source.name).to_owned()
}
