//! Drawing one screen and what follows: page flips, frame callbacks, presentation feedback, pacing.

use std::time::Duration;

use kiosk_splash::{Progress, View};
use smithay::{
    reexports::wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind as FeedbackKind,
    utils::Time, wayland::presentation::Refresh,
};

use crate::{
    backend::{PresentError, Presented},
    kiosk::{FlipTime, Kiosk},
    screens::{HeadId, Scanout, ScreenId, redraw::Drawn},
    stage::{Frame, splash::Cover},
};

/// How often clients may draw while no one can see it.
const UNSEEN_PACE: Duration = Duration::from_secs(1);

/// A page flip that takes longer than this is lost: the driver will not tell any more.
const FLIP_TIMEOUT: Duration = Duration::from_secs(1);

impl Kiosk {
    /// Draws a screen and sends the frame on its way.
    pub fn draw(&mut self, id: ScreenId) {
        let now = self.now();
        let primary = self.screens.primary().map(|screen| screen.id);
        let carries_shell = primary == Some(id);
        let next_move = self.prepare_splash(id, carries_shell, now);
        let Self { stage, screens, seat, backend, changed, .. } = self;
        let Some(screen) = screens.get_mut(id) else { return };
        let frame = Frame { screen, stage, cursor: &seat.cursor, carries_shell, now };
        let presented = match screen.lit() {
            true => backend.present(&frame),
            // Nobody looks: nothing is drawn, and time is kept by the pacing timer.
            false => Ok(Presented { queued: false, scanout: Scanout::default() }),
        };
        let waiting = frame.callbacks_waiting() || (carries_shell && matches!(stage.cover, Cover::Fading { .. }));
        let (outcome, pace) = match presented {
            Ok(Presented { queued: true, scanout }) => {
                if screen.scanout != scanout {
                    screen.scanout = scanout;
                    *changed = true;
                }
                match scanout {
                    Scanout::Direct => screen.direct += 1,
                    Scanout::Planes | Scanout::Composited => screen.composed += 1,
                }
                (Drawn::Queued, screen.frame_time())
            }
            Ok(Presented { queued: false, .. }) if screen.lit() => (Drawn::Empty { waiting }, screen.frame_time()),
            Ok(_) => (Drawn::Empty { waiting }, UNSEEN_PACE),
            Err(PresentError::Inactive) => {
                tracing::debug!(screen = screen.name, "not drawn: the session is not active");
                (Drawn::Failed, UNSEEN_PACE)
            }
            Err(PresentError::Device(error)) => {
                tracing::warn!(screen = screen.name, %error, "a frame could not be shown");
                (Drawn::Failed, screen.frame_time())
            }
        };
        if screen.redraw.drawn(outcome) {
            self.after(pace, move |kiosk| kiosk.paced(id));
        }
        if outcome == Drawn::Queued {
            self.watch_flip();
        }
        if let Some(delay) = next_move {
            self.arm_animation(delay);
        }
    }

    /// Paints and moves the splash on a screen. Returns when it next moves.
    fn prepare_splash(&mut self, id: ScreenId, carries_shell: bool, now: Duration) -> Option<Duration> {
        let cover = self.stage.cover;
        let covered = cover != Cover::Gone || !carries_shell;
        let wanted = self.stage.splash_enabled || self.stage.system_screen.is_some();
        let view = match cover {
            // Beside a running shell the other screens keep a still logo: nothing moves, nothing wakes.
            Cover::Gone => View::Splash { message: None, progress: Progress::None },
            _ => self.stage.view(),
        };
        let screen = self.screens.get_mut(id)?;
        if !covered || !wanted {
            screen.splash.drop_pictures();
            return None;
        }
        let (size, scale) = (screen.picture_size(), screen.scale());
        screen.splash.prepare(&view, &self.stage.style, size, scale);
        if matches!(cover, Cover::Fading { .. }) && carries_shell {
            screen.splash.step_veil();
        }
        let elapsed = now.saturating_sub(cover.since()?);
        screen.splash.animate(elapsed).filter(|_| screen.lit())
    }

    /// Wakes for the next step of the splash. One timer serves all screens.
    fn arm_animation(&mut self, delay: Duration) {
        if std::mem::replace(&mut self.timers.animation, true) {
            return;
        }
        self.after(delay, |kiosk| {
            kiosk.timers.animation = false;
            if kiosk.stage.cover == Cover::Gone || kiosk.paused {
                return;
            }
            let elapsed = kiosk.stage.cover.since().map_or(Duration::ZERO, |since| kiosk.now().saturating_sub(since));
            for screen in kiosk.screens.iter_mut().filter(|screen| screen.splash.moved(elapsed)) {
                screen.redraw.request();
            }
            // A timer that came early must not end the animation.
            if !kiosk.screens.iter().any(|screen| screen.redraw.wants_draw() || screen.redraw.awaits_flip()) {
                kiosk.arm_animation(Duration::from_millis(20));
            }
        });
    }

    /// A page flip happened: clients are told, and may draw the next frame.
    pub fn flipped(&mut self, head: HeadId, at: FlipTime) {
        let feedback = self.backend.flipped(head);
        let Some(id) = self.screens.by_head(head).map(|screen| screen.id) else { return };
        let now = self.now();
        let Some(screen) = self.screens.get_mut(id) else { return };
        if let Some(mut feedback) = feedback {
            let refresh = Refresh::fixed(screen.frame_time());
            let (time, sequence, kind) = match at {
                FlipTime::Hardware { time, sequence } => (
                    time,
                    u64::from(sequence),
                    FeedbackKind::Vsync | FeedbackKind::HwClock | FeedbackKind::HwCompletion,
                ),
                FlipTime::Now => (now, 0, FeedbackKind::Vsync),
            };
            feedback.presented::<_, smithay::utils::Monotonic>(Time::from(time), refresh, sequence, kind);
        }
        if !screen.redraw.flipped() {
            return;
        }
        screen.shown = true;
        self.lost_flips = 0;
        self.send_callbacks(id);
        if !std::mem::replace(&mut self.presented, true) {
            tracing::info!(elapsed = ?now, "first frame on the screen");
            self.notifier.ready();
        }
    }

    /// The pacing timer stands in for a page flip.
    fn paced(&mut self, id: ScreenId) {
        let Some(screen) = self.screens.get_mut(id) else { return };
        if screen.redraw.paced() {
            self.send_callbacks(id);
            if matches!(self.stage.cover, Cover::Fading { .. }) {
                self.screens.request_redraw();
            }
        }
    }

    fn send_callbacks(&mut self, id: ScreenId) {
        let now = self.now();
        let carries_shell = self.screens.primary().map(|screen| screen.id) == Some(id);
        let Some(screen) = self.screens.get(id) else { return };
        Frame { screen, stage: &self.stage, cursor: &self.seat.cursor, carries_shell, now }.send_callbacks();
    }

    /// Looks after awaited flips for as long as there are any: one timer a second while frames are drawn, none
    /// when nothing changes.
    fn watch_flip(&mut self) {
        if std::mem::replace(&mut self.timers.flip_watch, true) {
            return;
        }
        let since: Vec<_> = self.screens.iter().map(|screen| (screen.id, screen.composed + screen.direct)).collect();
        self.after(FLIP_TIMEOUT, move |kiosk| {
            kiosk.timers.flip_watch = false;
            // The frame counters are brought up to date as often.
            kiosk.changed = true;
            let mut awaited = false;
            for (id, frames) in &since {
                let Some(screen) = kiosk.screens.get_mut(*id).filter(|screen| screen.redraw.awaits_flip()) else {
                    continue;
                };
                awaited = true;
                if screen.composed + screen.direct == *frames {
                    let name = screen.name.clone();
                    screen.redraw.resume();
                    kiosk.lost_flips = kiosk.lost_flips.saturating_add(1);
                    if let Some(head) = screen.head {
                        kiosk.backend.recover(head);
                    }
                    kiosk.problem(format!(
                        "{name}: the display driver did not answer a page flip within a second; the screen was set up again"
                    ));
                }
            }
            if awaited {
                kiosk.watch_flip();
            }
        });
    }
}
