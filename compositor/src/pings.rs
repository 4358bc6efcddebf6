//! Pings a shell's window (`xdg_wm_base.ping`, for X programs `_NET_WM_PING`) when its session asks for it, and reports the
//! ping and the pong to the session. The session decides about time limits: no timer is armed here, and clients are not pinged without a
//! request. The report includes the number of the shell's commits, which distinguishes a hung browser from a still
//! page.

use kiosk_core::api::Notice;
use smithay::{
    reexports::wayland_server::Resource,
    utils::SERIAL_COUNTER,
    wayland::shell::{PingError, xdg::ShellClient},
};

use crate::{kiosk::Kiosk, privilege::ClientState, stage::content::Content, xwayland::wm::WindowId};

/// Pending pings, at most one for each shell.
#[derive(Debug, Default)]
pub struct Pings {
    awaited: Vec<Awaited>,
    /// The last ping number from each shell's session.
    sent: Vec<u64>,
}

#[derive(Debug)]
struct Awaited {
    shell: usize,
    number: u64,
    window: Pinged,
}

/// What is pinged.
#[derive(Debug, PartialEq)]
pub(crate) enum Pinged {
    /// The client of a toplevel.
    Client(ShellClient),
    /// An X program's window.
    X(WindowId),
}

impl Pings {
    /// Whether the session of this shell asks for a new ping.
    fn is_new(&mut self, shell: usize, number: u64) -> bool {
        if self.sent.len() <= shell {
            self.sent.resize(shell + 1, 0);
        }
        self.sent.get_mut(shell).is_some_and(|last| std::mem::replace(last, number) != number)
    }

    fn await_answer(&mut self, awaited: Awaited) {
        self.awaited.retain(|other| other.shell != awaited.shell);
        self.awaited.push(awaited);
    }

    /// Removes and returns the pending pings of these windows.
    fn answered(&mut self, of: impl Fn(&Pinged) -> bool) -> Vec<(usize, u64)> {
        let (answered, awaited) =
            std::mem::take(&mut self.awaited).into_iter().partition(|awaited: &Awaited| of(&awaited.window));
        self.awaited = awaited;
        answered.into_iter().map(|Awaited { shell, number, .. }| (shell, number)).collect()
    }
}

impl Kiosk {
    /// Pings the shell's window, if the session's number is new.
    pub(crate) fn ping_shell(&mut self, shell: usize, number: u64) {
        if !self.clients.pings.is_new(shell, number) || number == 0 || !self.stage.shell_visible(shell) {
            return;
        }
        let Some(window) = self.window_of_shell(shell).and_then(pinged) else { return };
        match &window {
            Pinged::X(window) => self.ping_x(*window),
            Pinged::Client(client) => match client.send_ping(SERIAL_COUNTER.next_serial()) {
                // The pong of the pending ping serves too.
                Ok(()) | Err(PingError::PingAlreadyPending(_)) => {}
                Err(PingError::DeadSurface) => return,
            },
        }
        self.clients.pings.await_answer(Awaited { shell, number, window });
        let commits = self.drawn_by(shell);
        self.session.links.tell(shell, &Notice::Pinged { number, answers: false, commits });
    }

    /// The lowest window: those above may be of other clients.
    fn window_of_shell(&self, shell: usize) -> Option<&Content> {
        Some(&self.stage.windows.mapped(shell).last()?.window)
    }

    /// The number of commits of the shell's own client. `None` while another virtual terminal is in front, as clients
    /// get no frame callbacks then.
    fn drawn_by(&self, shell: usize) -> Option<u64> {
        let client = self.window_of_shell(shell)?.wl_surface()?.client()?;
        let drawn = client.get_data::<ClientState>()?.drawn();
        (!self.seat.session.paused).then_some(drawn)
    }

    /// Handles a pong, or the end of the window: a closed window does not hang.
    pub(crate) fn client_answers(&mut self, client: &ShellClient) {
        self.windows_answer(|window| matches!(window, Pinged::Client(own) if own == client));
    }

    /// The same, of any windows.
    pub(crate) fn windows_answer(&mut self, of: impl Fn(&Pinged) -> bool) {
        for (shell, number) in self.clients.pings.answered(of) {
            let commits = self.drawn_by(shell);
            self.session.links.tell(shell, &Notice::Pinged { number, answers: true, commits });
        }
    }
}

/// How a window is pinged; `None`: it is an X program's that does not know pings.
fn pinged(window: &Content) -> Option<Pinged> {
    match (window.toplevel(), window.x()) {
        (Some(toplevel), _) => Some(Pinged::Client(toplevel.client())),
        (None, Some(x)) => x.answers.then_some(Pinged::X(x.id)),
        (None, None) => None,
    }
}
