//! `zwp_input_method_v2`: the events about a field, and the changes of it. Changes are collected until `commit`, and go
//! to the field that the method's serial refers to: those for a field that has lost the focus are dropped.

use smithay::{
    reexports::{
        wayland_protocols::wp::text_input::zv3::server::zwp_text_input_v3::ChangeCause,
        wayland_protocols_misc::zwp_input_method_v2::server::zwp_input_method_v2::{self, ZwpInputMethodV2},
        wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId},
    },
    wayland::compositor::give_role,
};

use super::{
    InputMethods,
    grab::Grab,
    popup::{Popup, PopupData, ROLE},
};
use crate::{
    kiosk::Kiosk,
    limits::refusal::{self, LIMIT},
    privilege,
    protocols::text_input::context::{Composed, Context, Edit, MAX_TEXT},
};

/// The protocol requires an error if a popup's surface has another role, but defines no code for it.
const ROLE_ERROR: u32 = 0;

/// The input method.
pub struct Method {
    pub(super) resource: ZwpInputMethodV2,
    /// Number of `done` events; its commits refer to it.
    dones: u32,
    /// The field that was sent to it.
    field: Option<Told>,
    /// The pending state for its next commit.
    pending: Edit,
    pub(super) popups: Vec<Popup>,
    pub(super) grab: Option<Grab>,
}

struct Told {
    /// The number of the field.
    begun: u64,
    /// The number of the `done` that announced it.
    since: u32,
    context: Context,
}

impl Method {
    pub(super) fn new(resource: ZwpInputMethodV2) -> Self {
        Self { resource, dones: 0, field: None, pending: Edit::default(), popups: Vec::new(), grab: None }
    }

    /// Whether a field was sent to it.
    pub(super) fn is_active(&self) -> bool {
        self.field.is_some()
    }

    /// Whether it was told of the field with this number.
    pub(super) fn knows(&self, begun: u64) -> bool {
        self.field.as_ref().is_some_and(|told| told.begun == begun)
    }

    /// Sends it the focused field, its number and its state, if that changed.
    pub(super) fn tell(&mut self, field: Option<(u64, &Context)>) {
        let known = self.field.as_ref();
        if known.map(|told| (told.begun, &told.context)) == field {
            return;
        }
        let same = known.map(|told| told.begun) == field.map(|(begun, _)| begun);
        if !same && known.is_some() {
            self.resource.deactivate();
        }
        if let Some((_, context)) = field {
            if !same {
                self.resource.activate();
                self.pending = Edit::default();
            }
            match &context.surrounding {
                Some(around) => {
                    self.resource.surrounding_text(around.text.clone(), around.cursor, around.anchor);
                }
                // There is no event for none: it must not reckon with the one that it was told before.
                None if same && self.field.as_ref().is_some_and(|told| told.context.surrounding.is_some()) => {
                    self.resource.surrounding_text(String::new(), 0, 0);
                }
                None => {}
            }
            if context.cause != ChangeCause::InputMethod {
                self.resource.text_change_cause(context.cause);
            }
            self.resource.content_type(context.hint, context.purpose);
        }
        self.resource.done();
        self.dones = self.dones.wrapping_add(1);
        let since = self.field.take().filter(|_| same).map_or(self.dones, |told| told.since);
        self.field = field.map(|(begun, context)| Told { begun, since, context: context.clone() });
    }

    /// Whether a commit with this serial is meant for the field that has the focus now.
    fn means(&self, serial: u32, focused: u64) -> bool {
        let told = self.field.as_ref().filter(|told| told.begun == focused);
        told.is_some_and(|told| serial.wrapping_sub(told.since) <= self.dones.wrapping_sub(told.since))
    }
}

/// Whether the text fits into a message. If not, posts an error.
fn fits(resource: &ZwpInputMethodV2, text: &str) -> bool {
    let fits = text.len() <= MAX_TEXT;
    if !fits {
        refusal::post(resource, LIMIT, &format!("a text has at most {MAX_TEXT} bytes, not {}", text.len()));
    }
    fits
}

impl Dispatch<ZwpInputMethodV2, (), Kiosk> for InputMethods {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &ZwpInputMethodV2,
        request: zwp_input_method_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use zwp_input_method_v2::Request;
        let method = kiosk.protocols.input_methods.of(resource);
        match request {
            Request::CommitString { text } => {
                if let Some(method) = method.filter(|_| fits(resource, &text)) {
                    method.pending.commit = Some(text).filter(|text| !text.is_empty());
                }
            }
            Request::SetPreeditString { text, cursor_begin: begin, cursor_end: end } => {
                if let Some(method) = method.filter(|_| fits(resource, &text)) {
                    let composed = Composed { text, begin, end };
                    method.pending.composed = Some(composed).filter(|composed| !composed.text.is_empty());
                }
            }
            Request::DeleteSurroundingText { before_length, after_length } => {
                if let Some(method) = method {
                    let delete = (before_length, after_length);
                    method.pending.delete = Some(delete).filter(|delete| *delete != (0, 0));
                }
            }
            Request::Commit { serial } => kiosk.input_method_commits(resource, serial),
            Request::GetInputPopupSurface { id, surface } => {
                let popup = init.init(id, PopupData { method: resource.clone(), surface: surface.clone() });
                let taken =
                    method.as_ref().is_some_and(|method| method.popups.iter().any(|popup| popup.is_of(&surface)));
                if taken || give_role(&surface, ROLE).is_err() {
                    return refusal::post(resource, ROLE_ERROR, "the surface has a role already");
                }
                if let Some(method) = method {
                    method.popups.push(Popup::new(popup, surface));
                }
            }
            Request::GrabKeyboard { keyboard } => {
                let grab = init.init(keyboard, ());
                kiosk.input_method_grabs(resource, grab);
            }
            _ => {}
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZwpInputMethodV2, (): &()) {
        let methods = &mut kiosk.protocols.input_methods;
        if methods.of(resource).is_none() {
            return;
        }
        kiosk.end_grab();
        kiosk.protocols.input_methods.forget();
        // Removes its preedit.
        kiosk.protocols.text_inputs.edit(Edit::default());
    }
}

impl Kiosk {
    /// Sends the method's edit to its field, but not to a client that does not read: the events would pile up.
    fn input_method_commits(&mut self, resource: &ZwpInputMethodV2, serial: u32) {
        let focused = self.protocols.text_inputs.composing().map(|(focused, _)| focused);
        let Some(method) = self.protocols.input_methods.of(resource) else { return };
        let edit = std::mem::take(&mut method.pending);
        let Some(focused) = focused.filter(|focused| method.means(serial, focused.begun)) else { return };
        if focused.surface.client().is_none_or(|client| privilege::reads(&client)) {
            self.protocols.text_inputs.edit(edit);
        }
    }
}
