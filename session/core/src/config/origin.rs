//! Where a configuration value came from, and what is wrong with one: for `--check-config`, the diagnostics
//! screen, the log and `kioskctl status`.

use std::fmt;
use std::path::PathBuf;

use crate::text::printable;

/// A layer, or the part of one that is skipped as a whole when something in it is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It is the built-in value.
    BuiltIn,
    /// A file's path.
    File(PathBuf),
    /// The variable's name.
    Environment(String),
}

/// A source and, in a file, the place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Which layer set it.
    pub source: Source,
    /// Where in a file.
    pub position: Option<TextPosition>,
}

/// Both counted from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPosition {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// The starts of a text's lines, to turn byte offsets into positions.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Self {
        let after_newline = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { text, starts: std::iter::once(0).chain(after_newline).collect() }
    }

    /// Of byte `offset`; past the end: the end.
    pub fn position(&self, offset: usize) -> TextPosition {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        // The first line begins at 0: there is always one before.
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        TextPosition { line, column: self.text.get(start..offset).unwrap_or_default().chars().count() + 1 }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::BuiltIn => f.write_str("built-in"),
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Environment(variable) => write!(f, "environment variable {variable}"),
        }
    }
}

/// `FILE:LINE`: enough to find a value.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{}:{}", self.source, position.line),
            None => write!(f, "{}", self.source),
        }
    }
}

/// One thing wrong with the configuration. Its text names the file, line, column, key and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it stands.
    pub origin: Origin,
    /// Such as `shell.ready.timeout`; empty where the file as a whole is meant.
    pub key: String,
    /// A sentence that begins with the key, without the place.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names of files, variables and keys may be anything.
        f.write_str(&printable(&self.origin.to_string()))?;
        if let Some(position) = self.origin.position {
            write!(f, ":{}", position.column)?;
        }
        write!(f, ": {}", printable(&self.message))
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let lines = Lines::new("é = 1\nab = 2");
        for (offset, line, column) in [(0, 1, 1), (2, 1, 2), (1, 1, 1), (6, 1, 6), (7, 2, 1), (9, 2, 3), (999, 2, 7)] {
            assert_eq!(lines.position(offset), TextPosition { line, column }, "{offset}");
        }
        assert_eq!(Lines::new("").position(0), TextPosition { line: 1, column: 1 });
    }
}
