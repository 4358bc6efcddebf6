//! The folder of managed policies as Chromium reads it: all JSON files in it, of which the last by name wins. It is
//! written by a root step of the unit alone, into a folder of the kiosk's that the unit binds over the browser's.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{Error, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::files::read_json;

/// Debian's Chromium looks here.
pub const MANAGED: &str = "/etc/chromium/policies/managed";
/// The kiosk's own file in it.
pub const OWN_FILE: &str = "kiosk.json";
/// Chromium's own limit is larger; a policy is a few KiB.
const MAX_FILE: u64 = 4 << 20;
/// Most values in it, about: Chromium takes a thousand entries of a list.
const MAX_VALUES: usize = 10_000;

/// A policy file.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its file.
    pub path: PathBuf,
    /// What the file says, by Chromium's keys.
    pub policy: Map<String, Value>,
}

/// All policies that can be read, by name. Others are left out: files without a JSON object, as in Chromium, and what is
/// too large; the log says so.
pub fn read(folder: &Path) -> Vec<Found> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let parsed = paths.into_iter().filter_map(|path| {
        let policy = read_json(&path, MAX_FILE, MAX_VALUES);
        let left_out =
            |error: &Error| tracing::warn!(file = %path.display(), %error, "a policy of the browser is left out");
        let policy = policy.inspect_err(left_out).ok()?;
        Some(Found { path, policy })
    });
    parsed.collect()
}

/// The files of `folder` with the kiosk's own file replaced by `own`: for programs outside of the unit, which do not
/// see its folder.
pub fn with_own(folder: &Path, own: Map<String, Value>) -> Vec<Found> {
    let mut files = read(folder);
    files.retain(|file| file.path.file_name() != Some(OsStr::new(OWN_FILE)));
    files.push(Found { path: folder.join(OWN_FILE), policy: own });
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// Fills the folder `to` with the kiosk's own policy and copies of the other files of `from`, all readable by
/// everybody, and removes everything else in it. Errors: what can't be written; then `to` is as it was or has a part of
/// it.
pub fn write(to: &Path, from: &Path, own: Map<String, Value>) -> Result<()> {
    let mut files = with_own(from, own);
    std::fs::create_dir_all(to)?;
    if std::fs::canonicalize(from).ok() == std::fs::canonicalize(to).ok() {
        // The system's own folder, on machines without a service manager that binds one over it.
        files.retain(|file| file.path.file_name() == Some(OsStr::new(OWN_FILE)));
        return files.iter().try_for_each(|file| write_file(&file.path, &file.policy));
    }
    std::fs::set_permissions(to, Permissions::from_mode(0o755))?;
    for entry in std::fs::read_dir(to)? {
        std::fs::remove_file(entry?.path())?;
    }
    for Found { path, policy } in files {
        write_file(&to.join(path.file_name().unwrap_or_default()), &policy)?;
    }
    Ok(())
}

fn write_file(path: &Path, policy: &Map<String, Value>) -> Result<()> {
    std::fs::write(path, serde_json::to_string_pretty(policy)?)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o644))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_written_folder_has_the_own_policy_and_the_system_s_others() {
        let base = tempfile::tempdir().unwrap();
        let (from, to) = (base.path().join("from"), base.path().join("run/managed"));
        std::fs::create_dir_all(&from).unwrap();
        std::fs::create_dir_all(&to).unwrap();
        for (name, text) in [("a.json", "{\"A\":1}"), (OWN_FILE, "{\"old\":1}"), ("z.json", "no JSON"), ("x", "[]")] {
            std::fs::write(from.join(name), text).unwrap();
        }
        std::fs::write(to.join("left.json"), "{}").unwrap();
        let own = json!({ "B": 2 }).as_object().unwrap().clone();
        write(&to, &from, own.clone()).unwrap();
        let names: Vec<String> =
            read(&to).iter().map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["a.json", OWN_FILE]);
        assert_eq!(read(&to)[1].policy, own);
        let mode = std::fs::metadata(to.join(OWN_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        write(&to, Path::new("/nonexistent"), own.clone()).unwrap();
        assert_eq!(read(&to).len(), 1);
        // Into the system's folder itself: no other program's file is touched.
        write(&from, &from, own.clone()).unwrap();
        assert_eq!(std::fs::read_to_string(from.join("z.json")).unwrap(), "no JSON");
        assert_eq!(read(&from).iter().map(|file| &file.policy).filter(|policy| **policy == own).count(), 1);
    }
}
