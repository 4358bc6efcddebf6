//! Checks the configured containers (`shell.container`): their definitions, mounts, and Podman. For `config check` and
//! `doctor`; starts nothing. Only the user that runs a container can tell whether its image exists: kiosk-session
//! reports that.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kiosk_core::config::Loaded;
use kiosk_core::container::{self, DefinitionError};

use super::finding::Finding;
use super::system::AS_ROOT;

fn definitions(loaded: &Loaded) -> Vec<PathBuf> {
    let shells = loaded.config.all_shells().iter().filter(|shell| shell.is_container());
    let mut files: Vec<PathBuf> = shells.map(|shell| shell.container.clone()).collect();
    files.sort();
    files.dedup();
    files
}

fn at(root: &Path, file: &Path) -> PathBuf {
    root.join(file.strip_prefix("/").unwrap_or(file))
}

/// Invalid definitions, a sentence each.
pub fn wrong(loaded: &Loaded, root: &Path) -> Vec<String> {
    let errors = definitions(loaded).into_iter().filter_map(|file| container::read(&at(root, &file)).err());
    errors.filter(|error| !matches!(error, DefinitionError::Unreadable { .. })).map(|error| error.to_string()).collect()
}

/// Missing files and programs.
pub fn missing(loaded: &Loaded, root: &Path) -> Vec<Finding> {
    let finding = |says: String, cure: &'static str| Finding::wrong("container", says, cure);
    let mut found = Vec::new();
    for file in definitions(loaded) {
        match container::read(&at(root, &file)) {
            Err(DefinitionError::Unreadable { file, error }) if error.kind() == ErrorKind::PermissionDenied => {
                found.push(finding(DefinitionError::Unreadable { file, error }.to_string(), AS_ROOT));
            }
            Err(error @ DefinitionError::Unreadable { .. }) => {
                found.push(finding(error.to_string(), "write the definition, or change shell.container"));
            }
            Err(_) => {}
            Ok(definition) => found.extend(
                container::missing(&file, &definition, root)
                    .into_iter()
                    .map(|says| finding(says, "make it, or take the mount out")),
            ),
        }
    }
    found
}
