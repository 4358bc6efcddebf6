//! What a definition may say. `docs/schemas/container.json` says the same, for editors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

/// The kiosk's directory inside the container.
pub const INSIDE: &str = "/run/kiosk";
/// Variables that the kiosk sets and a definition may not.
const OURS: [&str; 3] = ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XDG_RUNTIME_DIR"];
/// Far more than a program on a screen has.
const MAX_MOUNTS: usize = 32;
const MAX_VARIABLES: usize = 128;
const MAX_WORDS: usize = 256;
/// Of a name, characters: it is a part of names of files and units.
const MAX_NAME: usize = 63;
/// Of an image's name, characters, as registries have it.
const MAX_IMAGE: usize = 255;
/// Smallest memory limit, MiB: less does not start a graphical program.
const LEAST_MEMORY: u32 = 32;

/// A shell in a container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Definition {
    /// Of the container, and the app-id of its security context: lower-case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// As `podman images` lists it; it has to be on the device.
    pub image: String,
    /// In place of the image's own; `{url}` is replaced. Empty: the image's own.
    #[serde(default)]
    pub command: Vec<String>,
    /// Variables.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files and directories of the device that it sees.
    #[serde(default)]
    pub mounts: Vec<Mount>,
    /// Its network.
    #[serde(default)]
    pub network: Network,
    /// Whether it has the render nodes.
    #[serde(default = "yes")]
    pub gpu: bool,
    /// Memory limit, MiB; `None`: that of its unit.
    #[serde(default)]
    pub memory_mib: Option<u32>,
}

fn yes() -> bool {
    true
}

/// A file or directory of the device.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mount {
    /// On the device.
    pub source: PathBuf,
    /// In the container.
    pub target: PathBuf,
    /// Whether it may be written to.
    #[serde(default)]
    pub write: bool,
}

/// A container's network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// None.
    #[default]
    None,
    /// A network of its own with a route to the device's: everything but the device's `localhost`.
    Private,
    /// The device's network as it is.
    Host,
}

impl Definition {
    /// Whether it is told the shell's address.
    pub fn wants_url(&self) -> bool {
        self.command.iter().chain(self.environment.values()).any(|text| text.contains("{url}"))
    }

    /// The first value that is not allowed: its key, and what is allowed.
    pub(super) fn wrong(&self) -> Option<(String, String)> {
        let said = |key: &str, why: &str| Some((key.to_owned(), why.to_owned()));
        if !is_name(&self.name) {
            let why = format!(
                "is {:?}; allowed are up to {MAX_NAME} lower-case letters, digits, -, _ and ., the first a letter or digit",
                self.name
            );
            return Some(("name".into(), why));
        }
        if !is_image(&self.image) {
            return said("image", "is no image's name, such as \"localhost/shell:1\"");
        }
        if self.command.len() > MAX_WORDS || self.command.iter().any(|word| word.contains('\0')) {
            return said("command", "may have 256 words, and none with a NUL character");
        }
        if self.command.first().is_some_and(|program| program.trim().is_empty()) {
            return said("command", "begins with an empty word; the program's name comes first");
        }
        if self.memory_mib.is_some_and(|memory| memory < LEAST_MEMORY) {
            return said("memory-mib", "is less than 32, with which nothing starts");
        }
        self.wrong_variable().or_else(|| self.wrong_mount())
    }

    fn wrong_variable(&self) -> Option<(String, String)> {
        if self.environment.len() > MAX_VARIABLES {
            return Some(("environment".into(), format!("has more than {MAX_VARIABLES} variables")));
        }
        let (name, why) = self.environment.iter().find_map(|(name, value)| {
            let letter = |c: char| c == '_' || c.is_ascii_alphabetic();
            let sound = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
            let why = match () {
                () if !sound => "is no variable's name: allowed are letters, digits and _",
                () if OURS.contains(&name.as_str()) => "is set by the kiosk",
                () if value.contains(['\0', '\n']) => "has a value of several lines",
                () => return None,
            };
            Some((name, why))
        })?;
        Some((format!("environment.{name}"), why.into()))
    }

    fn wrong_mount(&self) -> Option<(String, String)> {
        if self.mounts.len() > MAX_MOUNTS {
            return Some(("mounts".into(), format!("has more than {MAX_MOUNTS}")));
        }
        let mut targets = BTreeSet::new();
        self.mounts.iter().enumerate().find_map(|(number, mount)| {
            let wrong = |end: &str, path: &Path, why: &str| {
                Some((format!("mounts[{number}].{end}"), format!("{} {why}", path.display())))
            };
            for (end, path) in [("source", &mount.source), ("target", &mount.target)] {
                if !is_plain(path) {
                    return wrong(end, path, "is no absolute path without .., comma, colon and control characters");
                }
            }
            if ["/", "/proc", "/sys", "/dev"].iter().any(|whole| mount.source == Path::new(whole)) {
                return wrong("source", &mount.source, "is the whole device's; name a directory or file below it");
            }
            // Podman mounts its own there, and the kiosk uses the last.
            let kept = ["/proc", "/sys", "/dev", INSIDE];
            if mount.target == Path::new("/") || kept.iter().any(|kept| mount.target.starts_with(kept)) {
                return wrong("target", &mount.target, "is the container's own; name another place");
            }
            (!targets.insert(&mount.target)).then_some(())?;
            wrong("target", &mount.target, "is another mount's place too")
        })
    }
}

fn is_name(name: &str) -> bool {
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= MAX_NAME && name.starts_with(part) && name.chars().all(|c| part(c) || matches!(c, '-' | '_' | '.'))
}

/// Excludes what Podman would take for an option or two words; Podman checks the rest.
fn is_image(image: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    !image.is_empty()
        && image.len() <= MAX_IMAGE
        && image.starts_with(|c: char| c.is_ascii_alphanumeric())
        && image.chars().all(sound)
}

/// In Podman's `--mount` a comma ends the path.
fn is_plain(path: &Path) -> bool {
    let text = path.to_str().unwrap_or_default();
    path.is_absolute()
        && !text.contains(|c: char| matches!(c, ',' | ':' | '"') || c.is_control())
        && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}
