//! The definition of a shell in a container (`[shell] container = "FILE.json"`): read and checked for the program that
//! starts it and for `kioskctl config check`; [`podman`] makes the command line. Starts no program.

mod definition;
pub mod podman;

use std::path::{Path, PathBuf};

pub use definition::{Definition, Mount, Network};

use crate::files::read_regular;

/// Longest definition, bytes: a page of settings.
const MAX_FILE: u64 = 64 << 10;

/// What is wrong with a definition: one sentence each, with the file.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The file, and what the kernel says of it.
    #[error("shell.container: {} can't be read: {error}", file.display())]
    Unreadable {
        /// The definition.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is no JSON, or has a key that means nothing, or lacks one.
    #[error("shell.container: {}: {error}", file.display())]
    Syntax {
        /// The definition.
        file: PathBuf,
        /// With line and column.
        error: serde_json::Error,
    },
    /// A value that can't be.
    #[error("shell.container: {}: {key} {why}", file.display())]
    Value {
        /// The definition.
        file: PathBuf,
        /// Such as `mounts[0].source`.
        key: String,
        /// What is wrong, and what is allowed.
        why: String,
    },
}

/// The definition in this file, checked without looking at the device that it is for.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn read(file: &Path) -> Result<Definition, DefinitionError> {
    let named = || file.to_owned();
    let bytes = read_regular(file, MAX_FILE).map_err(|error| DefinitionError::Unreadable { file: named(), error })?;
    let definition: Definition =
        serde_json::from_slice(&bytes).map_err(|error| DefinitionError::Syntax { file: named(), error })?;
    match definition.wrong() {
        None => Ok(definition),
        Some((key, why)) => Err(DefinitionError::Value { file: named(), key, why }),
    }
}

/// Mounts whose source does not exist on this device, a sentence each; `root` is taken for `/`.
pub fn missing(file: &Path, definition: &Definition, root: &Path) -> Vec<String> {
    let sentence = |(number, mount): (usize, &Mount)| {
        let there = root.join(mount.source.strip_prefix("/").unwrap_or(&mount.source));
        let error = std::fs::metadata(there).err()?;
        Some(format!(
            "shell.container: {}: mounts[{number}].source {} is not there: {error}",
            file.display(),
            mount.source.display()
        ))
    };
    definition.mounts.iter().enumerate().filter_map(sentence).collect()
}

#[cfg(test)]
mod tests;
