//! Positions of subsurfaces, which take effect with their parents' commits. smithay moves one with its own commit, so
//! it gets the position only when the parent's state is in force. Called by [`super::guards`] and [`super::surfaces`].

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use smithay::{
    reexports::wayland_server::{
        Client, DataInit, Dispatch, DisplayHandle, Resource, Weak,
        backend::{ClientId, ObjectId},
        protocol::{
            wl_subsurface::{self, WlSubsurface},
            wl_surface::WlSurface,
        },
    },
    utils::{Logical, Point},
    wayland::compositor::{
        CompositorHandler, CompositorState, SubsurfaceCachedState, SubsurfaceUserData, SurfaceData, get_parent,
        with_states,
    },
};

use super::guards;
use crate::{
    kiosk::Kiosk,
    limits::{self, refusal},
    protocols::dispatch::Refused,
};

/// Stored with a surface: the pending positions of its children, at most one each.
type PendingPositions = Mutex<HashMap<ObjectId, PendingPosition>>;

struct PendingPosition {
    child: Weak<WlSurface>,
    /// Set since the parent's last commit.
    pending: Option<Point<i32, Logical>>,
    /// Set by a commit of the parent that is still pending.
    committed: Option<Point<i32, Logical>>,
}

/// Stored with a child: its position in force. A commit of the child brings an older one.
type CurrentPosition = Mutex<Point<i32, Logical>>;

fn places(states: &SurfaceData) -> Option<MutexGuard<'_, HashMap<ObjectId, PendingPosition>>> {
    states.data_map.get::<PendingPositions>().map(|places| places.lock().unwrap_or_else(PoisonError::into_inner))
}

// WORKAROUND(smithay:subsurface-place)
impl Dispatch<WlSubsurface, SubsurfaceUserData> for Kiosk {
    fn request(
        kiosk: &mut Self,
        client: &Client,
        subsurface: &WlSubsurface,
        request: wl_subsurface::Request,
        data: &SubsurfaceUserData,
        display: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if !limits::admits(client, subsurface, request.opcode()) {
            return;
        }
        if let Err(Refused { code, sentence }) = guards::subsurface(kiosk, &request, data) {
            refusal::post(subsurface, code, &sentence);
            return;
        }
        if let wl_subsurface::Request::SetPosition { x, y } = request {
            let scale = kiosk.client_compositor_state(client).client_scale();
            let at = Point::<f64, Logical>::from((f64::from(x) / scale, f64::from(y) / scale)).to_i32_round();
            ask(data.surface(), at);
            return;
        }
        <CompositorState as Dispatch<WlSubsurface, SubsurfaceUserData, Self>>::request(
            kiosk, client, subsurface, request, data, display, init,
        );
    }

    fn destroyed(kiosk: &mut Self, client: ClientId, subsurface: &WlSubsurface, data: &SubsurfaceUserData) {
        limits::released(kiosk, &client, subsurface);
        with_states(data.surface(), |states| {
            if let Some(place) = states.data_map.get::<CurrentPosition>() {
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Point::default();
            }
        });
        if let Some(parent) = get_parent(data.surface()) {
            with_states(&parent, |states| {
                if let Some(mut places) = places(states) {
                    places.remove(&data.surface().id());
                }
            });
        }
        <CompositorState as Dispatch<WlSubsurface, SubsurfaceUserData, Self>>::destroyed(
            kiosk, client, subsurface, data,
        );
    }
}

fn ask(child: &WlSurface, at: Point<i32, Logical>) {
    let Some(parent) = get_parent(child) else { return };
    with_states(&parent, |states| {
        states.data_map.insert_if_missing_threadsafe(PendingPositions::default);
        if let Some(mut places) = places(states) {
            let place = PendingPosition { child: child.downgrade(), pending: None, committed: None };
            places.entry(child.id()).or_insert(place).pending = Some(at);
        }
    });
}

/// Called before the parent's commit.
pub(super) fn committed(parent: &WlSurface) {
    with_states(parent, |states| {
        for place in places(states).iter_mut().flat_map(|places| places.values_mut()) {
            place.committed = place.pending.take().or(place.committed);
        }
    });
}

/// Called when a commit of the surface is applied.
pub(super) fn applied(surface: &WlSurface) {
    let mut moves = Vec::new();
    with_states(surface, |states| {
        if let Some(place) = states.data_map.get::<CurrentPosition>() {
            move_to(states, *place.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let Some(mut places) = places(states) else { return };
        for place in places.values_mut() {
            if let (Some(at), Ok(child)) = (place.committed.take(), place.child.upgrade()) {
                moves.push((child, at));
            }
        }
        places.retain(|_, place| place.pending.is_some());
    });
    for (child, at) in moves {
        with_states(&child, |states| {
            let place = states.data_map.get_or_insert_threadsafe(CurrentPosition::default);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = at;
            move_to(states, at);
        });
    }
}

fn move_to(states: &SurfaceData, at: Point<i32, Logical>) {
    let mut state = states.cached_state.get::<SubsurfaceCachedState>();
    state.pending().location = at;
    state.current().location = at;
}
