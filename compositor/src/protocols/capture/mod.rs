//! Captures of screens by trusted tools. The protocols are wlr-screencopy and ext-image-copy-capture; shared here are
//! the pending copies, the damage since each client's last copy, and their handling at the end of a turn
//! ([`Kiosk::serve_captures`]). A picture has the panel's orientation, as both protocols require. A static screen costs
//! nothing: copies that wait for damage are checked when the screen drew. The back end draws and reads back
//! ([`crate::backend::watched`]).

mod area;
mod buffer;
mod finishing;
mod image_copy;
mod notice;
mod pixels;
mod screencopy;
mod source;
mod wait;

use std::collections::{HashSet, VecDeque};

use smithay::{
    backend::renderer::sync::SyncPoint,
    reexports::wayland_server::{DisplayHandle, Resource, backend::ObjectId},
    utils::{Physical, Rectangle},
};

use crate::{
    backend::watched::View,
    kiosk::{Hardware, Kiosk},
    limits::refusal::Repeated,
    screens::ScreenId,
    stage::Frame,
};
pub(super) use area::screen_of;
use area::{Shape, to_buffer};
use buffer::Memory;
use finishing::Finishing;
use image_copy::Session;
pub use wait::Copy;
use wait::{Failure, Target};

/// Most copies in one turn of the loop: one of a large screen takes milliseconds.
const COPIES_A_TURN: usize = 4;
/// Damage rectangles kept for a watcher; more are merged into one.
const MISSED_PARTS: usize = 16;

/// The damage since a watcher's last copy of a view.
struct Watch {
    /// The screencopy manager or the capture session.
    watcher: ObjectId,
    view: View,
    /// In pixels of the panel.
    missed: Vec<Rectangle<i32, Physical>>,
}

/// The state of the protocols.
pub struct Captures {
    watches: Vec<Watch>,
    /// Pending copies, oldest first.
    waiting: VecDeque<Copy>,
    /// Copies that the GPU has not finished.
    finishing: Finishing,
    /// Screens that drew since copies were last looked at.
    drew: HashSet<ScreenId>,
    sessions: Vec<Session>,
    notice: notice::Announced,
    /// A timer for the remaining copies is armed.
    resumes: bool,
}

impl Captures {
    /// Offers the globals.
    pub fn new(display: &DisplayHandle) -> Self {
        screencopy::offer(display);
        source::offer(display);
        image_copy::offer(display);
        Self {
            watches: Vec::new(),
            waiting: VecDeque::new(),
            finishing: Finishing::default(),
            drew: HashSet::new(),
            sessions: Vec::new(),
            notice: notice::Announced::default(),
            resumes: false,
        }
    }

    /// Notes that a screen has drawn.
    pub fn screen_drew(&mut self, screen: ScreenId) {
        if !self.waiting.is_empty() {
            self.drew.insert(screen);
        }
    }

    /// Number of pending copies, for tests.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Number of copies that the GPU has not finished, for tests.
    pub fn finishing(&self) -> usize {
        self.finishing.len()
    }

    /// Number of watchers, for tests.
    pub fn watchers(&self) -> usize {
        self.watches.len()
    }

    fn ask(&mut self, copy: Copy, shape: &Shape) {
        let known = |watch: &Watch| watch.watcher == copy.watcher && watch.view == copy.view;
        if !self.watches.iter().any(known) {
            let missed = vec![Rectangle::from_size(shape.panel)];
            self.watches.push(Watch { watcher: copy.watcher.clone(), view: copy.view, missed });
        }
        self.waiting.push_back(copy);
    }

    /// Forgets a destroyed manager or session.
    fn forget_watcher(&mut self, watcher: &ObjectId) {
        self.watches.retain(|watch| watch.watcher != *watcher);
    }

    fn note_damage(&mut self, view: View, damage: &[Rectangle<i32, Physical>]) {
        for watch in self.watches.iter_mut().filter(|watch| watch.view == view) {
            for part in damage {
                if !watch.missed.iter().any(|known| known.contains_rect(*part)) {
                    watch.missed.retain(|known| !part.contains_rect(*known));
                    watch.missed.push(*part);
                }
            }
            if watch.missed.len() > MISSED_PARTS {
                watch.missed = watch.missed.drain(..).reduce(Rectangle::merge).into_iter().collect();
            }
        }
    }

    /// The damage in the copy's area since its watcher's last copy; the whole area if the watcher is unknown.
    fn missed(&self, copy: &Copy) -> Vec<Rectangle<i32, Physical>> {
        let watch = self.watches.iter().find(|watch| watch.watcher == copy.watcher && watch.view == copy.view);
        match watch {
            Some(watch) => watch.missed.iter().filter_map(|part| part.intersection(copy.area)).collect(),
            None => vec![copy.area],
        }
    }

    /// Removes the copy's area from its watcher's damage.
    fn caught_up(&mut self, copy: &Copy) {
        for watch in &mut self.watches {
            if watch.watcher == copy.watcher && watch.view == copy.view {
                watch.missed = Rectangle::subtract_rects_many(watch.missed.drain(..), [copy.area]);
            }
        }
    }

    /// Removes and returns the copies for which this holds.
    fn take(&mut self, mut which: impl FnMut(&Copy) -> bool) -> Vec<Copy> {
        let (taken, left) = std::mem::take(&mut self.waiting).into_iter().partition(|copy| which(copy));
        self.waiting = left;
        Vec::from_iter::<VecDeque<Copy>>(taken)
    }
}

impl Kiosk {
    /// Whether the screen is lit and the seat session active.
    fn is_seen(&self, screen: ScreenId) -> bool {
        !self.seat.session.paused && self.screens.get(screen).is_some_and(crate::screens::Screen::lit)
    }

    /// Called at the end of a turn: serves the pending copies that are ready.
    pub fn serve_captures(&mut self) {
        self.tell_capture_sessions();
        let drew = std::mem::take(&mut self.protocols.captures.drew);
        if self.protocols.captures.waiting.is_empty() {
            return;
        }
        let unseen: Vec<Copy> = {
            let screens: HashSet<ScreenId> =
                self.protocols.captures.waiting.iter().map(|copy| copy.view.screen).collect();
            let dark: HashSet<ScreenId> = screens.into_iter().filter(|screen| !self.is_seen(*screen)).collect();
            // After a dark screen is lit again, every watcher gets the whole picture.
            self.protocols.captures.watches.retain(|watch| !dark.contains(&watch.view.screen));
            self.protocols.captures.take(|copy| dark.contains(&copy.view.screen))
        };
        unseen.iter().for_each(|copy| copy.fail(Failure::Unseen));
        let mut views = HashSet::new();
        for copy in &mut self.protocols.captures.waiting {
            if !std::mem::replace(&mut copy.looked_at, true) || drew.contains(&copy.view.screen) {
                views.insert(copy.view);
            }
        }
        views.into_iter().for_each(|view| self.bring_up_to_date(view));
        self.make_copies();
        self.forget_unwatched();
        self.wake_for_notice();
    }

    /// Draws a watched view and notes its damage.
    fn bring_up_to_date(&mut self, view: View) {
        let now = self.now();
        let Self { stage, screens, hardware: Hardware { backend, .. }, protocols, .. } = self;
        let Some(frame) = Frame::new(screens, view.screen, stage, now) else { return };
        match backend.watch(&frame, view.pointer) {
            Ok(damage) => protocols.captures.note_damage(view, &damage),
            Err(error) => {
                static LOG: Repeated = Repeated::new();
                if let Some(more) = LOG.count() {
                    tracing::warn!(screen = frame.screen.name, %error, more, "screen not captured");
                }
                let lost = protocols.captures.take(|copy| copy.view == view);
                lost.iter().for_each(|copy| copy.fail(Failure::Unseen));
            }
        }
    }

    /// Makes the copies that are ready, a limited number in each turn.
    fn make_copies(&mut self) {
        let now = self.now();
        let captures = &mut self.protocols.captures;
        let mut left = VecDeque::new();
        let mut made = 0;
        while let Some(copy) = captures.waiting.pop_front() {
            let missed = captures.missed(&copy);
            if copy.waits && missed.is_empty() || made == COPIES_A_TURN {
                left.push_back(copy);
                continue;
            }
            made += 1;
            let shape = self.screens.get(copy.view.screen).map(Shape::of);
            if shape != Some(copy.shape) {
                copy.fail(Failure::Changed);
                continue;
            }
            match fill(self.hardware.backend.as_mut(), &copy, &missed) {
                Ok(drawn) => {
                    captures.caught_up(&copy);
                    captures.notice.taken(copy.view.screen, now);
                    captures.finishing.answer(&self.main_loop.handle, copy, missed, now, &drawn);
                }
                Err(failure) => copy.fail(failure),
            }
        }
        captures.waiting = left;
        let ready = |copy: &Copy| !copy.waits || !captures.missed(copy).is_empty();
        if captures.waiting.iter().any(ready) && !std::mem::replace(&mut captures.resumes, true) {
            self.after(std::time::Duration::ZERO, |kiosk| kiosk.protocols.captures.resumes = false);
        }
    }

    /// Forgets the watchers and pictures of a removed screen.
    pub(crate) fn forget_captured(&mut self, screen: ScreenId) {
        self.protocols.captures.watches.retain(|watch| watch.view.screen != screen);
        self.protocols.captures.notice.forget(screen);
        self.end_gamma_of(screen);
        for pointer in [false, true] {
            self.hardware.backend.forget_watched(View { screen, pointer });
        }
    }

    /// A frame is gone, and with it its copy.
    fn forget_copy(&mut self, frame: &ObjectId) {
        let captures = &mut self.protocols.captures;
        captures.take(|copy| copy.is_for(frame));
        captures.finishing.forget(&self.main_loop.handle, frame);
    }

    /// Drops pictures without a watcher.
    fn forget_unwatched(&mut self) {
        let captures = &self.protocols.captures;
        for screen in self.screens.iter() {
            for pointer in [false, true] {
                let view = View { screen: screen.id, pointer };
                let watched = captures.watches.iter().any(|watch| watch.view == view);
                if !watched && !captures.waiting.iter().any(|copy| copy.view == view) {
                    self.hardware.backend.forget_watched(view);
                }
            }
        }
    }
}

/// Writes the picture, or the parts that the buffer lacks, into the client's buffer, which is complete when the sync
/// point is reached.
fn fill(
    backend: &mut dyn crate::backend::Backend,
    copy: &Copy,
    missed: &[Rectangle<i32, Physical>],
) -> Result<SyncPoint, Failure> {
    if !copy.buffer.is_alive() {
        return Err(Failure::Buffer);
    }
    let wanted = copy.wanted(missed);
    let Some(part) = wanted.into_iter().reduce(Rectangle::merge) else { return Ok(SyncPoint::signaled()) };
    let at = part.loc - copy.area.loc;
    if let Memory::Gpu(buffer) = &copy.memory {
        return backend.copy_watched(copy.view, to_buffer(part), &mut buffer.clone(), at).map_err(|error| {
            tracing::debug!(%error, "no copy into a buffer of the GPU");
            Failure::Buffer
        });
    }
    let mut written = Err(Failure::Buffer);
    let size = (part.size.w, part.size.h);
    let read = backend.read_watched(copy.view, to_buffer(part), &mut |rgbx| {
        written = pixels::write(&copy.buffer, (at.x, at.y), size, rgbx).map_err(|_| Failure::Buffer);
    });
    read.map_err(|_| Failure::Unseen).and(written)?;
    Ok(SyncPoint::signaled())
}
