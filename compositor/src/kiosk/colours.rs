//! The colours of screens: the ramps of a tool (wlr-gamma-control) or else of the night light, by the display device's
//! table or drawn. What is in force is told in words.

use jiff::{Timestamp, tz::TimeZone};

use super::{Activity, Hardware, Kiosk};
use crate::{
    backend::Colours,
    night_light::NightLight,
    protocols::gamma::Gamma,
    screens::{Screen, ScreenId, redraw::Drawn},
    stage::ramp::Ramp,
};

/// The ramp of a screen; `None`: its colours are not changed.
pub(crate) fn ramp<'a>(gamma: &'a Gamma, night_light: &'a NightLight, screen: ScreenId) -> Option<&'a Ramp> {
    match gamma.ramp(screen) {
        Some(of_tool) => of_tool,
        None => night_light.ramp(),
    }
}

impl Kiosk {
    /// Takes the night light of this moment. Returns when it changes next; `None`: it has no schedule, the clock is not
    /// set, or no screen is seen, until when it rests.
    pub fn follow_night_light(&mut self, now: Timestamp) -> Option<Timestamp> {
        // The first search for a zone reads the directories of all that there are, and the first frame waits for it.
        let zone = match self.activity.night_light.has_schedule() {
            true => self.time_zone(),
            false => TimeZone::UTC,
        };
        let change = self.activity.night_light.follow(&zone, now);
        if change.colours {
            tracing::debug!(%now, until = ?change.until, "night light changes");
            self.screens.request_redraw();
        }
        if change.words {
            self.status.publisher.mark_changed();
        }
        let rests = change.until.is_some() && !self.any_is_seen();
        self.activity.night_light.rests = rests;
        change.until.filter(|_| !rests)
    }

    /// Called at the end of a turn, before anything is drawn: follows the night light again if it rests and a screen is
    /// seen.
    pub(crate) fn rouse_night_light(&mut self) {
        if self.activity.night_light.rests && self.any_is_seen() {
            self.follow_clock();
        }
    }

    /// Whether any screen is lit, and the seat session active.
    fn any_is_seen(&self) -> bool {
        !self.seat.session.paused && self.screens.iter().any(Screen::lit)
    }

    /// Has the display device change a screen's colours, before a frame is drawn. Returns what is left to do.
    pub(crate) fn set_colours(&mut self, id: ScreenId) -> Colours {
        let Self {
            screens,
            protocols,
            activity: Activity { night_light, .. },
            hardware: Hardware { backend, .. },
            status,
            ..
        } = self;
        let Some(screen) = screens.get_mut(id).filter(|screen| screen.lit()) else { return Colours::ByDevice };
        let Some(head) = screen.head() else { return Colours::ByDevice };
        let colours = backend.set_ramp(head, ramp(&protocols.gamma, night_light, id));
        let drawn = colours == Colours::Drawn;
        if std::mem::replace(&mut screen.colours_drawn, drawn) != drawn {
            status.publisher.mark_changed();
        }
        match colours {
            Colours::Queued => {
                // The table's own page flip comes first.
                let _ = screen.redraw.drawn(Drawn::Queued);
                screen.redraw.request();
                self.watch_flip();
            }
            Colours::Busy => {
                let pace = screen.frame_time();
                if screen.redraw.drawn(Drawn::Failed) {
                    self.after(pace, move |kiosk| kiosk.paced(id));
                }
            }
            Colours::Drawn | Colours::ByDevice | Colours::AfterFrame => {}
        }
        colours
    }

    /// How a screen's colours are changed, one phrase such as `night light until Mon 07:00, by the display device`;
    /// empty: they are not.
    pub(crate) fn colours_text(&self, id: ScreenId) -> String {
        let Some(screen) = self.screens.get(id).filter(|screen| screen.lit()) else { return String::new() };
        let what = match self.protocols.gamma.ramp(id) {
            Some(None) => None,
            Some(Some(_)) => Some("colours set by a tool".to_owned()),
            None => {
                let zone = match self.activity.night_light.has_schedule() {
                    true => TimeZone::try_system().unwrap_or(TimeZone::UTC),
                    false => TimeZone::UTC,
                };
                self.activity.night_light.text(&zone, Timestamp::now())
            }
        };
        let how = if screen.colours_drawn { "drawn" } else { "by the display device" };
        what.map(|what| format!("{what}, {how}")).unwrap_or_default()
    }
}
