//! The effective configuration as text: TOML with the origin of each value behind it, for `--check-config` and
//! `kioskctl config show`, or a list for machines. What it prints can be read back as a configuration file.

use std::fmt::Write;

use serde::Serialize;
use toml_edit::Value;

use super::accessibility::Aid;
use super::keys::{PROGRAM, Sectioned};
use super::load::Loaded;
use super::output::OutputRule;
use super::shell::Shell;
use super::state::SavedState;

/// One value in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// With its section: `shell.ready.timeout`, `output."*".mode`.
    pub key: String,
    /// The value in force, as JSON.
    pub value: serde_json::Value,
    /// `built-in`, `FILE:LINE` or `environment variable NAME`.
    pub origin: String,
    #[serde(skip)]
    header: String,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    toml: String,
}

impl Loaded {
    /// All values in force, in the order of the documentation.
    pub fn settings(&self) -> Vec<Setting> {
        let mut all = Vec::new();
        let config = &self.config;
        self.section(&config.shell, "shell", "[shell]", &mut all);
        for (index, shell) in config.shells.iter().enumerate() {
            self.shell(shell, &format!("shells[{index}]"), &mut all);
        }
        self.section(&config.splash, "splash", "[splash]", &mut all);
        for rule in &config.texts {
            let section = if rule.language == "*" { "text".to_owned() } else { format!("text.{}", rule.language) };
            self.section(rule, &section, &format!("[{section}]"), &mut all);
        }
        for rule in &config.outputs {
            let section = format!("output.{}", Value::from(rule.matcher.as_str()));
            self.section(rule, &section, &format!("[{section}]"), &mut all);
        }
        self.section(&config.input, "input", "[input]", &mut all);
        for rule in &config.input.devices {
            let section = format!("input.device.{}", Value::from(rule.matcher.as_str()));
            self.section(rule, &section, &format!("[{section}]"), &mut all);
        }
        self.section(&config.keyboard, "keyboard", "[keyboard]", &mut all);
        self.section(&config.accessibility, "accessibility", "[accessibility]", &mut all);
        self.section(&config.idle, "idle", "[idle]", &mut all);
        self.section(&config.power, "power", "[power]", &mut all);
        self.section(&config.night_light, "night-light", "[night-light]", &mut all);
        self.section(&config.browser, "browser", "[browser]", &mut all);
        self.section(&config.capture, "capture", "[capture]", &mut all);
        self.section(&config.limits, "limits", "[limits]", &mut all);
        self.section(&config.health, "health", "[health]", &mut all);
        self.section(&config.lease, "lease", "[lease]", &mut all);
        self.section(&config.x11, "x11", "[x11]", &mut all);
        self.section(&config.api, "api", "[api]", &mut all);
        self.section(&config.agent, "agent", "[agent]", &mut all);
        for rule in &config.privileges {
            let section = format!("privilege.{}", Value::from(rule.app_id.as_str()));
            self.section(rule, &section, &format!("[{section}]"), &mut all);
        }
        all
    }

    /// [`Loaded::settings`] as TOML with comments.
    pub fn toml(&self) -> String {
        let settings = self.settings();
        let width = settings.iter().map(|s| s.name.len() + s.toml.len() + 3).filter(|w| *w <= 60).max().unwrap_or(0);
        let mut text = String::new();
        let mut section = "";
        for setting in &settings {
            // [[shells]] repeat their header; their keys tell them apart.
            let this = setting.key.strip_suffix(&setting.name).unwrap_or_default();
            if this != section {
                let gap = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}{}", setting.header);
                section = this;
            }
            let line = format!("{} = {}", setting.name, setting.toml);
            let _ = writeln!(text, "{line:width$}  # {}", setting.origin);
        }
        text
    }

    /// With the program in the table of the browser's settings, since there is such a table.
    fn shell(&self, shell: &Shell, section: &str, all: &mut Vec<Setting>) {
        let mut own = Vec::new();
        self.section(shell, section, "[[shells]]", &mut own);
        let at = own.iter().position(|setting| setting.name == "browser");
        let program = at.map(|at| own.remove(at));
        all.append(&mut own);
        let header = "[shells.browser]".to_owned();
        let section = format!("{section}.browser");
        all.extend(program.map(|program| {
            let key = format!("{section}.{PROGRAM}");
            let origin = self.origins.get(&key).map_or(program.origin, ToString::to_string);
            Setting { key, origin, header: header.clone(), name: PROGRAM.to_owned(), ..program }
        }));
        self.section(&shell.browser_settings, &section, &header, all);
    }

    fn section<T: Sectioned>(&self, target: &T, section: &str, header: &str, all: &mut Vec<Setting>) {
        for key in T::keys() {
            let Some(value) = (key.get)(target) else { continue };
            let full = format!("{section}.{}", key.name);
            let origin = self.origins.get(&full).or_else(|| {
                // What a [[shells]] table does not say comes from [shell], its browser's settings from [browser].
                let own = section.starts_with("shells[");
                let from = if section.ends_with("].browser") { "browser" } else { "shell" };
                let inherited = own.then(|| format!("{from}.{}", key.name))?;
                self.origins.get(&inherited)
            });
            all.push(Setting {
                origin: origin.map_or_else(|| "built-in".into(), ToString::to_string),
                value: json(&value),
                header: header.to_owned(),
                name: key.name.to_owned(),
                toml: value.to_string().trim().to_owned(),
                key: full,
            });
        }
    }
}

impl SavedState {
    /// What was kept of outputs and aids at runtime, which counts more than all layers.
    pub fn settings(&self) -> Vec<Setting> {
        let aid = |(aid, on): (Aid, bool)| Setting {
            key: format!("accessibility.{aid}"),
            value: on.into(),
            origin: "kept by kioskctl".into(),
            header: "[accessibility]".into(),
            name: aid.as_str().to_owned(),
            toml: on.to_string(),
        };
        let mut all: Vec<Setting> = self.aids().map(aid).collect();
        for (name, _, settings) in self.outputs() {
            let rule = OutputRule { matcher: name.to_owned(), settings: settings.clone() };
            let section = format!("output.{}", Value::from(name));
            for key in OutputRule::keys() {
                let Some(value) = (key.get)(&rule) else { continue };
                all.push(Setting {
                    key: format!("{section}.{}", key.name),
                    value: json(&value),
                    origin: "kept by kioskctl".into(),
                    header: format!("[{section}]"),
                    name: key.name.to_owned(),
                    toml: value.to_string().trim().to_owned(),
                });
            }
        }
        all
    }
}

impl Setting {
    /// `KEY = VALUE`, as TOML.
    pub fn line(&self) -> String {
        format!("{} = {}", self.key, self.toml)
    }
}

pub(super) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(truth) => (*truth.value()).into(),
        Value::Datetime(date) => date.value().to_string().into(),
        Value::Array(array) => array.iter().map(json).collect::<Vec<_>>().into(),
        Value::InlineTable(table) => {
            let entries = table.iter().map(|(key, value)| (key.to_owned(), json(value)));
            serde_json::Value::Object(entries.collect())
        }
    }
}
