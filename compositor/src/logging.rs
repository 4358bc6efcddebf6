//! Where messages go. Called once, before anything else.

use std::io::IsTerminal;

/// Logs to the journal with fields when a service manager reads us, else to stderr. `RUST_LOG` filters.
pub fn start(debug: bool) {
    use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};
    let default = if debug { "debug" } else { "info,smithay=warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let journal = kiosk_session::notify::stderr_is_the_journal().then(tracing_journald::layer).and_then(Result::ok);
    let registry = tracing_subscriber::registry().with(filter);
    match journal {
        Some(journal) => registry.with(journal).init(),
        None => {
            let colours = std::io::stderr().is_terminal();
            let stderr = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
            let stderr = stderr.with_ansi(colours).with_target(false);
            registry.with(stderr).init();
        }
    }
}
