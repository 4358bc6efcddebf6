//! kioskctl for the session's tests: another package's program, beside our own.

use std::path::{Path, PathBuf};

/// The kioskctl that a build of the workspace put beside kiosk-session.
pub fn kioskctl() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_kiosk-session")).with_file_name("kioskctl");
    assert!(
        program.exists(),
        "these tests call kioskctl: `cargo build -p kioskctl` first, or `cargo test --workspace`"
    );
    program
}
