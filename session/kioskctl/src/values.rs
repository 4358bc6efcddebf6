//! What a word of the command line must look like, and what is said of one that does not: the parsers that the
//! definition in [`super::cli`] names.

use std::time::Duration;

use kiosk_core::config::{self, ModeChoice, Scale, Url, syntax};

use super::cli::Turn;

pub fn url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| format!("{error}; allowed is {}", config::url::ALLOWED))
}

pub fn turn(text: &str) -> Result<Turn, String> {
    match text {
        "next" => Ok(Turn::Next),
        "0" | "90" | "180" | "270" => text.parse().map(Turn::To).map_err(|_| String::new()),
        _ => Err("allowed is 0, 90, 180, 270 or next".into()),
    }
}

pub fn mode(text: &str) -> Result<ModeChoice, String> {
    match syntax::parse_mode(text) {
        Some(mode) => Ok(mode),
        None => Err("allowed is preferred, max, WIDTHxHEIGHT, WIDTHxHEIGHT@HZ or \"custom WIDTHxHEIGHT@HZ\"".into()),
    }
}

pub fn scale(text: &str) -> Result<Scale, String> {
    syntax::parse_scale(text).ok_or_else(|| "allowed is auto or a number from 1.0 to 4.0".into())
}

pub fn percent(text: &str) -> Result<i32, String> {
    let parsed = text.parse().ok().filter(|percent| (0..=100).contains(percent));
    parsed.ok_or_else(|| "allowed is 0 to 100".into())
}

pub fn vt(text: &str) -> Result<u32, String> {
    let parsed = text.parse().ok().filter(|number| (1..=63).contains(number));
    parsed.ok_or_else(|| "allowed is 1 to 63".into())
}

pub fn position(text: &str) -> Result<(i32, i32), String> {
    let parsed = text.split_once(',').and_then(|(x, y)| Some((x.trim().parse().ok()?, y.trim().parse().ok()?)));
    parsed.ok_or_else(|| "allowed is X,Y in pixels, such as 1920,0".into())
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
