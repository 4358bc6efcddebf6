//! The kernel's virtual display driver for the guest: built once by `tests/vm/vkms/build`, kept beside the guest.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Guest;
use super::guest::{cache_directory, key};

/// Takes the module for the guest's kernel from the cache, or builds it (a minute, and a large download). It cannot be
/// had when the archive has gone on to another kernel since the guest was built, nor for Debian 12: the driver of its
/// kernel has no planes that turn.
pub fn virtual_display_driver(guest: &Guest) -> Result<PathBuf> {
    ensure!(Guest::release()? != "bookworm", "the one of Debian 12's kernel has no planes that rotate their picture");
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("vm/vkms");
    let cache = cache_directory()?;
    let module = cache.join(format!("vkms-{}-{:016x}.ko", guest.kernel_version, key(&recipe)?));
    // Two test runs at once would otherwise both build it.
    let lock = File::create(cache.join("vkms.lock"))?;
    lock.lock()?;
    if !module.exists() {
        eprintln!("building the virtual display driver as {}", module.display());
        let mut build = Command::new(recipe.join("build"));
        let status = build.arg(&guest.kernel_version).arg(&module).status().context("tests/vm/vkms/build")?;
        ensure!(status.success(), "tests/vm/vkms/build failed: its own message says why");
        // Only now: where it cannot be built, the others are still of use to who has them.
        for entry in fs::read_dir(&cache)? {
            let stale = entry?.path();
            let name = stale.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if stale.is_file() && stale != module && name.starts_with("vkms-") {
                fs::remove_file(stale)?;
            }
        }
    }
    Ok(module)
}
