//! Whether a shell's window is alive: its client is asked (`xdg_wm_base.ping`) when the session wants to know, and the
//! session hears that it was, and of the answer. What silence means, and after what time, the session decides: no timer
//! is armed here, and a client that nobody asks about is not woken. With it the session hears how much the shell has
//! drawn, which tells a browser that is stuck from a page that is still.

use kiosk_core::api::Notice;
use smithay::{
    reexports::wayland_server::Resource,
    utils::SERIAL_COUNTER,
    wayland::shell::{
        PingError,
        xdg::{ShellClient, ToplevelSurface},
    },
};

use crate::{kiosk::Kiosk, privilege::ClientState};

/// The questions that are not answered: at most one for each shell.
#[derive(Debug, Default)]
pub struct Pings {
    awaited: Vec<Awaited>,
    /// The last number of each shell's session.
    asked: Vec<u64>,
}

#[derive(Debug)]
struct Awaited {
    shell: usize,
    number: u64,
    client: ShellClient,
}

impl Pings {
    /// Whether the session of this shell asks anew.
    fn is_new(&mut self, shell: usize, number: u64) -> bool {
        if self.asked.len() <= shell {
            self.asked.resize(shell + 1, 0);
        }
        self.asked.get_mut(shell).is_some_and(|last| std::mem::replace(last, number) != number)
    }

    fn await_answer(&mut self, awaited: Awaited) {
        self.awaited.retain(|other| other.shell != awaited.shell);
        self.awaited.push(awaited);
    }

    /// The questions to this client.
    fn answered(&mut self, client: &ShellClient) -> Vec<(usize, u64)> {
        let (answered, awaited) =
            std::mem::take(&mut self.awaited).into_iter().partition(|awaited: &Awaited| awaited.client == *client);
        self.awaited = awaited;
        answered.into_iter().map(|Awaited { shell, number, .. }| (shell, number)).collect()
    }
}

impl Kiosk {
    /// A session wants to know, where this number is another one than before.
    pub(crate) fn ping_shell(&mut self, shell: usize, number: u64) {
        if !self.clients.pings.is_new(shell, number) || number == 0 || !self.stage.shell_visible(shell) {
            return;
        }
        let Some(client) = self.window_of_shell(shell).map(ToplevelSurface::client) else { return };
        match client.send_ping(SERIAL_COUNTER.next_serial()) {
            // The answer to the one before is as good.
            Ok(()) | Err(PingError::PingAlreadyPending(_)) => {}
            Err(PingError::DeadSurface) => return,
        }
        self.clients.pings.await_answer(Awaited { shell, number, client });
        let commits = self.drawn_by(shell);
        self.session.links.tell(shell, &Notice::Pinged { number, answers: false, commits });
    }

    /// The lowest: what lies over it may be of another client.
    fn window_of_shell(&self, shell: usize) -> Option<&ToplevelSurface> {
        self.stage.windows.mapped(shell).last()?.window.toplevel()
    }

    /// How often the shell's own client has committed, and no other that draws beside it. Nothing is said of it while
    /// another virtual terminal has the screens: clients get no frames then, rightly.
    fn drawn_by(&self, shell: usize) -> Option<u64> {
        let client = self.window_of_shell(shell)?.wl_surface().client()?;
        let drawn = client.get_data::<ClientState>()?.drawn();
        (!self.seat.session.paused).then_some(drawn)
    }

    /// A client has answered, or has ended its part in it: a window that is closed does not hang.
    pub(crate) fn client_answers(&mut self, client: &ShellClient) {
        for (shell, number) in self.clients.pings.answered(client) {
            let commits = self.drawn_by(shell);
            self.session.links.tell(shell, &Notice::Pinged { number, answers: true, commits });
        }
    }
}
