//! The small languages of values, in files, on the command line and on D-Bus: what is understood is written in a way
//! that is understood as the same.

use kiosk_core::config::syntax;

use super::{bytes, text};
use crate::{Target, messages::assert_valid_message};

/// See the module.
pub const TARGET: Target = Target {
    name: "values",
    run,
    seeds: || {
        bytes(&[
            "never",
            "1h30m",
            "90s",
            "1920x1080@59.94",
            "custom 1280x720@60",
            "preferred",
            "#1a2b3c",
            "#abc",
            "2xx-4xx",
            "200-399,404",
            "07:30",
            "fri-mon",
            "sat,sun",
            "system",
            "socks5://10.0.0.1:1080",
            "http://wpad.example/proxy.pac",
        ])
    },
    words: &["ms", "18446744073709551615", "@", "x", "xx", "-", ",", "16384", "1000", "://", "0.001", "Hz"],
    longest: 64,
};

fn run(input: &[u8]) {
    let text = &*text(input);
    if let Some(duration) = syntax::parse_duration(text) {
        assert_eq!(syntax::parse_duration(&syntax::duration_text(duration)), Some(duration));
    }
    if let Some(mode) = syntax::parse_mode(text) {
        assert_eq!(syntax::parse_mode(&syntax::mode_text(mode)), Some(mode), "{}", syntax::mode_text(mode));
    }
    if let Some(colour) = syntax::parse_colour(text) {
        assert_eq!(syntax::parse_colour(&syntax::colour_text(colour)), Some(colour));
    }
    if let Some(status) = syntax::parse_status(text) {
        assert_eq!(
            syntax::parse_status(&syntax::status_text(&status)).as_ref(),
            Some(&status),
            "{}",
            syntax::status_text(&status)
        );
    }
    if let Some(time) = syntax::parse_time(text) {
        assert_eq!(syntax::parse_time(&syntax::time_text(time)), Some(time));
    }
    if let Some(days) = syntax::parse_days(text) {
        assert_eq!(syntax::parse_days(&syntax::days_text(days)), Some(days), "{}", syntax::days_text(days));
    }
    match syntax::parse_proxy(text) {
        Ok(proxy) => drop(proxy),
        Err(why) => assert_valid_message(&why.to_string()),
    }
}
