//! Lays one environment variable `KIOSK_SECTION_KEY` over the configuration so far. Called by [`super::load`];
//! reads no environment.

use toml_edit::Value;

use super::keys::{self, Kind, Sectioned};
use super::layer::Draft;
use super::messages::refusal;
use super::model::Config;
use super::origin::{ConfigError, Origin, Source};
use super::raw::{Raw, RawValue};
use super::suggest::closest;

impl Draft {
    /// Lays the environment variable over this.
    pub fn with_variable(&self, variable: &str, text: &str) -> Result<Draft, ConfigError> {
        let mut draft = self.clone();
        let Config {
            shell,
            splash,
            input,
            keyboard,
            accessibility,
            idle,
            power,
            night_light,
            browser,
            capture,
            limits,
            health,
            lease,
            x11,
            api,
            agent,
            ..
        } = &mut draft.config;
        let mut names = Vec::new();
        let found = try_variable(shell, "shell", variable, text, &mut names)
            .or_else(|| try_variable(splash, "splash", variable, text, &mut names))
            .or_else(|| try_variable(input, "input", variable, text, &mut names))
            .or_else(|| try_variable(keyboard, "keyboard", variable, text, &mut names))
            .or_else(|| try_variable(accessibility, "accessibility", variable, text, &mut names))
            .or_else(|| try_variable(idle, "idle", variable, text, &mut names))
            .or_else(|| try_variable(power, "power", variable, text, &mut names))
            .or_else(|| try_variable(night_light, "night-light", variable, text, &mut names))
            .or_else(|| try_variable(browser, "browser", variable, text, &mut names))
            .or_else(|| try_variable(capture, "capture", variable, text, &mut names))
            .or_else(|| try_variable(limits, "limits", variable, text, &mut names))
            .or_else(|| try_variable(health, "health", variable, text, &mut names))
            .or_else(|| try_variable(lease, "lease", variable, text, &mut names))
            .or_else(|| try_variable(x11, "x11", variable, text, &mut names))
            .or_else(|| try_variable(api, "api", variable, text, &mut names))
            .or_else(|| try_variable(agent, "agent", variable, text, &mut names))
            .or_else(|| {
                let rule = keys::output_rule(&mut draft.config, "*");
                try_variable(rule, "output", variable, text, &mut names)
            })
            .or_else(|| {
                // A rule for all languages is added only if it has a text.
                let mut rule = draft.config.texts.iter().find(|rule| rule.language == "*").cloned().unwrap_or_default();
                let set = try_variable(&mut rule, "text", variable, text, &mut names)?;
                keys::text_rule(&mut draft.config, "*").texts = rule.texts;
                Some(set)
            });
        match found {
            Some(Ok(key)) => {
                draft.origins.insert(key, origin(variable));
                Ok(draft)
            }
            Some(Err(error)) => Err(error),
            None => {
                let near = closest(variable, names.iter().map(String::as_str));
                let near = near.map(|name| format!(", did you mean {name}?")).unwrap_or(".".into());
                let message =
                    format!("no key has this name{near} Names are KIOSK_SECTION_KEY, such as KIOSK_SHELL_URL");
                Err(ConfigError { origin: origin(variable), key: String::new(), message })
            }
        }
    }
}

fn origin(variable: &str) -> Origin {
    Origin { source: Source::Environment(variable.to_owned()), position: None }
}

/// `None`: the section has no such variable; its variables' names go to `names`. Else the key that was set.
fn try_variable<T: Sectioned>(
    target: &mut T,
    section: &str,
    variable: &str,
    text: &str,
    names: &mut Vec<String>,
) -> Option<Result<String, ConfigError>> {
    for key in T::keys() {
        let name = variable_name(section, key.name);
        if name != variable {
            names.push(name);
            continue;
        }
        let full =
            if section == "output" { format!("output.\"*\".{}", key.name) } else { format!("{section}.{}", key.name) };
        let raw = variable_value(key.kind, text);
        return Some(match (key.set)(target, &raw) {
            Ok(()) => Ok(full),
            Err(wrong) => {
                let message = refusal(key, &full, &raw, &wrong);
                Err(ConfigError { origin: origin(variable), key: full, message })
            }
        });
    }
    None
}

fn variable_name(section: &str, key: &str) -> String {
    format!("KIOSK_{section}_{key}").replace(['.', '-'], "_").to_ascii_uppercase()
}

fn variable_value(kind: Kind, text: &str) -> Raw {
    let toml = || text.trim().parse::<Value>().ok().map(|value| Raw::from_value(&value));
    let parsed = match kind {
        Kind::Text => None,
        Kind::Toml => toml(),
        Kind::TextList if text.trim_start().starts_with('[') => toml(),
        Kind::TextList => {
            let words = text.split_whitespace().map(Raw::text).collect();
            Some(Raw { span: 0..0, value: RawValue::List(words) })
        }
    };
    parsed.unwrap_or_else(|| Raw::text(text))
}
