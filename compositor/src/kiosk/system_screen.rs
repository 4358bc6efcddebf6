//! System screens over the page: an operator's message or pairing screen, and the welcome screen of a device without a
//! page. Shows, updates and removes them, and answers how much of a text is visible; that answer waits for the text's
//! fonts, which its length depends on.

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

/// Most waiting callers; another one is answered at once.
const MAX_WAITING: usize = 16;

/// Most addresses on the diagnostics screen.
const MAX_REPORTED: usize = 3;

type Answer = oneshot::Sender<Result<Reply, CommandError>>;

/// The root's state of these screens, besides the stage's.
#[derive(Default)]
pub struct SystemScreens {
    /// Callers that wait for an answer, with the view that they asked for.
    unanswered: Vec<(View, Answer)>,
    /// An operator's.
    pairing: Option<PairingScreen>,
    /// The welcome screen.
    welcome: Option<PairingScreen>,
    /// For their next change.
    timer: DeadlineTimer,
}

impl Kiosk {
    /// Shows a message over everything and answers when its fonts are loaded.
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

    /// Shows the pairing screen over everything. Returns the URL in its QR code; empty: the device has no address yet.
    pub(crate) fn show_pairing(&mut self, mut request: PairingRequest) -> String {
        if request.template.is_empty() {
            request.template.clone_from(&self.settings.config.shell.setup_url);
        }
        let (now, network) = (self.now(), Network::now());
        let screen = PairingScreen::new(request, now);
        let url = screen.url(&network);
        let view = screen.view(&network, now, &self.stage.texts);
        self.status.system_screens.pairing = Some(screen);
        self.lay(SystemScreen::Pairing(view));
        self.arm_system_screens();
        url
    }

    /// Removes an operator's screen.
    pub(crate) fn dismiss(&mut self) {
        self.status.system_screens.pairing = None;
        self.stage.system_screen = None;
        self.status.publisher.mark_changed();
        self.screens.request_redraw();
    }

    /// Shows the welcome screen while the device is not set up.
    pub fn welcome(&mut self) {
        let needed = self.needs_setup();
        if needed && self.status.system_screens.welcome.is_none() {
            tracing::info!("device not set up: welcome screen shown");
            let template = self.settings.config.shell.setup_url.clone();
            let request = PairingRequest { template, ..PairingRequest::default() };
            self.status.system_screens.welcome = Some(PairingScreen::new(request, self.now()));
        } else if !needed && self.status.system_screens.welcome.take().is_some() {
            tracing::info!("device is set up");
        }
        self.refresh_system_screens();
    }

    /// Not for a command on the command line.
    fn needs_setup(&self) -> bool {
        self.stage.shells.iter().any(|shell| shell.readiness.wait_for_session) && self.settings.config.needs_setup()
    }

    /// Updates the screens and arms the timer for their next change.
    fn refresh_system_screens(&mut self) {
        let now = self.now();
        let shown = self.status.system_screens.pairing.iter().chain(&self.status.system_screens.welcome);
        // The network is only read if it is shown.
        let network = if shown.clone().any(PairingScreen::shows_network) { Network::now() } else { Network::default() };
        if self.status.system_screens.pairing.as_ref().is_some_and(|pairing| pairing.is_over(now)) {
            tracing::info!("pairing screen expired");
            self.dismiss();
        }
        if self.status.system_screens.welcome.is_some() && !self.needs_setup() {
            tracing::info!("device is set up");
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
        self.arm(|kiosk| &mut kiosk.status.system_screens.timer, next, Self::refresh_system_screens);
    }

    /// Updates the device's part of the diagnostics screen.
    pub(crate) fn report_device(&mut self) {
        let network = Network::now();
        let version = concat!("kioskd ", env!("CARGO_PKG_VERSION"));
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let addresses = network.addresses.iter().take(MAX_REPORTED).map(ToString::to_string);
        let reached: Vec<String> = addresses.chain(network.name).collect();
        let device = format!("{host} · {version}");
        // The newest problems are the likeliest causes.
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

    /// Shows a screen and starts the search for its fonts. Returns its view.
    fn lay(&mut self, screen: SystemScreen) -> View {
        let view = screen.view();
        self.stage.system_screen = Some(screen);
        self.status.publisher.mark_changed();
        self.screens.request_redraw();
        if self.stage.style.fonts.lacks(&view.text()) {
            // Also without drawing, as screens may be off.
            self.stage.want_fonts();
            self.find_fonts();
        }
        view
    }

    /// Answers all callers whose text can be measured. Those whose fonts are being searched wait for
    /// [`crate::stage::fonts::PATIENCE`] at most.
    pub(crate) fn answer_shown(&mut self) {
        let fonts = self.stage.style.fonts.clone();
        let failed = self.stage.font_search_failed();
        let ready = |(view, _): &mut (View, Answer)| failed || !fonts.lacks(&view.text());
        let ready: Vec<_> = self.status.system_screens.unanswered.extract_if(.., ready).collect();
        ready.into_iter().for_each(|(view, answer)| self.answer_with(&view, answer));
    }

    /// Answers all callers now.
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
        // The caller may be gone.
        let _ = answer.send(Ok(Reply::Shown { cut_to }));
    }
}
