//! What a word of the command line must look like, and what is said of one that does not: the parsers that the
//! definition in [`super::cli`] names.

use std::time::Duration;

use kiosk_core::config::{self, ModeChoice, Rotation, Url, syntax};

use super::cli::Turn;

pub fn url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| format!("{error}; allowed is {}", config::url::ALLOWED))
}

pub fn turn(text: &str) -> Result<Turn, String> {
    match text {
        "next" => Ok(Turn::Next),
        _ => text.parse().map(Turn::To).map_err(|_| format!("allowed is {}, or next", Rotation::ALLOWED)),
    }
}

pub fn mode(text: &str) -> Result<ModeChoice, String> {
    match syntax::parse_mode(text) {
        Some(mode) => Ok(mode),
        None => Err("allowed is preferred, max, WIDTHxHEIGHT, WIDTHxHEIGHT@HZ or \"custom WIDTHxHEIGHT@HZ\"".into()),
    }
}

pub fn duration(text: &str) -> Result<Duration, String> {
    let allowed = || "allowed is a time such as 30s, 10m or 1h30m, more than 0".to_owned();
    syntax::parse_duration(text).flatten().ok_or_else(allowed)
}

pub fn revert_after(text: &str) -> Result<Duration, String> {
    let limits = Duration::from_secs(1)..=Duration::from_secs(3600);
    duration(text).ok().filter(|time| limits.contains(time)).ok_or_else(|| "allowed is 1s to 1h".into())
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
