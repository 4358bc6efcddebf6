//! The sources of the clipboard and the primary selection, with a limit of pastes that their client does not read.
//!
//! smithay passes a client's source on to its offers, which can't be guarded from outside. So it is told that every
//! selection is the compositor's ([`Owner`] says whose), and asks [`super::selection`] for each paste. What it does
//! for a client's source is done here: it is cancelled when it is replaced, and the selection ends with it.

use std::{
    collections::HashMap,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use smithay::{
    reexports::{
        wayland_protocols::{
            ext::data_control::v1::server::ext_data_control_source_v1::{self, ExtDataControlSourceV1},
            wp::primary_selection::zv1::server::zwp_primary_selection_source_v1::{self, ZwpPrimarySelectionSourceV1},
        },
        wayland_protocols_wlr::data_control::v1::server::zwlr_data_control_source_v1::{self, ZwlrDataControlSourceV1},
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource,
            backend::{ClientId, ObjectId},
            protocol::wl_data_source::{self, WlDataSource},
        },
    },
    wayland::selection::{
        SelectionTarget,
        data_device::{DataDeviceState, DataSourceUserData, clear_data_device_selection, set_data_device_selection},
        ext_data_control::{self, ExtDataControlSourceUserData},
        primary_selection::{
            PrimarySelectionState, PrimarySourceUserData, clear_primary_selection, set_primary_selection,
        },
        wlr_data_control::{self, DataControlSourceUserData},
    },
};

use super::{Protocols, drag_offers::Drag, guards::mime_type};
use crate::{
    kiosk::Kiosk,
    limits::{
        refusal::LIMIT,
        unread::{self, Sent},
    },
    protocols::dispatch::{Refused, guarded},
};

/// All offers that clients have not destroyed, of all selections; beyond them the client with the most goes. Each keeps
/// the MIME types. Clients destroy the last offer when they are told the next.
const MAX_OFFERS: usize = 1000;
/// The MIME types of a source, together, bytes. Office programs offer some sixty of at most a hundred.
const MAX_TYPES: usize = 16 * 1024;

/// Whose a selection is, as each of its offers keeps it.
#[derive(Debug, Clone)]
pub struct Owner {
    /// `None`: an X program's.
    pub(super) source: Option<Source>,
    /// The one of [`SelectionSources`]: its references are counted.
    _offered: Arc<()>,
}

const OFFERS: [&str; 4] =
    ["wl_data_offer", "zwp_primary_selection_offer_v1", "ext_data_control_offer_v1", "zwlr_data_control_offer_v1"];
/// The protocol error's text.
const HOARDS: &str = "too many offers of selections: a client destroys the last one when it is told the next";

/// A client's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `wl_data_source`
    Core(WlDataSource),
    /// `zwp_primary_selection_source_v1`
    Primary(ZwpPrimarySelectionSourceV1),
    /// `ext_data_control_source_v1`
    Ext(ExtDataControlSourceV1),
    /// `zwlr_data_control_source_v1`
    Wlr(ZwlrDataControlSourceV1),
}

macro_rules! each {
    ($source:expr, $found:ident => $does:expr) => {
        match $source {
            Source::Core($found) => $does,
            Source::Primary($found) => $does,
            Source::Ext($found) => $does,
            Source::Wlr($found) => $does,
        }
    };
}

impl Source {
    fn id(&self) -> ObjectId {
        each!(self, source => source.id())
    }

    fn cancelled(&self) {
        each!(self, source => source.cancelled());
    }

    /// Asks its client for the contents. If it reads nothing, the pipe is closed: who pastes sees its end.
    pub fn send(&self, mime_type: String, into: OwnedFd) {
        let client = each!(self, source => source.client());
        if client.is_some_and(|client| unread::takes(&client, 1, Sent::Paste)) {
            each!(self, source => source.send(mime_type, into.as_fd()));
        } else {
            tracing::debug!("paste refused: its source does not read");
        }
    }
}

/// What clients have copied.
#[derive(Debug, Default)]
pub struct SelectionSources {
    /// The MIME types of all sources, in the order in which they were offered.
    types: HashMap<ObjectId, Vec<String>>,
    clipboard: Option<Source>,
    primary: Option<Source>,
    pub(super) drag: Drag,
    /// Each offer that is there has a reference.
    offered: Arc<()>,
}

impl SelectionSources {
    /// The selection's source, if it is a Wayland client's and offers this type.
    pub(crate) fn offering(&self, kind: SelectionTarget, mime_type: &String) -> Option<&Source> {
        let source = match kind {
            SelectionTarget::Clipboard => self.clipboard.as_ref(),
            SelectionTarget::Primary => self.primary.as_ref(),
        };
        source.filter(|source| self.types.get(&source.id()).is_some_and(|types| types.contains(mime_type)))
    }

    /// Whose a selection with this source is; `None`: an X program's.
    pub(crate) fn owner(&self, source: Option<Source>) -> Owner {
        Owner { source, _offered: self.offered.clone() }
    }

    /// Another source, or none, in place of the selection's. The last one's client is told.
    pub(crate) fn replace(&mut self, kind: SelectionTarget, source: Option<Source>) {
        let current = match kind {
            SelectionTarget::Clipboard => &mut self.clipboard,
            SelectionTarget::Primary => &mut self.primary,
        };
        let last = std::mem::replace(current, source);
        if last != *current
            && let Some(last) = last
        {
            last.cancelled();
        }
    }

    /// The source is destroyed. Returns the selections that were its.
    fn forget(&mut self, source: &Source) -> Vec<SelectionTarget> {
        self.types.remove(&source.id());
        let mut ended = Vec::new();
        if self.clipboard.take_if(|current| current == source).is_some() {
            ended.push(SelectionTarget::Clipboard);
        }
        if self.primary.take_if(|current| current == source).is_some() {
            ended.push(SelectionTarget::Primary);
        }
        ended
    }
}

impl Kiosk {
    /// A client has set or cleared a selection.
    pub(super) fn select(&mut self, kind: SelectionTarget, source: Option<Source>) {
        let sources = &mut self.protocols.selection_sources;
        let types = source.as_ref().map(|source| sources.types.get(&source.id()).cloned().unwrap_or_default());
        sources.replace(kind, source.clone());
        let owner = sources.owner(source);
        self.copied_by_wayland(kind, types.as_deref());
        let (display, seat) = (&self.main_loop.display, &self.seat.seat);
        match (kind, types) {
            (SelectionTarget::Clipboard, Some(types)) => set_data_device_selection(display, seat, types, owner),
            (SelectionTarget::Clipboard, None) => clear_data_device_selection(display, seat),
            (SelectionTarget::Primary, Some(types)) => set_primary_selection(display, seat, types, owner),
            (SelectionTarget::Primary, None) => clear_primary_selection(display, seat),
        }
    }

    /// Marks the client that destroys no offers, if there are too many. Once a turn.
    pub(crate) fn count_offers(&mut self) {
        let Protocols { selection_sources, limits, .. } = &mut self.protocols;
        if Arc::strong_count(&selection_sources.offered) <= MAX_OFFERS {
            return;
        }
        let display = self.main_loop.display.backend_handle();
        let most = limits.client_with_most(|client| {
            let mut offers = 0;
            // A client that has gone has none.
            let _ = display.with_all_objects_for(client, |object| {
                offers += usize::from(OFFERS.contains(&object.interface().name));
            });
            offers
        });
        if let Some(client) = most {
            limits.disconnect_later(client, HOARDS);
        }
    }

    fn source_destroyed(&mut self, source: &Source) {
        for kind in self.protocols.selection_sources.forget(source) {
            self.select(kind, None);
        }
    }
}

macro_rules! sources {
    ($($interface:ident, $data:ty, $offer:path => $state:ty, $variant:ident, $guard:ident;)+) => {$(
        fn $guard(
            kiosk: &mut Kiosk,
            client: &Client,
            source: &$interface,
            request: &<$interface as Resource>::Request,
            _: &$data,
        ) -> Result<(), Refused> {
            if let $offer { mime_type: offered } = request {
                mime_type(client, source.id())?;
                let types = kiosk.protocols.selection_sources.types.entry(source.id()).or_default();
                if types.iter().map(String::len).sum::<usize>() + offered.len() > MAX_TYPES {
                    let sentence = format!("too long MIME types of a source: together {MAX_TYPES} bytes are possible");
                    return Err(Refused { code: LIMIT, sentence });
                }
                types.push(offered.clone());
            }
            Ok(())
        }

        impl Dispatch<$interface, $data, Kiosk> for SelectionSources {
            fn request(
                kiosk: &mut Kiosk,
                client: &Client,
                source: &$interface,
                request: <$interface as Resource>::Request,
                data: &$data,
                display: &DisplayHandle,
                init: &mut DataInit<'_, Kiosk>,
            ) {
                <$state as Dispatch<$interface, $data, Kiosk>>::request(
                    kiosk, client, source, request, data, display, init,
                );
            }

            fn destroyed(kiosk: &mut Kiosk, client: ClientId, source: &$interface, data: &$data) {
                <$state as Dispatch<$interface, $data, Kiosk>>::destroyed(kiosk, client, source, data);
                kiosk.source_destroyed(&Source::$variant(source.clone()));
            }
        }

        guarded! { $interface, $data => SelectionSources, $guard; }
    )+};
}

sources! {
    WlDataSource, DataSourceUserData, wl_data_source::Request::Offer => DataDeviceState, Core, core;
    ZwpPrimarySelectionSourceV1, PrimarySourceUserData, zwp_primary_selection_source_v1::Request::Offer
        => PrimarySelectionState, Primary, primary;
    ExtDataControlSourceV1, ExtDataControlSourceUserData, ext_data_control_source_v1::Request::Offer
        => ext_data_control::DataControlState, Ext, ext;
    ZwlrDataControlSourceV1, DataControlSourceUserData, zwlr_data_control_source_v1::Request::Offer
        => wlr_data_control::DataControlState, Wlr, wlr;
}
