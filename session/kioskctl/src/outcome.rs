//! What a verb ends in, and how that is told: text or JSON on standard output, a sentence on standard error,
//! an exit code.

use std::io::Write;
use std::path::Path;

use kioskctl::client::{ClientError, Exit};
use serde_json::{Value, json};

/// D-Bus name of the error about something that the caller named.
const NOT_FOUND: &str = "org.kioskd.Error.NotFound";

/// A verb's success.
#[derive(Debug)]
pub struct Outcome {
    /// For people, without a newline at the end; empty: nothing to say.
    pub text: String,
    /// The same for machines, as `docs/schemas` has it; null: nothing to say.
    pub json: Value,
    pub exit: Exit,
}

impl Outcome {
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Outcome { text: text.into(), json, exit: Exit::Done }
    }

    /// Done, with nothing to tell.
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

    /// For what the caller named and is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Failed, name: NOT_FOUND.into(), message: message.into() }
    }

    /// For a file that asks for what cannot be.
    pub fn invalid(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Failed, name: "org.kioskd.Error.InvalidArgument".into(), message: message.into() }
    }

    /// Whether trying again can't help: rights do not come by waiting, nor does what there is not.
    pub fn is_final(&self) -> bool {
        self.exit == Exit::NotAllowed || self.name == NOT_FOUND
    }

    /// What it is about, before the sentence.
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

/// Tells it, and gives the exit code.
pub fn tell(outcome: Result<Outcome, Failure>, json: bool) -> Exit {
    let (text, exit) = match outcome {
        // Null: what was printed is the document.
        Ok(outcome) if json && !outcome.json.is_null() => (outcome.json.to_string(), outcome.exit),
        Ok(outcome) => (outcome.text, outcome.exit),
        Err(failure) => {
            let Failure { exit, name, message } = failure;
            // Nobody is left to be told when this fails too.
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

/// Writes lines to standard output. A reader that has gone (`| head`) ends the program in peace.
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

/// A path for machines: JSON has no other names than UTF-8.
pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Text from elsewhere (a monitor's name, a URL), safe for a terminal: no escape sequences.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
