//! Text input, versions 1 and 3 of the unstable protocol: clients report their focused field and its content type, and
//! get text that no key can type. Implemented on the protocol's own bindings: smithay sends `enter` only if an input
//! method client exists, and the on-screen keyboard is none.
//!
//! Called by the seat when the keyboard focus moves, and by the sources of text for the focused field. What a field
//! means for what is shown is not decided here.

pub mod context;
mod v1;
mod v3;

use smithay::{
    reexports::{
        wayland_protocols::wp::text_input::{
            zv1::server::{zwp_text_input_manager_v1::ZwpTextInputManagerV1, zwp_text_input_v1::ZwpTextInputV1},
            zv3::server::{zwp_text_input_manager_v3::ZwpTextInputManagerV3, zwp_text_input_v3::ZwpTextInputV3},
        },
        wayland_server::{DisplayHandle, Resource, protocol::wl_surface::WlSurface},
    },
    utils::IsAlive,
};

use crate::{
    keyboard::field::Field,
    kiosk::Kiosk,
    protocols::dispatch::{objects, plain},
};
use context::{Context, Edit, MAX_TEXT};

/// All clients' text inputs.
pub struct TextInputs {
    v3: Vec<v3::Input>,
    v1: Vec<v1::Input>,
    /// The surface with the keyboard focus.
    focus: Option<WlSurface>,
    /// The last number given to a request for the on-screen keyboard, so that a second touch on a field is noticed too.
    activation: u64,
}

/// The field that has the focus.
#[derive(Debug, Clone, PartialEq)]
pub struct Focused {
    /// The state that its client sent.
    pub field: Field,
    /// The surface with the field.
    pub surface: WlSurface,
    /// Changes with each request for the on-screen keyboard.
    pub activation: u64,
}

/// The focused field, for an input method.
#[derive(Debug, Clone)]
pub struct Composing {
    /// Changes when a client starts over with a field.
    pub begun: u64,
    /// The surface with the field.
    pub surface: WlSurface,
    /// The cursor's rectangle on it; `None`: the client did not send it.
    pub cursor: Option<(i32, i32, i32, i32)>,
}

/// The text input that has the focus.
enum Newest<'a> {
    V3(&'a mut v3::Input),
    V1(&'a mut v1::Input),
}

impl TextInputs {
    /// Offers both globals.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ZwpTextInputManagerV3, ()>(v3::VERSION, ());
        display.create_global::<Kiosk, ZwpTextInputManagerV1, ()>(v1::VERSION, ());
        Self { v3: Vec::new(), v1: Vec::new(), focus: None, activation: 0 }
    }

    /// The focused field, if a client has enabled one.
    pub fn focused(&self) -> Option<Focused> {
        let focus = self.focus.as_ref().filter(|surface| surface.alive())?;
        let v3 = self.v3.iter().filter_map(|input| input.active(focus));
        let v1 = self.v1.iter().filter_map(|input| input.active(focus));
        let (activation, field) = v3.chain(v1).max_by_key(|(activation, _)| *activation)?;
        Some(Focused { field, surface: focus.clone(), activation })
    }

    /// Sets the surface with the keyboard focus.
    fn set_focus(&mut self, focus: Option<WlSurface>) {
        if self.focus == focus {
            return;
        }
        self.focus = focus;
        for input in &mut self.v3 {
            input.follow(self.focus.as_ref());
        }
        for input in &mut self.v1 {
            input.follow(self.focus.as_ref());
        }
    }

    /// The text input of the focused field.
    fn newest(&mut self) -> Option<Newest<'_>> {
        let (focus, newest) = (self.focus.clone()?, self.focused()?.activation);
        let is = |active: Option<(u64, Field)>| active.is_some_and(|(activation, _)| activation == newest);
        if let Some(input) = self.v3.iter_mut().find(|input| is(input.active(&focus))) {
            return Some(Newest::V3(input));
        }
        self.v1.iter_mut().find(|input| is(input.active(&focus))).map(Newest::V1)
    }

    /// Changes the focused field. `false`: there is none, or a text is too long for a message.
    pub fn edit(&mut self, edit: Edit) -> bool {
        let composed = edit.composed.as_ref().map(|composed| &composed.text);
        if edit.commit.iter().chain(composed).any(|text| text.len() > MAX_TEXT) {
            return false;
        }
        match self.newest() {
            Some(Newest::V3(input)) => input.edit(edit),
            Some(Newest::V1(input)) => input.edit(edit),
            None => return false,
        }
        true
    }

    /// The focused field, for an input method, and the state that its client sent.
    pub fn composing(&mut self) -> Option<(Composing, &Context)> {
        let Focused { field, surface, .. } = self.focused()?;
        let (begun, context) = match self.newest()? {
            Newest::V3(input) => input.context()?,
            Newest::V1(input) => input.context(),
        };
        Some((Composing { begun, surface, cursor: field.cursor }, context))
    }

    /// The number for the next request for the on-screen keyboard.
    fn next(&mut self) -> u64 {
        self.activation += 1;
        self.activation
    }
}

impl Kiosk {
    /// Handles a change of the keyboard focus.
    pub fn text_focus_changed(&mut self, focus: Option<&WlSurface>) {
        self.protocols.text_inputs.set_focus(focus.cloned());
        self.text_field_changed();
    }

    /// The focused field, if a client has enabled one.
    pub fn text_field(&self) -> Option<Focused> {
        self.protocols.text_inputs.focused()
    }

    /// Inserts a text into the focused field, bypassing the keymap. `false`: there is no field.
    pub fn type_text(&mut self, text: &str) -> bool {
        self.protocols.text_inputs.edit(Edit::text(text))
    }
}

/// Whether a surface and an object belong to the same client.
fn same_client(resource: &impl Resource, surface: &WlSurface) -> bool {
    resource.id().same_client_as(&surface.id())
}

plain! {
    ZwpTextInputManagerV3 => TextInputs;
    ZwpTextInputManagerV1 => TextInputs;
}
objects! {
    ZwpTextInputManagerV3, () => TextInputs;
    ZwpTextInputV3, () => TextInputs;
    ZwpTextInputManagerV1, () => TextInputs;
    ZwpTextInputV1, () => TextInputs;
}
