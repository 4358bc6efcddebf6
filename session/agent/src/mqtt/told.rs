//! What the broker was told last, so that only what changed is sent. No I/O.

use std::collections::BTreeMap;

/// Payloads by topic.
pub type Board = BTreeMap<String, String>;

/// What the broker has by way of this connection; the next begins with nothing, since another broker may be behind the same
/// name.
#[derive(Debug, Default)]
pub struct Told {
    board: Board,
}

impl Told {
    /// What is to be sent so that the broker has `now`: an empty payload takes a topic away.
    pub fn changes(&mut self, now: &Board) -> Vec<(String, String)> {
        let gone =
            self.board.keys().filter(|topic| !now.contains_key(*topic)).map(|topic| (topic.clone(), String::new()));
        let new = now.iter().filter(|(topic, payload)| self.board.get(*topic) != Some(*payload));
        let changes = gone.chain(new.map(|(topic, payload)| (topic.clone(), payload.clone()))).collect();
        self.board.clone_from(now);
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(entries: &[(&str, &str)]) -> Board {
        entries.iter().map(|(topic, payload)| ((*topic).into(), (*payload).into())).collect()
    }

    fn sent(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        entries.iter().map(|(topic, payload)| ((*topic).into(), (*payload).into())).collect()
    }

    #[test]
    fn only_what_changed_is_sent() {
        let mut told = Told::default();
        let one = board(&[("stage", "splash"), ("url", "http://a")]);
        assert_eq!(told.changes(&one), sent(&[("stage", "splash"), ("url", "http://a")]));
        assert_eq!(told.changes(&one), []);
        let two = board(&[("stage", "shell")]);
        assert_eq!(told.changes(&two), sent(&[("url", ""), ("stage", "shell")]));
        assert_eq!(told.changes(&two), []);
    }
}
