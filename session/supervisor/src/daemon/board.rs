//! Combines all shells' states for the service manager: one readiness, one watchdog, one status line. Each shell's
//! session sets its part.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kiosk_core::notify::Notifier;

/// The connection to the service manager, shared by the shells.
pub(super) struct Board {
    notifier: Notifier,
    /// Each shell's status text, by number; empty: none yet.
    texts: Mutex<Vec<String>>,
    /// Whether each shell's page is shown.
    seen: Mutex<Vec<bool>>,
}

impl Board {
    /// For so many shells.
    pub fn new(notifier: Notifier, shells: usize) -> Self {
        Board { notifier, texts: Mutex::new(vec![String::new(); shells]), seen: Mutex::new(vec![false; shells]) }
    }

    /// All shells' sessions have been made.
    pub fn ready(&self) {
        self.notifier.ready();
    }

    /// Whether there is a service manager, which restarts us.
    pub fn is_managed(&self) -> bool {
        self.notifier.is_active()
    }

    /// Sets whether a shell's page is shown.
    pub fn seen(&self, shell: usize, is_seen: bool) {
        if let Some(own) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get_mut(shell) {
            *own = is_seen;
        }
    }

    /// Whether any other shell's page is shown.
    pub fn others_seen(&self, shell: usize) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().enumerate().any(|(number, seen)| number != shell && *seen)
    }

    /// Sets a shell's status text.
    pub fn tell(&self, shell: usize, text: &str) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = texts.get_mut(shell) {
            text.clone_into(own);
        }
        self.notifier.status(&line(&texts));
    }

    /// The watchdog's period for this shell's loop; `None` for all but the first shell, as they share one thread.
    pub fn watchdog(&self, shell: usize) -> Option<Duration> {
        self.notifier.watchdog().filter(|_| shell == 0)
    }

    /// Feeds the watchdog. Returns whether it was sent.
    #[must_use = "a lost message is due again"]
    pub fn alive(&self) -> bool {
        self.notifier.alive()
    }
}

/// One shell's text as it is, several with their numbers.
fn line(texts: &[String]) -> String {
    if let [only] = texts {
        return only.clone();
    }
    let known = texts.iter().enumerate().filter(|(_, text)| !text.is_empty());
    let parts: Vec<String> = known.map(|(number, text)| format!("{number}: {text}")).collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_shells_are_told_apart() {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(line(&texts(&["ready"])), "ready");
        assert_eq!(line(&texts(&["ready", "", "waiting for http://b"])), "0: ready; 2: waiting for http://b");
    }
}
