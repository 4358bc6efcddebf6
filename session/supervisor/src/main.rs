//! kiosk-session's entry point: arguments, logging, configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use kiosk_core::config::{Config, Sources};
use kiosk_core::logging;
use kiosk_core::{api, chromium};
use kiosk_session::container;
use kiosk_session::daemon;
use kiosk_session::launcher::bound;

/// The exit status that asks for a restart (EX_TEMPFAIL of sysexits.h). It is not in the unit's
/// `RestartPreventExitStatus=`.
const ANEW: u8 = 75;
/// Threads for blocking host name look-ups; they end when idle.
const BLOCKING_THREADS: usize = 2;
const BLOCKING_KEPT: Duration = Duration::from_millis(100);

/// Runs the kiosk's browser and looks after it.
#[derive(Parser)]
#[command(name = "kiosk-session", version)]
struct Arguments {
    /// Instead of the layered configuration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write the browser's managed policy into this folder and end. Root does this before the browser's user starts.
    #[arg(long, value_name = "FOLDER")]
    write_policy: Option<PathBuf>,
}

fn main() -> ExitCode {
    if let Some(failed) = bound::become_shell(std::env::args_os().skip(1)) {
        return failed;
    }
    if let Some(ended) = container::play(std::env::args_os().skip(1)) {
        return ended;
    }
    let arguments = Arguments::parse();
    logging::start("info");
    let sources = arguments.config.as_deref().map_or_else(Sources::system, Sources::file);
    let loaded = Config::load(&sources);
    for error in &loaded.errors {
        tracing::error!(%error, "part of the configuration skipped");
    }
    if let Some(folder) = &arguments.write_policy {
        return write_policy(&loaded.config, folder);
    }
    let bus = kiosk_bus::system_bus();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(BLOCKING_KEPT)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "kiosk-session can't start");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(daemon::run(loaded.config, api::runtime_dir(), Some(bus)));
    // A lookup that hangs must not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => {
            tracing::warn!(status = ANEW, "kiosk-session exits for a restart");
            ExitCode::from(ANEW)
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "kiosk-session ends");
            ExitCode::FAILURE
        }
    }
}

/// Writes the browser's policy that follows from the configuration, and copies the system's policies.
fn write_policy(config: &Config, folder: &Path) -> ExitCode {
    let (policy, wrong) = chromium::policy(config);
    for error in wrong {
        tracing::error!(%error, "part of the browser's policy left out");
    }
    match chromium::write(folder, Path::new(chromium::MANAGED), policy) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, folder = %folder.display(), "browser's policy not written");
            ExitCode::FAILURE
        }
    }
}
