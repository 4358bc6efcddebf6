//! Files that people name: a wrong one is told, and never waited for.

use std::fs::File;
use std::io::{Error, Read, Result};
use std::path::Path;

/// The content of a regular file of at most `limit` bytes. A directory, a device or a FIFO is an error, as is a file
/// that is larger.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>> {
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(Error::other(format!("it is larger than {} MiB", limit >> 20)));
    }
    Ok(bytes)
}
