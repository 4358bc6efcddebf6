//! One finding of `doctor`, with its level.

use serde::Serialize;

/// The level of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// As it should be.
    Good,
    /// The kiosk works, but it is worth knowing.
    Note,
    /// It keeps the kiosk from working.
    Wrong,
}

/// One finding and its remedy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What it is about, one or two words.
    pub topic: &'static str,
    pub level: Level,
    /// The sentence.
    pub says: String,
    /// The remedy; empty: none is needed.
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
