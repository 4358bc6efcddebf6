//! What is kept over reboots: the screen changes made at runtime, in `state.toml`. kioskd reads it before the
//! first modeset and writes it whenever a change is kept. A power cut at any moment leaves the old file or the
//! new one, and no file, whatever is in it, keeps the screen from coming up.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml_edit::{Document, DocumentMut, Item, Table, value};

use super::devices::{Calibration, InputRule, InputSettings, OUTPUT_AUTO};
use super::keys::{OUTPUTS, Sectioned};
use super::load::read_file;
use super::output::{OutputRule, OutputSettings};
use super::raw::{Raw, RawValue};
use crate::api;
use crate::durable;

/// The format that this program writes. A file from a newer one is set aside, not guessed at.
const VERSION: i64 = 1;
const FILE: &str = "state.toml";
/// Written, then renamed to [`FILE`].
const NEW_FILE: &str = "state.toml.new";
/// Where a file that can't be used goes, for people to look at.
const BAD_FILE: &str = "state.toml.bad";
const HEADER: &str = "# Written by kioskd: the screen changes that were kept. Remove it to forget them.\n";

/// The directory of the saved state: `KIOSK_STATE_DIR`, else systemd's `STATE_DIRECTORY`, else
/// `/var/lib/kiosk`.
pub fn state_dir() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(api::STATE_DIR_ENV).or_else(|| set("STATE_DIRECTORY")).unwrap_or_else(|| api::STATE_DIR.into())
}

/// The saved changes, by output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SavedState {
    outputs: BTreeMap<String, SavedOutput>,
    /// By the device's name, or what tells it from others of its name.
    inputs: BTreeMap<String, InputSettings>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct SavedOutput {
    /// Where a display with an identity was last: it is still found there when its EDID can't be read.
    connector: Option<String>,
    settings: OutputSettings,
}

/// Why the state could not be written; the change is in force, but not over a reboot.
#[derive(Debug, thiserror::Error)]
#[error("the change can't be kept: writing {path} failed: {error}; make {directory} writable for kioskd")]
pub struct SaveError {
    path: String,
    directory: String,
    error: std::io::Error,
}

impl SavedState {
    /// Reads the state in `directory`. Never fails: a file that can't be used is renamed to `state.toml.bad`,
    /// and the second part says so in one sentence.
    pub fn load(directory: &Path) -> (SavedState, Option<String>) {
        let path = directory.join(FILE);
        let bytes = match read_file(&path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return (SavedState::default(), None);
            }
            Err(error) => return (SavedState::default(), Some(set_aside(&path, &error.to_string()))),
        };
        match parse(&bytes) {
            Ok(state) => (state, None),
            Err(why) => (SavedState::default(), Some(set_aside(&path, &why))),
        }
    }

    /// Writes the state to `directory`, making it if need be: whole and durable, or not at all.
    pub fn save(&self, directory: &Path) -> Result<(), SaveError> {
        let (path, new) = (directory.join(FILE), directory.join(NEW_FILE));
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(directory)?;
            durable::replace(&path, &new, self.text().as_bytes())?;
            // The directory may be as new as the file.
            if let Some(parent) = directory.parent().and_then(|parent| File::open(parent).ok()) {
                let _ = parent.sync_all();
            }
            Ok(())
        };
        write().map_err(|error| {
            let _ = std::fs::remove_file(&new);
            SaveError { path: path.display().to_string(), directory: directory.display().to_string(), error }
        })
    }

    /// What is saved for the display `identity` (empty: none readable) on `connector`.
    pub fn output(&self, identity: &str, connector: &str) -> Option<&OutputSettings> {
        let by_identity = self.outputs.get(identity).filter(|_| !identity.is_empty());
        let found = by_identity.or_else(|| self.outputs.get(connector)).or_else(|| {
            let was_here = |saved: &&SavedOutput| saved.connector.as_deref() == Some(connector);
            self.outputs.values().find(was_here).filter(|_| identity.is_empty())
        });
        found.map(|saved| &saved.settings)
    }

    /// Adds what `changes` names to what is saved for this display. Pass no identity for displays that can't
    /// be told apart (two of a model without serial numbers).
    pub fn change(&mut self, identity: &str, connector: &str, changes: &OutputSettings) {
        let inherited = self.output(identity, connector).cloned().unwrap_or_default();
        let key = if identity.is_empty() { connector } else { identity };
        let saved = self.outputs.entry(key.to_owned()).or_default();
        if saved.settings.is_empty() {
            saved.settings = inherited;
        }
        saved.settings.overlay(changes);
        if !identity.is_empty() {
            saved.connector = Some(connector.to_owned());
            // One display has one connector: an older one's claim has ended.
            for (other, saved) in &mut self.outputs {
                if other != identity && saved.connector.as_deref() == Some(connector) {
                    saved.connector = None;
                }
            }
        }
    }

    /// What is saved for the input device `id`, else for all of its `name`.
    pub fn input(&self, id: &str, name: &str) -> Option<&InputSettings> {
        self.inputs.get(id).or_else(|| self.inputs.get(name))
    }

    /// Adds what `changes` names to what is saved for this device. An output of `auto` and a device's own
    /// calibration are what is so without a word: they end what was saved.
    pub fn change_input(&mut self, id: &str, name: &str, changes: &InputSettings) {
        let mut settings = self.input(id, name).cloned().unwrap_or_default();
        settings.overlay(changes);
        settings.output = settings.output.filter(|output| output != OUTPUT_AUTO);
        settings.calibration = settings.calibration.filter(|calibration| *calibration != Calibration::Own);
        // An empty one stays where the name's would count without it.
        if settings.is_empty() && (id == name || !self.inputs.contains_key(name)) {
            self.inputs.remove(id);
        } else {
            self.inputs.insert(id.to_owned(), settings);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.inputs.clear();
        self.outputs.clear();
    }

    fn text(&self) -> String {
        let mut document = DocumentMut::new();
        document.insert("version", value(VERSION));
        let mut outputs = Table::new();
        outputs.set_implicit(true);
        for (key, saved) in &self.outputs {
            let mut table = Table::new();
            if let Some(connector) = &saved.connector {
                table.insert("connector", value(connector.as_str()));
            }
            let rule = OutputRule { matcher: key.clone(), settings: saved.settings.clone() };
            for key in OutputRule::keys() {
                if let Some(set) = (key.get)(&rule) {
                    table.insert(key.name, Item::Value(set));
                }
            }
            outputs.insert(key, Item::Table(table));
        }
        document.insert("output", Item::Table(outputs));
        let mut inputs = Table::new();
        inputs.set_implicit(true);
        for (id, settings) in &self.inputs {
            let rule = InputRule { matcher: id.clone(), settings: settings.clone() };
            let mut table = Table::new();
            for key in InputRule::keys() {
                if let Some(set) = (key.get)(&rule) {
                    table.insert(key.name, Item::Value(set));
                }
            }
            inputs.insert(id, Item::Table(table));
        }
        document.insert("input", Item::Table(inputs));
        format!("{HEADER}{document}")
    }
}

fn parse(bytes: &[u8]) -> Result<SavedState, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let document = Document::parse(text).map_err(|error| format!("it is not TOML: {}", error.message()))?;
    match document.get("version").and_then(Item::as_integer) {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => return Err(format!("it is of the newer version {newer}")),
        _ => return Err("it has no version that was ever written".into()),
    }
    let mut state = SavedState::default();
    if let Some(inputs) = document.get("input") {
        state.inputs = parse_inputs(inputs)?;
    }
    let Some(outputs) = document.get("output") else { return Ok(state) };
    for (name, item) in outputs.as_table_like().ok_or("its output is no table")?.iter() {
        let Some(Raw { value: RawValue::Table(entries), .. }) = Raw::from_item(item) else {
            return Err(format!("output {name:?} is no table"));
        };
        let mut connector = None;
        let mut rule = OutputRule { matcher: name.to_owned(), settings: OutputSettings::default() };
        for entry in entries {
            let wrong = || format!("{} of output {name:?} is {}", entry.key, entry.value.excerpt());
            if entry.key == "connector" {
                connector = Some(entry.value.as_text().map_err(|_| wrong())?.to_owned());
                continue;
            }
            let key = OUTPUTS.iter().find(|key| key.name == entry.key);
            let key = key.ok_or_else(|| format!("output {name:?} has the unknown key {:?}", entry.key))?;
            (key.set)(&mut rule, &entry.value).map_err(|_| wrong())?;
        }
        state.outputs.insert(name.to_owned(), SavedOutput { connector, settings: rule.settings });
    }
    Ok(state)
}

fn parse_inputs(inputs: &Item) -> Result<BTreeMap<String, InputSettings>, String> {
    let mut parsed = BTreeMap::new();
    for (id, item) in inputs.as_table_like().ok_or("its input is no table")?.iter() {
        let Some(Raw { value: RawValue::Table(entries), .. }) = Raw::from_item(item) else {
            return Err(format!("input {id:?} is no table"));
        };
        let mut rule = InputRule { matcher: id.to_owned(), ..InputRule::default() };
        for entry in entries {
            let key = InputRule::keys().iter().find(|key| key.name == entry.key);
            let key = key.ok_or_else(|| format!("input {id:?} has the unknown key {:?}", entry.key))?;
            (key.set)(&mut rule, &entry.value)
                .map_err(|_| format!("{} of input {id:?} is {}", entry.key, entry.value.excerpt()))?;
        }
        parsed.insert(id.to_owned(), rule.settings);
    }
    Ok(parsed)
}

fn set_aside(path: &Path, why: &str) -> String {
    let bad = path.with_file_name(BAD_FILE);
    match std::fs::rename(path, &bad) {
        Ok(()) => format!("The saved screen changes in {} are not used: {why}. It is now {BAD_FILE}", path.display()),
        Err(error) => {
            format!("The saved screen changes in {} are not used: {why}. Renaming it failed: {error}", path.display())
        }
    }
}
