//! The event loop: calloop for what happens now and then, and in front of it one `ppoll` for what happens at each frame.
//!
//! [`Handle::insert_source`] and its like are calloop's. What each frame needs does not go through it: the Wayland
//! display and the cards are watched ([`Handle::watch`]), timers are in a queue of our own ([`timers`]), and a turn waits
//! once for all of them and for calloop's own descriptor. calloop is dispatched only when that one is readable.
//!
//! WORKAROUND(polling#224) For one wait, calloop's `polling` sets a timer and arms it, waits, and takes and arms its
//! notifier: five system calls.
//!
//! A turn serves each descriptor that is readable once, calloop's sources once, and the timers that are due; what comes
//! meanwhile waits for the next. [`crate::run`] runs it with [`crate::kiosk::Kiosk::settle`] after each turn. It never
//! waits for anything else, and does not depend on the compositor.

mod timers;

use std::{
    cell::{Cell, RefCell},
    io,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use smithay::reexports::calloop::{
    self, EventSource, InsertError, Interest, LoopHandle, Mode, PostAction, RegistrationToken, generic::Generic,
};

pub use timers::TimerToken;
use timers::Timers;

type Serve<D> = Box<dyn FnMut(&mut D)>;

/// A descriptor that is served without calloop, and by what.
struct Watch<D> {
    number: u64,
    fd: OwnedFd,
    serve: RefCell<Serve<D>>,
    /// Cleared when it is removed, which may be within the turn in which it is readable.
    wanted: Cell<bool>,
}

/// The watches. The list is replaced when it changes, so that a turn goes through the one that it began with.
type Watches<D> = Rc<RefCell<Rc<[Rc<Watch<D>>]>>>;

/// Names a descriptor that is watched.
#[derive(Debug, Clone, Copy)]
pub struct WatchToken(Watched);

#[derive(Debug, Clone, Copy)]
enum Watched {
    Here(u64),
    ByCalloop(RegistrationToken),
}

/// The loop; `D` is what its callbacks change.
pub struct EventLoop<D: 'static> {
    calloop: calloop::EventLoop<'static, D>,
    handle: Handle<D>,
}

/// Adds to the loop and removes from it, also from within its callbacks.
pub struct Handle<D: 'static> {
    calloop: LoopHandle<'static, D>,
    timers: Timers<D>,
    watches: Watches<D>,
    /// How many there have been.
    watched: Rc<Cell<u64>>,
    /// A source of calloop's wants to be asked before the loop sleeps, so calloop has to do the waiting.
    asks_before_sleep: Rc<Cell<bool>>,
    /// When the current turn's wait was over, monotonic.
    woken: Rc<Cell<Option<Duration>>>,
}

impl<D> Clone for Handle<D> {
    fn clone(&self) -> Self {
        Self {
            calloop: self.calloop.clone(),
            timers: self.timers.clone(),
            watches: self.watches.clone(),
            watched: self.watched.clone(),
            asks_before_sleep: self.asks_before_sleep.clone(),
            woken: self.woken.clone(),
        }
    }
}

impl<D: 'static> EventLoop<D> {
    /// A loop without sources. Fails where the kernel gives no descriptor.
    pub fn new() -> calloop::Result<Self> {
        let calloop = calloop::EventLoop::try_new()?;
        let handle = Handle {
            calloop: calloop.handle(),
            timers: Timers::default(),
            watches: Rc::new(RefCell::new(Rc::new([]))),
            watched: Rc::default(),
            asks_before_sleep: Rc::default(),
            woken: Rc::default(),
        };
        Ok(Self { calloop, handle })
    }

    /// The handle, to be cloned.
    pub fn handle(&self) -> Handle<D> {
        self.handle.clone()
    }

    /// One turn: waits for something to do, at most `timeout` (`None`: without a limit), and does it.
    pub fn turn(&mut self, timeout: Option<Duration>, data: &mut D) -> calloop::Result<()> {
        let timeout = match (timeout, self.handle.timers.next_in()) {
            (Some(timeout), Some(next)) => Some(timeout.min(next)),
            (timeout, next) => timeout.or(next),
        };
        if self.handle.asks_before_sleep.get() {
            self.calloop.dispatch(timeout, data)?;
        } else if self.serve_watches(timeout, data)? {
            self.calloop.dispatch(Some(Duration::ZERO), data)?;
        }
        let now = self.handle.woken.get().unwrap_or_else(timers::now);
        self.handle.timers.run_due(now, data);
        Ok(())
    }

    /// Waits, and serves the watches that are readable. Returns whether calloop has something to do.
    fn serve_watches(&self, timeout: Option<Duration>, data: &mut D) -> io::Result<bool> {
        let watches = self.handle.watches.borrow().clone();
        // A time that the kernel cannot express is longer than any machine runs.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let descriptors = std::iter::once(self.calloop.as_fd()).chain(watches.iter().map(|watch| watch.fd.as_fd()));
        let mut polled: Vec<PollFd<'_>> = descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let ready = poll(&mut polled, timeout.as_ref());
        self.handle.woken.set(Some(timers::now()));
        match ready {
            // A signal, whose handler has written to a descriptor of calloop's: see `signals`.
            Ok(0) | Err(Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut readable = polled.iter().map(|fd| !fd.revents().is_empty());
        let calloop = readable.next().unwrap_or(false);
        for (watch, _) in watches.iter().zip(readable).filter(|(_, readable)| *readable) {
            if watch.wanted.get() {
                (watch.serve.borrow_mut())(data);
            }
        }
        Ok(calloop)
    }
}

impl<D: 'static> Handle<D> {
    /// Adds a source of calloop's.
    pub fn insert_source<S, F>(&self, source: S, callback: F) -> Result<RegistrationToken, InsertError<S>>
    where
        S: EventSource + 'static,
        F: FnMut(S::Event, &mut S::Metadata, &mut D) -> S::Ret + 'static,
    {
        let token = self.calloop.insert_source(source, callback)?;
        if S::NEEDS_EXTRA_LIFECYCLE_EVENTS {
            self.asks_before_sleep.set(true);
        }
        Ok(token)
    }

    /// Removes a source of calloop's.
    pub fn remove(&self, token: RegistrationToken) {
        self.calloop.remove(token);
    }

    /// Enables a source of calloop's that disabled itself.
    pub fn enable(&self, token: &RegistrationToken) -> calloop::Result<()> {
        self.calloop.enable(token)
    }

    /// Calls `serve` in each turn in which the descriptor is readable. For what each frame needs: everything else is a
    /// source of calloop's. Beside a source that wants to be asked before the loop sleeps (a window of another
    /// compositor, which is inserted before all watches) it becomes one too.
    pub fn watch(&self, fd: OwnedFd, mut serve: impl FnMut(&mut D) + 'static) -> calloop::Result<WatchToken> {
        if self.asks_before_sleep.get() {
            let inserted =
                self.calloop.insert_source(Generic::new(fd, Interest::READ, Mode::Level), move |_, _, data| {
                    serve(data);
                    Ok(PostAction::Continue)
                });
            return Ok(WatchToken(Watched::ByCalloop(inserted.map_err(|refused| refused.error)?)));
        }
        let number = self.watched.get();
        self.watched.set(number + 1);
        let watch = Watch { number, fd, serve: RefCell::new(Box::new(serve)), wanted: Cell::new(true) };
        let mut watches = self.watches.borrow_mut();
        *watches = watches.iter().cloned().chain([Rc::new(watch)]).collect();
        Ok(WatchToken(Watched::Here(number)))
    }

    /// Ends a watch, also within the turn in which its descriptor is readable.
    pub fn unwatch(&self, token: WatchToken) {
        match token.0 {
            Watched::ByCalloop(token) => self.calloop.remove(token),
            Watched::Here(number) => {
                let mut watches = self.watches.borrow_mut();
                watches.iter().filter(|watch| watch.number == number).for_each(|watch| watch.wanted.set(false));
                *watches = watches.iter().filter(|watch| watch.wanted.get()).cloned().collect();
            }
        }
    }

    /// Calls `then` once after `delay`, on the monotonic clock; without a delay in the next turn.
    pub fn after(&self, delay: Duration, then: impl FnOnce(&mut D) + 'static) {
        self.timers.arm(timers::now().saturating_add(delay), Box::new(then));
    }

    /// Calls `then` once, when the monotonic clock has reached `deadline`.
    pub fn at(&self, deadline: Duration, then: impl FnOnce(&mut D) + 'static) -> TimerToken {
        self.timers.arm(deadline, Box::new(then))
    }

    /// When the current turn's wait was over, monotonic; `None`: before the first turn, or calloop does the waiting.
    pub fn woken(&self) -> Option<Duration> {
        self.woken.get()
    }

    /// Disarms a timer. One that has fired stays so.
    pub fn disarm(&self, timer: TimerToken) {
        self.timers.disarm(timer);
    }
}
