//! What screens show, for tools that were let near it: wlr-screencopy and ext-image-copy-capture speak to them, and
//! what is behind both is here: who waits for which picture, what each has missed of it, and the end of a turn, in which
//! they are served ([`Kiosk::serve_captures`]). A picture is as it lies on the panel, as both protocols want it. A screen
//! that stands still costs nothing: who waits for a change is looked at when the screen drew. Drawing and reading back is
//! the back end's ([`crate::backend::watched`]).

mod area;
mod image_copy;
mod notice;
mod pixels;
mod screencopy;
mod source;
mod wait;

use std::collections::{HashSet, VecDeque};

use smithay::{
    reexports::wayland_server::{DisplayHandle, Resource, backend::ObjectId, protocol::wl_buffer::WlBuffer},
    utils::{Buffer, Physical, Rectangle},
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
use image_copy::Session;
pub use wait::Copy;
use wait::{Failure, Target};

/// Copies that are made in one turn of the loop: one of a large screen takes milliseconds.
const COPIES_A_TURN: usize = 4;
/// Rectangles of what a watcher has missed; more become one around them all.
const MISSED_PARTS: usize = 16;

/// What one watcher has not got yet of a picture that it asks for again and again.
struct Watch {
    /// The screencopy manager or the session that it asks through.
    watcher: ObjectId,
    view: View,
    /// In pixels of the panel.
    missed: Vec<Rectangle<i32, Physical>>,
}

/// The state of the protocols.
pub struct Captures {
    watches: Vec<Watch>,
    /// What was asked for, oldest first.
    waiting: VecDeque<Copy>,
    /// Screens that drew since copies were last looked at.
    drew: HashSet<ScreenId>,
    sessions: Vec<Session>,
    notice: notice::Announced,
    /// The rest of the copies waits for the next turn, which is sure to come.
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
            drew: HashSet::new(),
            sessions: Vec::new(),
            notice: notice::Announced::default(),
            resumes: false,
        }
    }

    /// A screen has another picture.
    pub fn screen_drew(&mut self, screen: ScreenId) {
        if !self.waiting.is_empty() {
            self.drew.insert(screen);
        }
    }

    /// Copies that wait, for tests.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Watchers that are remembered, for tests.
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

    /// A manager or session is gone, and with it what it has missed.
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

    /// What the one who asks has missed of the part that it wants; nothing is known of one that is gone.
    fn missed(&self, copy: &Copy) -> Vec<Rectangle<i32, Physical>> {
        let watch = self.watches.iter().find(|watch| watch.watcher == copy.watcher && watch.view == copy.view);
        match watch {
            Some(watch) => watch.missed.iter().filter_map(|part| part.intersection(copy.area)).collect(),
            None => vec![copy.area],
        }
    }

    /// It has it now.
    fn caught_up(&mut self, copy: &Copy) {
        for watch in &mut self.watches {
            if watch.watcher == copy.watcher && watch.view == copy.view {
                watch.missed = Rectangle::subtract_rects_many(watch.missed.drain(..), [copy.area]);
            }
        }
    }

    /// Takes out the copies for which this holds.
    fn take(&mut self, mut which: impl FnMut(&Copy) -> bool) -> Vec<Copy> {
        let (taken, left) = std::mem::take(&mut self.waiting).into_iter().partition(|copy| which(copy));
        self.waiting = left;
        Vec::from_iter::<VecDeque<Copy>>(taken)
    }
}

impl Kiosk {
    /// Whether the screen shows anything to anybody: it is lit, and ours.
    fn is_seen(&self, screen: ScreenId) -> bool {
        !self.seat.session.paused && self.screens.get(screen).is_some_and(crate::screens::Screen::lit)
    }

    /// The end of a turn: whoever asked for a picture gets it, if there is one.
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
            // With the light everybody gets everything.
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

    /// Draws what is new in a picture that is watched.
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

    /// Serves those for whom there is something, some in each turn.
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
                Ok(()) => {
                    captures.caught_up(&copy);
                    captures.notice.taken(copy.view.screen, now);
                    copy.succeed(now, &missed);
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

    /// A screen is no more: nobody has missed anything of it, and its pictures are not kept.
    pub(crate) fn forget_captured(&mut self, screen: ScreenId) {
        self.protocols.captures.watches.retain(|watch| watch.view.screen != screen);
        self.protocols.captures.notice.forget(screen);
        self.end_gamma_of(screen);
        for pointer in [false, true] {
            self.hardware.backend.forget_watched(View { screen, pointer });
        }
    }

    /// Pictures that nobody watches any more are not kept.
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

/// Writes the picture into the client's buffer, or as much of it as is not in there.
fn fill(
    backend: &mut dyn crate::backend::Backend,
    copy: &Copy,
    missed: &[Rectangle<i32, Physical>],
) -> Result<(), Failure> {
    if !copy.buffer.is_alive() {
        return Err(Failure::Buffer);
    }
    let wanted = copy.wanted(missed);
    let Some(part) = wanted.into_iter().reduce(Rectangle::merge) else { return Ok(()) };
    let at = part.loc - copy.area.loc;
    let mut written = Err(Failure::Buffer);
    let size = (part.size.w, part.size.h);
    let read = backend.read_watched(copy.view, to_buffer(part), &mut |rgbx| {
        written = pixels::write(&copy.buffer, (at.x, at.y), size, rgbx).map_err(|_| Failure::Buffer);
    });
    read.map_err(|_| Failure::Unseen).and(written)
}

/// Whether a copy of this size can go into the buffer: shared memory, the one format, the very size.
fn fits(buffer: &WlBuffer, size: Rectangle<i32, Buffer>) -> bool {
    pixels::shape(buffer).is_some_and(|shape| shape == (size.size.w, size.size.h))
}
