//! Addresses and the patterns that allow them: what is read is kept as it was written, an allowed address is one of an
//! allowed origin as a browser sees it, and no text about an address tells what is secret in it.

use std::path::Path;

use kiosk_core::config::{Allowed, Config, Url, UrlPattern};

use super::{bytes, text};
use crate::{
    Target,
    messages::{assert_masked, assert_valid_message},
};

/// See the module.
pub const TARGET: Target = Target {
    name: "url",
    run,
    seeds: || {
        bytes(&[
            "http://localhost:3000/",
            "https://ann:pw@example.org:8443/a/../b?c=d&token=x#y",
            "file:///srv/page/index.html",
            "data:text/html,x",
            "blob:http://localhost:3000/7f3c",
            "https://*.example.org",
            "http://10.0.0.1:*/menu/*",
            "*://b\u{fc}cher.example/*?x=*",
            "http:\\\\localhost:3000\\@evil.example/",
        ])
    },
    words: &[
        "http://",
        "https:",
        "file:///",
        "localhost:3000",
        "@",
        "%2e%2e/",
        "\\",
        "[::1]",
        "xn--",
        "0x7f.1",
        "*.",
        "blob:",
    ],
    longest: 512,
};

const HOME: &str = "http://localhost:3000/";
const SECRET: &str = "geheim";

fn run(input: &[u8]) {
    let text = text(input);
    match Url::parse(&text) {
        Ok(url) => assert_eq!((url.as_str(), url.is_web()), (text.as_str(), url.host().is_some())),
        Err(why) => drop(why.to_string()),
    }
    for parse in [UrlPattern::parse, UrlPattern::parse_origin] {
        match parse(&text) {
            Ok(pattern) => assert_eq!(parse(pattern.as_str()).as_ref(), Ok(&pattern)),
            Err(why) => drop(why.to_string()),
        }
    }
    allowed(&text);
    secrets(&text);
}

/// Beside the library's own idea of origins.
fn allowed(text: &str) {
    let allowed = Allowed::new([HOME], &[]);
    assert!(allowed.permits(HOME));
    if allowed.permits(text) {
        let origin = url::Url::parse(text).expect("an allowed address is one").origin();
        assert_eq!(origin.ascii_serialization(), "http://localhost:3000", "{text}");
    }
}

/// The same with a password in it, as it may have been typed, in all texts that others see.
fn secrets(text: &str) {
    if text.contains(SECRET) {
        return;
    }
    let middle = (text.len() / 2..).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (before, after) = text.split_at(middle);
    // What ends an authority would make the password a part of a path, which is not known to be secret.
    let user: String =
        before.chars().filter(|c| !c.is_whitespace() && !matches!(c, '/' | '?' | '#' | '\\' | '"')).collect();
    let scheme = if user.len().is_multiple_of(2) { "http" } else { "HTTPS" };
    let slashes = ["//", "/", "", "///", "\\\\"][after.len() % 5];
    let address = format!("{scheme}:{slashes}{user}:{SECRET}@host/{after}");
    if let Ok(url) = Url::parse(&address) {
        let shown = format!("{url:?} {}", url.masked());
        assert!(!shown.contains(SECRET), "{shown}");
    }
    for key in ["shell.url", "browser.proxy", "browser.allow", "splash.background"] {
        let value = toml_text(&address);
        let value = if key == "browser.allow" { format!("[{value}]") } else { value };
        let loaded = Config::of_file(Path::new("config.toml"), format!("{key} = {value}\n").as_bytes());
        for error in &loaded.errors {
            assert_valid_message(&error.to_string());
            assert_masked(SECRET, &error.to_string());
        }
    }
}

fn toml_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
