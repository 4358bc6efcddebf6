//! Limits the pastes of what is dragged that its source does not read. smithay's offers of a drag can't be guarded from
//! outside: each gets a handler around smithay's own, as soon as it is made.

use std::{os::fd::OwnedFd, sync::Arc};

use smithay::{
    backend::input::TouchSlot,
    reexports::wayland_server::{
        Client, Resource,
        backend::{ClientId, Handle, ObjectData, ObjectId, protocol::Message},
        protocol::{
            wl_data_offer::{REQ_RECEIVE_OPCODE, WlDataOffer},
            wl_data_source::WlDataSource,
            wl_surface::WlSurface,
        },
    },
};

use super::selection_sources::SelectionSources;
use crate::{
    kiosk::Kiosk,
    limits::unread::{self, Sent},
};

/// The drag and drop in progress.
#[derive(Debug, Default)]
pub struct Drag {
    source: Option<WlDataSource>,
    /// The pointer (`None`) or finger that moved last, and the surface that it is on: nothing is offered there again.
    over: Option<(Option<TouchSlot>, ObjectId)>,
}

impl SelectionSources {
    /// A drag and drop begins; without a source it concerns its own client alone.
    pub(super) fn drag_begins(&mut self, source: Option<WlDataSource>) {
        self.drag = Drag { source, over: None };
    }

    /// It has ended.
    pub(super) fn drag_ends(&mut self) {
        self.drag = Drag::default();
    }
}

impl Kiosk {
    /// Moves the pointer, or a finger, to this surface. What it drags, if anything, is offered there: guards the offers.
    pub(crate) fn move_drag(
        &mut self,
        finger: Option<TouchSlot>,
        under: Option<&WlSurface>,
        motion: impl FnOnce(&mut Self),
    ) {
        let Drag { source, over } = &mut self.protocols.selection_sources.drag;
        let Some(source) = source.clone() else { return motion(self) };
        let place = under.map(|surface| (finger, surface.id()));
        let client = under.and_then(Resource::client).filter(|_| *over != place);
        *over = place;
        let Some(client) = client else { return motion(self) };
        let before = self.offers_of(&client);
        motion(self);
        let made = self.offers_of(&client).into_iter().filter(|offer| !before.contains(offer));
        let display = self.main_loop.display.backend_handle();
        for offer in made {
            if let Ok(smithay) = display.get_object_data::<Self>(offer.clone()) {
                // Both fail only for what is gone.
                let _ = display.set_object_data::<Self>(offer, Arc::new(Guarded { smithay, source: source.clone() }));
            }
        }
    }

    fn offers_of(&self, client: &Client) -> Vec<ObjectId> {
        let mut offers = Vec::new();
        let listed = self.main_loop.display.backend_handle().with_all_objects_for(client.id(), |object| {
            if object.interface().name == WlDataOffer::interface().name {
                offers.push(object);
            }
        });
        // A client that has gone has none.
        listed.map_or(Vec::new(), |()| offers)
    }
}

/// An offer of a drag.
struct Guarded {
    smithay: Arc<dyn ObjectData<Kiosk>>,
    source: WlDataSource,
}

impl ObjectData<Kiosk> for Guarded {
    fn request(
        self: Arc<Self>,
        handle: &Handle,
        kiosk: &mut Kiosk,
        client: ClientId,
        message: Message<ObjectId, OwnedFd>,
    ) -> Option<Arc<dyn ObjectData<Kiosk>>> {
        if message.opcode == REQ_RECEIVE_OPCODE {
            let reads = self.source.client().is_some_and(|source| unread::takes(&source, 1, Sent::Paste));
            if !reads {
                // The message's descriptor is closed: who pastes sees its end.
                return None;
            }
        }
        self.smithay.clone().request(handle, kiosk, client, message)
    }

    fn destroyed(self: Arc<Self>, handle: &Handle, kiosk: &mut Kiosk, client: ClientId, offer: ObjectId) {
        self.smithay.clone().destroyed(handle, kiosk, client, offer);
    }
}
