//! The keys of `[shell]` and of each `[[shells]]` table.

use toml_edit::Value;

use super::{Allowed, DURATION, Key, Kind};
use crate::config::raw::Wrong;
use crate::config::setters::{absolute, filled, list, put, text_or_number, understood, words_of};
use crate::config::shell::{PageReady, Shell};
use crate::config::syntax;
use crate::config::url::Url;

/// Longest address of the page for setting up, bytes: it has to fit into a QR code.
const MAX_SETUP_URL: usize = 300;
const WORDS: Allowed = Allowed::Description("a list of texts such as [\"foot\", \"--fullscreen\"]");
const OUTPUT: Allowed = Allowed::Description("a connector's name, \"Make Model Serial\" or \"*\"");

pub static SHELL: &[Key<Shell>] = &[
    Key {
        name: "url",
        kind: Kind::Text,
        allowed: Allowed::Description(
            "http://HOST[:PORT][/PATH], https://…, file:///PATH, about:…, data:…, or \"\" for none yet",
        ),
        set: |shell, raw| {
            let text = raw.as_text()?;
            let url = if text.is_empty() { Ok(Url::none()) } else { Url::parse(text).map_err(Wrong::because) };
            put(&mut shell.url, url)
        },
        get: |shell| Some(shell.url.as_str().into()),
    },
    Key {
        name: "command",
        kind: Kind::TextList,
        allowed: WORDS,
        set: |shell, raw| put(&mut shell.command, words_of(raw, true)),
        get: |shell| Some(list(&shell.command)),
    },
    Key {
        name: "container",
        kind: Kind::Text,
        allowed: Allowed::Description("the absolute path of a container's definition (JSON), or \"\""),
        set: |shell, raw| {
            let path = if raw.as_text()?.is_empty() { Ok(std::path::PathBuf::new()) } else { absolute(raw) };
            put(&mut shell.container, path)
        },
        get: |shell| Some(shell.container.to_string_lossy().as_ref().into()),
    },
    Key {
        name: "browser",
        kind: Kind::Text,
        allowed: Allowed::Description("a program's name or path; its settings have a table of their own, [browser]"),
        set: |shell, raw| put(&mut shell.browser, filled(raw)),
        get: |shell| Some(shell.browser.as_str().into()),
    },
    Key {
        name: "extra-args",
        kind: Kind::TextList,
        allowed: WORDS,
        set: |shell, raw| put(&mut shell.extra_args, words_of(raw, false)),
        get: |shell| Some(list(&shell.extra_args)),
    },
    Key {
        name: "output",
        kind: Kind::Text,
        allowed: OUTPUT,
        set: |shell, raw| put(&mut shell.output, filled(raw)),
        get: |shell| Some(shell.output.as_str().into()),
    },
    Key {
        name: "setup-url",
        kind: Kind::Text,
        allowed: Allowed::Description("http:// or https:// with {address} in the place of the device's address"),
        set: |shell, raw| {
            let text = raw.as_text()?;
            let url = Url::parse(&text.replace("{address}", "192.0.2.1")).map_err(Wrong::because)?;
            if url.host().is_none() || text.len() > MAX_SETUP_URL {
                return Err(Wrong::default());
            }
            shell.setup_url = text.to_owned();
            Ok(())
        },
        get: |shell| Some(shell.setup_url.as_str().into()),
    },
    Key {
        name: "configured-file",
        kind: Kind::Text,
        allowed: Allowed::Description("the absolute path of a file that is there once the device is set up, or \"\""),
        set: |shell, raw| {
            let path = if raw.as_text()?.is_empty() { Ok(std::path::PathBuf::new()) } else { absolute(raw) };
            put(&mut shell.configured_file, path)
        },
        get: |shell| Some(shell.configured_file.to_string_lossy().as_ref().into()),
    },
    Key {
        name: "ready.http-status",
        kind: Kind::Text,
        allowed: Allowed::Description(syntax::STATUS),
        set: |shell, raw| put(&mut shell.ready.http_status, understood(syntax::parse_status(&text_or_number(raw)?))),
        get: |shell| Some(syntax::status_text(&shell.ready.http_status).into()),
    },
    Key {
        name: "ready.page",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["first-paint", "load", "explicit"]),
        set: |shell, raw| {
            shell.ready.page = match raw.as_text()? {
                "first-paint" => PageReady::FirstPaint,
                "load" => PageReady::Load,
                "explicit" => PageReady::Explicit,
                _ => return Err(Wrong::default()),
            };
            Ok(())
        },
        get: |shell| {
            Some(Value::from(match shell.ready.page {
                PageReady::FirstPaint => "first-paint",
                PageReady::Load => "load",
                PageReady::Explicit => "explicit",
            }))
        },
    },
    Key {
        name: "ready.timeout",
        kind: Kind::Text,
        allowed: DURATION,
        set: |shell, raw| put(&mut shell.ready.timeout, understood(syntax::parse_duration(raw.as_text()?))),
        get: |shell| Some(syntax::duration_text(shell.ready.timeout).into()),
    },
];
