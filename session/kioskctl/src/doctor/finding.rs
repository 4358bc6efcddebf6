//! What one look found: good to know, worth a thought, or the cause of what a person came for.

use serde::Serialize;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// As it should be.
    Good,
    /// The kiosk goes on, and somebody may want to know.
    Note,
    /// It keeps the kiosk from doing what it is for.
    Wrong,
}

/// One sentence about one thing, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What it is about, one or two words.
    pub topic: &'static str,
    pub level: Level,
    /// The sentence.
    pub says: String,
    /// What mends it; empty: nothing has to be.
    pub cure: String,
}

impl Finding {
    pub fn good(topic: &'static str, says: impl Into<String>) -> Self {
        Finding { topic, level: Level::Good, says: says.into(), cure: String::new() }
    }

    pub fn note(topic: &'static str, says: impl Into<String>, cure: impl Into<String>) -> Self {
        Finding { topic, level: Level::Note, says: says.into(), cure: cure.into() }
    }

    pub fn wrong(topic: &'static str, says: impl Into<String>, cure: impl Into<String>) -> Self {
        Finding { topic, level: Level::Wrong, says: says.into(), cure: cure.into() }
    }

    /// As a person reads it.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let mark = match self.level {
            Level::Good => "ok",
            Level::Note => "note",
            Level::Wrong => "WRONG",
        };
        let mut rows = vec![vec![mark.to_owned(), self.topic.to_owned(), self.says.clone()]];
        if !self.cure.is_empty() {
            rows.push(vec![String::new(), String::new(), format!("-> {}", self.cure)]);
        }
        rows
    }
}
