//! The screens of our own over the page: messages and pairing by an operator, the welcome of a device that has no page
//! yet. Put up, kept up to date, taken away, and answered with how much of a text is seen; that answer waits for the
//! fonts of the text, without which nobody knows how long it is.

use std::time::Duration;

use kiosk_core::{config::masked, texts::Text};
use kiosk_splash::{Report, View};
use tokio::sync::oneshot;

use super::Kiosk;
use crate::{
    command::{CommandError, Reply},
    deadline_timer::DeadlineTimer,
    network::Network,
    pairing::{PairingRequest, PairingScreen},
    stage::SystemScreen,
};

/// Callers that wait at a time; one beyond is answered with what is known.
const MAX_WAITING: usize = 16;

/// Addresses of the device on the screen that tells why there is no page.
const MAX_REPORTED: usize = 3;

type Answer = oneshot::Sender<Result<Reply, CommandError>>;

/// What the root knows of these screens beside what the stage shows.
#[derive(Default)]
pub struct SystemScreens {
    /// Who asked for a message and was not answered yet, with what was to be shown.
    unanswered: Vec<(View, Answer)>,
    /// By an operator.
    pairing: Option<PairingScreen>,
    /// Of a device that is not set up.
    welcome: Option<PairingScreen>,
    /// For the next time that one of them changes.
    timer: DeadlineTimer,
}

impl Kiosk {
    /// Lays a message over everything and answers as soon as its fonts are there.
    pub(crate) fn show_message(&mut self, title: String, text: String, answer: Answer) {
        self.status.system_screens.pairing = None;
        let view = self.lay(SystemScreen::Message { title, text });
        if self.status.system_screens.unanswered.len() < MAX_WAITING {
            self.status.system_screens.unanswered.push((view, answer));
            self.answer_shown();
        } else {
            self.answer_with(&view, answer);
        }
    }

    /// Lays the pairing screen over everything. Returns what its QR code says; empty: the device has no address yet.
    pub(crate) fn show_pairing(&mut self, mut request: PairingRequest) -> String {
        request.template.clone_from(&self.settings.config.shell.setup_url);
        let (now, network) = (self.now(), Network::now());
        let screen = PairingScreen::new(request, now);
        let url = screen.url(&network);
        let view = screen.view(&network, now, &self.stage.texts);
        self.status.system_screens.pairing = Some(screen);
        self.lay(SystemScreen::Pairing(view));
        self.arm_system_screens();
        url
    }

    /// Takes away what an operator put up.
    pub(crate) fn dismiss(&mut self) {
        self.status.system_screens.pairing = None;
        self.stage.system_screen = None;
        self.status.publisher.mark_changed();
        self.screens.request_redraw();
    }

    /// Shows the welcome screen as long as the device is not set up.
    pub fn welcome(&mut self) {
        let needed = self.needs_setup();
        if needed && self.status.system_screens.welcome.is_none() {
            tracing::info!("the device is not set up yet: the welcome screen is shown");
            let template = self.settings.config.shell.setup_url.clone();
            let request = PairingRequest { template, ..PairingRequest::default() };
            self.status.system_screens.welcome = Some(PairingScreen::new(request, self.now()));
        } else if !needed && self.status.system_screens.welcome.take().is_some() {
            tracing::info!("the device is set up");
        }
        self.refresh_system_screens();
    }

    /// A command on the command line is all that is to be shown.
    fn needs_setup(&self) -> bool {
        self.stage.shells.iter().any(|shell| shell.readiness.wait_for_session) && self.settings.config.needs_setup()
    }

    /// Brings the screens up to date and arms the timer for their next change.
    fn refresh_system_screens(&mut self) {
        let now = self.now();
        let shown = self.status.system_screens.pairing.iter().chain(&self.status.system_screens.welcome);
        // Nobody is asked for what nobody sees.
        let network = if shown.clone().any(PairingScreen::shows_network) { Network::now() } else { Network::default() };
        if self.status.system_screens.pairing.as_ref().is_some_and(|pairing| pairing.is_over(now)) {
            tracing::info!("the pairing screen has expired");
            self.dismiss();
        }
        if self.status.system_screens.welcome.is_some() && !self.needs_setup() {
            tracing::info!("the device is set up");
            self.status.system_screens.welcome = None;
        }
        let view = |screen: &PairingScreen| SystemScreen::Pairing(screen.view(&network, now, &self.stage.texts));
        let welcome = self.status.system_screens.welcome.as_ref().map(view);
        let pairing = self.status.system_screens.pairing.as_ref().map(view);
        let mut changed = self.stage.welcome != welcome;
        self.stage.welcome = welcome;
        if pairing.is_some() && self.stage.system_screen != pairing {
            self.stage.system_screen = pairing;
            changed = true;
        }
        if changed {
            self.status.publisher.mark_changed();
            self.screens.request_redraw();
        }
        self.arm_system_screens();
    }

    fn arm_system_screens(&mut self) {
        let now = self.now();
        let shown = self.status.system_screens.pairing.iter().chain(&self.status.system_screens.welcome);
        let next: Option<Duration> = shown.filter_map(|screen| screen.next_change(now)).min();
        let armed = self.arm(|kiosk| &mut kiosk.status.system_screens.timer, next, Self::refresh_system_screens);
        if let Err(error) = armed {
            self.problem(format!("a pairing screen stays as it is: there is no timer for it: {error}"));
        }
    }

    /// Brings up to date what the screen that tells why there is no page says of the device.
    pub(crate) fn report_device(&mut self) {
        let network = Network::now();
        let version = concat!("kioskd ", env!("CARGO_PKG_VERSION"));
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let addresses = network.addresses.iter().take(MAX_REPORTED).map(ToString::to_string);
        let reached: Vec<String> = addresses.chain(network.name).collect();
        let device = format!("{host} · {version}");
        // The newest are the likeliest reasons.
        let mut lines: Vec<String> = self.status.problems.iter().rev().map(|problem| masked(problem)).collect();
        lines.dedup();
        self.stage.report = Report {
            title: self.stage.texts.say(Text::Diagnostics, &[]),
            lines,
            facts: format!("{device}\n{}", reached.join(", ")),
            code: format!("{device}\n{}", reached.join(" ")),
            page: 0,
        };
    }

    /// Puts it up, and has its fonts looked for. Returns what is seen of it.
    fn lay(&mut self, screen: SystemScreen) -> View {
        let view = screen.view();
        self.stage.system_screen = Some(screen);
        self.status.publisher.mark_changed();
        self.screens.request_redraw();
        if self.stage.style.fonts.lacks(&view.text()) {
            // Not only when it is drawn: screens may be dark.
            self.stage.want_fonts();
            self.find_fonts();
        }
        view
    }

    /// Answers all whose text can be measured. Those whose fonts are looked for wait for
    /// [`crate::stage::fonts::PATIENCE`] at most.
    pub(crate) fn answer_shown(&mut self) {
        let fonts = self.stage.style.fonts.clone();
        let failed = self.stage.font_search_failed();
        let ready = |(view, _): &mut (View, Answer)| failed || !fonts.lacks(&view.text());
        let ready: Vec<_> = self.status.system_screens.unanswered.extract_if(.., ready).collect();
        ready.into_iter().for_each(|(view, answer)| self.answer_with(&view, answer));
    }

    /// Answers all with what is known now.
    pub(crate) fn answer_all_shown(&mut self) {
        let all = std::mem::take(&mut self.status.system_screens.unanswered);
        all.into_iter().for_each(|(view, answer)| self.answer_with(&view, answer));
    }

    fn answer_with(&self, view: &View, answer: Answer) {
        let lit = self.screens.iter().filter(|screen| screen.lit() && self.screens.mirror_source(screen.id).is_none());
        let cut = lit.filter_map(|screen| {
            let size = screen.picture_size();
            let (width, height) = (size.w.max(0).unsigned_abs(), size.h.max(0).unsigned_abs());
            kiosk_splash::cut_to(view, &self.stage.style, width, height, screen.scale())
        });
        let cut_to = cut.min().map(|characters| u32::try_from(characters).unwrap_or(u32::MAX));
        // A caller that has gone is not told.
        let _ = answer.send(Ok(Reply::Shown { cut_to }));
    }
}
