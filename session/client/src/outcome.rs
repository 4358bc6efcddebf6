//! The result of what was asked of a service: for people and for machines, or why it failed.

use serde_json::{Value, json};

use super::{ClientError, Exit};

/// D-Bus name of the error about something that the caller named.
const NOT_FOUND: &str = "org.kioskd.Error.NotFound";

/// A success.
#[derive(Debug)]
pub struct Outcome {
    /// For people, without a trailing newline; may be empty.
    pub text: String,
    /// The same for machines, as in `docs/schemas`; null: it was shown already.
    pub json: Value,
    /// Not [`Exit::Done`]: it was done, and what was found is wrong.
    pub exit: Exit,
}

impl Outcome {
    /// Success.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Outcome { text: text.into(), json, exit: Exit::Done }
    }

    /// Success without output.
    pub fn done() -> Self {
        Outcome::new("", json!({ "done": true }))
    }
}

/// A failure: one sentence that says what to do.
#[derive(Debug)]
pub struct Failure {
    /// What a command line ends with.
    pub exit: Exit,
    name: String,
    message: String,
}

impl Failure {
    /// Of another kind than those below.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        let name = if exit == Exit::Usage { "org.kioskd.Error.InvalidArgument" } else { "org.kioskd.Error.Failed" };
        Failure { exit, name: name.into(), message: message.into() }
    }

    /// One that another program told, with a name as of D-Bus errors.
    pub fn told(exit: Exit, name: impl Into<String>, message: impl Into<String>) -> Self {
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

    /// For machines: a D-Bus error's name, such as `org.kioskd.Error.NotFound`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For people, one sentence.
    pub fn message(&self) -> &str {
        &self.message
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
