//! The event loop beside descriptors that are always readable, and its timers.
#![allow(clippy::unwrap_used)]

use std::{
    cell::Cell,
    io::{self, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    rc::Rc,
    time::Duration,
};

use kioskd::event_loop::{EventLoop, Handle, WatchToken};
use smithay::{
    reexports::calloop::{self, EventSource, Interest, Mode, PostAction, generic::Generic},
    utils::{Clock, Monotonic},
};

fn now() -> Duration {
    Clock::<Monotonic>::new().now().into()
}

/// What happened, in order.
type Story = Vec<&'static str>;

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

fn new() -> (EventLoop<Story>, Handle<Story>, Story) {
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    (event_loop, handle, Story::new())
}

/// A stream, and a duplicate of its descriptor to be watched, which is readable at once.
fn readable() -> (UnixStream, OwnedFd) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(b"x").unwrap();
    std::mem::forget(theirs);
    let watched = ours.try_clone().unwrap();
    (ours, watched.into())
}

#[test]
fn what_stays_readable_is_served_once_a_turn_and_keeps_nothing_else_waiting() {
    let (mut event_loop, handle, mut story) = new();
    let (_flood, fd) = readable();
    handle.watch(fd, |story| story.push("flood")).unwrap();
    let (mut ours, fd) = readable();
    handle
        .watch(fd, move |story| {
            story.push("flip");
            ours.read_exact(&mut [0]).unwrap();
        })
        .unwrap();
    let (_control, fd) = readable();
    let source = Generic::new(fd, Interest::READ, Mode::Level);
    handle
        .insert_source(source, |_, _, story| {
            story.push("control");
            Ok(PostAction::Remove)
        })
        .unwrap();
    handle.after(Duration::ZERO, |story| story.push("timer"));
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story, ["flood", "flip", "control", "timer"]);
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story[4..], ["flood"]);
}

#[test]
fn a_watch_that_has_ended_is_not_served_even_in_the_turn_that_ended_it() {
    let (mut event_loop, handle, mut story) = new();
    let token: Rc<Cell<Option<WatchToken>>> = Rc::default();
    let ((_one, first), (_other, second)) = (readable(), readable());
    let (ending, second_token) = (handle.clone(), token.clone());
    handle
        .watch(first, move |story| {
            story.push("first");
            if let Some(token) = second_token.take() {
                ending.unwatch(token);
            }
        })
        .unwrap();
    token.set(Some(handle.watch(second, |story| story.push("second")).unwrap()));
    event_loop.turn(None, &mut story).unwrap();
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story, ["first", "first"]);
}

#[test]
fn a_watch_may_add_another_one() {
    let (mut event_loop, handle, mut story) = new();
    let (_one, first) = readable();
    let (_other, second) = readable();
    let (adding, mut second) = (handle.clone(), Some(second));
    handle
        .watch(first, move |story| {
            story.push("first");
            if let Some(second) = second.take() {
                adding.watch(second, |story| story.push("second")).unwrap();
            }
        })
        .unwrap();
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story, ["first"]);
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story, ["first", "first", "second"]);
}

#[test]
fn timers_fire_in_order_once_and_those_they_arm_wait_for_the_next_turn() {
    let (mut event_loop, handle, mut story) = new();
    let again = handle.clone();
    handle.at(Duration::from_nanos(2), move |story| {
        story.push("second");
        again.at(Duration::from_nanos(1), |story| story.push("third"));
    });
    handle.at(Duration::from_nanos(1), |story| story.push("first"));
    handle.after(Duration::from_secs(1000), |story| story.push("later"));
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story, ["first", "second"]);
    event_loop.turn(None, &mut story).unwrap();
    event_loop.turn(AT_ONCE, &mut story).unwrap();
    assert_eq!(story, ["first", "second", "third"]);
}

#[test]
fn a_turn_lasts_until_a_timer_is_due_and_not_until_a_disarmed_one() {
    let (mut event_loop, handle, mut story) = new();
    let early = handle.at(now(), |story| story.push("disarmed"));
    let due = now() + Duration::from_millis(5);
    let armed = handle.at(due, |story| story.push("due"));
    handle.disarm(early);
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story, ["due"]);
    assert!(now() >= due);
    // One that has fired.
    handle.disarm(armed);
}

#[test]
fn a_timer_that_a_timer_disarms_does_not_fire() {
    let (mut event_loop, handle, mut story) = new();
    let second = handle.at(Duration::from_nanos(2), |story| story.push("second"));
    let disarming = handle.clone();
    handle.at(Duration::from_nanos(1), move |_| disarming.disarm(second));
    event_loop.turn(None, &mut story).unwrap();
    event_loop.turn(AT_ONCE, &mut story).unwrap();
    assert!(story.is_empty());
}

/// A source that has something to do that its descriptor does not tell of, as windows of another compositor have.
struct Unseen(Generic<OwnedFd>, Option<calloop::Token>);

impl EventSource for Unseen {
    type Event = ();
    type Metadata = ();
    type Ret = ();
    type Error = io::Error;

    const NEEDS_EXTRA_LIFECYCLE_EVENTS: bool = true;

    fn before_sleep(&mut self) -> calloop::Result<Option<(calloop::Readiness, calloop::Token)>> {
        Ok(self.1.map(|token| (calloop::Readiness::EMPTY, token)))
    }

    fn process_events<F>(&mut self, _: calloop::Readiness, _: calloop::Token, mut then: F) -> io::Result<PostAction>
    where
        F: FnMut((), &mut ()),
    {
        then((), &mut ());
        Ok(PostAction::Continue)
    }

    fn register(&mut self, poll: &mut calloop::Poll, factory: &mut calloop::TokenFactory) -> calloop::Result<()> {
        self.0.register(poll, factory)?;
        self.1 = Some(factory.token());
        Ok(())
    }

    fn reregister(&mut self, poll: &mut calloop::Poll, factory: &mut calloop::TokenFactory) -> calloop::Result<()> {
        self.0.reregister(poll, factory)
    }

    fn unregister(&mut self, poll: &mut calloop::Poll) -> calloop::Result<()> {
        self.0.unregister(poll)
    }
}

#[test]
fn beside_a_source_that_is_asked_before_the_loop_sleeps_all_are_served() {
    let (mut event_loop, handle, mut story) = new();
    let (silent, _other) = UnixStream::pair().unwrap();
    let unseen = Unseen(Generic::new(silent.into(), Interest::READ, Mode::Level), None);
    handle.insert_source(unseen, |(), _, story| story.push("unseen")).unwrap();
    let (_clients, fd) = readable();
    let token = handle.watch(fd, |story| story.push("clients")).unwrap();
    handle.after(Duration::ZERO, |story| story.push("timer"));
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story, ["unseen", "clients", "timer"]);
    handle.unwatch(token);
    event_loop.turn(None, &mut story).unwrap();
    assert_eq!(story[3..], ["unseen"]);
}
