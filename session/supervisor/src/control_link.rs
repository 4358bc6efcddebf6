//! The session's end of the control socket: connects to the compositor, and again after it was restarted; passes on its
//! notices, and sends the session's report at each change and the page's calls.
//!
//! It polls only while there is no compositor.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use kiosk_core::api::{MAX_LINE, Notice, Report};
use kiosk_core::page_calls::{PageAnswer, PageCall};

/// First delay between attempts to connect; doubled up to [`MAX_DELAY`].
const MIN_DELAY: Duration = Duration::from_millis(25);
/// Longest delay: a restarted compositor is found within it.
const MAX_DELAY: Duration = Duration::from_millis(250);
/// After this time without a compositor a warning is logged.
const ABSENCE_TIMEOUT: Duration = Duration::from_secs(5);
/// A compositor that does not read for this long counts as gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// An event of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Connected, and the compositor has sent [`Notice::Hello`].
    Up {
        /// The compositor's process id, 0: unknown.
        pid: u32,
        /// The Wayland socket, as a path.
        wayland_display: PathBuf,
        /// It sends [`Link::Window`].
        tells_windows: bool,
        /// It takes page calls.
        takes_calls: bool,
    },
    /// [`Notice::Window`] of this shell.
    Window {
        /// There is one.
        mapped: bool,
    },
    /// [`Notice::Chosen`].
    Chosen {
        /// Of the chooser.
        number: u64,
        /// Indices into its list; empty: none.
        files: Vec<u32>,
    },
    /// Not connected any more.
    Down,
    /// [`Notice::Reset`].
    Reset {
        /// Tells one reset from the next: the answer names it.
        number: u64,
    },
    /// [`Notice::Idle`].
    Idle,
    /// [`Notice::Pinged`].
    Pinged {
        /// Of [`Report::ping`].
        number: u64,
        /// It has answered.
        answers: bool,
        /// How often it has drawn so far.
        commits: Option<u64>,
    },
    /// [`Notice::NoReboot`].
    NoReboot {
        /// One sentence, for people.
        reason: String,
    },
    /// [`Notice::Presence`].
    Presence {
        /// The device is idle.
        idle: bool,
    },
    /// [`Notice::Keyboard`].
    Keyboard {
        /// What it covers of the screen, logical pixels.
        area: Option<(i32, i32, i32, i32)>,
    },
    /// [`Notice::Answer`].
    Answer(PageAnswer),
}

/// Keeps the shell `number` connected to the socket at `path` for ever, passes events to `tell`, and sends each new
/// value of `reports` and all `calls`. Calls without a connection are dropped: their sender gets [`Link::Down`].
pub async fn keep(
    path: &Path,
    number: usize,
    mut reports: watch::Receiver<Report>,
    mut calls: mpsc::Receiver<PageCall>,
    mut tell: impl FnMut(Link),
) {
    let mut delay = MIN_DELAY;
    // `None`: the warning was logged.
    let mut absent = Some(Duration::ZERO);
    loop {
        match UnixStream::connect(path).await {
            Ok(stream) => {
                while calls.try_recv().is_ok() {}
                if let Err(error) = serve(stream, path, number, &mut reports, &mut calls, &mut tell).await {
                    tracing::info!(%error, "connection to kioskd ended");
                }
                tell(Link::Down);
                delay = MIN_DELAY;
                absent = Some(Duration::ZERO);
            }
            Err(error) => {
                if absent.is_some_and(|time| time >= ABSENCE_TIMEOUT) {
                    tracing::warn!(%error, socket = %path.display(), "no connection to kioskd: is it running?");
                    absent = None;
                }
            }
        }
        sleep(delay).await;
        absent = absent.map(|time| time + delay);
        delay = (delay * 2).min(MAX_DELAY);
    }
}

async fn serve(
    stream: UnixStream,
    path: &Path,
    number: usize,
    reports: &mut watch::Receiver<Report>,
    calls: &mut mpsc::Receiver<PageCall>,
    tell: &mut impl FnMut(Link),
) -> std::io::Result<()> {
    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid()).and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    let (reader, mut writer) = stream.into_split();
    let mut lines = Lines { reader: BufReader::new(reader), line: Vec::new() };
    let report = reports.borrow_and_update().clone();
    send(&mut writer, &report).await?;
    loop {
        tokio::select! {
            line = lines.next() => match line? {
                None => return Ok(()),
                Some(line) => {
                    if let Some(link) = understand(&line, pid, path, number) {
                        tell(link);
                    }
                }
            },
            Some(call) = calls.recv() => send(&mut writer, &call).await?,
            changed = reports.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let report = reports.borrow_and_update().clone();
                send(&mut writer, &report).await?;
            }
        }
    }
}

/// Reads lines of at most [`MAX_LINE`] bytes. An incomplete line is kept when the wait is cancelled.
struct Lines {
    reader: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
}

impl Lines {
    async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let room = (MAX_LINE + 1).saturating_sub(self.line.len()) as u64;
        (&mut self.reader).take(room).read_until(b'\n', &mut self.line).await?;
        if self.line.last() == Some(&b'\n') {
            return Ok(Some(std::mem::take(&mut self.line)));
        }
        if self.line.len() > MAX_LINE {
            return Err(std::io::Error::other("a line that is too long"));
        }
        Ok(None)
    }
}

fn understand(line: &[u8], pid: u32, path: &Path, number: usize) -> Option<Link> {
    match serde_json::from_slice(line) {
        Ok(Notice::Hello { wayland_display, mut wayland_displays, tells_windows, takes_calls }) => {
            if wayland_displays.is_empty() {
                wayland_displays.push(wayland_display);
            }
            let Some(wayland_display) = wayland_displays.get(number) else {
                tracing::warn!(number, "kioskd has fewer shells: restart it with this configuration");
                return None;
            };
            // A bare name is relative to the control socket's directory.
            let directory = path.parent().unwrap_or(Path::new("/"));
            Some(Link::Up { pid, wayland_display: directory.join(wayland_display), tells_windows, takes_calls })
        }
        Ok(Notice::Chosen { number, files }) => Some(Link::Chosen { number, files }),
        Ok(Notice::Visible { shell, .. }) => {
            tracing::debug!(shell, "what people see has changed");
            None
        }
        Ok(Notice::Window { mapped, number: of }) => {
            (usize::try_from(of) == Ok(number)).then_some(Link::Window { mapped })
        }
        Ok(Notice::Reset { number }) => Some(Link::Reset { number }),
        Ok(Notice::Idle {}) => Some(Link::Idle),
        Ok(Notice::Pinged { number, answers, commits }) => Some(Link::Pinged { number, answers, commits }),
        Ok(Notice::NoReboot { reason }) => Some(Link::NoReboot { reason }),
        Ok(Notice::Presence { idle }) => Some(Link::Presence { idle }),
        Ok(Notice::Keyboard { area, .. }) => Some(Link::Keyboard { area }),
        Ok(Notice::Answer(answer)) => Some(Link::Answer(answer)),
        Err(error) => {
            // A newer kioskd may send notices that we do not know.
            tracing::debug!(%error, "a line of kioskd's was not understood");
            None
        }
    }
}

async fn send(writer: &mut OwnedWriteHalf, said: &impl serde::Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    timeout(WRITE_TIMEOUT, writer.write_all(&line)).await.map_err(|_| std::io::Error::other("it does not read"))?
}
