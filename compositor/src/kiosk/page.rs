//! What a shell's page asks for (`window.kiosk`), carried out with the session's authority and no more: the screen that
//! the shell is on, and those that show its picture. Nothing of it is saved, nothing outlives the page, and nothing
//! overrides an operator; see docs/security.md.

use std::time::Duration;

use kiosk_core::{
    config::{Brightness, Rotation},
    page_calls::{DeviceInfo, DeviceRequest, MAX_TEXT, OutputInfo, PageAnswer, PageCall},
    quantities::QuantityError,
    text::{TextError, paintable},
};

use super::Kiosk;
use crate::{
    brightness::MIN_RESTORED_PERCENT,
    command::{ApplyMode, CommandError, OutputChange},
    deadline_timer::DeadlineTimer,
    network::Network,
    power::{Cause, Event},
    screens::{Screen, ScreenId},
    session_link::KeyboardArea,
    stage::SystemScreen,
};

/// Shortest time between two switches or rotations of its screen by a page: each is visible, and panels are slow.
const PACE: Duration = Duration::from_secs(1);
/// How long a page's message is shown, and how much longer for each of its characters: people read 20 in a second.
const MESSAGE_TIME: Duration = Duration::from_secs(10);
const CHARACTER_TIME: Duration = Duration::from_millis(50);
/// Most addresses that a page is given.
const MAX_ADDRESSES: usize = 16;

/// Why a page's call is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    /// The value is not valid.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// The text cannot be painted.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Its shell has no output.
    #[error("this page is on no output: all are other shells'")]
    NoScreen,
    /// Too soon after the last one.
    #[error("the screen was switched or rotated less than a second ago: try again later")]
    Pace,
    /// The screen was switched on by input after the page had switched it off.
    #[error("somebody has lit the screen: it stays on for {0} s more")]
    InUse(u64),
    /// The page did not switch the screen off.
    #[error("the screen is off by the configuration or an operator, who alone can light it")]
    NotOurs,
    /// An operator's trial is in progress.
    #[error("an operator's change of the screens is on trial: try again later")]
    Trial,
    /// A system screen is shown.
    #[error("a screen of the kiosk's own is shown: try again later")]
    Covered,
    /// The hardware's refusal.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Switching the screen failed.
    #[error("the display could not be switched: `kioskctl status` says why")]
    NotSwitched,
}

/// The state of the pages' calls, by shell.
#[derive(Default)]
pub struct Pages {
    /// When each last switched or rotated its screen.
    changed: Vec<(usize, Duration)>,
    /// The screens that pages switched off, each with its shell.
    put_out: Vec<(ScreenId, usize)>,
    /// When each page's message ends.
    notes: Vec<(usize, Duration)>,
    timer: DeadlineTimer,
}

impl Pages {
    /// Whether this page may switch or rotate its screen now; if so, notes the time.
    fn may_change(&mut self, shell: usize, now: Duration) -> bool {
        if self.changed.iter().any(|(known, at)| *known == shell && now < *at + PACE) {
            return false;
        }
        self.changed.retain(|(known, _)| *known != shell);
        self.changed.push((shell, now));
        true
    }
}

impl Kiosk {
    /// Handles a page's call from its session; the answer is sent at once.
    pub(crate) fn page_call(&mut self, link: u64, call: PageCall) {
        let shell = call.shell as usize;
        if !self.session.links.is_of(link, shell) || shell >= self.stage.shells.len() {
            tracing::warn!(shell, "session sends a page call for another shell");
            return;
        }
        tracing::debug!(shell, request = ?call.request, "the page asks");
        let (error, info) = match self.page_request(shell, call.request) {
            Ok(info) => (None, info),
            Err(refusal) => (Some(refusal.to_string()), None),
        };
        self.status.publisher.mark_changed();
        self.session.links.tell(shell, &kiosk_core::api::Notice::Answer(PageAnswer { call: call.call, error, info }));
    }

    fn page_request(&mut self, shell: usize, request: DeviceRequest) -> Result<Option<DeviceInfo>, Refusal> {
        match request {
            DeviceRequest::Screen { on } => self.page_switches(shell, on)?,
            DeviceRequest::Left {} => self.light_for(shell),
            DeviceRequest::Brightness { percent } => {
                let wanted = Brightness::try_from(percent)?;
                // Not darker than the smallest level that is restored.
                let brightness = wanted.max(Brightness::nearest(MIN_RESTORED_PERCENT));
                let change = OutputChange { brightness: Some(brightness), ..OutputChange::default() };
                self.page_changes(shell, change)?;
            }
            DeviceRequest::Rotate { degrees } => {
                let rotation = Rotation::try_from(degrees)?;
                let screen = self.own_screen(shell).ok_or(Refusal::NoScreen)?;
                if screen.rotation != rotation {
                    if !self.session.pages.may_change(shell, self.now()) {
                        return Err(Refusal::Pace);
                    }
                    self.page_changes(shell, OutputChange { rotation: Some(rotation), ..OutputChange::default() })?;
                }
            }
            DeviceRequest::Message { text } => self.page_message(shell, &text)?,
            DeviceRequest::Info {} => return Ok(Some(self.device_info(shell))),
        }
        Ok(None)
    }

    /// The screen of a shell; `None`: it has none, and may not control another shell's.
    fn own_screen(&self, shell: usize) -> Option<&Screen> {
        self.screens.get(self.screens.shell_screens().get(shell).copied().flatten()?)
    }

    /// The screen of a shell, then its mirrors.
    fn screens_of(&self, shell: usize) -> Vec<ScreenId> {
        let Some(own) = self.own_screen(shell) else { return Vec::new() };
        std::iter::once(own.id).chain(self.screens.mirrors_of(own.id)).collect()
    }

    fn page_switches(&mut self, shell: usize, on: bool) -> Result<(), Refusal> {
        let now = self.now();
        let own = self.screens_of(shell);
        let first = *own.first().ok_or(Refusal::NoScreen)?;
        match (on, self.activity.power.cause(first)) {
            (true, Some(Cause::Policy | Cause::Command)) => return Err(Refusal::NotOurs),
            // It is on already; the call counts as activity.
            (true, None) => {}
            (false, Some(_)) => return Ok(()),
            (false, None) => {
                if self.stage.screen().is_some() {
                    return Err(Refusal::Covered);
                }
                if let Some(wait) = self.activity.power.page_may_put_out(now) {
                    return Err(Refusal::InUse(wait.as_secs().max(1)));
                }
                if !self.session.pages.may_change(shell, now) {
                    return Err(Refusal::Pace);
                }
            }
            (true, Some(_)) => {
                if !self.session.pages.may_change(shell, now) {
                    return Err(Refusal::Pace);
                }
            }
        }
        for screen in own {
            self.session.pages.put_out.retain(|(dark, _)| *dark != screen);
            if !on {
                self.session.pages.put_out.push((screen, shell));
            }
            self.power_event(Event::ByPage { screen, on });
        }
        let done = self.screens.get(first).is_some_and(|screen| screen.power == on);
        done.then_some(()).ok_or(Refusal::NotSwitched)
    }

    /// In force until another change, a replug of the monitor or a restart of kioskd.
    fn page_changes(&mut self, shell: usize, change: OutputChange) -> Result<(), Refusal> {
        if self.settings.trial.is_on() {
            return Err(Refusal::Trial);
        }
        let screen = self.own_screen(shell).ok_or(Refusal::NoScreen)?;
        let changes = [(screen.name.clone(), change)];
        self.apply(0, &changes, ApplyMode::InForce)?;
        Ok(())
    }

    fn page_message(&mut self, shell: usize, text: &str) -> Result<(), Refusal> {
        if text.trim().is_empty() {
            self.end_note(shell);
            return Ok(());
        }
        let text = paintable("text", text, MAX_TEXT)?;
        if self.stage.screen().is_some() {
            return Err(Refusal::Covered);
        }
        let time = MESSAGE_TIME + CHARACTER_TIME * u32::try_from(text.chars().count()).unwrap_or_default();
        let until = self.now() + time;
        let Some(stage) = self.stage.shells.get_mut(shell) else { return Err(Refusal::NoScreen) };
        let screen = SystemScreen::Message { title: String::new(), text };
        let view = screen.view();
        stage.note = Some(screen);
        self.session.pages.notes.retain(|(known, _)| *known != shell);
        self.session.pages.notes.push((shell, until));
        if self.stage.style.fonts.lacks(&view.text()) {
            self.stage.want_fonts();
            self.find_fonts();
        }
        self.screens.request_redraw();
        self.arm_notes();
        Ok(())
    }

    fn end_note(&mut self, shell: usize) {
        self.session.pages.notes.retain(|(known, _)| *known != shell);
        if self.stage.shells.get_mut(shell).is_some_and(|stage| stage.note.take().is_some()) {
            self.status.publisher.mark_changed();
            self.screens.request_redraw();
        }
    }

    fn arm_notes(&mut self) {
        let next = self.session.pages.notes.iter().map(|(_, until)| *until).min();
        let then = |kiosk: &mut Kiosk| {
            let now = kiosk.now();
            let over: Vec<usize> =
                kiosk.session.pages.notes.iter().filter(|(_, until)| *until <= now).map(|(shell, _)| *shell).collect();
            over.into_iter().for_each(|shell| kiosk.end_note(shell));
            kiosk.arm_notes();
        };
        self.arm(|kiosk| &mut kiosk.session.pages.timer, next, then);
    }

    /// The page is gone: undoes its message and its switched-off screen.
    pub(crate) fn page_gone(&mut self, shell: usize) {
        self.end_note(shell);
        self.light_for(shell);
    }

    /// Switches on the screens that the page switched off, and no others.
    fn light_for(&mut self, shell: usize) {
        for screen in self.screens_of(shell) {
            if self.activity.power.cause(screen) == Some(Cause::Page) {
                self.power_event(Event::PageGone(screen));
            }
        }
    }

    /// After a change of the layout: switches on screens that a page switched off and is not shown on any more.
    pub(super) fn light_what_pages_left(&mut self) {
        if self.session.pages.put_out.is_empty() {
            return;
        }
        let of_page = |kiosk: &Kiosk, screen| kiosk.activity.power.cause(screen) == Some(Cause::Page);
        let mut put_out = std::mem::take(&mut self.session.pages.put_out);
        put_out.retain(|(screen, _)| of_page(self, *screen));
        let (stays, left): (Vec<_>, Vec<_>) =
            put_out.into_iter().partition(|(screen, shell)| self.screens_of(*shell).contains(screen));
        self.session.pages.put_out = stays;
        for (screen, _) in left {
            self.power_event(Event::PageGone(screen));
        }
    }

    fn device_info(&self, shell: usize) -> DeviceInfo {
        let network = Network::now();
        let addresses = network.addresses.iter().take(MAX_ADDRESSES).map(ToString::to_string);
        let outputs = self.screens_of(shell).into_iter().filter_map(|id| self.screens.get(id));
        DeviceInfo {
            name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            outputs: outputs.filter(|screen| screen.head().is_some()).map(output_info).collect(),
            addresses: addresses.chain(network.name).collect(),
        }
    }

    /// Tells the sessions the area that the on-screen keyboard covers, if it changed.
    pub(super) fn tell_keyboard(&mut self) {
        let area = |shell: usize| -> KeyboardArea {
            let area = self.keyboard_area(shell)?;
            let at = area.loc - self.screens.screen_for(shell)?.geometry().loc;
            Some((at.x, at.y, area.size.w, area.size.h))
        };
        let areas: Vec<KeyboardArea> = (0..self.stage.shells.len()).map(area).collect();
        self.session.links.tell_keyboards(&areas);
    }
}

fn output_info(screen: &Screen) -> OutputInfo {
    let mode = screen.output.current_mode();
    let mode = mode.map(|mode| [mode.size.w, mode.size.h, mode.refresh].map(i32::unsigned_abs));
    let [width, height, refresh] = mode.unwrap_or_default();
    OutputInfo {
        name: screen.name.clone(),
        make: screen.identity().make.clone(),
        model: screen.identity().model.clone(),
        width,
        height,
        refresh,
        rotation: screen.rotation.degrees(),
        scale: (screen.scale() * 1000.0).round() as u32,
        power: screen.power,
        brightness: screen.brightness.map(|percent| Brightness::nearest(percent).percent()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_changes_its_screen_once_a_second_and_each_for_itself() {
        let mut pages = Pages::default();
        let at = Duration::from_millis;
        assert!(pages.may_change(0, at(0)) && pages.may_change(1, at(0)));
        assert!(!pages.may_change(0, at(999)));
        assert!(pages.may_change(0, at(1000)));
        assert_eq!(pages.changed.len(), 2, "one a shell");
    }
}
