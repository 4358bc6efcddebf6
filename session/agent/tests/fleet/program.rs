//! kioskctl as a program.

use std::path::Path;
use std::process::{Command, Stdio};

/// Beside the agent, where a build of the workspace puts it.
pub fn kioskctl_program() -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_kiosk-agent")).with_file_name("kioskctl");
    assert!(path.exists(), "{} is not there: run `cargo build --workspace` first", path.display());
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}
