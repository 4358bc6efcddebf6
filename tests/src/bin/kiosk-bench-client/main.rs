//! A Wayland client that does one thing steadily, so that a compositor's cost for it can be measured: it shows
//! prepainted buffers (no work of its own per frame) and writes down when each was presented.
//!
//! Writes its frames to a file when it ends.

mod buffers;
mod explicit;
mod inset;
mod keys;
mod pointer;
mod window;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wayland_client::Connection;
use wayland_client::backend::WaylandError;

use buffers::Pictures;
use explicit::Explicit;
use keys::Keys;
use window::Window;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Show {
    /// The whole screen, once, and then nothing any more.
    Still,
    /// 250×250, a new picture each frame.
    Small,
    /// The whole screen, a new picture each frame.
    Full,
    /// 250×250, a new picture for each key that the client presses itself, on a keyboard of its own.
    Answering,
}

impl Show {
    fn is_small(self) -> bool {
        matches!(self, Self::Small | Self::Answering)
    }

    /// Whether it draws whenever the compositor asks for a frame.
    fn is_animated(self) -> bool {
        matches!(self, Self::Small | Self::Full)
    }
}

/// Where the pixels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Memory {
    /// `wl_shm`.
    Shm,
    /// A dmabuf, fit for scanout, from the node of [`Options::node`].
    Dmabuf,
}

/// A steady Wayland client for measurements.
#[derive(Debug, Parser)]
struct Options {
    show: Show,
    #[arg(long, default_value = "shm")]
    memory: Memory,
    /// Where dmabufs come from. A card without a GPU makes linear ones.
    #[arg(long, default_value = "/dev/dri/renderD128")]
    node: PathBuf,
    /// Paints each quarter of the picture in another shade, so that it is seen which way up it is.
    #[arg(long)]
    marked: bool,
    /// Sets a pointer picture of its own, of two plain colours.
    #[arg(long)]
    pointer: bool,
    /// Lays a small still picture over the large one, on a surface of its own.
    #[arg(long)]
    inset: bool,
    /// Synchronises explicitly, with dmabufs, and is late with each frame.
    #[arg(long)]
    explicit: bool,
    /// Ends after so many seconds from the first frame.
    #[arg(long, default_value_t = 3600.0)]
    seconds: f64,
    /// Ends after so many presented frames.
    #[arg(long)]
    frames: Option<usize>,
    /// Makes this file when the first frame is on the screen.
    #[arg(long)]
    ready: Option<PathBuf>,
    /// Writes its frames here when it ends, as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let connection = Connection::connect_to_env().context("no Wayland compositor: WAYLAND_DISPLAY names none")?;
    let mut queue = connection.new_event_queue();
    connection.display().get_registry(&queue.handle(), ());
    let pictures = Pictures { memory: options.memory, node: options.node, marked: options.marked };
    let keys = (options.show == Show::Answering).then(Keys::new).transpose()?;
    let mut window = Window::new(options.show, pictures, options.pointer, options.inset, keys);
    window.explicit = options.explicit.then(Explicit::default);
    queue.roundtrip(&mut window)?;
    window.open(&queue.handle())?;

    let mut end = None;
    loop {
        queue.flush()?;
        let Some(guard) = queue.prepare_read() else {
            queue.dispatch_pending(&mut window)?;
            continue;
        };
        if end.is_some_and(|end: Instant| end <= Instant::now()) {
            break;
        }
        let next = [end, window.keys.as_ref().and_then(Keys::due), window.signal_due()].into_iter().flatten().min();
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        let timeout = left.map(Timespec::try_from).transpose()?;
        let fd = guard.connection_fd();
        if poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref())? > 0 {
            match guard.read() {
                // The GPU's driver reads the same connection: what made it ready may be gone already.
                Err(WaylandError::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
                read => drop(read?),
            }
        }
        queue.dispatch_pending(&mut window)?;
        window.press()?;
        window.check()?;
        window.draw(&queue.handle())?;
        if end.is_none() && !window.frames.presented.is_empty() {
            if let Some(path) = &options.ready {
                std::fs::write(path, "").with_context(|| path.display().to_string())?;
            }
            end = Some(Instant::now() + Duration::from_secs_f64(options.seconds));
        }
        let enough = options.frames.is_some_and(|frames| window.frames.presented.len() >= frames);
        if window.closed || enough {
            break;
        }
    }
    if let Some(path) = options.report {
        std::fs::write(&path, serde_json::to_vec(&window.frames)?).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
