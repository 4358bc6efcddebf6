//! Checks `browser.uploads`: whether the directories exist, and whether symbolic links on mounts there could lead the
//! browser elsewhere. Part of [`System`]'s checks.

use std::path::{Path, PathBuf};

use kiosk_core::config::Loaded;

use super::finding::Finding;
use super::system::System;

/// File systems that know no links.
const LINKLESS: [&str; 3] = ["vfat", "msdos", "exfat"];

impl System {
    /// Missing upload directories, and mounts below them whose symbolic links the browser would follow.
    pub(super) fn uploads(&self, loaded: &Loaded) -> Vec<Finding> {
        let shells = loaded.config.all_shells().iter().filter_map(|shell| shell.browser_settings.uploads.clone());
        let mut directories: Vec<PathBuf> = shells.collect();
        directories.sort();
        directories.dedup();
        let mounts = std::fs::read_to_string(self.at("proc/self/mountinfo")).unwrap_or_default();
        let missing = directories.iter().filter_map(|directory| self.absent(directory));
        missing.chain(directories.iter().flat_map(|directory| followed(&mounts, directory))).collect()
    }

    /// A missing directory is only a note, as a drive may be unplugged.
    fn absent(&self, directory: &Path) -> Option<Finding> {
        let why = match std::fs::metadata(self.at(&directory.to_string_lossy())) {
            Ok(found) if found.is_dir() => return None,
            Ok(_) => "is no directory".to_owned(),
            Err(error) => format!("is not there now: {error}"),
        };
        Some(Finding::note(
            "uploads",
            format!("browser.uploads: {} {why}; a visitor who is to choose a file is told so", directory.display()),
            "plug the drive in, or change browser.uploads",
        ))
    }
}

/// Mounts (the text of `/proc/self/mountinfo`) at or below the directory that support symbolic links and lack
/// `nosymfollow`.
fn followed(mounts: &str, directory: &Path) -> Vec<Finding> {
    let open = mounts.lines().filter_map(|line| {
        // "36 35 98:0 /root /mount/point options [tags] - type source super-options"; spaces are written \040.
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(4);
        let place = PathBuf::from(fields.next()?.replace("\\040", " "));
        let options = fields.next()?;
        let kind = file_system.split(' ').next()?;
        let open =
            !LINKLESS.contains(&kind) && kind != "autofs" && options.split(',').all(|option| option != "nosymfollow");
        (open && place.starts_with(directory)).then_some((place, kind))
    });
    let told = |(place, kind): (PathBuf, &str)| {
        Finding::wrong(
            "uploads",
            format!(
                "browser.uploads: {} is {kind} and mounted without nosymfollow: a link on it that takes a chosen file's \
                 place would lead the browser to any file that it may read",
                place.display()
            ),
            "add nosymfollow to its mount options (/etc/fstab, or the automounter's)",
        )
    };
    open.map(told).collect()
}
