//! `screenshot`: writes the picture to a file atomically.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use kiosk_client::{Client, Exit, screen};
use serde_json::json;

use super::outcome::{Failure, Outcome, path_text, printable};

pub async fn take(client: &Client, file: &Path, output: Option<&str>) -> Result<Outcome, Failure> {
    put(file, &screen::picture(client, output.unwrap_or("")).await?)
}

/// Writes it, and says where.
pub fn put(file: &Path, png: &[u8]) -> Result<Outcome, Failure> {
    if file == Path::new("-") {
        write_to_stdout(png)?;
        // The picture is the output, so no JSON follows.
        return Ok(Outcome { json: json!(null), ..Outcome::done() });
    }
    write_whole(file, png).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("writing {} failed: {error}; name a file in a place you may write to", file.display()),
        )
    })?;
    Ok(Outcome::new(printable(&file.display().to_string()), json!({ "file": path_text(file), "bytes": png.len() })))
}

fn write_to_stdout(png: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(png).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("writing to standard output failed: {error}")))
        }
        _ => Ok(()),
    }
}

fn write_whole(file: &Path, png: &[u8]) -> std::io::Result<()> {
    // A device or pipe can't be replaced by renaming.
    if std::fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        return File::options().write(true).open(file)?.write_all(png);
    }
    let name = file.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    let new = file.with_file_name(hidden);
    let write = || {
        File::create_new(&new)?.write_all(png)?;
        std::fs::rename(&new, file)
    };
    write().inspect_err(|_| {
        // It may not exist.
        let _ = std::fs::remove_file(&new);
    })
}
