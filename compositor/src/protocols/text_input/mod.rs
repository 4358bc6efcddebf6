//! Text input, versions 1 and 3 of the unstable protocol: clients say which of their fields has the focus and what is
//! typed there, and are given characters that no key has. On the protocol's own bindings: smithay's side sends `enter`
//! only where an input method client is, and the keyboard on the screen is none.
//!
//! Called by the seat when the keyboard's focus moves, and by whoever has a text for the field that is typed into. What a
//! field means for what is shown is not decided here.

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
    protocols::dispatch::{globals, objects},
};
use context::{Context, Edit, MAX_TEXT};

/// All clients' text inputs.
pub struct TextInputs {
    v3: Vec<v3::Input>,
    v1: Vec<v1::Input>,
    /// What has the keyboard.
    focus: Option<WlSurface>,
    /// How often a client has said that a field has the focus, so that a second touch on it is seen too.
    asked: u64,
    /// Whether the text round the cursor is kept: only while there is an input method to be told of it.
    keeps_text: bool,
}

/// The field that has the focus.
#[derive(Debug, Clone, PartialEq)]
pub struct Focused {
    /// What its client said of it.
    pub field: Field,
    /// On which surface it is.
    pub surface: WlSurface,
    /// Changes whenever its client asks for the keyboard.
    pub asked: u64,
}

/// The same, for an input method.
#[derive(Debug, Clone)]
pub struct Composing {
    /// Changes whenever a client begins anew with a field.
    pub begun: u64,
    /// On which surface it is.
    pub surface: WlSurface,
    /// Where the cursor is there; `None`: the client did not say.
    pub cursor: Option<(i32, i32, i32, i32)>,
    /// What its client said of it.
    pub context: Context,
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
        Self { v3: Vec::new(), v1: Vec::new(), focus: None, asked: 0, keeps_text: false }
    }

    /// The field that is typed into, if a client has said that there is one.
    pub fn focused(&self) -> Option<Focused> {
        let focus = self.focus.as_ref().filter(|surface| surface.alive())?;
        let v3 = self.v3.iter().filter_map(|input| input.active(focus));
        let v1 = self.v1.iter().filter_map(|input| input.active(focus));
        let (asked, field) = v3.chain(v1).max_by_key(|(asked, _)| *asked)?;
        Some(Focused { field, surface: focus.clone(), asked })
    }

    /// The keyboard's focus is here now.
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

    /// The one whose field is typed into.
    fn newest(&mut self) -> Option<Newest<'_>> {
        let (focus, newest) = (self.focus.clone()?, self.focused()?.asked);
        let is = |active: Option<(u64, Field)>| active.is_some_and(|(asked, _)| asked == newest);
        if let Some(input) = self.v3.iter_mut().find(|input| is(input.active(&focus))) {
            return Some(Newest::V3(input));
        }
        self.v1.iter_mut().find(|input| is(input.active(&focus))).map(Newest::V1)
    }

    /// Changes the focused field. `false`: no client has said that there is a field, or it would not go into a message.
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

    /// The field that is typed into, for an input method.
    pub fn composing(&mut self) -> Option<Composing> {
        let Focused { field, surface, .. } = self.focused()?;
        let (begun, context) = match self.newest()? {
            Newest::V3(input) => input.context()?,
            Newest::V1(input) => input.context(),
        };
        Some(Composing { begun, context: context.clone(), surface, cursor: field.cursor })
    }

    /// Whether the text round the cursor is kept from now on.
    pub fn keep_text(&mut self, keeps: bool) {
        self.keeps_text = keeps;
        if !keeps {
            self.v3.iter_mut().for_each(v3::Input::forget_text);
            self.v1.iter_mut().for_each(v1::Input::forget_text);
        }
    }

    /// The next number of a field that a client asks the keyboard for.
    fn next(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }
}

impl Kiosk {
    /// The keyboard's focus moved.
    pub fn text_focus_changed(&mut self, focus: Option<&WlSurface>) {
        self.protocols.text_inputs.set_focus(focus.cloned());
        self.text_field_changed();
    }

    /// The field that is typed into, if a client has said that there is one.
    pub fn text_field(&self) -> Option<Focused> {
        self.protocols.text_inputs.focused()
    }

    /// Gives the field that is typed into a text, past the keymap. `false`: there is no field.
    pub fn type_text(&mut self, text: &str) -> bool {
        self.protocols.text_inputs.edit(Edit::text(text))
    }
}

/// Whether a surface is of the client that an object is of.
fn same_client(resource: &impl Resource, surface: &WlSurface) -> bool {
    resource.id().same_client_as(&surface.id())
}

globals! {
    ZwpTextInputManagerV3, () => TextInputs;
    ZwpTextInputManagerV1, () => TextInputs;
}
objects! {
    ZwpTextInputManagerV3, () => TextInputs;
    ZwpTextInputV3, () => TextInputs;
    ZwpTextInputManagerV1, () => TextInputs;
    ZwpTextInputV1, () => TextInputs;
}
