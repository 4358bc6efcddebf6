//! kioskd's program: arguments, logging, and on to [`kioskd::run`].

use std::process::ExitCode;

use clap::Parser;
use kiosk_core::logging;
use kioskd::{debug::DebugAids, options::Options, run};

fn main() -> ExitCode {
    let options = Options::parse();
    if options.check_config {
        return run::check_config(&options);
    }
    let filter = if options.debug { "debug" } else { "info,smithay=warn" };
    if DebugAids::quietly_from_env().spans {
        logging::start_with_span_times(filter)
    } else {
        logging::start(filter)
    }
    match run::run(options) {
        Ok(exit) => ExitCode::from(exit.0),
        Err(error) => {
            // One sentence for a person, with its causes; the log has the details.
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
