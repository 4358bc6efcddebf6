//! Commits that wait for something that never comes.

use std::{
    io,
    rc::{Rc, Weak},
};

use smithay::{
    reexports::{
        calloop::{
            EventSource, Poll, PostAction, Readiness, Token, TokenFactory,
            ping::{Ping, PingSource, make_ping},
        },
        wayland_server::Resource,
    },
    wayland::compositor::{Blocker, BlockerState},
};

use crate::fixture::{
    ClientId, Fixture,
    picture::{GREEN, Picture, RED},
};

/// A client's fence, as the GPU's are to the loop.
struct Fence {
    signal: PingSource,
    _alive: Rc<()>,
}

impl EventSource for Fence {
    type Event = ();
    type Metadata = ();
    type Ret = io::Result<()>;
    type Error = io::Error;

    fn process_events<F>(&mut self, readiness: Readiness, token: Token, mut callback: F) -> io::Result<PostAction>
    where
        F: FnMut((), &mut ()) -> io::Result<()>,
    {
        let mut signalled = Ok(());
        self.signal.process_events(readiness, token, |(), &mut ()| signalled = callback((), &mut ())).unwrap();
        signalled.map(|()| PostAction::Remove)
    }

    fn register(&mut self, poll: &mut Poll, factory: &mut TokenFactory) -> smithay::reexports::calloop::Result<()> {
        self.signal.register(poll, factory)
    }

    fn reregister(&mut self, poll: &mut Poll, factory: &mut TokenFactory) -> smithay::reexports::calloop::Result<()> {
        self.signal.reregister(poll, factory)
    }

    fn unregister(&mut self, poll: &mut Poll) -> smithay::reexports::calloop::Result<()> {
        self.signal.unregister(poll)
    }
}

/// Holds until its fence is gone or signalled: what the loop removes is over.
struct Held(std::sync::Weak<()>);

impl Blocker for Held {
    fn state(&self) -> BlockerState {
        if self.0.strong_count() == 0 { BlockerState::Released } else { BlockerState::Pending }
    }
}

/// The next commit of the client's window waits for a fence. Its signal, and what is there as long as the loop has it.
fn hold_back(fixture: &mut Fixture) -> (Ping, Weak<()>, std::sync::Arc<()>) {
    let (ping, signal) = make_ping().unwrap();
    let alive = Rc::new(());
    let known = Rc::downgrade(&alive);
    let held = std::sync::Arc::new(());
    let window = fixture.kiosk.stage.windows.iter().next().unwrap().window.toplevel().unwrap().wl_surface().clone();
    assert!(window.is_alive());
    fixture.kiosk.hold_back(&window, Held(std::sync::Arc::downgrade(&held)), Fence { signal, _alive: alive });
    (ping, known, held)
}

fn with_page() -> (Fixture, ClientId, crate::fixture::client::Toplevel) {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    (fixture, client, window)
}

#[test]
fn a_fence_that_is_never_signalled_goes_with_its_client() {
    let (mut fixture, client, _) = with_page();
    let (_ping, known, _held) = hold_back(&mut fixture);
    assert_eq!(known.strong_count(), 1);
    fixture[client].kill();
    fixture.until("the window gone", |fixture| fixture.kiosk.stage.windows.iter().count() == 0);
    assert_eq!(known.strong_count(), 0, "the loop waits for the fence of a client that has gone");
}

#[test]
fn a_fence_that_is_never_signalled_goes_with_its_surface() {
    let (mut fixture, client, window) = with_page();
    let (_ping, known, _held) = hold_back(&mut fixture);
    window.destroy();
    fixture.roundtrip(client);
    assert_eq!(known.strong_count(), 0, "the loop waits for the fence of a surface that has gone");
}

#[test]
fn a_fence_that_is_signalled_lets_the_commit_through_and_is_gone() {
    let (mut fixture, client, window) = with_page();
    let (ping, known, held) = hold_back(&mut fixture);
    fixture[client].fill(&window, Picture::Solid(GREEN));
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), RED, "the buffer is not ready");
    drop(held);
    ping.ping();
    fixture.until("the new picture", |fixture| fixture.panel().pixel(9, 9) == GREEN);
    assert_eq!(known.strong_count(), 0);
}
