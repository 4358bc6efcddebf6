//! A verb's output: text or JSON on standard output, a sentence on standard error, an exit code.

use std::io::Write;
use std::path::Path;

use kiosk_client::Exit;
use serde_json::json;

pub use kiosk_client::{Failure, Outcome};

/// Prints the result, and returns the exit code.
pub fn tell(outcome: Result<Outcome, Failure>, json: bool) -> Exit {
    let (text, exit) = match outcome {
        // Null: the output was printed already.
        Ok(outcome) if json && !outcome.json.is_null() => (outcome.json.to_string(), outcome.exit),
        Ok(outcome) => (outcome.text, outcome.exit),
        Err(failure) => {
            let (exit, name, message) = (failure.exit, failure.name(), failure.message());
            // A failure here cannot be reported.
            let _ = writeln!(std::io::stderr(), "kioskctl: {}", printable(message));
            let error = json!({ "error": { "name": name, "message": message, "exit": exit as u8 } });
            (if json { error.to_string() } else { String::new() }, exit)
        }
    };
    match print(&text) {
        Ok(()) => exit,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "kioskctl: {}", failure.message());
            failure.exit
        }
    }
}

/// Writes lines to standard output. A closed pipe (`| head`) is not an error.
pub fn print(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(Exit::Done as i32),
        Err(error) => Err(Failure::new(Exit::Failed, format!("writing to standard output failed: {error}"))),
    }
}

/// A path for JSON, which only has UTF-8.
pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Text from elsewhere (a monitor's name, a URL), safe for a terminal: no escape sequences.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
