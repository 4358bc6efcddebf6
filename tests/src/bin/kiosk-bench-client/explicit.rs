//! Explicit synchronisation (linux-drm-syncobj) instead of the kernel's implicit one: each frame is committed first, and
//! its acquire point is signalled a moment later, as if a GPU still drew it. A buffer is used again when its release
//! point is signalled.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use drm::control::{Device as ControlDevice, syncobj};
use rustix::time::{ClockId, clock_gettime};
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{QueueHandle, delegate_noop};
use wayland_protocols::wp::linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_manager_v1::WpLinuxDrmSyncobjManagerV1;
use wayland_protocols::wp::linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1;
use wayland_protocols::wp::linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_timeline_v1::WpLinuxDrmSyncobjTimelineV1;

use super::buffers::COUNT;
use super::window::Window;

/// How long the GPU seems to draw.
const DRAWING: Duration = Duration::from_millis(100);
/// For a buffer that the compositor has had since three frames.
const PATIENCE: Duration = Duration::from_secs(20);

struct Node(File);

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Node {}
impl ControlDevice for Node {}

/// One side's points.
struct Timeline {
    handle: syncobj::Handle,
    wl: WpLinuxDrmSyncobjTimelineV1,
}

/// What follows from the globals.
struct Objects {
    node: Node,
    surface: WpLinuxDrmSyncobjSurfaceV1,
    acquire: Timeline,
    release: Timeline,
}

/// Of the one window.
#[derive(Default)]
pub struct Explicit {
    pub manager: Option<WpLinuxDrmSyncobjManagerV1>,
    objects: Option<Objects>,
    /// The last point of both.
    last: u64,
    /// Each buffer's release point.
    points: [u64; COUNT],
    /// The point that is not signalled yet, when it will be, and the time of its commit.
    owed: Option<(u64, Instant, u64)>,
}

impl Explicit {
    pub fn open(&mut self, surface: &WlSurface, node: &Path, queue: &QueueHandle<Window>) -> Result<()> {
        let manager = self.manager.as_ref().context("no wp_linux_drm_syncobj_manager_v1")?;
        let node = Node(File::options().read(true).write(true).open(node).with_context(|| node.display().to_string())?);
        let timeline = || -> Result<Timeline> {
            let handle = node.create_syncobj(false)?;
            let fd = node.syncobj_to_fd(handle, false)?;
            Ok(Timeline { handle, wl: manager.import_timeline(fd.as_fd(), queue, ()) })
        };
        let (acquire, release) = (timeline()?, timeline()?);
        let surface = manager.get_surface(surface, queue, ());
        self.objects = Some(Objects { node, surface, acquire, release });
        Ok(())
    }

    /// Before the commit of this buffer, at this time.
    pub fn commit(&mut self, buffer: usize, committed: u64) -> Result<()> {
        let objects = self.objects.as_ref().context("not open")?;
        if self.points[buffer] > 0 {
            let now = clock_gettime(ClockId::Monotonic);
            let deadline = i64::try_from(PATIENCE.as_nanos())? + now.tv_sec * 1_000_000_000 + now.tv_nsec;
            let (handles, points) = ([objects.release.handle], [self.points[buffer]]);
            let waited = objects.node.syncobj_timeline_wait(&handles, &points, deadline, true, true, false);
            waited.context("a buffer is not given back")?;
        }
        self.last += 1;
        self.points[buffer] = self.last;
        let (high, low) = ((self.last >> 32) as u32, self.last as u32);
        objects.surface.set_acquire_point(&objects.acquire.wl, high, low);
        objects.surface.set_release_point(&objects.release.wl, high, low);
        self.owed = Some((self.last, Instant::now() + DRAWING, committed));
        Ok(())
    }

    /// When [`Self::signal`] is to be called.
    pub fn due(&self) -> Option<Instant> {
        self.owed.map(|(_, due, _)| due)
    }

    /// The GPU has drawn, if it is time.
    pub fn signal(&mut self) -> Result<()> {
        if let (Some((point, due, _)), Some(objects)) = (self.owed, &self.objects)
            && due <= Instant::now()
        {
            objects.node.syncobj_timeline_signal(&[objects.acquire.handle], &[point])?;
            self.owed = None;
        }
        Ok(())
    }

    /// The commit of this time is on the screen.
    pub fn presented(&self, committed: u64) -> Result<()> {
        let early = self.owed.is_some_and(|(.., owed)| owed == committed);
        ensure!(!early, "a frame is on the screen before it was drawn");
        Ok(())
    }
}

delegate_noop!(Window: WpLinuxDrmSyncobjManagerV1);
delegate_noop!(Window: WpLinuxDrmSyncobjSurfaceV1);
delegate_noop!(Window: WpLinuxDrmSyncobjTimelineV1);
