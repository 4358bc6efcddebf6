//! Clients that send invalid requests, flood, or die at the wrong moment: the compositor and the other clients keep
//! running.

mod admins;
mod callers;
mod crowds;
mod dmabufs;
mod faults;
mod floods;
mod fuzz;
mod leavers;
mod limits;
mod mangle;
mod memory;
mod roles;
mod speaker;
mod unread;
mod waits;
mod window_lists;
mod wire_fuzz;

use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    picture::{Picture, YELLOW},
};

/// A correct client, which must not be affected.
struct Bystander {
    client: ClientId,
    window: Toplevel,
}

impl Bystander {
    fn new(fixture: &mut Fixture) -> Self {
        let client = fixture.client();
        let window = fixture.map(client, Picture::Solid(YELLOW));
        Self { client, window }
    }

    /// It is still connected, can draw, and gets frames.
    #[track_caller]
    fn assert_unharmed(&self, fixture: &mut Fixture) {
        fixture.roundtrip(self.client);
        assert!(!fixture[self.client].is_gone(), "{:?}", fixture[self.client].error());
        let frames = fixture[self.client].frames(&self.window.surface);
        fixture[self.client].ask_frame(&self.window.surface);
        fixture[self.client].draw(&self.window.surface, Picture::Solid(YELLOW), 320, 200);
        fixture.until("the bystander's frame", |fixture| fixture[self.client].frames(&self.window.surface) > frames);
    }

    /// As above, and its window is visible.
    #[track_caller]
    fn assert_seen(&self, fixture: &mut Fixture) {
        self.assert_unharmed(fixture);
        fixture.still();
        assert_eq!(fixture.panel().pixel(300, 20), YELLOW);
    }
}

impl Fixture {
    /// The server disconnects the client for an error.
    #[track_caller]
    fn turned_out(&mut self, client: ClientId) {
        self[client].sync();
        self.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    }
}
