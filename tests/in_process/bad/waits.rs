//! Commits that wait for a fence that is never signalled.

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
        wayland_server::{Resource, protocol::wl_surface::WlSurface},
    },
    wayland::compositor::{Blocker, BlockerState, get_children},
};

use crate::fixture::{
    ClientId, Fixture,
    picture::{GREEN, Picture, RED},
};

/// A client's fence, which looks like a GPU's to the loop.
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

/// Blocks until the test drops what it refers to.
struct Held(std::sync::Weak<()>);

impl Blocker for Held {
    fn state(&self) -> BlockerState {
        if self.0.strong_count() == 0 { BlockerState::Released } else { BlockerState::Pending }
    }
}

/// The client's window on the server side.
fn server_side(fixture: &Fixture) -> WlSurface {
    fixture.kiosk.stage.windows.iter().next().unwrap().window.toplevel().unwrap().wl_surface().clone()
}

/// Blocks the surface's next commit by a fence. Returns its signal, a reference that lives as long as the loop has the
/// source, and what keeps the commit blocked.
fn hold_back(fixture: &mut Fixture, surface: &WlSurface) -> (Ping, Weak<()>, std::sync::Arc<()>) {
    let (ping, signal) = make_ping().unwrap();
    let alive = Rc::new(());
    let known = Rc::downgrade(&alive);
    let held = std::sync::Arc::new(());
    assert!(surface.is_alive());
    fixture.kiosk.hold_back(surface, Held(std::sync::Arc::downgrade(&held)), Fence { signal, _alive: alive });
    (ping, known, held)
}

fn hold_back_window(fixture: &mut Fixture) -> (Ping, Weak<()>, std::sync::Arc<()>) {
    let window = server_side(fixture);
    hold_back(fixture, &window)
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
    let (_ping, known, _held) = hold_back_window(&mut fixture);
    assert_eq!(known.strong_count(), 1);
    fixture[client].kill();
    fixture.until("the window gone", |fixture| fixture.kiosk.stage.windows.iter().count() == 0);
    assert_eq!(known.strong_count(), 0, "the loop waits for the fence of a client that has gone");
}

#[test]
fn a_fence_that_is_never_signalled_goes_with_its_surface() {
    let (mut fixture, client, window) = with_page();
    let (_ping, known, _held) = hold_back_window(&mut fixture);
    window.destroy();
    fixture.roundtrip(client);
    assert_eq!(known.strong_count(), 0, "the loop waits for the fence of a surface that has gone");
}

#[test]
fn a_fence_that_is_signalled_lets_the_commit_through_and_is_gone() {
    let (mut fixture, client, window) = with_page();
    let (ping, known, held) = hold_back_window(&mut fixture);
    fixture[client].fill(&window, Picture::Solid(GREEN));
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), RED, "the buffer is not ready");
    drop(held);
    ping.ping();
    fixture.until("the new picture", |fixture| fixture.panel().pixel(9, 9) == GREEN);
    assert_eq!(known.strong_count(), 0);
}

#[test]
fn a_subsurface_that_goes_while_its_buffer_is_drawn_does_not_freeze_its_parent() {
    let (mut fixture, client, window) = with_page();
    let surface = fixture[client].surface();
    let bound = fixture[client].bound().clone();
    let subsurface = bound.subcompositor.get_subsurface(&surface, &window.surface, &fixture[client].handle, ());
    fixture.roundtrip(client);
    let parent = server_side(&fixture);
    let child = get_children(&parent).into_iter().find(|child| *child != parent).unwrap();
    let (_ping, known, _held) = hold_back(&mut fixture, &child);
    fixture[client].draw(&surface, Picture::Solid(RED), 32, 20);
    fixture[client].fill(&window, Picture::Solid(GREEN));
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), RED, "both are one commit");
    subsurface.destroy();
    surface.destroy();
    fixture.until("the parent's picture", |fixture| fixture.panel().pixel(9, 9) == GREEN);
    assert_eq!(known.strong_count(), 0);
    fixture[client].fill(&window, Picture::Solid(RED));
    fixture.until("the next picture", |fixture| fixture.panel().pixel(9, 9) == RED);
}
