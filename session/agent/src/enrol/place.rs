//! New certificates put into their folder, all of them or none: what is given is written beside it and looked at, one rename
//! decides, and the files are moved to their names after that. A power cut before the rename leaves what was there; one after
//! it is made good by [`recover`] at the next start. Called by the conversation and by a renewal; knows nothing of either.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What is being written.
const NEW: &str = ".new";
/// What is decided, and not yet in its place.
const DECIDED: &str = ".decided";
/// All files that may be in it, in the order in which they are moved; until the last of them is, what does not fit together is
/// refused by who reads it, and what was in force goes on.
const FILES: [&str; 4] = [super::AUTHORITIES, super::REVOKED, super::KEY, super::CERTIFICATE];

/// Before each step; a test makes one fail.
type Step<'a> = &'a dyn Fn(&'static str) -> Result<()>;

/// Why nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The disk.
    #[error("{folder} can't be written: {1}; nothing has changed", folder = .0.display())]
    Write(PathBuf, Error),
    /// What `good` said.
    #[error("{0}")]
    NotGood(String),
}

/// Writes files, by their names, and puts them into force if `good` finds them so in the folder it is given.
pub fn replace(
    folder: &Path,
    files: &[(&'static str, &[u8])],
    good: impl FnOnce(&Path) -> std::result::Result<(), String>,
) -> std::result::Result<(), PlaceError> {
    replace_by(folder, files, good, &|_| Ok(()))
}

fn replace_by(
    folder: &Path,
    files: &[(&'static str, &[u8])],
    good: impl FnOnce(&Path) -> std::result::Result<(), String>,
    step: Step<'_>,
) -> std::result::Result<(), PlaceError> {
    let wrong = |error| PlaceError::Write(folder.to_owned(), error);
    recover_by(folder, step).map_err(wrong)?;
    let new = folder.join(NEW);
    let done = write(&new, files, step).map_err(wrong).and_then(|()| good(&new).map_err(PlaceError::NotGood));
    let done = done.and_then(|()| decide(folder, step).map_err(wrong));
    if done.is_err() {
        // What is left of it is removed by the next, too.
        let _ = fs::remove_dir_all(&new);
        return done;
    }
    // It is decided: what fails from here on is made good at the next start, and until then what was in force goes on.
    if let Err(error) = recover_by(folder, step) {
        tracing::error!(%error, folder = %folder.display(), "new certificates count from the next start on");
    }
    Ok(())
}

/// Ends what a power cut or a full disk has left half done. Does nothing where there is nothing.
pub fn recover(folder: &Path) -> Result<()> {
    recover_by(folder, &|_| Ok(()))
}

fn write(new: &Path, files: &[(&'static str, &[u8])], step: Step<'_>) -> Result<()> {
    step("make the folder")?;
    fs::DirBuilder::new().mode(0o700).create(new)?;
    for (name, content) in files {
        step("make a file")?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new.join(name))?;
        step("write a file")?;
        file.write_all(content)?;
        step("sync a file")?;
        file.sync_all()?;
    }
    step("sync the folder of new files")?;
    File::open(new)?.sync_all()
}

fn decide(folder: &Path, step: Step<'_>) -> Result<()> {
    step("decide")?;
    fs::rename(folder.join(NEW), folder.join(DECIDED))?;
    // The rename has happened: an error here is one of durability alone, and is not told as one that changed nothing.
    if let Err(error) = step("sync the decision").and_then(|()| File::open(folder)?.sync_all()) {
        tracing::warn!(%error, "new certificates may be lost by a power cut");
    }
    Ok(())
}

fn recover_by(folder: &Path, step: Step<'_>) -> Result<()> {
    step("remove what was not decided")?;
    match fs::remove_dir_all(folder.join(NEW)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let decided = folder.join(DECIDED);
    if !decided.is_dir() {
        return Ok(());
    }
    for name in FILES {
        step("move a file")?;
        match fs::rename(decided.join(name), folder.join(name)) {
            // Not among them, or moved already.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    step("sync the moves")?;
    File::open(folder)?.sync_all()?;
    step("remove the empty folder")?;
    fs::remove_dir(&decided)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::collections::BTreeMap;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const OLD: [(&str, &str); 3] = [("ca.pem", "old ca"), ("certificate.pem", "old own"), ("key.pem", "old key")];
    const SET: [(&str, &[u8]); 4] =
        [("key.pem", b"key"), ("certificate.pem", b"own"), ("ca.pem", b"ca"), ("revoked.pem", b"list")];

    fn folder(old: bool) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in OLD.iter().filter(|_| old) {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn content(folder: &Path) -> BTreeMap<String, String> {
        let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        all.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())).collect()
    }

    fn before(old: bool) -> BTreeMap<String, String> {
        OLD.iter().filter(|_| old).map(|(name, text)| ((*name).into(), (*text).into())).collect()
    }

    fn after() -> BTreeMap<String, String> {
        SET.iter().map(|(name, text)| ((*name).into(), String::from_utf8(text.to_vec()).unwrap())).collect()
    }

    /// Fails at a step, and says how many there were.
    fn failing<R>(at: usize, fail: impl Fn(), run: impl FnOnce(Step<'_>) -> R) -> (R, usize) {
        let count = Cell::new(0);
        let step = |_: &'static str| {
            count.set(count.get() + 1);
            if count.get() - 1 == at {
                fail();
                return Err(Error::from(ErrorKind::StorageFull));
            }
            Ok(())
        };
        let result = run(&step);
        (result, count.get())
    }

    #[test]
    fn the_whole_of_it_is_put_in_place_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        for old in [false, true] {
            let folder = folder(old);
            replace(folder.path(), &SET, |new| if new.join("key.pem").exists() { Ok(()) } else { Err(String::new()) })
                .unwrap();
            assert_eq!(content(folder.path()), after());
            let mode = fs::metadata(folder.path().join("key.pem")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_power_cut_at_any_moment_leaves_the_old_ones_or_the_new_ones() {
        for old in [false, true] {
            let (mut seen_old, mut seen_new) = (0, 0);
            for at in 0.. {
                let folder = folder(old);
                let cut = || std::panic::resume_unwind(Box::new(()));
                let run = || failing(at, cut, |step| replace_by(folder.path(), &SET, |_| Ok(()), step));
                let went = catch_unwind(AssertUnwindSafe(run));
                recover(folder.path()).unwrap();
                let left = content(folder.path());
                if left == before(old) {
                    seen_old += 1;
                    assert_eq!(seen_new, 0, "step {at}: the old ones are back");
                } else {
                    assert_eq!(left, after(), "step {at}");
                    seen_new += 1;
                }
                if went.is_ok() {
                    break;
                }
            }
            assert!(seen_old > 10 && seen_new > 5, "{seen_old} {seen_new}");
        }
    }

    #[test]
    fn a_full_disk_changes_nothing_and_says_so() {
        let (_, steps) =
            failing(usize::MAX, || {}, |step| replace_by(folder(true).path(), &SET, |_| Ok(()), step).unwrap());
        let mut refused = 0;
        for at in 0..steps {
            let folder = folder(true);
            let (done, _) = failing(at, || {}, |step| replace_by(folder.path(), &SET, |_| Ok(()), step));
            match done {
                Err(error) => {
                    refused += 1;
                    assert_eq!(content(folder.path()), before(true), "step {at}");
                    assert!(error.to_string().contains("nothing has changed"), "{error}");
                }
                Ok(()) => {
                    recover(folder.path()).unwrap();
                    assert_eq!(content(folder.path()), after(), "step {at}");
                }
            }
        }
        assert!(refused > 10, "{refused} of {steps}");
    }

    #[test]
    fn what_is_not_good_is_not_put_in_place() {
        let folder = folder(true);
        let refused = replace(folder.path(), &SET, |_| Err("it is another's".into()));
        assert_eq!(refused.unwrap_err().to_string(), "it is another's");
        assert_eq!(content(folder.path()), before(true));
    }
}
