//! The keys of `[browser]` and of each `[shells.browser]` table.

use toml_edit::{Array, InlineTable, Value};

use super::{Allowed, DURATION, Key, Kind};
use crate::config::allow::{self, UrlPattern};
use crate::config::browser::{
    Answer, BrowserSettings, NewWindows, Permission, PermissionRule, Printing, ProfileKind, Proxy, Shortcuts,
};
use crate::config::raw::{Raw, RawValue, Wrong};
use crate::config::setters::{absolute, each, file_or_credential, named, put, spelled, understood, unless};
use crate::config::syntax;

/// Each is compared with the address of each navigation.
const MAX_ENTRIES: usize = 1000;

const NEW_WINDOWS: &[(&str, NewWindows)] =
    &[("same", NewWindows::Same), ("popup", NewWindows::Popup), ("deny", NewWindows::Deny)];
const SHORTCUTS: &[(&str, Shortcuts)] = &[("page", Shortcuts::Page), ("drop", Shortcuts::Drop)];
const PRINTING: &[(&str, Printing)] = &[("none", Printing::None), ("silent", Printing::Silent)];
const PROFILE: &[(&str, ProfileKind)] = &[("kept", ProfileKind::Kept), ("ephemeral", ProfileKind::Ephemeral)];
const ANSWERS: &[(&str, Answer)] = &[("show", Answer::Show), ("accept", Answer::Accept), ("dismiss", Answer::Dismiss)];
const PERMISSIONS: &[(&str, Permission)] = &[
    ("camera", Permission::Camera),
    ("microphone", Permission::Microphone),
    ("location", Permission::Location),
    ("midi", Permission::Midi),
    ("usb", Permission::Usb),
    ("serial", Permission::Serial),
    ("hid", Permission::Hid),
    ("notifications", Permission::Notifications),
    ("clipboard", Permission::Clipboard),
];

const DIRECTORY: Allowed = Allowed::Description("\"none\", or a directory as an absolute path");

/// A key for how dialogs of one kind are answered.
macro_rules! dialog {
    ($name:literal, $field:ident) => {
        Key {
            name: $name,
            kind: Kind::Text,
            allowed: Allowed::OneOf(&["show", "accept", "dismiss"]),
            set: |browser, raw| put(&mut browser.dialogs.$field, named(raw, ANSWERS)),
            get: |browser| Some(spelled(&browser.dialogs.$field, ANSWERS).into()),
        }
    };
}

/// A key for a directory, or "none".
macro_rules! directory {
    ($name:literal, $field:ident) => {
        Key {
            name: $name,
            kind: Kind::Text,
            allowed: DIRECTORY,
            set: |browser, raw| put(&mut browser.$field, unless("none", raw, absolute)),
            get: |browser| {
                Some(browser.$field.as_ref().map_or_else(|| "none".into(), |path| path.display().to_string()).into())
            },
        }
    };
}

pub static BROWSER: &[Key<BrowserSettings>] = &[
    Key {
        name: "allow",
        kind: Kind::TextList,
        allowed: Allowed::Description(allow::PATTERN),
        set: |browser, raw| {
            let count = raw.as_list()?.len();
            if count > MAX_ENTRIES {
                return Err(Wrong::because(format!("it has {count} entries, and at most {MAX_ENTRIES} are followed")));
            }
            let pattern = |raw: &Raw| UrlPattern::parse(raw.as_text()?).map_err(|error| said_of(raw, &error));
            put(&mut browser.allow, each(raw, pattern))
        },
        get: |browser| Some(browser.allow.iter().map(UrlPattern::as_str).collect::<Array>().into()),
    },
    Key {
        name: "new-windows",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["same", "popup", "deny"]),
        set: |browser, raw| put(&mut browser.new_windows, named(raw, NEW_WINDOWS)),
        get: |browser| Some(spelled(&browser.new_windows, NEW_WINDOWS).into()),
    },
    Key {
        name: "shortcuts",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["page", "drop"]),
        set: |browser, raw| put(&mut browser.shortcuts, named(raw, SHORTCUTS)),
        get: |browser| Some(spelled(&browser.shortcuts, SHORTCUTS).into()),
    },
    Key {
        name: "trust",
        kind: Kind::TextList,
        allowed: Allowed::Description("a list of files such as [\"/etc/kiosk/ca.pem\"]"),
        set: |browser, raw| put(&mut browser.trust, each(raw, absolute)),
        get: |browser| Some(browser.trust.iter().map(|path| path.display().to_string()).collect::<Array>().into()),
    },
    Key {
        name: "proxy",
        kind: Kind::Text,
        allowed: Allowed::Description(syntax::PROXY),
        set: |browser, raw| put(&mut browser.proxy, syntax::parse_proxy(raw.as_text()?).map_err(Wrong::because)),
        get: |browser| {
            Some(match &browser.proxy {
                Proxy::System => "system".into(),
                Proxy::None => "none".into(),
                Proxy::Server(address) | Proxy::Pac(address) => address.as_str().into(),
            })
        },
    },
    Key {
        name: "sign-in",
        kind: Kind::Text,
        allowed: Allowed::Description("a file as an absolute path, a name of LoadCredential=, or \"\" for none"),
        set: |browser, raw| put(&mut browser.sign_in, unless("", raw, file_or_credential)),
        get: |browser| Some(path_text(browser.sign_in.as_ref()).into()),
    },
    directory!("downloads", downloads),
    directory!("uploads", uploads),
    Key {
        name: "printing",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["none", "silent"]),
        set: |browser, raw| put(&mut browser.printing, named(raw, PRINTING)),
        get: |browser| Some(spelled(&browser.printing, PRINTING).into()),
    },
    Key {
        name: "language",
        kind: Kind::Text,
        allowed: Allowed::Description("a language such as \"de\" or \"pt-BR\", or \"\" for the device's own"),
        set: |browser, raw| put(&mut browser.language, unless("", raw, language)),
        get: |browser| Some(browser.language.as_deref().unwrap_or_default().into()),
    },
    dialog!("dialogs.alert", alert),
    dialog!("dialogs.confirm", confirm),
    dialog!("dialogs.prompt", prompt),
    dialog!("dialogs.print", print),
    dialog!("dialogs.beforeunload", beforeunload),
    Key {
        name: "dialogs.after",
        kind: Kind::Text,
        allowed: DURATION,
        set: |browser, raw| put(&mut browser.dialogs.after, understood(syntax::parse_duration(raw.as_text()?))),
        get: |browser| Some(syntax::duration_text(browser.dialogs.after).into()),
    },
    Key {
        name: "zoom",
        kind: Kind::Toml,
        allowed: Allowed::Description("a number from 0.25 to 5.0"),
        set: |browser, raw| {
            // The range of Chromium's zoom.
            let zoom = Some(raw.as_float()?).filter(|zoom| (0.25..=5.0).contains(zoom));
            put(&mut browser.zoom, understood(zoom))
        },
        get: |browser| Some(browser.zoom.into()),
    },
    Key {
        name: "profile",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["kept", "ephemeral"]),
        set: |browser, raw| put(&mut browser.profile, named(raw, PROFILE)),
        get: |browser| Some(spelled(&browser.profile, PROFILE).into()),
    },
    Key {
        name: "client-certificate",
        kind: Kind::Text,
        allowed: Allowed::Description("a file as an absolute path, or \"\" for none"),
        set: |browser, raw| put(&mut browser.client_certificate, unless("", raw, absolute)),
        get: |browser| Some(path_text(browser.client_certificate.as_ref()).into()),
    },
    Key {
        name: "restart-at",
        kind: Kind::Text,
        allowed: Allowed::Description("a time of day such as \"04:00\", or \"\" for none"),
        set: |browser, raw| {
            let time = |raw: &Raw| understood(syntax::parse_time(raw.as_text()?));
            put(&mut browser.restart_at, unless("", raw, time))
        },
        get: |browser| Some(browser.restart_at.map(syntax::time_text).unwrap_or_default().into()),
    },
    Key {
        name: "permissions",
        kind: Kind::Toml,
        allowed: Allowed::Description(
            "a table such as { \"http://localhost:3000\" = [\"camera\"] } of camera, microphone, location, midi, usb, \
             serial, hid, notifications, clipboard",
        ),
        set: permissions,
        get: |browser| {
            let mut table = InlineTable::new();
            for rule in &browser.permissions {
                let names = rule.granted.iter().map(|permission| spelled(permission, PERMISSIONS));
                table.insert(rule.origin.as_str(), names.collect::<Array>().into());
            }
            Some(Value::from(table))
        },
    },
];

/// Lays the rules over those that are there, origin by origin.
fn permissions(browser: &mut BrowserSettings, raw: &Raw) -> Result<(), Wrong> {
    let RawValue::Table(entries) = &raw.value else { return Err(Wrong::default()) };
    if entries.len() > MAX_ENTRIES {
        return Err(Wrong::because(format!(
            "it has {} entries, and at most {MAX_ENTRIES} are followed",
            entries.len()
        )));
    }
    let mut rules = browser.permissions.clone();
    for entry in entries {
        let wrong = |span, why: String| Wrong { span: Some(span), why: Some(format!("{:?}: {why}", entry.key)) };
        let origin = UrlPattern::parse_origin(&entry.key)
            .map_err(|error| wrong(entry.key_span.clone(), format!("{error}, allowed is {}", allow::ORIGIN)))?;
        let permission = |raw: &Raw| {
            named(raw, PERMISSIONS).map_err(|_| Wrong::because(format!("{} is no permission", raw.excerpt())))
        };
        let granted = each(&entry.value, permission).map_err(|part| {
            let found = part.why.unwrap_or_else(|| format!("{} is no list of permissions", entry.value.excerpt()));
            wrong(part.span.unwrap_or_else(|| entry.value.span.clone()), found)
        })?;
        match rules.iter_mut().find(|rule| rule.origin == origin) {
            Some(rule) => rule.granted = granted,
            None => rules.push(PermissionRule { origin, granted }),
        }
    }
    put(&mut browser.permissions, Ok(rules))
}

fn said_of(raw: &Raw, error: &allow::PatternError) -> Wrong {
    let found = if *error == allow::PatternError::User { "the pattern".into() } else { raw.excerpt() };
    Wrong::because(format!("{found}: {error}"))
}

fn path_text(path: Option<&std::path::PathBuf>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

/// Checks the form only: the registry of languages is not consulted.
fn language(raw: &Raw) -> Result<String, Wrong> {
    let tag = raw.as_text()?;
    let mut parts = tag.split('-');
    let first = parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let rest = parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    understood((first && rest && tag.len() <= 35).then(|| tag.to_owned()))
}
