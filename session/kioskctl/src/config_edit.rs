//! `config get`, `set` and `unset`: single keys, in a drop-in file of our own below `/etc/kiosk/config.d`. A value that
//! is not allowed is never written.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kiosk_client::Exit;
use kiosk_core::config::edit::{self, DROP_IN, MAX_FILE};
use kiosk_core::config::{ADMIN_DIR, Config, ConfigError, Loaded, ROOT_ENV, Source, Sources};
use kiosk_core::files;
use serde_json::json;

use super::outcome::{Failure, Outcome, path_text};

pub fn get(key: &str) -> Result<Outcome, Failure> {
    let settings = Config::load(&Sources::system()).settings();
    let Some(setting) = settings.iter().find(|setting| setting.key == key) else {
        return Err(unknown(key, settings.iter().map(|setting| setting.key.clone())));
    };
    let value = setting.value.as_str().map_or_else(|| setting.value.to_string(), str::to_owned);
    Ok(Outcome::new(value, json!(setting)))
}

/// A key that is none of those.
pub fn unknown(key: &str, known: impl Iterator<Item = String>) -> Failure {
    let known: Vec<String> = known.collect();
    let near = kiosk_core::config::closest(key, known.iter().map(String::as_str));
    let near = near.map(|near| format!(", did you mean {near}?")).unwrap_or_default();
    Failure::not_found(format!("there is no key {key:?}{near} `kioskctl config show` lists all"))
}

pub fn set(key: &str, typed: &str) -> Result<Outcome, Failure> {
    let file = drop_in();
    let text = read(&file)?;
    let mut refused = None;
    for value in edit::readings(typed) {
        let changed = edit::set(&text, key, value).map_err(|error| about(&file, &error))?;
        match wrong_in(&file, &changed, &text) {
            None => {
                write(&file, &changed)?;
                return Ok(written(key, &file));
            }
            // The error of the first reading is reported.
            Some(error) => refused = refused.or(Some(error)),
        }
    }
    let why = refused.map_or_else(String::new, |error| error.message);
    Err(Failure::new(Exit::Usage, why))
}

pub fn unset(key: &str) -> Result<Outcome, Failure> {
    let file = drop_in();
    let text = read(&file)?;
    match edit::unset(&text, key).map_err(|error| about(&file, &error))? {
        Some(changed) => {
            write(&file, &changed)?;
            Ok(written(key, &file))
        }
        None => Err(Failure::not_found(format!("{} does not set {key}", file.display()))),
    }
}

fn drop_in() -> PathBuf {
    let root = std::env::var_os(ROOT_ENV).filter(|root| !root.is_empty()).unwrap_or_else(|| "/".into());
    Path::new(&root).join(ADMIN_DIR).join(DROP_IN)
}

fn read(file: &Path) -> Result<String, Failure> {
    let bytes = match files::read_regular(file, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(refused(file, "read", &error)),
    };
    String::from_utf8(bytes).map_err(|_| about(file, &"it is not UTF-8 text"))
}

/// Says when the change takes effect, and which layer overrides it.
fn written(key: &str, file: &Path) -> Outcome {
    let loaded = Config::load(&Sources::system());
    let of_it = |error: &&ConfigError| error.origin.source == Source::File(file.to_owned());
    if let Some(error) = loaded.errors.iter().find(of_it) {
        let text = format!("written to {}, which is skipped as a whole: {error}", file.display());
        return Outcome { exit: Exit::Failed, ..Outcome::new(text, json!({ "file": path_text(file), "key": key })) };
    }
    let (in_force, by) = in_force(&loaded, key, file);
    let text = match &by {
        Some(by) => format!("written to {}, but {by} counts more", file.display()),
        None => format!("written to {}; `kioskctl config reload` brings it into force", file.display()),
    };
    Outcome::new(text, json!({ "file": path_text(file), "key": key, "value": in_force, "overruled-by": by }))
}

fn in_force(loaded: &Loaded, key: &str, file: &Path) -> (serde_json::Value, Option<String>) {
    let settings = loaded.settings();
    let Some(setting) = settings.iter().find(|setting| setting.key == key) else { return (json!(null), None) };
    let ours = setting.origin.starts_with(&file.display().to_string());
    // A removed key gets its value from a lower layer.
    let stronger = loaded.origins.get(key).filter(|origin| !ours && is_stronger(origin, file));
    (setting.value.clone(), stronger.map(ToString::to_string))
}

fn is_stronger(origin: &kiosk_core::config::Origin, file: &Path) -> bool {
    match &origin.source {
        Source::BuiltIn => false,
        Source::File(other) => other.parent() == file.parent() && other.as_path() > file,
        Source::Environment(_) => true,
    }
}

/// The first new error in the file.
fn wrong_in(file: &Path, changed: &str, before: &str) -> Option<ConfigError> {
    let errors = |text: &str| Config::of_file(file, text.as_bytes()).errors;
    let known: Vec<String> = errors(before).into_iter().map(|error| error.key).collect();
    errors(changed).into_iter().find(|error| !known.contains(&error.key))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let replace = || -> std::io::Result<()> {
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)?;
        }
        // Keeps the file's permissions: it may be private because of a password in a URL.
        let before = std::fs::metadata(file).map(|meta| meta.permissions());
        let permissions = before.unwrap_or_else(|_| PermissionsExt::from_mode(0o644));
        let folder = file.parent().unwrap_or(Path::new("/"));
        let mut new = tempfile::Builder::new().prefix(".kioskctl").tempfile_in(folder)?;
        new.write_all(text.as_bytes())?;
        new.as_file().set_permissions(permissions)?;
        new.as_file().sync_all()?;
        new.persist(file).map_err(|error| error.error)?;
        std::fs::File::open(folder)?.sync_all()
    };
    replace().map_err(|error| refused(file, "written", &error))
}

fn refused(file: &Path, what: &str, error: &std::io::Error) -> Failure {
    let exit = if error.kind() == ErrorKind::PermissionDenied { Exit::NotAllowed } else { Exit::Failed };
    let cure = if exit == Exit::NotAllowed { "; run it as root" } else { "" };
    Failure::new(exit, format!("{} could not be {what}: {error}{cure}", file.display()))
}

fn about(file: &Path, error: &impl std::fmt::Display) -> Failure {
    Failure::invalid(format!("{}: {error}", file.display()))
}
