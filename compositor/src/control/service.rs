//! The thread that serves D-Bus, its start and end.
//!
//! [`start`] is called once by `main`; the event loop keeps the [`ControlHandle`] and publishes to it.
//! Nothing here runs on the event loop's thread but `publish`, which takes a lock for a moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kiosk_bus::{Endpoints, Socket};
use kiosk_core::api::COMPOSITOR_SOCKET;
use kiosk_core::authority::Authority;
use kiosk_core::sockets::{Access, BindError, SocketFile, bind};
use tokio::sync::{Notify, oneshot, watch};

use super::objects::Objects;
use super::shared::{Bus, Shared};
use crate::command::Call;
use crate::snapshot::Snapshot;
use crate::sockets::PROGRAM;

/// Time limit for the event loop's answer.
const LOOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Threads for blocking look-ups of callers' groups; they end when idle.
const BLOCKING_THREADS: usize = 2;
const BLOCKING_KEPT: Duration = Duration::from_millis(100);

/// Where D-Bus is served.
#[derive(Debug, Clone)]
pub struct ListenOn {
    /// Where `compositor.sock` is made.
    pub runtime_dir: PathBuf,
    /// The message bus besides the socket.
    pub bus: Bus,
}

/// The running control plane; dropping it ends the thread and removes the socket.
pub struct ControlHandle {
    snapshots: watch::Sender<Arc<Snapshot>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Starts the thread and returns at once, whether there is a bus or not.
///
/// `to_loop` gets each call that the compositor has to answer, on the control thread, and must not block.
/// `first` is what callers see until something is published. When the thread can't be started the compositor
/// runs on without control, which is logged.
pub fn start(listen_on: ListenOn, to_loop: impl Fn(Call) + Send + Sync + 'static, first: Snapshot) -> ControlHandle {
    start_with(listen_on, to_loop, first, LOOP_TIMEOUT)
}

/// [`start`] with another timeout than [`LOOP_TIMEOUT`].
pub(super) fn start_with(
    listen_on: ListenOn,
    to_loop: impl Fn(Call) + Send + Sync + 'static,
    first: Snapshot,
    loop_timeout: Duration,
) -> ControlHandle {
    let (snapshots, receiver) = watch::channel(Arc::new(first));
    let (stop, stopped) = oneshot::channel();
    let shared = Arc::new(Shared {
        snapshots: receiver,
        to_loop: Box::new(to_loop),
        authority: Authority::default(),
        loop_timeout,
    });
    let thread = std::thread::Builder::new().name("dbus".into()).spawn(move || run(listen_on, shared, stopped));
    let thread =
        thread.inspect_err(|error| tracing::error!(%error, "no thread for D-Bus: the kiosk can't be controlled")).ok();
    ControlHandle { snapshots, stop: Some(stop), thread }
}

impl ControlHandle {
    /// Makes `snapshot` what callers see from now on; what changed is announced.
    ///
    /// To be called in the loop turn that caused the change: the reply to a [`Call`] with [`Reply::Serial`] waits for
    /// the snapshot of that serial, so a caller who has its answer reads the new values. Changes of frame counters
    /// alone are not announced.
    ///
    /// [`Reply::Serial`]: crate::command::Reply::Serial
    pub fn publish(&self, snapshot: Snapshot) {
        self.snapshots.send_if_modified(|current| {
            if **current == snapshot {
                return false;
            }
            let announced = !same_but_for_counters(current, &snapshot);
            *current = Arc::new(snapshot);
            announced
        });
    }
}

impl Drop for ControlHandle {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("D-Bus thread panicked");
        }
    }
}

fn same_but_for_counters(old: &Snapshot, new: &Snapshot) -> bool {
    let mut old = old.clone();
    for (old, new) in old.outputs.iter_mut().zip(&new.outputs) {
        old.frames_composed = new.frames_composed;
        old.frames_direct = new.frames_direct;
    }
    old == *new
}

fn run(listen_on: ListenOn, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(BLOCKING_KEPT)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime for D-Bus: the kiosk can't be controlled");
            return;
        }
    };
    runtime.block_on(async {
        let bus = match listen_on.bus {
            Bus::System => Some(kiosk_bus::system_bus()),
            Bus::Address(address) => Some(address),
            Bus::None => None,
        };
        let path = listen_on.runtime_dir.join(COMPOSITOR_SOCKET);
        // The socket's file is watched, to notice when it is removed.
        let endpoints = Endpoints { listen: Box::new(move || listen(&path)), bus, look: Arc::new(Notify::new()) };
        tokio::select! {
            _ = stopped => {}
            () = kiosk_bus::serve(endpoints, Arc::new(Objects(shared))) => {}
        }
    });
    // A lookup of groups that hangs must not hold up the compositor's end.
    runtime.shutdown_background();
}

pub(super) fn listen(path: &Path) -> Result<Socket, BindError> {
    let listener = bind(path, Access::EVERYBODY, PROGRAM)?;
    let file = SocketFile::of(path).map_err(|error| BindError::Make { path: path.to_owned(), error })?;
    Ok(Socket { listener, file, path: path.to_owned(), link: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::OutputSnapshot;

    #[test]
    fn frame_counters_alone_cause_no_signal() {
        let (snapshots, receiver) = watch::channel(Arc::new(Snapshot::default()));
        let handle = ControlHandle { snapshots, stop: None, thread: None };
        let output = OutputSnapshot::default();
        handle.publish(Snapshot { outputs: vec![output.clone()], ..Default::default() });
        assert!(receiver.has_changed().unwrap());
        let mut receiver = receiver;
        receiver.mark_unchanged();
        let output = OutputSnapshot { frames_composed: 7, frames_direct: 3, ..output };
        handle.publish(Snapshot { outputs: vec![output.clone()], ..Default::default() });
        assert!(!receiver.has_changed().unwrap());
        assert_eq!(receiver.borrow().outputs[0].frames_composed, 7, "but they can be read");
        handle.publish(Snapshot { outputs: vec![OutputSnapshot { power: true, ..output }], ..Default::default() });
        assert!(receiver.has_changed().unwrap());
    }
}
