//! A file of `[output."NAME"]` tables on its own, for `kioskctl apply`: the same tables as in the configuration,
//! read by the same code, and nothing else. Reads one file; what an output gets of it is pure.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::Value;

use super::layer::Draft;
use super::load::{read_file, unreadable};
use super::origin::{ConfigError, Origin, Source};
use super::output::{OutputRule, OutputSettings};
use super::policy::merged;

/// The tables, and where everything in them stands.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputTables {
    /// In the file's order.
    pub rules: Vec<OutputRule>,
    source: Source,
    origins: BTreeMap<String, Origin>,
}

impl OutputTables {
    /// Reads the file. Errors: everything that is wrong in it, each with its place.
    pub fn read(path: &Path) -> Result<Self, Vec<ConfigError>> {
        let bytes = read_file(path).map_err(|error| vec![unreadable(path, &error)])?;
        let mut base = Draft::default();
        // What is built in is not what the file says.
        base.config.outputs.clear();
        let (config, origins) = base.with_file(path, &bytes)?.finish();
        let elsewhere = origins.iter().filter(|(key, _)| !key.starts_with("output."));
        let errors: Vec<ConfigError> = elsewhere
            .map(|(key, origin)| {
                let message = format!("{key} is no setting of a screen, allowed are tables [output.\"NAME\"]");
                ConfigError { origin: origin.clone(), key: key.clone(), message }
            })
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let rules = config.outputs;
        let tables = Self { rules, source: Source::File(path.to_owned()), origins };
        if tables.rules.iter().all(|rule| rule.settings.is_empty()) {
            let message = "there is nothing to apply in it, allowed are tables [output.\"NAME\"]".into();
            let origin = Origin { source: tables.source, position: None };
            return Err(vec![ConfigError { origin, key: String::new(), message }]);
        }
        Ok(tables)
    }

    /// What the tables say of the display `identity` on `connector`: `*`, then the identity, then the connector.
    pub fn settings(&self, identity: &str, connector: &str) -> OutputSettings {
        merged(&self.rules, identity, connector)
    }

    /// An error about `key`, placed at the table whose value is in force for this display.
    pub fn error(&self, matchers: &[&str], key: &str, message: &str) -> ConfigError {
        let full = |matcher: &str| format!("output.{}", Value::from(matcher));
        let stands = |matcher: &&&str| {
            let table = full(matcher);
            self.origins.keys().any(|other| *other == format!("{table}.{key}") || (key.is_empty() && *other == table))
        };
        let matcher = matchers.iter().rev().find(stands).or(matchers.last()).copied().unwrap_or("*");
        let table = full(matcher);
        let name = if key.is_empty() { table.clone() } else { format!("{table}.{key}") };
        // A table has no place of its own: its first key's is the nearest.
        let below = format!("{table}.");
        let first = || {
            let keys = self.origins.iter().filter(|(other, _)| other.starts_with(&below)).map(|(_, origin)| origin);
            keys.min_by_key(|origin| origin.position.map(|position| position.line))
        };
        let origin = self.origins.get(&name).or_else(first).cloned();
        let origin = origin.unwrap_or_else(|| Origin { source: self.source.clone(), position: None });
        ConfigError { origin, message: format!("{name} {message}"), key: name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ModeChoice, Rotation};

    fn read(text: &str) -> Result<OutputTables, Vec<String>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("screens.toml");
        std::fs::write(&path, text).unwrap();
        let name = format!("{}/", directory.path().display());
        OutputTables::read(&path)
            .map_err(|errors| errors.iter().map(|error| error.to_string().replace(&name, "")).collect())
    }

    #[test]
    fn tables_are_merged_as_in_the_configuration() {
        let text = "[output.'*']\nrotation = 90\nmode = 'max'\n[output.\"DP-1\"]\nrotation = 180\n\
                    [output.\"Dell 1\"]\nrotation = 0\nscale = 2\n";
        let tables = read(text).unwrap();
        let of = |identity, connector| {
            let settings = tables.settings(identity, connector);
            (settings.rotation, settings.mode, settings.scale.is_some())
        };
        assert_eq!(of("Dell 1", "DP-1"), (Some(Rotation::R180), Some(ModeChoice::Max), true));
        assert_eq!(of("Dell 1", "DP-2"), (Some(Rotation::R0), Some(ModeChoice::Max), true));
        assert_eq!(of("", "VGA-1"), (Some(Rotation::R90), Some(ModeChoice::Max), false));
        let error = |matchers: &[&str], key| tables.error(matchers, key, "is bad").to_string();
        assert!(error(&["*", "Dell 1", "DP-1"], "rotation").ends_with(":5:12: output.\"DP-1\".rotation is bad"));
        assert!(error(&["*", "Dell 1", "DP-1"], "scale").contains(":8:9: output.\"Dell 1\".scale is bad"));
        assert!(error(&["DP-1"], "").contains(":5:12: output.\"DP-1\" is bad"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, wrong) in [
            ("[output.'*']\nrotation = 45\n", "screens.toml:2:12: output.\"*\".rotation is 45, allowed is 0, 90, 180"),
            (
                "[output.'*']\nrotate = 90\n",
                "screens.toml:2:1: unknown key output.\"*\".rotate. [output.\"*\"] has mode, rotation",
            ),
            (
                "[shell]\nurl = 'http://a'\n",
                "screens.toml:2:7: shell.url is no setting of a screen, allowed are tables",
            ),
            ("rotation = 90\n", "screens.toml:1:1: unknown key rotation"),
            ("[output]\n", "screens.toml: there is nothing to apply in it"),
            ("", "screens.toml: there is nothing to apply in it"),
            ("[output", "screens.toml:1:8: this is not TOML"),
        ] {
            let errors = read(text).unwrap_err();
            assert!(errors[0].starts_with(wrong), "{text:?}: {errors:?}");
        }
        let errors = OutputTables::read(Path::new("/none/a.toml")).unwrap_err();
        assert!(errors[0].to_string().starts_with("/none/a.toml: this can't be read"), "{errors:?}");
    }
}
