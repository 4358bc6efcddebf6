//! Lays one file over what the layers below gave: all of it or, when anything in it
//! is wrong, nothing of it and the errors. Called by [`super::load`]; reads no file.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::Value;

use super::keys::{self, Key, PROGRAM, SECTIONS, Sectioned};
use super::messages::{did_you_mean, first_of, names_in, refusal};
use super::model::Config;
use super::origin::{ConfigError, Lines, Origin, Source, TextPosition};
use super::raw::{Raw, RawEntry, RawValue};
use super::shell::Shell;
use crate::text::shortened;
use crate::texts::is_language;

/// Most tables of outputs, devices or shells in one file: far more than a machine has, and few enough to search all for
/// each display.
const MAX_TABLES: usize = 256;
/// Longest message about a key, characters: the key itself may be very long.
const MAX_CHARACTERS: usize = 1000;

/// The configuration while layers are being laid.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub config: Config,
    /// The `[[shells]]` tables of the last layer that had any: they inherit from `[shell]` in the end.
    shells: Vec<Vec<RawEntry>>,
    pub origins: BTreeMap<String, Origin>,
}

/// Collects what one layer sets and what is wrong with it.
struct Layer<'a> {
    source: Source,
    lines: Lines<'a>,
    origins: Vec<(String, Origin)>,
    errors: Vec<ConfigError>,
}

impl Draft {
    /// Lays the file `path` with the content `bytes` over this.
    pub fn with_file(&self, path: &Path, bytes: &[u8]) -> Result<Draft, Vec<ConfigError>> {
        let source = Source::File(path.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let good = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
            let position = Some(Lines::new(&good).position(good.len()));
            let origin = Origin { source: source.clone(), position };
            vec![ConfigError { origin, key: String::new(), message: "this is not UTF-8 text".into() }]
        })?;
        let mut layer = Layer { source, lines: Lines::new(text), origins: Vec::new(), errors: Vec::new() };
        let document = toml_edit::Document::parse(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let message = error.message().trim_end().replace('\n', "; ");
            vec![layer.error_at(offset, String::new(), format!("this is not TOML: {message}"))]
        })?;
        let mut draft = self.clone();
        if let Some(Raw { value: RawValue::Table(entries), .. }) = Raw::from_item(document.as_item()) {
            draft.apply(&entries, &mut layer);
        }
        if layer.errors.is_empty() {
            draft.origins.extend(layer.origins);
            Ok(draft)
        } else {
            Err(first_of(layer.errors))
        }
    }

    /// The end: `[[shells]]` get what they inherit.
    pub fn finish(mut self) -> (Config, BTreeMap<String, Origin>) {
        let mut ignored =
            Layer { source: Source::BuiltIn, lines: Lines::new(""), origins: Vec::new(), errors: Vec::new() };
        self.config.shell.browser_settings = self.config.browser.clone();
        for entries in &self.shells {
            let mut shell = self.config.shell.clone();
            ignored.shell(&mut shell, "shells", entries);
            self.config.shells.push(shell);
        }
        (self.config, self.origins)
    }

    fn apply(&mut self, entries: &[RawEntry], layer: &mut Layer) {
        // [[shells]] last, wherever they stand: they inherit from [shell].
        let (shells, sections): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.key == "shells");
        for entry in sections {
            let config = &mut self.config;
            match entry.key.as_str() {
                "shell" => layer.section(&mut config.shell, entry),
                "splash" => layer.section(&mut config.splash, entry),
                "input" => layer.input(config, entry),
                "keyboard" => layer.section(&mut config.keyboard, entry),
                "accessibility" => layer.section(&mut config.accessibility, entry),
                "idle" => layer.section(&mut config.idle, entry),
                "power" => layer.section(&mut config.power, entry),
                "night-light" => layer.section(&mut config.night_light, entry),
                "browser" => layer.section(&mut config.browser, entry),
                "capture" => layer.section(&mut config.capture, entry),
                "limits" => layer.section(&mut config.limits, entry),
                "health" => layer.section(&mut config.health, entry),
                "lease" => layer.section(&mut config.lease, entry),
                "x11" => layer.section(&mut config.x11, entry),
                "api" => layer.section(&mut config.api, entry),
                "agent" => layer.section(&mut config.agent, entry),
                "output" => layer.outputs(config, entry),
                "text" => layer.texts(config, entry),
                "privilege" => layer.privileges(config, entry),
                unknown => {
                    let near = did_you_mean(unknown, SECTIONS.iter().copied());
                    let message = format!("unknown key {unknown}{near} There are {}", SECTIONS.join(", "));
                    layer.error(entry.key_span.start, unknown, message);
                }
            }
        }
        for entry in shells {
            self.origins.retain(|key, _| !key.starts_with("shells["));
            self.shells = layer.shells(&self.config.shell, entry);
        }
    }
}

impl Layer<'_> {
    fn section<T: Sectioned>(&mut self, target: &mut T, entry: &RawEntry) {
        match &entry.value.value {
            RawValue::Table(entries) => self.table(target, &entry.key, "", entries),
            _ => {
                let found = entry.value.excerpt();
                let message = format!("{0} is {found}, allowed is a table [{0}]", entry.key);
                self.error(entry.key_span.start, &entry.key, message);
            }
        }
    }

    /// Sets all keys of a (sub)table; `prefix` is empty or ends with a dot.
    fn table<T: Sectioned>(&mut self, target: &mut T, section: &str, prefix: &str, entries: &[RawEntry]) {
        for entry in entries {
            let name = format!("{prefix}{}", entry.key);
            let full = format!("{section}.{name}");
            let subtable = format!("{name}.");
            // A quoted key with a dot in it is one key, not a path.
            let known = T::keys().iter().find(|key| key.name == name && !entry.key.contains('.'));
            if let Some(key) = known {
                self.set(target, key, &full, &entry.value);
            } else if T::keys().iter().any(|key| key.name.starts_with(&subtable)) {
                match &entry.value.value {
                    RawValue::Table(entries) => self.table(target, section, &subtable, entries),
                    _ => {
                        let names = names_in::<T>(&subtable).join(", ");
                        let found = entry.value.excerpt();
                        let message = format!("{full} is {found}, allowed is a table of {names}");
                        self.error(entry.value.span.start, &full, message);
                    }
                }
            } else {
                let names = names_in::<T>(prefix);
                let near = did_you_mean(&entry.key, names.iter().copied());
                let place = full.strip_suffix(&format!(".{}", entry.key)).unwrap_or(section);
                let message = format!("unknown key {full}{near} [{place}] has {}", names.join(", "));
                self.error(entry.key_span.start, &full, message);
            }
        }
    }

    fn set<T>(&mut self, target: &mut T, key: &Key<T>, full: &str, raw: &Raw) {
        match (key.set)(target, raw) {
            Ok(()) => {
                let origin = Origin { source: self.source.clone(), position: Some(self.position(raw.span.start)) };
                self.origins.push((full.to_owned(), origin));
            }
            Err(wrong) => {
                let offset = wrong.span.as_ref().unwrap_or(&raw.span).start;
                self.error(offset, full, refusal(key, full, raw, &wrong));
            }
        }
    }

    /// `[input]` with its keys, and the tables of single devices below it.
    fn input(&mut self, config: &mut Config, entry: &RawEntry) {
        let RawValue::Table(entries) = &entry.value.value else { return self.section(&mut config.input, entry) };
        let (devices, own): (Vec<RawEntry>, Vec<RawEntry>) =
            entries.iter().cloned().partition(|entry| entry.key == "device");
        self.table(&mut config.input, "input", "", &own);
        for entry in devices {
            self.devices(config, &entry);
        }
    }

    fn devices(&mut self, config: &mut Config, entry: &RawEntry) {
        const ALLOWED: &str = "\"*\", \"type:touch\" (or tablet, pointer, keyboard), a device's name, also with * in it, or \
                               \"VENDOR:PRODUCT\" in hexadecimal, as `kioskctl inputs` shows them";
        let RawValue::Table(matchers) = &entry.value.value else {
            let found = entry.value.excerpt();
            let message = format!("input.device is {found}, allowed are tables [input.device.\"NAME\"]");
            return self.error(entry.key_span.start, "input.device", message);
        };
        if self.too_many("input.device", entry, matchers.len()) {
            return;
        }
        for matcher in matchers {
            let full = format!("input.device.{}", Value::from(matcher.key.as_str()));
            let RawValue::Table(entries) = &matcher.value.value else {
                let message = format!(
                    "{full} belongs to no device; put it below [input.device.\"*\"] for all devices, or below \
                     [input.device.\"NAME\"] for one"
                );
                self.error(matcher.key_span.start, &full, message);
                continue;
            };
            let kind = matcher.key.strip_prefix("type:");
            let no_kind = kind.is_some_and(|kind| !["touch", "tablet", "pointer", "keyboard"].contains(&kind));
            if no_kind || matcher.key.trim().is_empty() || matcher.key.chars().any(char::is_control) {
                self.error(matcher.key_span.start, &full, format!("{full} is no device, allowed is {ALLOWED}"));
                continue;
            }
            self.table(keys::input_rule(config, &matcher.key), &full, "", entries);
        }
    }

    /// `[text]` with texts for every language, and the tables of single languages below it.
    fn texts(&mut self, config: &mut Config, entry: &RawEntry) {
        let RawValue::Table(entries) = &entry.value.value else {
            return self.section(keys::text_rule(config, "*"), entry);
        };
        let is_table = |entry: &RawEntry| matches!(entry.value.value, RawValue::Table(_));
        let (languages, own): (Vec<RawEntry>, Vec<RawEntry>) = entries.iter().cloned().partition(is_table);
        if self.too_many("text", entry, languages.len()) {
            return;
        }
        if !own.is_empty() {
            self.table(keys::text_rule(config, "*"), "text", "", &own);
        }
        for language in languages {
            let full = format!("text.{}", language.key);
            let RawValue::Table(entries) = &language.value.value else { continue };
            if !is_language(&language.key) {
                let message = format!("{full} is no language, allowed are tables such as [text.de] and [text.de-AT]");
                self.error(language.key_span.start, &full, message);
                continue;
            }
            self.table(keys::text_rule(config, &language.key), &full, "", entries);
        }
    }

    /// The tables of single programs in `[privilege]`.
    fn privileges(&mut self, config: &mut Config, entry: &RawEntry) {
        let RawValue::Table(programs) = &entry.value.value else {
            let found = entry.value.excerpt();
            let message = format!("privilege is {found}, allowed are tables [privilege.\"APP-ID\"]");
            return self.error(entry.key_span.start, "privilege", message);
        };
        if self.too_many("privilege", entry, programs.len()) {
            return;
        }
        for program in programs {
            let full = format!("privilege.{}", Value::from(program.key.as_str()));
            let no_name = program.key.trim().is_empty() || program.key.chars().any(char::is_control);
            match &program.value.value {
                RawValue::Table(entries) if !no_name => {
                    self.table(keys::privilege_rule(config, &program.key), &full, "", entries);
                }
                _ => {
                    let message = format!(
                        "{full} belongs to no program; put it below a table of the program's app-id, such as \
                         [privilege.\"org.example.App\"]"
                    );
                    self.error(program.key_span.start, &full, message);
                }
            }
        }
    }

    fn outputs(&mut self, config: &mut Config, entry: &RawEntry) {
        let RawValue::Table(matchers) = &entry.value.value else {
            let message = format!("output is {}, allowed are tables [output.\"*\"]", entry.value.excerpt());
            return self.error(entry.key_span.start, "output", message);
        };
        if self.too_many("output", entry, matchers.len()) {
            return;
        }
        for matcher in matchers {
            let quoted = Value::from(matcher.key.as_str()).to_string();
            let full = format!("output.{quoted}");
            let RawValue::Table(entries) = &matcher.value.value else {
                let message = format!(
                    "{full} belongs to no output; put it below [output.\"*\"] for all outputs, or below \
                     [output.\"HDMI-A-1\"] for one"
                );
                self.error(matcher.key_span.start, &full, message);
                continue;
            };
            if matcher.key.trim().is_empty() || matcher.key.chars().any(char::is_control) {
                let message = format!(
                    "{full} is no name of an output, allowed is {}",
                    "\"*\", a connector's name or \"Make Model Serial\""
                );
                self.error(matcher.key_span.start, &full, message);
                continue;
            }
            self.table(keys::output_rule(config, &matcher.key), &full, "", entries);
        }
    }

    fn shells(&mut self, base: &Shell, entry: &RawEntry) -> Vec<Vec<RawEntry>> {
        let wrong = |raw: &Raw| format!("shells is {}, allowed are tables [[shells]]", raw.excerpt());
        let RawValue::List(list) = &entry.value.value else {
            self.error(entry.key_span.start, "shells", wrong(&entry.value));
            return Vec::new();
        };
        if self.too_many("shells", entry, list.len()) {
            return Vec::new();
        }
        let mut tables = Vec::new();
        let mut outputs: Vec<String> = Vec::new();
        for (index, raw) in list.iter().enumerate() {
            let RawValue::Table(entries) = &raw.value else {
                self.error(raw.span.start, "shells", wrong(raw));
                continue;
            };
            let mut shell = base.clone();
            self.shell(&mut shell, &format!("shells[{index}]"), entries);
            if outputs.contains(&shell.output) {
                let message = format!(
                    "shells[{index}].output is {:?} like an earlier one's, allowed is one shell an output",
                    shell.output
                );
                self.error(raw.span.start, &format!("shells[{index}].output"), message);
            }
            outputs.push(shell.output);
            tables.push(entries.clone());
        }
        tables
    }

    /// One `[[shells]]` table. `browser` in it is the program, or a table of its settings, `program` among them.
    fn shell(&mut self, shell: &mut Shell, section: &str, entries: &[RawEntry]) {
        let is_settings = |entry: &&RawEntry| entry.key == "browser" && matches!(entry.value.value, RawValue::Table(_));
        let own: Vec<RawEntry> = entries.iter().filter(|entry| !is_settings(entry)).cloned().collect();
        self.table(shell, section, "", &own);
        let Some(RawValue::Table(settings)) = entries.iter().find(is_settings).map(|entry| &entry.value.value) else {
            return;
        };
        let section = format!("{section}.browser");
        let (program, settings): (Vec<RawEntry>, Vec<RawEntry>) =
            settings.iter().cloned().partition(|entry| entry.key == PROGRAM);
        let key = Shell::keys().iter().find(|key| key.name == "browser");
        if let (Some(entry), Some(key)) = (program.first(), key) {
            self.set(shell, key, &format!("{section}.{PROGRAM}"), &entry.value);
        }
        self.table(&mut shell.browser_settings, &section, "", &settings);
    }

    /// Reports an error, and returns true, when there are more than [`MAX_TABLES`].
    fn too_many(&mut self, key: &str, entry: &RawEntry, count: usize) -> bool {
        if count > MAX_TABLES {
            let message = format!("{key} has {count} tables, allowed are up to {MAX_TABLES}");
            self.error(entry.key_span.start, key, message);
        }
        count > MAX_TABLES
    }

    fn position(&self, offset: usize) -> TextPosition {
        self.lines.position(offset)
    }

    fn error(&mut self, offset: usize, key: &str, message: String) {
        let error = self.error_at(offset, key.to_owned(), message);
        self.errors.push(error);
    }

    fn error_at(&self, offset: usize, key: String, message: String) -> ConfigError {
        let origin = Origin { source: self.source.clone(), position: Some(self.position(offset)) };
        ConfigError { origin, key: shortened(&key, MAX_CHARACTERS), message: shortened(&message, MAX_CHARACTERS) }
    }
}
