//! The saved state, `state.toml`: changes of screens and decisions about input devices that were made at runtime and
//! outlive a reboot. kioskd reads it before the first modeset and writes it whenever a change is kept. A power cut at
//! any moment leaves the old file or the new one, and no file, whatever is in it, keeps the screen from coming up.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml_edit::{Document, DocumentMut, Item, Table, value};

use super::accessibility::{Accessibility, Aid};
use super::devices::{Calibration, InputRule, InputSettings, OUTPUT_AUTO};
use super::keys::Sectioned;
use super::load::read_file;
use super::output::{OutputRule, OutputSettings};
use super::raw::{Raw, RawEntry, RawValue};
use super::trust::{TrustError, TrustList};
use crate::api;
use crate::durable;

/// The format that this program writes. A file from a newer one is set aside, not guessed at.
const VERSION: i64 = 1;
const FILE: &str = "state.toml";
/// Written, then renamed to [`FILE`].
const NEW_FILE: &str = "state.toml.new";
/// Where a file that can't be used goes, for people to look at.
const BAD_FILE: &str = "state.toml.bad";
const HEADER: &str = "# Written by kioskd: the screen changes and aids that were kept, and which input devices are trusted. Remove it to forget them.\n";

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
    /// By the device's name, or by its id where several have the same name.
    inputs: BTreeMap<String, InputSettings>,
    /// Aids that were switched on or off at runtime.
    aids: BTreeMap<Aid, bool>,
    /// Which input devices may be used.
    pub trust: TrustList,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct SavedOutput {
    /// The connector on which a display with an identity was last: its settings still apply there when its EDID cannot
    /// be read.
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

/// Why a file cannot be used. The caller adds the file's path.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // Each says itself what it is.
pub enum StateError {
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it is not TOML: {0}")]
    NotToml(String),
    #[error("it is of the newer version {0}, and this program writes {VERSION}")]
    Newer(i64),
    #[error("it has no version that was ever written")]
    NoVersion,
    #[error("its {0} is no table")]
    NoTables(&'static str),
    #[error("{0} {1:?} is no table")]
    NoTable(&'static str, String),
    #[error("{what} {name:?} has the unknown key {key:?}")]
    UnknownKey { what: &'static str, name: String, key: String },
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("{key} of {what} {name:?} is {value}, allowed is {allowed}")]
    Value { what: &'static str, name: String, key: String, value: String, allowed: String },
}

impl SavedState {
    /// Reads the state in `directory` and touches nothing. `None`: there is none, or it cannot be used or read.
    pub fn peek(directory: &Path) -> Option<SavedState> {
        SavedState::parse(&read_file(&directory.join(FILE)).ok()?).ok()
    }

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
        match SavedState::parse(&bytes) {
            Ok(state) => (state, None),
            Err(why) => (SavedState::default(), Some(set_aside(&path, &why.to_string()))),
        }
    }

    /// Reads a file's content: all of it, or why not.
    pub fn parse(bytes: &[u8]) -> Result<SavedState, StateError> {
        let text = std::str::from_utf8(bytes).map_err(|_| StateError::NotText)?;
        let document = Document::parse(text).map_err(|error| StateError::NotToml(error.message().to_owned()))?;
        match document.get("version").and_then(Item::as_integer) {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => return Err(StateError::Newer(newer)),
            _ => return Err(StateError::NoVersion),
        }
        let mut state = SavedState { trust: TrustList::parse(document.get("device"))?, ..SavedState::default() };
        for (id, entries) in tables(&document, "input")? {
            let mut rule = InputRule { matcher: id.clone(), ..InputRule::default() };
            for entry in &entries {
                set(&mut rule, "input", &id, entry)?;
            }
            state.inputs.insert(id, rule.settings);
        }
        if let Some(item) = document.get("accessibility") {
            let table = item.as_table_like().ok_or(StateError::NoTables("accessibility"))?;
            for (name, item) in table.iter() {
                let unknown =
                    |_| StateError::UnknownKey { what: "accessibility", name: String::new(), key: name.to_owned() };
                let aid: Aid = name.parse().map_err(unknown)?;
                let on = item.as_bool().ok_or_else(|| StateError::Value {
                    what: "accessibility",
                    name: String::new(),
                    key: name.to_owned(),
                    value: item.to_string().trim().to_owned(),
                    allowed: "true or false".into(),
                })?;
                state.aids.insert(aid, on);
            }
        }
        for (name, entries) in tables(&document, "output")? {
            let mut connector = None;
            let mut rule = OutputRule { matcher: name.clone(), settings: OutputSettings::default() };
            for entry in &entries {
                if entry.key == "connector" {
                    let text = entry.value.as_text().map_err(|_| wrong("output", &name, entry, "a text".into()))?;
                    connector = Some(text.to_owned());
                } else {
                    set(&mut rule, "output", &name, entry)?;
                }
            }
            state.outputs.insert(name, SavedOutput { connector, settings: rule.settings });
        }
        Ok(state)
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
            // A display that was on this connector before is there no longer.
            for (other, saved) in &mut self.outputs {
                if other != identity && saved.connector.as_deref() == Some(connector) {
                    saved.connector = None;
                }
            }
        }
    }

    /// Forgets what is saved for this display, or one key of it (see [`OutputSettings::KEYS`]). Returns whether there
    /// was anything.
    pub fn forget_output(&mut self, identity: &str, connector: &str, key: Option<&str>) -> bool {
        let found = self.output(identity, connector).map(std::ptr::from_ref);
        let mut forgot = false;
        for saved in self.outputs.values_mut().filter(|saved| found == Some(std::ptr::from_ref(&saved.settings))) {
            forgot |= saved.settings.forget(key);
        }
        self.outputs.retain(|_, saved| !saved.settings.is_empty());
        forgot
    }

    /// The same of all displays, those included that are not there.
    pub fn forget_outputs(&mut self, key: Option<&str>) -> bool {
        let mut forgot = false;
        for saved in self.outputs.values_mut() {
            forgot |= saved.settings.forget(key);
        }
        self.outputs.retain(|_, saved| !saved.settings.is_empty());
        forgot
    }

    /// Every display that something is saved for: by identity or connector, what, and where it was last.
    pub fn outputs(&self) -> impl Iterator<Item = (&str, Option<&str>, &OutputSettings)> {
        self.outputs.iter().map(|(name, saved)| (name.as_str(), saved.connector.as_deref(), &saved.settings))
    }

    /// What is saved for the input device `id`, else for all of its `name`.
    pub fn input(&self, id: &str, name: &str) -> Option<&InputSettings> {
        self.inputs.get(id).or_else(|| self.inputs.get(name))
    }

    /// Adds what `changes` names to what is saved for this device. An output of `auto` and the device's own calibration
    /// are the defaults: they remove the saved setting.
    pub fn change_input(&mut self, id: &str, name: &str, changes: &InputSettings) {
        let mut settings = self.input(id, name).cloned().unwrap_or_default();
        settings.overlay(changes);
        settings.output = settings.output.filter(|output| output != OUTPUT_AUTO);
        settings.calibration = settings.calibration.filter(|calibration| *calibration != Calibration::Own);
        // An empty entry stays where the entry for the name would apply without it.
        if settings.is_empty() && (id == name || !self.inputs.contains_key(name)) {
            self.inputs.remove(id);
        } else {
            self.inputs.insert(id.to_owned(), settings);
        }
    }

    /// Aids that were switched at runtime: on or off.
    pub fn aids(&self) -> impl Iterator<Item = (Aid, bool)> + '_ {
        self.aids.iter().map(|(aid, on)| (*aid, *on))
    }

    /// Switches an aid for good; `None`: as the configuration says.
    pub fn change_aid(&mut self, aid: Aid, on: Option<bool>) {
        match on {
            Some(on) => self.aids.insert(aid, on),
            None => self.aids.remove(&aid),
        };
    }

    /// The aids that are on: as switched at runtime, else as configured.
    pub fn accessibility(&self, configured: Accessibility) -> Accessibility {
        let mut aids = configured;
        self.aids().for_each(|(aid, on)| aids.set(aid, on));
        aids
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.aids.clear();
        self.inputs.clear();
        self.outputs.clear();
        self.trust.clear();
    }

    /// The file's content, as [`SavedState::parse`] reads it.
    pub fn text(&self) -> String {
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
        if !self.aids.is_empty() {
            let mut table = Table::new();
            self.aids().for_each(|(aid, on)| drop(table.insert(aid.as_str(), value(on))));
            document.insert("accessibility", Item::Table(table));
        }
        document.insert("device", self.trust.item());
        format!("{HEADER}{document}")
    }
}

/// The tables below `what`, by their names; none where it is not there.
fn tables(document: &Document<&str>, what: &'static str) -> Result<Vec<(String, Vec<RawEntry>)>, StateError> {
    let Some(item) = document.get(what) else { return Ok(Vec::new()) };
    let table = item.as_table_like().ok_or(StateError::NoTables(what))?;
    let entries = |(name, item): (&str, &Item)| match Raw::from_item(item) {
        Some(Raw { value: RawValue::Table(entries), .. }) => Ok((name.to_owned(), entries)),
        _ => Err(StateError::NoTable(what, name.to_owned())),
    };
    table.iter().map(entries).collect()
}

/// Sets what one entry of a table says, as the configuration would.
fn set<T: Sectioned>(rule: &mut T, what: &'static str, name: &str, entry: &RawEntry) -> Result<(), StateError> {
    let key = T::keys().iter().find(|key| key.name == entry.key).ok_or_else(|| StateError::UnknownKey {
        what,
        name: name.to_owned(),
        key: entry.key.clone(),
    })?;
    (key.set)(rule, &entry.value).map_err(|_| wrong(what, name, entry, key.allowed.text()))
}

fn wrong(what: &'static str, name: &str, entry: &RawEntry, allowed: String) -> StateError {
    StateError::Value { what, name: name.to_owned(), key: entry.key.clone(), value: entry.value.excerpt(), allowed }
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
