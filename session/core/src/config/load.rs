//! Reads the layers of the configuration in their order. Called once at a start by kioskd and kiosk-session
//! (it is on the way to the first frame: it reads two directories and the files in them, nothing else), and by
//! `kioskctl config`. What is wrong is collected; the rest applies.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::layer::Draft;
use super::model::Config;
use super::origin::{ConfigError, Origin, Source};
use crate::{api, files::read_regular};

/// Environment variable that names the directory to take for `/`, to look at the configuration of an image.
pub const ROOT_ENV: &str = "KIOSK_ROOT";
/// `KIOSK_…` variables that are no configuration.
const RESERVED: &[&str] = &[api::RUNTIME_DIR_ENV, api::STATE_DIR_ENV, ROOT_ENV];
/// The packages' and images' layer.
pub const VENDOR_DIR: &str = "usr/lib/kiosk/config.d";
/// The administrator's main file.
pub const ADMIN_FILE: &str = "etc/kiosk/config.toml";
/// The administrator's further files.
pub const ADMIN_DIR: &str = "etc/kiosk/config.d";
/// Largest file read, bytes; a larger one is no configuration. Read, such a file can take a hundred times the memory.
pub const MAX_FILE: u64 = 64 << 10;
/// Files of a directory that are read, and names in it that are looked at: far more than a configuration needs.
const MAX_FILES: usize = 64;
const MAX_NAMES: usize = 4096;

/// Where the layers are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// From the weakest to the strongest.
    layers: Vec<LayerFile>,
    /// Variables that begin with `KIOSK_`, stronger than all files.
    environment: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LayerFile {
    File(PathBuf),
    /// As `File`, but it must exist: the command line named it.
    Named(PathBuf),
    /// All `*.toml` in it, by name.
    Directory(PathBuf),
}

/// The outcome: always a usable configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What is in force.
    pub config: Config,
    /// By full key (`shell.url`, `output."*".mode`, `shells[0].url`); what is not here is built in.
    pub origins: BTreeMap<String, Origin>,
    /// Files and variables with an error were skipped, each as a whole.
    pub errors: Vec<ConfigError>,
}

/// The files that make up the layers, and those that are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFiles {
    /// The files that are read, from the weakest to the strongest.
    pub read: Vec<PathBuf>,
    /// Files in those directories that are not read, a sentence each.
    pub skipped: Vec<String>,
}

impl Sources {
    /// Which files are read, and which are ignored: another ending, a dangling link.
    pub fn files(&self) -> ConfigFiles {
        let mut files = ConfigFiles::default();
        for layer in &self.layers {
            match layer {
                LayerFile::File(path) | LayerFile::Named(path) => {
                    if path.exists() {
                        files.read.push(path.clone());
                    } else if path.is_symlink() {
                        files.skipped.push(format!("{} is a link to nothing", path.display()));
                    }
                }
                LayerFile::Directory(folder) => {
                    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
                        .into_iter()
                        .flatten()
                        .take(MAX_NAMES)
                        .filter_map(|entry| Some(entry.ok()?.path()))
                        .collect();
                    entries.sort();
                    for path in entries {
                        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
                        let sentence = match (is_toml, path.exists()) {
                            (true, true) => {
                                files.read.push(path);
                                continue;
                            }
                            (true, false) => "is a link to nothing",
                            (false, _) => "is not read: its name does not end in .toml",
                        };
                        files.skipped.push(format!("{} {sentence}", path.display()));
                    }
                }
            }
        }
        files
    }

    /// The layers of this machine, and the environment of this process. `KIOSK_ROOT` is taken for `/`.
    pub fn system() -> Self {
        let root = std::env::var_os(ROOT_ENV).filter(|root| !root.is_empty()).unwrap_or_else(|| "/".into());
        Sources::rooted(Path::new(&root)).with_process_environment()
    }

    /// `FILE` instead of the layers; the environment still counts.
    pub fn file(path: &Path) -> Self {
        let layers = vec![LayerFile::Named(path.to_owned())];
        Sources { layers, environment: BTreeMap::new() }.with_process_environment()
    }

    /// The layers below `root`, and no environment.
    pub fn rooted(root: &Path) -> Self {
        let layers = vec![
            LayerFile::Directory(root.join(VENDOR_DIR)),
            LayerFile::File(root.join(ADMIN_FILE)),
            LayerFile::Directory(root.join(ADMIN_DIR)),
        ];
        Sources { layers, environment: BTreeMap::new() }
    }

    /// With this variable set, overriding the process's environment.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn with_process_environment(mut self) -> Self {
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("KIOSK_") {
                self.environment.insert(name.into_owned(), value.to_string_lossy().into_owned());
            }
        }
        self
    }
}

impl Config {
    /// Lays one file's content over what is built in, without the environment; `path` is what messages call it.
    pub fn of_file(path: &Path, content: &[u8]) -> Loaded {
        let built_in = Draft::default();
        let (draft, errors) = match built_in.with_file(path, content) {
            Ok(draft) => (draft, Vec::new()),
            Err(errors) => (built_in, errors),
        };
        let (config, origins) = draft.finish();
        Loaded { config, origins, errors }
    }

    /// Reads and lays all layers. Never fails: see [`Loaded::errors`].
    pub fn load(sources: &Sources) -> Loaded {
        let mut draft = Draft::default();
        let mut errors = Vec::new();
        for layer in &sources.layers {
            let files = match layer {
                LayerFile::File(path) | LayerFile::Named(path) => vec![path.clone()],
                LayerFile::Directory(path) => list(path).unwrap_or_else(|error| {
                    errors.push(error);
                    Vec::new()
                }),
            };
            for path in files {
                let bytes = match read_file(&path) {
                    Ok(bytes) => bytes,
                    Err(error) if error.kind() == ErrorKind::NotFound && matches!(layer, LayerFile::File(_)) => {
                        continue;
                    }
                    Err(error) => {
                        errors.push(unreadable(&path, &error));
                        continue;
                    }
                };
                match draft.with_file(&path, &bytes) {
                    Ok(next) => draft = next,
                    Err(wrong) => errors.extend(wrong),
                }
            }
        }
        for (name, value) in &sources.environment {
            // An empty variable is an unset one, as in systemd units and container files.
            if value.is_empty() || RESERVED.contains(&name.as_str()) {
                continue;
            }
            match draft.with_variable(name, value) {
                Ok(next) => draft = next,
                Err(error) => errors.push(error),
            }
        }
        let (config, origins) = draft.finish();
        Loaded { config, origins, errors }
    }
}

fn list(directory: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(directory, &error)),
    };
    let mut files = Vec::new();
    let too_many = |what: &str| unreadable(directory, &std::io::Error::other(format!("it has more than {what}")));
    for (number, entry) in entries.enumerate() {
        if number == MAX_NAMES {
            return Err(too_many(&format!("{MAX_NAMES} names in it")));
        }
        let path = entry.map_err(|error| unreadable(directory, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    if files.len() > MAX_FILES {
        return Err(too_many(&format!("{MAX_FILES} files of settings")));
    }
    files.sort();
    Ok(files)
}

/// A regular file of at most [`MAX_FILE`] bytes.
pub(super) fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    read_regular(path, MAX_FILE)
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    let origin = Origin { source: Source::File(path.to_owned()), position: None };
    ConfigError { origin, key: String::new(), message: format!("this can't be read: {error}") }
}
