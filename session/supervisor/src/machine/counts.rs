//! What has failed how often, and why the shell was started again: words of fixed sets, for D-Bus and metrics. Pure.

use std::collections::BTreeMap;

/// What has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// The server did not answer, or with an error.
    Server,
    /// The page's process died, or does not answer.
    Page,
    /// The browser or program ended, or can't be ended.
    Browser,
    /// There was no page in time.
    Timeout,
    /// A stronger measure could not be taken.
    Measure,
}

/// Why the shell was started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestartCause {
    /// It had failed.
    Failure,
    /// Somebody ordered it.
    Order,
    /// It was due (`browser.restart-at`, an upgrade, memory), and nobody used the device.
    Planned,
    /// Anything else, such as another compositor.
    Other,
}

/// A word of a fixed set.
pub trait Word: Copy + Ord + 'static {
    /// All of the set.
    const ALL: &'static [Self];

    /// As D-Bus has it.
    fn word(self) -> &'static str;
}

impl Word for FailureKind {
    const ALL: &'static [Self] = &[Self::Server, Self::Page, Self::Browser, Self::Timeout, Self::Measure];

    fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Page => "page",
            Self::Browser => "browser",
            Self::Timeout => "timeout",
            Self::Measure => "measure",
        }
    }
}

impl Word for RestartCause {
    const ALL: &'static [Self] = &[Self::Failure, Self::Order, Self::Planned, Self::Other];

    fn word(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Order => "order",
            Self::Planned => "planned",
            Self::Other => "other",
        }
    }
}

/// How often, for each word; those that are not in it never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts<T: Word>(BTreeMap<T, u32>);

impl<T: Word> Default for Counts<T> {
    fn default() -> Self {
        Counts(BTreeMap::new())
    }
}

impl<T: Word> Counts<T> {
    /// Once more.
    pub fn count(&mut self, word: T) {
        let count = self.0.entry(word).or_default();
        *count = count.saturating_add(1);
    }

    /// Of every word.
    pub fn all(&self) -> BTreeMap<&'static str, u32> {
        T::ALL.iter().map(|word| (word.word(), self.0.get(word).copied().unwrap_or(0))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_told_also_what_never_happened() {
        let mut counts = Counts::default();
        counts.count(FailureKind::Page);
        counts.count(FailureKind::Page);
        let all = counts.all();
        assert_eq!((all.len(), all["page"], all["server"]), (5, 2, 0));
        assert_eq!(Counts::<RestartCause>::default().all().len(), 4);
    }
}
