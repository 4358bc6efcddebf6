//! Runs a container by Podman to its end: checks first that everything in the definition exists, for clear errors; then
//! makes a Wayland socket in a security context, and starts Podman.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::watched::Watched;
use super::{Ended, FAILED};
use crate::launcher::find_program;
use kiosk_core::container::podman::{self, Surroundings, render_nodes};
use kiosk_core::container::{self, Definition, DefinitionError};
use kiosk_core::security_context::{Confined, ContextError};

/// Time limit of Podman's check for an image. Its first start on a device creates its storage.
const LOOK_TIMEOUT: Duration = Duration::from_secs(60);
/// Time for a container to exit when asked to; shorter than kiosk-session's limit for its shell.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// Time limit for Podman to kill a container.
const FORCE_TIMEOUT: Duration = Duration::from_secs(10);
/// Exit statuses of Podman's own failures; 126 and 127: the command is not in the image.
const OF_PODMAN: std::ops::RangeInclusive<u8> = 125..=127;

/// Why a container can't be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// In a sentence.
    #[error("{0}")]
    Mount(String),
    #[error(
        "podman is not installed, and shell.container needs it: install it (Debian: `apt install podman uidmap slirp4netns crun`)"
    )]
    NoPodman,
    #[error("the image {image} is not on this device: `podman pull` or `podman load` it as user {user}")]
    NoImage { image: String, user: String },
    #[error("podman can't be used: {0}")]
    Podman(String),
    #[error(transparent)]
    Context(#[from] ContextError),
}

/// A container to run.
pub(super) struct Job<'a> {
    /// The shell's number in the configuration.
    pub shell: usize,
    /// The definition.
    pub file: &'a Path,
    /// kioskd's socket for the shell.
    pub display: &'a Path,
    /// Directory for the container's own socket; private.
    pub directory: &'a Path,
    /// For `{url}`.
    pub url: &'a str,
    /// In a unit with a delegated control group.
    pub unit: bool,
}

/// Runs it as kiosk-session's own child, until it ends or SIGTERM comes.
pub(super) fn alone(shell: usize, file: &Path, directory: &Path, url: &str) -> Ended {
    let display = PathBuf::from(std::env::var_os("WAYLAND_DISPLAY").unwrap_or_default());
    let job = Job { shell, file, display: &display, directory, url, unit: false };
    block_on(async {
        let stop = async {
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => drop(terminate.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        run(&job, stop).await
    })
}

/// Runs it on a new runtime.
pub(super) fn block_on(work: impl Future<Output = Ended>) -> Ended {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Ended::failed(error),
    }
}

/// Runs it until it ends, or `stop` does.
pub(super) async fn run(job: &Job<'_>, stop: impl Future<Output = ()>) -> Ended {
    tokio::pin!(stop);
    let prepared = tokio::select! {
        prepared = prepare(job) => prepared,
        () = &mut stop => return Ended { status: FAILED, line: String::new() },
    };
    let (program, definition, confined) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Ended::failed(error),
    };
    let surroundings = Surroundings {
        shell: job.shell,
        socket: socket(job.directory, &definition),
        render_nodes: render_nodes(Path::new("/dev/dri")),
        url: job.url.to_owned(),
        root: rustix::process::geteuid().is_root(),
        unit: job.unit,
    };
    let mut watched = match Watched::start(&program, &podman::run(&definition, &surroundings)) {
        Ok(watched) => watched,
        Err(error) => return Ended::failed(RunError::Podman(error.to_string())),
    };
    let status = tokio::select! {
        status = watched.ended() => status,
        () = &mut stop => end(&program, job.unit, &podman::name(&definition, job.shell), &mut watched).await,
    };
    drop(confined);
    Ended { status, line: line(status, &watched.tail.last_line()) }
}

/// Checks the prerequisites.
async fn prepare(job: &Job<'_>) -> Result<(PathBuf, Definition, Confined), RunError> {
    let definition = container::read(job.file)?;
    if let Some(missing) = container::missing(job.file, &definition, Path::new("/")).into_iter().next() {
        return Err(RunError::Mount(missing));
    }
    let path = std::env::var_os("PATH");
    let program = find_program("podman", path.as_deref()).ok_or(RunError::NoPodman)?;
    let mut look = podman::options(job.unit);
    look.extend(["image".to_owned(), "exists".to_owned(), definition.image.clone()]);
    let mut watched = Watched::start(&program, &look).map_err(|error| RunError::Podman(error.to_string()))?;
    match timeout(LOOK_TIMEOUT, watched.ended()).await {
        Ok(0) => {}
        Ok(1) => {
            // systemd sets it for a unit's user.
            let user = std::env::var("USER").ok().filter(|name| !name.is_empty());
            let user = user.unwrap_or_else(|| rustix::process::geteuid().as_raw().to_string());
            return Err(RunError::NoImage { image: definition.image, user });
        }
        Ok(_) => return Err(RunError::Podman(watched.tail.last_line())),
        Err(_) => return Err(RunError::Podman(format!("it does not answer within {} s", LOOK_TIMEOUT.as_secs()))),
    }
    let confined = Confined::make(job.display, &definition.name, &socket(job.directory, &definition))?;
    Ok((program, definition, confined))
}

fn socket(directory: &Path, definition: &Definition) -> PathBuf {
    directory.join(format!("{}.wayland", definition.name))
}

/// Ends the container: asked first, then by force.
async fn end(program: &Path, unit: bool, name: &str, watched: &mut Watched) -> u8 {
    watched.ask_to_end();
    if let Ok(status) = timeout(STOP_GRACE, watched.ended()).await {
        return status;
    }
    let mut words = podman::options(unit);
    words.extend(["rm", "--force", "--time=0", name].map(str::to_owned));
    if let Ok(mut force) = Watched::start(program, &words) {
        let _ = timeout(FORCE_TIMEOUT, force.ended()).await;
    }
    match timeout(STOP_GRACE, watched.ended()).await {
        Ok(status) => status,
        Err(_) => {
            watched.kill();
            watched.ended().await
        }
    }
}

/// The message about the end, for a person.
fn line(status: u8, last: &str) -> String {
    match (status, last) {
        (0, _) | (_, "") => String::new(),
        (status, last) if OF_PODMAN.contains(&status) => format!("podman could not run the container: {last}"),
        (status, last) => format!("exit status {status}: {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_container_is_reported_with_its_last_line_of_output() {
        assert_eq!(line(0, "all done"), "");
        assert_eq!(line(3, ""), "", "its exit status says as much");
        assert_eq!(line(3, "no display"), "exit status 3: no display");
        let missing = "Error: runc: exec: \"hmi\": executable file not found in $PATH";
        assert_eq!(line(127, missing), format!("podman could not run the container: {missing}"));
    }
}
