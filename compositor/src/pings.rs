//! Whether a shell's window is alive: its client is asked (`xdg_wm_base.ping`) when the session wants to know, and the
//! session hears that it was, and of the answer. What silence means, and after what time, the session decides: no timer
//! is armed here, and a client that nobody asks about is not woken. With it the session hears how much the shell has
//! drawn, which tells a browser that is stuck from a page that is still.

use kiosk_core::api::Notice;
use smithay::{
    utils::SERIAL_COUNTER,
    wayland::shell::{PingError, xdg::ShellClient},
};

use crate::kiosk::Kiosk;

/// The questions that are not answered: at most one for each shell.
#[derive(Debug, Default)]
pub struct Pings {
    awaited: Vec<Awaited>,
    /// The last number of each shell's session.
    asked: Vec<u64>,
    /// How often the surfaces of each shell were committed.
    commits: Vec<u64>,
}

#[derive(Debug)]
struct Awaited {
    shell: usize,
    number: u64,
    client: ShellClient,
}

impl Pings {
    /// A surface of this shell's was committed.
    pub fn committed(&mut self, shell: usize) {
        if self.commits.len() <= shell {
            self.commits.resize(shell + 1, 0);
        }
        if let Some(count) = self.commits.get_mut(shell) {
            *count = count.wrapping_add(1);
        }
    }

    fn commits(&self, shell: usize) -> u64 {
        self.commits.get(shell).copied().unwrap_or(0)
    }

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
        if !self.pings.is_new(shell, number) || number == 0 || !self.stage.shell_visible(shell) {
            return;
        }
        // The lowest: what lies over it may be of another client.
        let window = self.stage.windows.mapped(shell).last();
        let Some(client) = window.and_then(|shown| shown.window.toplevel()).map(|toplevel| toplevel.client()) else {
            return;
        };
        match client.send_ping(SERIAL_COUNTER.next_serial()) {
            // The answer to the one before is as good.
            Ok(()) | Err(PingError::PingAlreadyPending(_)) => {}
            Err(PingError::DeadSurface) => return,
        }
        self.pings.await_answer(Awaited { shell, number, client });
        let commits = self.drawn_by(shell);
        self.session.tell(shell, &Notice::Pinged { number, answers: false, commits });
    }

    /// Nothing is said of it while another virtual terminal has the screens: clients get no frames then, rightly.
    fn drawn_by(&self, shell: usize) -> Option<u64> {
        (!self.seat_session.paused).then(|| self.pings.commits(shell))
    }

    /// A client has answered, or has ended its part in it: a window that is closed does not hang.
    pub(crate) fn client_answers(&mut self, client: &ShellClient) {
        for (shell, number) in self.pings.answered(client) {
            let commits = self.drawn_by(shell);
            self.session.tell(shell, &Notice::Pinged { number, answers: true, commits });
        }
    }
}
