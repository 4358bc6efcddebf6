//! The initrd of one boot: the guest's own, and before it the boot splash of the stage, as an archive of its own. The
//! kernel unpacks one after the other.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Where the theme is, in the stage and in the initrd: each directory has an entry.
const THEME: [&str; 5] = ["usr", "share", "plymouth", "themes", "kiosk"];
/// Of `cpio`'s newc format: a directory and a file, for all to read.
const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_644;

/// Writes to `target` the initrd `guest` with the theme that lies in `stage`, if one does.
pub(super) fn with_boot_splash(guest: &Path, stage: &Path, target: &Path) -> Result<()> {
    let mut archive = Vec::new();
    let mut path = String::new();
    for part in THEME {
        path = format!("{path}{}{part}", if path.is_empty() { "" } else { "/" });
        entry(&mut archive, &path, DIRECTORY, &[]);
    }
    let theme = stage.join(&path);
    for file in fs::read_dir(&theme).with_context(|| theme.display().to_string())? {
        let file = file?;
        let name = file.file_name().into_string().ok().context("a theme's file has a plain name")?;
        entry(&mut archive, &format!("{path}/{name}"), FILE, &fs::read(file.path())?);
    }
    entry(&mut archive, "TRAILER!!!", 0, &[]);
    archive.extend(fs::read(guest).with_context(|| guest.display().to_string())?);
    fs::write(target, archive).with_context(|| target.display().to_string())
}

/// One file or directory; header, name and content each fill up four bytes.
fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, content: &[u8]) {
    let fill = |archive: &mut Vec<u8>| archive.resize(archive.len().next_multiple_of(4), 0);
    // Number, mode, user, group, links, time, size, four device numbers, the name's length, no checksum.
    let fields = [0, mode, 0, 0, 1, 0, content.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0];
    archive.extend(b"070701");
    fields.iter().for_each(|field| archive.extend(format!("{field:08x}").bytes()));
    archive.extend(name.bytes());
    archive.push(0);
    fill(archive);
    archive.extend(content);
    fill(archive);
}
