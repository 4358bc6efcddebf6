//! Where messages go. Called once by each of the two daemons, before anything else.

use std::io::IsTerminal;
use std::path::Path;

use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::journal::{Journal, SOCKET};
use crate::log_limit::Limiter;
use crate::notify::stderr_is_the_journal;

/// Environment variable with the filter, in `tracing_subscriber`'s syntax: `debug`, `kioskd=debug,info`.
const FILTER_ENV: &str = "RUST_LOG";

/// Logs to the journal with fields when a service manager reads us, else to stderr. `RUST_LOG` filters, or `default`
/// where it is not set or makes no sense, which is said. Repeated messages are limited by [`crate::log_limit`].
pub fn start(default: &str) {
    start_with(default, FmtSpan::NONE);
}

/// As [`start`], and each span is logged to stderr when it ends, with its busy and idle times.
pub fn start_with_span_times(default: &str) {
    start_with(default, FmtSpan::CLOSE);
}

fn start_with(default: &str, spans: FmtSpan) {
    let wanted = std::env::var(FILTER_ENV).ok().filter(|filter| !filter.trim().is_empty());
    let parsed = wanted.as_ref().map(EnvFilter::try_new);
    let (filter, wrong) = match parsed {
        None => (EnvFilter::new(default), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(default), Some(error)),
    };
    let journal = stderr_is_the_journal().then(|| Journal::new(Path::new(SOCKET))).and_then(Result::ok);
    let registry = tracing_subscriber::registry().with(Limiter::new()).with(filter);
    match journal {
        Some(journal) => registry.with(journal).init(),
        None => {
            let colours = std::io::stderr().is_terminal();
            let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_target(false);
            registry.with(layer.with_span_events(spans)).init();
        }
    }
    if let Some(error) = wrong {
        tracing::warn!(
            %error, value = wanted, used = default,
            "{FILTER_ENV} is no filter, allowed are such as \"debug\" or \"kioskd=debug,info\""
        );
    }
}
