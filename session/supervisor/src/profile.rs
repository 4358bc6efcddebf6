//! The browser's own directory: where it is, and its preparation before each start, so that the browser neither offers
//! to restore after a crash nor takes its profile for one in use.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use kiosk_core::api::STATE_DIR_ENV;
use kiosk_core::durable::replace;
use kiosk_core::files::{read_json, remove_tree};

/// Default directory of the service's data.
const SERVICE_DIR: &str = "/var/lib/kiosk-web";

/// Name prefix of the directories of all shells but the first.
const PART: &str = "shell-";

/// Directories of the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Home and configuration of the browser, where the user has none.
    pub base: PathBuf,
    /// Cookies, storage and settings: what must outlive a restart.
    pub profile: PathBuf,
    /// Data that can be fetched again.
    pub cache: PathBuf,
}

impl Directories {
    /// The first writable one of: the service manager's state directory, `KIOSK_STATE_DIR`, `/var/lib/kiosk-web`, the
    /// user's state directory; else a temporary one in `temporary`.
    ///
    /// `variable` reads the environment.
    pub fn find(variable: impl Fn(&str) -> Option<String>, temporary: &Path) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let first = |list: String| list.split(':').next().map(PathBuf::from);
        let candidates = [
            variable("STATE_DIRECTORY").and_then(first),
            variable(STATE_DIR_ENV).map(|directory| Path::new(&directory).join("web")),
            Some(PathBuf::from(SERVICE_DIR)),
            variable("XDG_STATE_HOME").map(|directory| Path::new(&directory).join("kiosk-web")),
            variable("HOME").map(|home| Path::new(&home).join(".local/state/kiosk-web")),
        ];
        let writable = candidates.into_iter().flatten().find(|directory| can_write(directory));
        let base = writable.unwrap_or_else(|| {
            let base = temporary.join(format!("kiosk-web-{}", rustix::process::geteuid().as_raw()));
            tracing::warn!(path = %base.display(), "no directory for the browser's data: it is lost at the next boot");
            base
        });
        let cache = variable("CACHE_DIRECTORY").and_then(first).unwrap_or_else(|| base.join("cache"));
        Directories { profile: base.join("profile"), cache, base }
    }

    /// Those of the shell with this number: the first shell has these, others a subdirectory each. Errors: it cannot be
    /// made.
    pub fn of_shell(&self, number: usize) -> io::Result<Self> {
        if number == 0 {
            return Ok(self.clone());
        }
        let own = self.part(number);
        std::fs::create_dir_all(&own.base)?;
        Ok(own)
    }

    /// The existing ones of shells with this number and higher.
    pub fn others(&self, from: usize) -> Vec<Self> {
        let entries = std::fs::read_dir(&self.base).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix(PART)?.parse().ok());
        let mut numbers: Vec<usize> = numbers.filter(|number| *number >= from.max(1)).collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.part(number)).collect()
    }

    fn part(&self, number: usize) -> Self {
        let own = format!("{PART}{number}");
        let base = self.base.join(&own);
        Directories { profile: base.join("profile"), cache: self.cache.join(own), base }
    }
}

fn can_write(directory: &Path) -> bool {
    std::fs::create_dir_all(directory).is_ok()
        && rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

/// Longest preferences file, bytes; a kiosk's has some ten thousand.
const MAX_PREFERENCES: u64 = 2 << 20;
/// Most values in it, about.
const MAX_VALUES: usize = 20_000;

/// Sets a clean exit and this zoom for all pages in the profile's Preferences. An unreadable file is set aside, and the
/// browser creates a new one.
pub fn prepare(profile: &Path, zoom: f64) -> io::Result<()> {
    let directory = profile.join("Default");
    std::fs::create_dir_all(&directory)?;
    let file = directory.join("Preferences");
    let found = read_preferences(&file, &directory.join("Preferences.damaged"))?;
    let is_new = found.is_none();
    let before = found.unwrap_or_else(|| json!({}));
    let mut preferences = before.clone();
    if !is_new {
        let part = part_of(&mut preferences, "profile");
        part["exit_type"] = json!("Normal");
        part["exited_cleanly"] = json!(true);
    }
    set_zoom(&mut preferences, zoom);
    if preferences == before {
        return Ok(());
    }
    replace(&file, &directory.join("Preferences.new"), preferences.to_string().as_bytes())
}

/// `None`: there are none, or they were set aside.
fn read_preferences(file: &Path, damaged: &Path) -> io::Result<Option<Value>> {
    match read_json(file, MAX_PREFERENCES, MAX_VALUES) {
        Ok(preferences) => Ok(Some(Value::Object(preferences))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "browser's preferences unusable: set aside");
            std::fs::rename(file, damaged).map(|()| None)
        }
    }
}

/// An object within the preferences; replaces any other value.
fn part_of<'a>(preferences: &'a mut Value, name: &str) -> &'a mut Value {
    let part = &mut preferences[name];
    if !part.is_object() {
        *part = json!({});
    }
    part
}

/// Chromium's name for the storage of its own profile, where it keeps zoom by storage.
const OWN_STORAGE: &str = "x";
/// Chromium counts zoom in steps of 20 %.
const ZOOM_STEP: f64 = 1.2;

/// Removes zoom levels by host, which Chromium keeps even when data is cleared.
fn set_zoom(preferences: &mut Value, zoom: f64) {
    let level = zoom.ln() / ZOOM_STEP.ln();
    let wanted = level.abs() > f64::EPSILON;
    if !wanted && preferences.get("partition").is_none() {
        return;
    }
    let Some(partition) = part_of(preferences, "partition").as_object_mut() else { return };
    partition.remove("per_host_zoom_levels");
    partition.remove("default_zoom_level");
    if wanted {
        partition.insert("default_zoom_level".into(), json!({ OWN_STORAGE: level }));
    }
}

/// Moves the profile aside, so that the browser creates a new one. Keeps only the last copy, and returns its path. Only
/// when no process uses it.
pub fn set_aside(profile: &Path) -> io::Result<PathBuf> {
    let kept = profile.with_extension("set-aside");
    remove_tree(&kept)?;
    match std::fs::rename(profile, &kept) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_profile_set_aside_is_kept() {
        let base = tempfile::tempdir().unwrap();
        let profile = base.path().join("profile");
        for number in ["1", "2"] {
            std::fs::create_dir_all(profile.join("Default")).unwrap();
            std::fs::write(profile.join("Default/x"), number).unwrap();
            let kept = set_aside(&profile).unwrap();
            assert_eq!(std::fs::read_to_string(kept.join("Default/x")).unwrap(), number);
            assert!(!profile.exists());
        }
        set_aside(&profile).unwrap();
    }

    #[test]
    fn preferences_say_that_all_was_well() {
        let profile = tempfile::tempdir().unwrap();
        prepare(profile.path(), 1.0).unwrap();
        let file = profile.path().join("Default/Preferences");
        assert!(!file.exists(), "the browser makes it");
        std::fs::write(&file, r#"{"a":1,"profile":{"exit_type":"Crashed","name":"x"}}"#).unwrap();
        prepare(profile.path(), 1.0).unwrap();
        let text: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let profile_part = json!({ "exit_type": "Normal", "exited_cleanly": true, "name": "x" });
        assert_eq!(text, json!({ "a": 1, "profile": profile_part }));
    }

    #[test]
    fn the_zoom_is_the_configured_one_whatever_people_zoomed_to() {
        let profile = tempfile::tempdir().unwrap();
        let file = profile.path().join("Default/Preferences");
        let read = || serde_json::from_str::<Value>(&std::fs::read_to_string(&file).unwrap()).unwrap();
        prepare(profile.path(), 1.44).unwrap();
        let level = read()["partition"]["default_zoom_level"][OWN_STORAGE].as_f64().unwrap();
        assert!((level - 2.0).abs() < 1e-9, "{level}");
        let zoomed = json!({ "per_host_zoom_levels": { "x": { "localhost": { "zoom_level": -6.0 } } }, "other": 1,
                             "default_zoom_level": { "x": 3.0 } });
        std::fs::write(&file, json!({ "partition": zoomed }).to_string()).unwrap();
        prepare(profile.path(), 1.0).unwrap();
        assert_eq!(read()["partition"], json!({ "other": 1 }));
    }

    #[test]
    fn damaged_preferences_are_put_aside() {
        let profile = tempfile::tempdir().unwrap();
        for damaged in ["", "{\"profile\":", "[]", "\0\0\0"] {
            prepare(profile.path(), 1.0).unwrap();
            let file = profile.path().join("Default/Preferences");
            std::fs::write(&file, damaged).unwrap();
            prepare(profile.path(), 1.0).unwrap();
            assert!(!file.exists(), "{damaged:?}");
        }
    }

    #[test]
    fn directories_of_shells_that_are_not_configured_are_known_again() {
        let base = tempfile::tempdir().unwrap();
        let all = Directories {
            base: base.path().into(),
            profile: base.path().join("profile"),
            cache: base.path().join("cache"),
        };
        let own: Vec<Directories> = (0..4).map(|number| all.of_shell(number).unwrap()).collect();
        for other in ["shell-", "shell--1", "shell-x", "shell-99999999999999999999999", "profile", "my-shell-2"] {
            std::fs::create_dir(base.path().join(other)).unwrap();
        }
        assert_eq!(all.others(2), own[2..]);
        assert_eq!(all.others(0), own[1..], "the first has the directory of all");
        assert_eq!(all.others(4), []);
    }

    #[test]
    fn the_first_writable_place_is_taken() {
        let base = tempfile::tempdir().unwrap();
        let state = base.path().join("state");
        let found = Directories::find(
            |name| match name {
                "STATE_DIRECTORY" => Some(format!("{}:/other", state.display())),
                "CACHE_DIRECTORY" => Some("/cache".into()),
                _ => None,
            },
            base.path(),
        );
        assert_eq!((found.profile, found.cache), (state.join("profile"), PathBuf::from("/cache")));
    }
}
