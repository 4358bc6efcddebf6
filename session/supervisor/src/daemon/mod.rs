//! kiosk-session itself: a session for each shell, the bus for all of them, on one thread that sleeps until something
//! happens. What a session does is in [`session`].

mod board;
mod clock;
mod inspector;
mod pipe;
mod restart_clock;
mod session;
mod shell;
mod signals;
mod single;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::JoinSet;
use tracing::Instrument;

use self::board::Board;
use self::inspector::Said;
use self::session::{Daemon, UploadAnswer};
use crate::bus::{self, Endpoints, InspectOrder, Shared};
use crate::control_link::Link;
use crate::launcher::leftovers;
use crate::probe::ProbeError;
use crate::profile::Directories;
use kiosk_core::authority::Authority;
use kiosk_core::chromium;
use kiosk_core::config::Config;
use kiosk_core::notify::Notifier;

/// Inputs from the daemon's tasks. Those of a replaced browser or probe have an old generation.
#[derive(Debug)]
pub(crate) enum Input {
    Link(Link),
    /// kiosk-session is shutting down.
    End,
    /// Somebody listens to the page's console, or nobody any more.
    Console,
    /// Somebody wants to look at the page by DevTools.
    Inspect(InspectOrder),
    /// Who looks says something.
    Inspector {
        number: u64,
        said: Said,
    },
    /// The time of `browser.restart-at` was reached.
    RestartDue,
    /// The run time of this boot has to be saved.
    KeepTime,
    Probed {
        generation: u64,
        answer: Result<(), ProbeError>,
    },
    /// A measurement of the running browser: see [`crate::aging`].
    Looked {
        generation: u64,
        replaced: bool,
        /// Its memory and its limit, bytes, if they were measured.
        memory: Option<(u64, u64)>,
    },
    /// The import of the device's certificate has ended, with an error if it failed.
    Certificate {
        generation: u64,
        problem: Option<String>,
    },
    /// A message, with its permit from the bounded queue.
    FromBrowser {
        generation: u64,
        message: Value,
        _room: OwnedSemaphorePermit,
    },
    /// The result of a file look-up for an upload.
    Uploads {
        generation: u64,
        number: u64,
        answer: UploadAnswer,
    },
    PipeClosed {
        generation: u64,
        why: &'static str,
    },
    Exited {
        generation: u64,
        how: String,
    },
}

/// Runs until SIGTERM or SIGINT: each shell has a state machine, a browser and a connection to the compositor of its
/// own, all on one thread.
///
/// Returns whether it asks to be restarted. Errors: it cannot start, or has an internal fault; all other failures are
/// handled.
pub async fn run(config: Config, runtime_dir: PathBuf, bus: Option<String>) -> anyhow::Result<bool> {
    let directories = Directories::find(|name| std::env::var(name).ok(), &std::env::temp_dir());
    let _lock = single::lock(&directories.base).await?;
    let look = Arc::new(Notify::new());
    tell_of_policy(&config, Path::new(chromium::MANAGED));
    let (mut running, mut shared) = (JoinSet::new(), Vec::new());
    let shells = config.all_shells();
    leftovers::end_unconfigured(&directories, shells.len());
    let board = Arc::new(Board::new(Notifier::from_env(), shells.len()));
    let texts = config.all_texts(|name| std::env::var(name).ok());
    let (mut daemons, mut all, authority) = (Vec::new(), Vec::new(), Authority::default());
    for (number, configured) in shells.iter().enumerate() {
        let directories = directories.of_shell(number).context("a shell's directory can't be made")?;
        let (daemon, ends) = Daemon::start(
            number,
            (configured, config.allowed(configured), config.api.clone(), texts.clone(), config.health.reboot),
            &runtime_dir,
            board.clone(),
            look.clone(),
            directories,
        )?;
        shared.push(Shared {
            status: daemon.status.subscribe(),
            calls: ends.calls.clone(),
            home: configured.url.clone(),
            allowed: config.allowed(configured),
            output: configured.output.clone(),
            browses: configured.is_browser(),
            console: daemon.console.clone(),
            inspect: daemon.inspect_way(),
            authority: authority.clone(),
        });
        all.push(daemon.inputs());
        daemons.push((daemon, ends));
    }
    let serving = tokio::spawn(bus::serve(Endpoints { runtime_dir, bus }, shared, look));
    board.ready();
    for (number, (daemon, ends)) in daemons.into_iter().enumerate() {
        let span = if shells.len() > 1 { tracing::info_span!("shell", number) } else { tracing::Span::none() };
        running.spawn(daemon.run(ends).instrument(span));
    }
    let mut ended = Ok(false);
    while let Some(one) = running.join_next().await {
        match one {
            Ok(false) => {}
            Ok(true) => {
                ended = Ok(true);
                for others in &all {
                    let _ = others.send(Input::End);
                }
            }
            Err(error) => {
                // That shell would be unsupervised: exit, so that the service manager restarts everything.
                ended = Err(error).context("the session of a shell has failed");
                break;
            }
        }
    }
    // Removes the socket.
    serving.abort();
    let _ = serving.await;
    ended
}

/// Logs whether the browser's managed policy matches the configuration, and conflicts with other policies.
fn tell_of_policy(config: &Config, folder: &Path) {
    if config.all_shells().iter().all(|shell| !shell.is_browser()) {
        return;
    }
    let files = chromium::read(folder);
    let own = files.iter().find(|file| file.path.ends_with(chromium::OWN_FILE));
    let (wanted, wrong) = chromium::policy(config);
    for error in wrong {
        tracing::error!(%error, "part of the browser's policy left out");
    }
    if own.is_none_or(|file| file.policy != wanted) {
        let in_force = own.map_or("none of the kiosk's", |_| "one that does not follow the configuration");
        let (folder, todo) = (folder.display(), "run `kiosk-session --write-policy FOLDER` as root before the start");
        tracing::warn!(%folder, in_force, todo, "the browser's managed policy");
    }
    for conflict in chromium::conflicts(config, &files) {
        tracing::error!("{conflict}");
    }
}
