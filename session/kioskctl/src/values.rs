//! The parsers of command line values that [`super::cli`] uses, with their errors.

use std::time::Duration;

use kiosk_core::{
    api::REVERT_AFTER,
    config::{self, ModeChoice, Rotation, Url, syntax, url::UrlError},
};

use super::cli::RotateTo;

/// What kiosk-configure on a device takes.
const UNDO_AFTER: std::ops::RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(3600);

/// Why a value is not valid; clap puts the value before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("{0}; allowed is {allowed}", allowed = config::url::ALLOWED)]
    Url(#[from] UrlError),
    #[error("allowed is {allowed}, or next", allowed = Rotation::ALLOWED)]
    RotateTo,
    #[error("allowed is {allowed}", allowed = syntax::MODE)]
    Mode,
    #[error("allowed is a time such as 30s, 10m or 1h30m, more than 0")]
    Duration,
    #[error("allowed is 1s to 1h")]
    RevertAfter,
    #[error("allowed is 5s to 1h")]
    UndoAfter,
}

pub fn url(text: &str) -> Result<Url, ValueError> {
    Ok(Url::parse(text)?)
}

pub fn rotate_to(text: &str) -> Result<RotateTo, ValueError> {
    match text {
        "next" => Ok(RotateTo::Next),
        _ => text.parse().map(RotateTo::To).map_err(|_| ValueError::RotateTo),
    }
}

pub fn mode(text: &str) -> Result<ModeChoice, ValueError> {
    syntax::parse_mode(text).ok_or(ValueError::Mode)
}

pub fn duration(text: &str) -> Result<Duration, ValueError> {
    syntax::parse_duration(text).flatten().ok_or(ValueError::Duration)
}

/// As the device's helper takes it.
pub fn undo_after(text: &str) -> Result<Duration, ValueError> {
    duration(text).ok().filter(|time| UNDO_AFTER.contains(time)).ok_or(ValueError::UndoAfter)
}

pub fn revert_after(text: &str) -> Result<Duration, ValueError> {
    duration(text).ok().filter(|time| REVERT_AFTER.contains(time)).ok_or(ValueError::RevertAfter)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    #[test]
    fn wrong_values_are_usage_errors() {
        for line in [
            "rotate 45",
            "open localhost",
            "scale 5",
            "scale none",
            "scale nan",
            "mode 1080p",
            "position 3",
            "brightness 101",
            "brightness -1",
            "mirror",
            "apply",
            "apply a.toml --verify --temporary",
            "vt 0",
            "vt 64",
            "wait ready --timeout 5",
            "wait later",
            "rotate 90 --revert-after 2h",
            "frobnicate",
            "",
        ] {
            let words = std::iter::once("kioskctl").chain(line.split_whitespace());
            assert_eq!(Cli::try_parse_from(words).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
