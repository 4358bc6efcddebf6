//! The guest's disk, kernel and initrd: built once by `tests/vm/guest/build` for each Debian release, kept in a cache
//! directory under a key made of everything that goes into them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The Debian releases that the kiosk is made for; the first is the guest's unless `KIOSKD_GUEST_RELEASE` says otherwise.
const RELEASES: [&str; 2] = ["trixie", "bookworm"];
/// Set, the guest has the programs of `tests/vm/guest-programs` in addition.
const WITH_PROGRAMS: &str = "KIOSKD_GUEST_PROGRAMS";

/// A guest ready to be booted; its disk is never written to.
#[derive(Debug, Clone)]
pub struct Guest {
    pub disk: PathBuf,
    pub kernel: PathBuf,
    pub initrd: PathBuf,
    /// As `uname -r` says it.
    pub kernel_version: String,
}

impl Guest {
    /// Takes the guest from the cache, or builds it (one to three minutes).
    pub fn obtain() -> Result<Self> {
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("vm");
        let mut recipe = recipes.join("guest");
        let mut key = key(&recipe)?;
        let cache = cache_directory()?;
        fs::create_dir_all(&cache).with_context(|| cache.display().to_string())?;
        let release = Self::release()?;
        let mut prefix = format!("debian-{release}-");
        if Self::has_programs() {
            recipe = recipes.join("guest-programs");
            key = key.rotate_left(1) ^ self::key(&recipe)?;
            prefix = format!("programs-{release}-");
        }
        let directory = cache.join(format!("{prefix}{key:016x}"));
        // Two test runs at once would otherwise both build it.
        let lock = File::create(cache.join("guest.lock"))?;
        lock.lock()?;
        if !directory.join("root.ext4").exists() {
            eprintln!("building the test guest in {}", directory.display());
            for entry in fs::read_dir(&cache)? {
                let stale = entry?;
                if stale.file_name().to_string_lossy().starts_with(&prefix) {
                    fs::remove_dir_all(stale.path())?;
                }
            }
            let status = Command::new(recipe.join("build"))
                .arg(&directory)
                .arg(release)
                .status()
                .with_context(|| recipe.display().to_string())?;
            ensure!(status.success(), "{}/build failed: its own message says why", recipe.display());
        }
        Ok(Self {
            disk: directory.join("root.ext4"),
            kernel: directory.join("vmlinuz"),
            initrd: directory.join("initrd"),
            kernel_version: fs::read_to_string(directory.join("kernel-version"))?.trim().to_owned(),
        })
    }

    /// Whether the guest has other programs than Chromium, and Podman: not in the gate, as it takes long to build.
    pub fn has_programs() -> bool {
        std::env::var_os(WITH_PROGRAMS).is_some_and(|value| !value.is_empty())
    }

    /// The Debian release of the guest, by `KIOSKD_GUEST_RELEASE`.
    pub fn release() -> Result<&'static str> {
        let asked = std::env::var("KIOSKD_GUEST_RELEASE").unwrap_or_default();
        if asked.is_empty() {
            return Ok(RELEASES[0]);
        }
        let Some(release) = RELEASES.into_iter().find(|release| *release == asked) else {
            bail!("KIOSKD_GUEST_RELEASE is {asked:?}; there are {}", RELEASES.join(" and "));
        };
        Ok(release)
    }
}

/// `$KIOSKD_CACHE`, else `kioskd` in the user's cache directory.
pub(super) fn cache_directory() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("KIOSKD_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("kioskd")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/kioskd")))
        .context("no place for the test guest: set KIOSKD_CACHE to a directory")
}

/// FNV-1a over names and contents: the same on every machine and with every compiler.
pub(super) fn key(recipe: &Path) -> Result<u64> {
    let mut files = Vec::new();
    collect(recipe, &mut files)?;
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for file in files {
        mix(file.strip_prefix(recipe)?.as_os_str().as_encoded_bytes());
        mix(&fs::read(&file)?);
    }
    Ok(hash)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
