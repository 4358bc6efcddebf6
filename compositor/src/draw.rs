//! Drawing one screen and what follows: page flips, frame callbacks, presentation feedback, pacing.

use std::time::Duration;

use smithay::{
    reexports::wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind as FeedbackKind,
    utils::Time, wayland::presentation::Refresh,
};

use crate::{
    backend::{Colours, FlipTime, PresentError, Presented},
    frame_times::Moments,
    kiosk::{Activity, Hardware, Kiosk, MainLoop, Status, colours},
    limits::refusal::Repeated,
    screens::{
        HeadId, Scanout, Screen, ScreenId,
        redraw::{Drawn, Flipped},
    },
    stage::{Frame, splash::Cover},
};

/// How often clients may draw while no one can see it.
const UNSEEN_PACE: Duration = Duration::from_secs(1);

/// Clients may take this share of a frame's time to answer a page flip; the rest is for drawing.
const ANSWER_SHARE: u32 = 3;

/// Each failure doubles the wait, up to [`UNSEEN_PACE`]: a device that refuses everything must not busy the CPU.
fn retry_pace(screen: &Screen) -> Duration {
    let failures = screen.trouble.as_ref().map_or(0, |trouble| trouble.times);
    screen.frame_time().saturating_mul(1 << failures.min(8)).min(UNSEEN_PACE)
}

impl Kiosk {
    /// Draws a screen and queues the frame.
    pub fn draw(&mut self, id: ScreenId) {
        let _span = tracing::debug_span!("draw", screen = id.0).entered();
        let done = self.set_colours(id);
        if matches!(done, Colours::Queued | Colours::Busy) {
            return;
        }
        let now = self.now();
        let look = self.look_of(id);
        let woken = self.main_loop.handle.woken();
        let Self {
            stage,
            screens,
            main_loop: MainLoop { clock, .. },
            hardware: Hardware { backend, .. },
            status: Status { publisher, .. },
            protocols,
            activity: Activity { night_light, .. },
            ..
        } = self;
        let Some(screen) = screens.get(id) else { return };
        let mirrors = screens.mirror_source(id).is_some();
        let next_move = stage.prepare_splash(screen, screens.shell_on(id), mirrors, now);
        stage.prepare_keyboard(id, now);
        // A mirror shows its source, so captures of the source count.
        let source = screens.mirror_source(id).map_or(id, |source| source.id);
        let watched = [id, source].iter().any(|id| protocols.captures.is_announced(*id));
        stage.prepare_notice(screen, screens.shell_on(source), watched, now);
        let ramp = colours::ramp(&protocols.gamma, night_light, id).filter(|_| done == Colours::Drawn);
        let changes = look.is_some() || ramp.is_some();
        let plain = changes.then(|| Frame::new(screens, id, stage, now)).flatten().filter(|frame| frame.screen.lit());
        match plain.map(|frame| backend.picture(&frame.plain())) {
            Some(Ok((mut picture, states))) => {
                let size = (picture.width, picture.height);
                if let Some(look) = look {
                    look.change(size, &mut picture.rgba);
                }
                if let Some(ramp) = ramp {
                    ramp.change(&mut picture.rgba);
                }
                stage.pictures.aid(id, size, &picture.rgba, states);
            }
            Some(Err(error)) => {
                static LOG: Repeated = Repeated::new();
                if let Some(more) = LOG.count() {
                    tracing::warn!(%error, more, "screen shown without visual aids and gamma ramps");
                }
                stage.pictures.end_aid(id);
            }
            None => stage.pictures.end_aid(id),
        }
        let Some(frame) = Frame::new(screens, id, stage, now) else { return };
        let presented = match frame.screen.lit() {
            true => backend.present(&frame),
            // The screen is off: nothing is drawn, and the pacing timer sets the pace.
            false => Ok(Presented::default()),
        };
        let latched = protocols.fifo.latch(&frame);
        // After a frame that was queued the flip asks.
        let queued = matches!(presented, Ok(Presented { queued: true, .. }));
        let waiting = !queued && (latched || frame.callbacks_waiting() || frame.fades());
        let Some(screen) = screens.get_mut(id) else { return };
        let (mut refused, mut another, mut taken, mut late) = (None, false, false, false);
        let (outcome, pace) = match presented {
            Ok(Presented { queued: true, scanout, another: more }) => {
                another = more || done == Colours::AfterFrame;
                stage.pictures.frame_queued(id);
                screen.trouble = None;
                if screen.scanout != scanout {
                    screen.scanout = scanout;
                    publisher.mark_changed();
                }
                match scanout {
                    Scanout::Direct => screen.direct += 1,
                    Scanout::Planes | Scanout::Composited(_) => screen.composed += 1,
                }
                let moments = Moments { woken: woken.unwrap_or(now), begun: now, queued: clock.now().into() };
                screen.times.queued(moments);
                let period = screen.frame_time();
                late = screen.slack.queued(moments, screen.last_flip, period);
                (Drawn::Queued, period)
            }
            Ok(Presented { queued: false, .. }) if screen.lit() => (Drawn::Empty { waiting }, screen.frame_time()),
            Ok(_) => (Drawn::Empty { waiting }, UNSEEN_PACE),
            Err(error) => {
                taken = matches!(error, PresentError::Inactive);
                screen.note_failure(error.to_string(), taken);
                if matches!(error, PresentError::ModeRefused { .. } | PresentError::EveryModeRefused { .. }) {
                    refused = Some(error);
                }
                (Drawn::Failed, retry_pace(screen))
            }
        };
        let news = outcome == Drawn::Queued || !screen.lit();
        // No damage: the display shows the frame already, and no flip follows.
        let shows = matches!(outcome, Drawn::Empty { .. }) && screen.lit();
        let paced = screen.redraw.drawn(outcome);
        if another {
            screen.redraw.request();
        }
        if paced {
            self.after(pace, move |kiosk| kiosk.paced(id));
        }
        if let Some(reason) = refused {
            self.mode_refused(id, &reason);
        }
        if taken {
            self.check_seat();
        }
        if outcome == Drawn::Queued {
            self.watch_flip();
        }
        if late && let Some(frame) = Frame::new(&self.screens, id, &self.stage, now) {
            frame.send_callbacks();
            self.clients.answered = true;
        }
        if news {
            self.request_mirrors(id);
            self.protocols.captures.screen_drew(id);
        }
        if shows {
            self.find_brightness(id);
        }
        if let Some(delay) = next_move {
            self.arm_animation(delay);
        }
        self.find_fonts();
    }

    /// What a screen shows has changed: so has what its mirrors show.
    fn request_mirrors(&mut self, id: ScreenId) {
        for mirror in self.screens.mirrors_of(id) {
            if let Some(screen) = self.screens.get_mut(mirror) {
                screen.redraw.request();
            }
        }
    }

    /// Wakes for the next step of the splash, `delay` from now. One timer serves all screens.
    fn arm_animation(&mut self, delay: Duration) {
        let deadline = self.now() + delay;
        self.arm(|kiosk| &mut kiosk.main_loop.timers.animation, Some(deadline), Self::step_splash);
    }

    /// Requests a redraw where the splash has to move, which arms the timer again, and waits for the others. A frame
    /// that is in flight says nothing: it may have been drawn before this step, and for another reason.
    fn step_splash(&mut self) {
        if self.seat.session.paused {
            return;
        }
        let (now, shell_screens) = (self.now(), self.screens.shell_screens().to_vec());
        let Self { stage, screens, .. } = self;
        let mut next: Option<Duration> = None;
        for screen in screens.iter_mut().filter(|screen| screen.lit()) {
            let shell = shell_screens.iter().position(|shown_on| *shown_on == Some(screen.id));
            match stage.splash_moves(screen.id, shell, now) {
                Some(Duration::ZERO) => screen.redraw.request(),
                Some(delay) => next = Some(next.map_or(delay, |next| next.min(delay))),
                None => {}
            }
        }
        if let Some(delay) = next {
            self.arm_animation(delay);
        }
    }

    /// A page flip happened: clients are told, and may draw the next frame.
    pub fn flipped(&mut self, head: HeadId, at: FlipTime) {
        let _span = tracing::debug_span!("flip", head = head.0).entered();
        let feedback = self.hardware.backend.flipped(head);
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
        let frame_time = screen.frame_time();
        let clients = screen.redraw.is_due()
            && !screen.slack.is_taken()
            && Frame::new(&self.screens, id, &self.stage, now).is_some_and(|frame| frame.callbacks_waiting());
        let Some(screen) = self.screens.get_mut(id) else { return };
        match screen.redraw.flipped(clients) {
            Flipped::Stray => return,
            Flipped::Awaited => {}
            Flipped::WaitForClients => self.after(frame_time / ANSWER_SHARE, move |kiosk| {
                if let Some(screen) = kiosk.screens.get_mut(id) {
                    screen.redraw.clients_timeout();
                }
            }),
        }
        let Some(screen) = self.screens.get_mut(id) else { return };
        screen.shown = true;
        let (flip, exact) = match at {
            FlipTime::Hardware { time, .. } => (time, true),
            FlipTime::Now => (now, false),
        };
        let last = screen.last_flip.replace(flip);
        screen.times.flipped(flip, last, frame_time, exact);
        self.hardware.flips.flipped();
        self.send_callbacks(id, now);
        self.find_brightness(id);
        if self.main_loop.lifecycle.frame_presented() {
            tracing::info!(uptime = ?flip, "first frame on the screen");
            self.status.boot_times.frame_presented(flip);
            self.main_loop.lifecycle.notifier.ready();
        }
    }

    /// The pacing timer stands in for a page flip.
    pub(crate) fn paced(&mut self, id: ScreenId) {
        let Some(screen) = self.screens.get_mut(id) else { return };
        if screen.redraw.paced() {
            self.send_callbacks(id, self.now());
            if self.stage.shells.iter().any(|shell| matches!(shell.cover, Cover::Fading { .. })) {
                self.screens.request_redraw();
            }
        }
    }

    fn send_callbacks(&mut self, id: ScreenId, now: Duration) {
        if let Some(frame) = Frame::new(&self.screens, id, &self.stage, now) {
            frame.send_callbacks();
            let ended = self.protocols.fifo.end_latched(&frame);
            self.clients.answered = true;
            self.look_for_ready_commits(ended);
        }
    }
}
