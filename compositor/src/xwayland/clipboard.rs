//! Copy and paste between X programs and Wayland clients. All X programs count as one client: like any Wayland client
//! they can set and read the clipboard only while one of their windows has the keyboard focus.

use std::os::fd::OwnedFd;

use smithay::wayland::selection::{
    SelectionTarget,
    data_device::{clear_data_device_selection, set_data_device_selection},
    primary_selection::{clear_primary_selection, set_primary_selection},
};

use super::wm::{FORM_NAME, FORMS, KINDS, Offer, Paste, index};
use crate::kiosk::Kiosk;

/// The selections and their owners.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// What Wayland clients offer to X programs, by [`index`].
    pub(super) offers: [Offer; 2],
    /// Whether it is an X program's.
    of_x: [bool; 2],
}

impl Copied {
    /// Sets the offered MIME types of a selection.
    fn offer(&mut self, kind: SelectionTarget, forms: Option<Vec<String>>) {
        if let Some(offer) = self.offers.get_mut(index(kind)) {
            offer.number += 1;
            offer.forms = forms;
        }
        self.set_of_x(kind, false);
    }

    fn is_of_x(&self, kind: SelectionTarget) -> bool {
        self.of_x.get(index(kind)) == Some(&true)
    }

    fn set_of_x(&mut self, kind: SelectionTarget, of_x: bool) {
        if let Some(known) = self.of_x.get_mut(index(kind)) {
            *known = of_x;
        }
    }
}

impl Kiosk {
    /// A Wayland client has set or cleared a selection.
    pub(crate) fn copied_by_wayland(&mut self, kind: SelectionTarget, types: Option<&[String]>) {
        let fits = |form: &&String| form.len() <= FORM_NAME;
        let forms = types.map(|types| types.iter().filter(fits).take(FORMS).cloned().collect());
        self.clients.x11.copied.offer(kind, forms);
    }

    /// Clears the X programs' selections.
    pub(crate) fn forget_copied_by_x(&mut self) {
        for kind in KINDS {
            self.clients.x11.copied.offer(kind, None);
        }
    }

    /// An X program has set a selection; without MIME types: cleared it.
    pub(super) fn copied_by_x(&mut self, kind: SelectionTarget, forms: Vec<String>) {
        if forms.is_empty() {
            self.take_back_from_x(kind);
            return;
        }
        if !self.x_has_keyboard() {
            return;
        }
        self.protocols.selection_sources.replace(kind, None);
        self.clients.x11.copied.set_of_x(kind, true);
        let owner = self.protocols.selection_sources.owner(None);
        let (display, seat) = (&self.main_loop.display, &self.seat.seat);
        match kind {
            SelectionTarget::Clipboard => set_data_device_selection(display, seat, forms, owner),
            SelectionTarget::Primary => set_primary_selection(display, seat, forms, owner),
        }
    }

    fn take_back_from_x(&mut self, kind: SelectionTarget) {
        if !self.clients.x11.copied.is_of_x(kind) {
            return;
        }
        self.clients.x11.copied.set_of_x(kind, false);
        match kind {
            SelectionTarget::Clipboard => clear_data_device_selection(&self.main_loop.display, &self.seat.seat),
            SelectionTarget::Primary => clear_primary_selection(&self.main_loop.display, &self.seat.seat),
        }
    }

    /// The X server has ended: clears its programs' selections.
    pub(super) fn take_all_back_from_x(&mut self) {
        KINDS.into_iter().for_each(|kind| self.take_back_from_x(kind));
    }

    /// A Wayland client reads an X program's selection.
    pub(crate) fn paste_from_x(&self, kind: SelectionTarget, form: String, into: OwnedFd) {
        if let Some(server) = self.clients.x11.server.as_ref().filter(|_| self.clients.x11.copied.is_of_x(kind)) {
            server.manager.paste(Paste { kind, form, into });
        }
    }

    /// An X program reads a Wayland client's selection. If it may not, the pipe is closed.
    pub(super) fn paste_to_x(&mut self, kind: SelectionTarget, form: String, into: OwnedFd) {
        if !self.x_has_keyboard() {
            return;
        }
        match self.protocols.selection_sources.offering(kind, &form) {
            Some(source) => source.send(form, into),
            None => tracing::debug!(?kind, "an X program asks for an empty selection"),
        }
    }

    fn x_has_keyboard(&self) -> bool {
        let focus = self.seat.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        focus.is_some_and(|surface| self.is_of_x_server(&surface))
    }
}
