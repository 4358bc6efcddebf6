//! The keys of `[agent]`.

use std::path::PathBuf;

use super::{Allowed, Key, Kind, TRUTH};
use crate::config::agent::{Agent, BROKER, Broker};
use crate::config::raw::{Raw, Wrong};
use crate::config::setters::{absolute, file_or_credential, named, no_control, put, understood, unless};

/// Longest topic that others are made of, bytes; MQTT's own limit is 65535.
const MAX_TOPIC: usize = 128;
/// Longest name of a device, bytes: it is in each topic and in the client's identifier.
const MAX_DEVICE: usize = 64;

const ROLES: &[(&str, &str)] = &[("view", "view"), ("operate", "operate"), ("admin", "admin")];

/// A key for a file.
macro_rules! file {
    ($name:literal, $field:ident) => {
        Key {
            name: $name,
            kind: Kind::Text,
            allowed: Allowed::Description("a file as an absolute path, a name of LoadCredential=, or \"\" for none"),
            set: |agent, raw| put(&mut agent.mqtt.$field, unless("", raw, file_or_credential)),
            get: |agent| Some(path_text(agent.mqtt.$field.as_ref()).into()),
        }
    };
}

const ADDRESS: Allowed =
    Allowed::Description("\"none\", or an address with a port such as \"0.0.0.0:8443\" or \"[::]:8443\"");

pub static AGENT: &[Key<Agent>] = &[
    Key {
        name: "listen-tls",
        kind: Kind::Text,
        allowed: ADDRESS,
        set: |agent, raw| {
            put(&mut agent.listen_tls, unless("none", raw, |raw| understood(raw.as_text()?.parse().ok())))
        },
        get: |agent| Some(agent.listen_tls.map_or_else(|| "none".into(), |address| address.to_string()).into()),
    },
    Key {
        name: "certificates",
        kind: Kind::Text,
        allowed: Allowed::Description("a directory as an absolute path"),
        set: |agent, raw| put(&mut agent.certificates, absolute(raw)),
        get: |agent| Some(agent.certificates.display().to_string().into()),
    },
    Key {
        name: "enrol",
        kind: Kind::Toml,
        allowed: TRUTH,
        set: |agent, raw| put(&mut agent.enrol, raw.as_bool()),
        get: |agent| Some(agent.enrol.into()),
    },
    Key {
        name: "renew-at",
        kind: Kind::Text,
        allowed: Allowed::Description("https://HOST[:PORT] of `kioskctl agent ca serve`, or \"none\""),
        set: |agent, raw| put(&mut agent.renew_at, unless("none", raw, |raw| understood(raw.as_text()?.parse().ok()))),
        get: |agent| Some(agent.renew_at.as_ref().map_or_else(|| "none".into(), ToString::to_string).into()),
    },
    Key {
        name: "mqtt.server",
        kind: Kind::Text,
        allowed: Allowed::Description(BROKER),
        set: |agent, raw| {
            // What might have a password in it is not repeated.
            let broker = |raw: &Raw| {
                raw.as_text()?.parse::<Broker>().map_err(|error| Wrong::because(format!("the address: {error}")))
            };
            put(&mut agent.mqtt.server, unless("", raw, broker))
        },
        get: |agent| Some(agent.mqtt.server.as_ref().map(ToString::to_string).unwrap_or_default().into()),
    },
    Key {
        name: "mqtt.user",
        kind: Kind::Text,
        allowed: Allowed::Description("a name, or \"\" for none"),
        set: |agent, raw| put(&mut agent.mqtt.user, no_control(raw)),
        get: |agent| Some(agent.mqtt.user.as_str().into()),
    },
    file!("mqtt.password-file", password_file),
    file!("mqtt.ca-file", ca_file),
    file!("mqtt.certificate-file", certificate_file),
    file!("mqtt.key-file", key_file),
    Key {
        name: "mqtt.topic",
        kind: Kind::Text,
        allowed: Allowed::Description("a topic without + and #, such as \"kiosk\" or \"site/hall\", at most 128 bytes"),
        set: |agent, raw| put(&mut agent.mqtt.topic, topic(raw)),
        get: |agent| Some(agent.mqtt.topic.as_str().into()),
    },
    Key {
        name: "mqtt.role",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["view", "operate", "admin"]),
        set: |agent, raw| put(&mut agent.mqtt.role, named(raw, ROLES)),
        get: |agent| Some(agent.mqtt.role.into()),
    },
    Key {
        name: "mqtt.discovery",
        kind: Kind::Text,
        allowed: Allowed::Description("a topic without + and #, at most 128 bytes, or \"\" for no discovery"),
        set: |agent, raw| put(&mut agent.mqtt.discovery, unless("", raw, topic).map(Option::unwrap_or_default)),
        get: |agent| Some(agent.mqtt.discovery.as_str().into()),
    },
    Key {
        name: "mqtt.device",
        kind: Kind::Text,
        allowed: Allowed::Description(
            "at most 64 letters, digits, - and _, or \"\" for a name made of the machine's identity",
        ),
        set: |agent, raw| put(&mut agent.mqtt.device, device(raw)),
        get: |agent| Some(agent.mqtt.device.as_str().into()),
    },
];

fn topic(raw: &Raw) -> Result<String, Wrong> {
    let topic = no_control(raw)?;
    let wrong = topic.is_empty()
        || topic.len() > MAX_TOPIC
        || topic.contains(['+', '#'])
        || topic.starts_with(['/', '$'])
        || topic.ends_with('/');
    if wrong { Err(Wrong::default()) } else { Ok(topic) }
}

fn device(raw: &Raw) -> Result<String, Wrong> {
    let name = raw.as_text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if name.len() > MAX_DEVICE || !name.bytes().all(fits) { Err(Wrong::default()) } else { Ok(name.to_owned()) }
}

fn path_text(path: Option<&PathBuf>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}
