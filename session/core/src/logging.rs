//! Where messages go. Called once by each of the two daemons, before anything else.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::notify::stderr_is_the_journal;

/// Logs to the journal with fields when a service manager reads us, else to stderr. `RUST_LOG` filters, or `default`
/// where it is not set.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let journal = stderr_is_the_journal().then(tracing_journald::layer).and_then(Result::ok);
    let registry = tracing_subscriber::registry().with(filter);
    match journal {
        Some(journal) => registry.with(journal).init(),
        None => {
            let colours = std::io::stderr().is_terminal();
            registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_target(false)).init();
        }
    }
}
