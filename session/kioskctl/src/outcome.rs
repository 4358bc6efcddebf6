//! The result of a verb and its output: text or JSON on standard output, a sentence on standard error, an exit code.

use std::io::Write;
use std::path::Path;

use kioskctl::client::{ClientError, Exit};
use serde_json::{Value, json};

/// D-Bus name of the error about something that the caller named.
const NOT_FOUND: &str = "org.kioskd.Error.NotFound";

/// A verb's success.
#[derive(Debug)]
pub struct Outcome {
    /// For people, without a trailing newline; may be empty.
    pub text: String,
    /// The same for machines, as in `docs/schemas`; may be null.
    pub json: Value,
    pub exit: Exit,
}

impl Outcome {
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Outcome { text: text.into(), json, exit: Exit::Done }
    }

    /// Success without output.
    pub fn done() -> Self {
        Outcome::new("", json!({ "done": true }))
    }
}

/// A verb's failure: one sentence that says what to do.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    name: String,
    message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        let name = if exit == Exit::Usage { "org.kioskd.Error.InvalidArgument" } else { "org.kioskd.Error.Failed" };
        Failure { exit, name: name.into(), message: message.into() }
    }

    /// Something named does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Failed, name: NOT_FOUND.into(), message: message.into() }
    }

    /// A file has an invalid value.
    pub fn invalid(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Failed, name: "org.kioskd.Error.InvalidArgument".into(), message: message.into() }
    }

    /// Whether a retry cannot help: missing rights or unknown names.
    pub fn is_final(&self) -> bool {
        self.exit == Exit::NotAllowed || self.name == NOT_FOUND
    }

    /// Adds a prefix to the message.
    #[must_use]
    pub fn about(self, what: &str) -> Self {
        Failure { message: format!("{what}: {}", self.message), ..self }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Failure { exit: error.exit(), name: error.name().to_owned(), message: error.to_string() }
    }
}

/// Prints the result, and returns the exit code.
pub fn tell(outcome: Result<Outcome, Failure>, json: bool) -> Exit {
    let (text, exit) = match outcome {
        // Null: the output was printed already.
        Ok(outcome) if json && !outcome.json.is_null() => (outcome.json.to_string(), outcome.exit),
        Ok(outcome) => (outcome.text, outcome.exit),
        Err(failure) => {
            let Failure { exit, name, message } = failure;
            // A failure here cannot be reported.
            let _ = writeln!(std::io::stderr(), "kioskctl: {}", printable(&message));
            let error = json!({ "error": { "name": name, "message": message, "exit": exit as u8 } });
            (if json { error.to_string() } else { String::new() }, exit)
        }
    };
    match print(&text) {
        Ok(()) => exit,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "kioskctl: {}", failure.message);
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
