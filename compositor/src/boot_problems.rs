//! What the system found wrong with itself while it booted, such as a full disk: its units write a sentence each to
//! `/run/kiosk-problems/NAME` before kioskd starts. They are read at the start and with each reload of the configuration, and
//! told as kioskd's own problems are. What is there is only read: a file that goes ends the problem at the next reload.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::path::{Path, PathBuf};

use kiosk_core::{
    files::read_regular,
    text::{printable, shortened},
};

use crate::{kiosk::Kiosk, problems::MAX_PROBLEMS};

/// Of root, who makes it where there is something to tell.
const DIRECTORY: &str = "/run/kiosk-problems";
/// Most names of it that are looked at.
const MAX_NAMES: usize = 64;
/// Most sentences: the other half of `status` is for what happens later.
const MAX_TOLD: usize = MAX_PROBLEMS / 2;
/// Longest file, bytes.
const MAX_FILE: u64 = 4 << 10;
/// Longest sentence, characters.
const MAX_SENTENCE: usize = 500;

/// Where they are read, and what was last there.
#[derive(Debug, Clone, Default)]
pub struct BootProblems {
    directory: Option<PathBuf>,
    told: Vec<String>,
}

impl BootProblems {
    /// Those of the machine that boots to this kiosk.
    pub fn of_this_boot() -> Self {
        Self::below(DIRECTORY.into())
    }

    /// Those in this directory, which may be missing.
    pub fn below(directory: PathBuf) -> Self {
        Self { directory: Some(directory), told: Vec::new() }
    }
}

impl Kiosk {
    /// Reads them, tells those that are new, and no longer tells those that have gone.
    pub fn take_boot_problems(&mut self) {
        let Some(directory) = &self.status.boot_problems.directory else { return };
        let found = read_problems(directory);
        let before = std::mem::replace(&mut self.status.boot_problems.told, found.clone());
        let gone: Vec<&String> = before.iter().filter(|sentence| !found.contains(sentence)).collect();
        if !gone.is_empty() {
            self.status.problems.retain(|problem| !gone.iter().any(|sentence| *sentence == problem));
            self.status.publisher.mark_changed();
        }
        found.into_iter().filter(|sentence| !before.contains(sentence)).for_each(|sentence| self.problem(sentence));
    }
}

/// One for each file, in the order of their names. A name that begins with a dot belongs to a file that is being written.
fn read_problems(directory: &Path) -> Vec<String> {
    // It is missing where nothing is wrong, and outside of images.
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<_> = entries.take(MAX_NAMES).filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
    names.sort();
    let told = names.iter().filter_map(|name| {
        let path = directory.join(name);
        let text = match read_regular(&path, MAX_FILE) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("{} can't be read: {error}", path.display()),
        };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        (!lines.is_empty()).then(|| shortened(&printable(&lines.join("; ")), MAX_SENTENCE))
    });
    told.take(MAX_TOLD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(write: impl FnOnce(&Path)) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path());
        let prefix = format!("{}/", directory.path().display());
        read_problems(directory.path()).iter().map(|sentence| sentence.replace(&prefix, "")).collect()
    }

    fn write(directory: &Path, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(directory.join(name), text).unwrap();
    }

    #[test]
    fn a_missing_directory_and_a_file_in_its_place_report_no_problem() {
        assert_eq!(read_problems(Path::new("/nonexistent/problems")), [""; 0]);
        assert_eq!(read_problems(Path::new("/dev/null")), [""; 0]);
    }

    #[test]
    fn each_file_is_a_sentence_in_the_order_of_their_names() {
        let told = told(|directory| {
            write(directory, "kiosk.toml", "kiosk.toml, line 1: no\n\n  kiosk.toml, line 2: no  \n");
            write(directory, "disk", "The disk is full\n");
            write(directory, ".disk.new", "The disk is");
            write(directory, "empty", " \n");
        });
        assert_eq!(told, ["The disk is full", "kiosk.toml, line 1: no; kiosk.toml, line 2: no"]);
    }

    #[test]
    fn control_characters_and_invalid_utf_8_are_replaced() {
        let told = told(|directory| write(directory, "x", b"a\x1b[31mb\xffc\rd"));
        assert_eq!(told, ["a\u{fffd}[31mb\u{fffd}c\u{fffd}d"]);
    }

    #[test]
    fn fifos_and_long_files_are_reported_without_being_read() {
        let told = told(|directory| {
            write(directory, "a", "x".repeat(501));
            write(directory, "b", "x".repeat(5000));
            std::fs::create_dir(directory.join("c")).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, directory.join("d"), rustix::fs::Mode::RWXU).unwrap();
            std::os::unix::fs::symlink("/dev/zero", directory.join("e")).unwrap();
        });
        assert_eq!(told.first(), Some(&format!("{}…", "x".repeat(500))));
        assert_eq!(
            told.get(1..).unwrap(),
            [
                "b can't be read: it is larger than 4 KiB",
                "c can't be read: it is not a regular file",
                "d can't be read: it is not a regular file",
                "e can't be read: it is not a regular file",
            ]
        );
    }

    #[test]
    fn thousands_of_files_leave_room_for_what_happens_later() {
        let told = told(|directory| {
            (0..1000).for_each(|number| write(directory, &format!("{number:04}"), format!("{number}")))
        });
        assert_eq!(told.len(), MAX_TOLD);
    }
}
