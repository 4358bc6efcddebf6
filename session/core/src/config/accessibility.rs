//! `[accessibility]`: aids for people with impaired sight or movement. Types alone.

use std::{fmt, str::FromStr};

/// One aid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aid {
    /// A modifier that was pressed and released applies to the next key; pressed twice, it is locked until pressed
    /// again.
    StickyKeys,
    /// A key counts only when it is held for a moment.
    SlowKeys,
    /// A key that is pressed again at once does not count.
    BounceKeys,
    /// The part of the picture around the focus is shown twice as large over a third of the screen.
    Magnifier,
    /// Higher contrast.
    Contrast,
    /// Inverted colours.
    Invert,
}

impl Aid {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::StickyKeys, Self::SlowKeys, Self::BounceKeys, Self::Magnifier, Self::Contrast, Self::Invert];

    /// As in the configuration, such as `sticky-keys`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StickyKeys => "sticky-keys",
            Self::SlowKeys => "slow-keys",
            Self::BounceKeys => "bounce-keys",
            Self::Magnifier => "magnifier",
            Self::Contrast => "contrast",
            Self::Invert => "invert",
        }
    }
}

impl fmt::Display for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such aid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no aid {name:?}, allowed is {}", Aid::ALL.map(Aid::as_str).join(", "))]
pub struct AidError {
    name: String,
}

impl FromStr for Aid {
    type Err = AidError;

    fn from_str(text: &str) -> Result<Self, AidError> {
        Self::ALL.into_iter().find(|aid| aid.as_str() == text).ok_or_else(|| AidError { name: text.to_owned() })
    }
}

/// Which aids are on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accessibility {
    /// See [`Aid::StickyKeys`].
    pub sticky_keys: bool,
    /// See [`Aid::SlowKeys`].
    pub slow_keys: bool,
    /// See [`Aid::BounceKeys`].
    pub bounce_keys: bool,
    /// See [`Aid::Magnifier`].
    pub magnifier: bool,
    /// See [`Aid::Contrast`].
    pub contrast: bool,
    /// See [`Aid::Invert`].
    pub invert: bool,
}

impl Accessibility {
    /// Whether this one is on.
    pub fn is_on(self, aid: Aid) -> bool {
        match aid {
            Aid::StickyKeys => self.sticky_keys,
            Aid::SlowKeys => self.slow_keys,
            Aid::BounceKeys => self.bounce_keys,
            Aid::Magnifier => self.magnifier,
            Aid::Contrast => self.contrast,
            Aid::Invert => self.invert,
        }
    }

    /// Switches this one.
    pub fn set(&mut self, aid: Aid, on: bool) {
        let switch = match aid {
            Aid::StickyKeys => &mut self.sticky_keys,
            Aid::SlowKeys => &mut self.slow_keys,
            Aid::BounceKeys => &mut self.bounce_keys,
            Aid::Magnifier => &mut self.magnifier,
            Aid::Contrast => &mut self.contrast,
            Aid::Invert => &mut self.invert,
        };
        *switch = on;
    }
}
