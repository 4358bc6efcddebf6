//! `zwp_text_input_v3`: what a client says is kept aside until its `commit`, and counts only between `enter` and `leave`.

use smithay::{
    reexports::{
        wayland_protocols::wp::text_input::zv3::server::{
            zwp_text_input_manager_v3::{self, ZwpTextInputManagerV3},
            zwp_text_input_v3::{self, ContentPurpose, ZwpTextInputV3},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, WEnum, backend::ClientId,
            protocol::wl_surface::WlSurface,
        },
    },
    utils::IsAlive,
};

use super::{TextInputs, same_client};
use crate::{
    keyboard::field::{Field, Purpose},
    kiosk::Kiosk,
};

/// Highest version of the protocol that is spoken.
pub const VERSION: u32 = 1;

/// One object.
pub struct Input {
    resource: ZwpTextInputV3,
    /// Which surface it was told to have entered.
    entered: Option<WlSurface>,
    /// Commits there were, the ignored ones too: what `done` refers to.
    commits: u32,
    /// In force; `None`: disabled.
    enabled: Option<Enabled>,
    pending: Pending,
}

#[derive(Clone, Copy)]
struct Enabled {
    asked: u64,
    field: Field,
}

/// What the next commit is to set; `None`: as it is.
#[derive(Default)]
struct Pending {
    enable: Option<bool>,
    content: Option<(u32, Purpose)>,
    /// With whether a sentence begins; the text is not kept.
    sentence_start: Option<bool>,
    cursor: Option<(i32, i32, i32, i32)>,
}

impl Input {
    /// When it was enabled, and its field, if it has the focus and is.
    pub fn active(&self, focus: &WlSurface) -> Option<(u64, Field)> {
        let enabled = self.enabled.filter(|_| self.entered.as_ref() == Some(focus))?;
        Some((enabled.asked, enabled.field))
    }

    /// The keyboard's focus moved: leaves one surface, enters another.
    pub fn follow(&mut self, focus: Option<&WlSurface>) {
        let focus = focus.filter(|surface| surface.alive() && same_client(&self.resource, surface));
        if self.entered.as_ref() == focus {
            return;
        }
        if let Some(left) = self.entered.take() {
            // What left is undone with it.
            self.enabled = None;
            self.pending = Pending::default();
            if left.alive() {
                self.resource.leave(&left);
            }
        }
        if let Some(surface) = focus {
            self.resource.enter(surface);
            self.entered = Some(surface.clone());
        }
    }

    /// Gives it a text.
    pub fn commit(&self, text: &str) {
        self.resource.commit_string(Some(text.to_owned()));
        self.resource.done(self.commits);
    }

    /// Applies what was said since the last commit. `next`: the number that it gets where it asks for the keyboard.
    fn apply(&mut self, next: impl FnOnce() -> u64) {
        self.commits = self.commits.wrapping_add(1);
        let pending = std::mem::take(&mut self.pending);
        if self.entered.is_none() {
            return;
        }
        match pending.enable {
            // Whatever was said before is void.
            Some(true) => self.enabled = Some(Enabled { asked: next(), field: Field::default() }),
            Some(false) => self.enabled = None,
            None => {}
        }
        let Some(Enabled { field, .. }) = &mut self.enabled else { return };
        if let Some((hints, purpose)) = pending.content {
            field.set_content(hints, purpose);
        }
        if let Some(start) = pending.sentence_start {
            field.sentence_start = start;
        }
        if pending.cursor.is_some() {
            field.cursor = pending.cursor;
        }
    }
}

/// Our word for the protocol's; what it does not know is text.
fn purpose(purpose: WEnum<ContentPurpose>) -> Purpose {
    match purpose {
        WEnum::Value(ContentPurpose::Digits) => Purpose::Digits,
        WEnum::Value(
            ContentPurpose::Number | ContentPurpose::Date | ContentPurpose::Time | ContentPurpose::Datetime,
        ) => Purpose::Number,
        WEnum::Value(ContentPurpose::Phone) => Purpose::Phone,
        WEnum::Value(ContentPurpose::Url) => Purpose::Url,
        WEnum::Value(ContentPurpose::Email) => Purpose::Email,
        WEnum::Value(ContentPurpose::Password) => Purpose::Password,
        WEnum::Value(ContentPurpose::Pin) => Purpose::Pin,
        _ => Purpose::Text,
    }
}

impl GlobalDispatch<ZwpTextInputManagerV3, (), Kiosk> for TextInputs {
    fn bind(
        _: &mut Kiosk,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZwpTextInputManagerV3>,
        (): &(),
        init: &mut DataInit<'_, Kiosk>,
    ) {
        init.init(resource, ());
    }
}

impl Dispatch<ZwpTextInputManagerV3, (), Kiosk> for TextInputs {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        _: &ZwpTextInputManagerV3,
        request: zwp_text_input_manager_v3::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zwp_text_input_manager_v3::Request::GetTextInput { id, .. } = request else { return };
        let resource = init.init(id, ());
        let mut input = Input { resource, entered: None, commits: 0, enabled: None, pending: Pending::default() };
        let inputs = &mut kiosk.protocols.text_inputs;
        input.follow(inputs.focus.as_ref());
        inputs.v3.push(input);
    }
}

impl Dispatch<ZwpTextInputV3, (), Kiosk> for TextInputs {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &ZwpTextInputV3,
        request: zwp_text_input_v3::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        use zwp_text_input_v3::Request;
        let inputs = &mut kiosk.protocols.text_inputs;
        let asked = inputs.asked + 1;
        let Some(input) = inputs.v3.iter_mut().find(|input| input.resource == *resource) else { return };
        let pending = &mut input.pending;
        match request {
            Request::Enable => *pending = Pending { enable: Some(true), ..Pending::default() },
            Request::Disable => pending.enable = Some(false),
            Request::SetSurroundingText { text, cursor, anchor } => {
                let mut looked = Field::default();
                looked.set_surrounding(&text, i64::from(cursor), i64::from(anchor));
                pending.sentence_start = Some(looked.sentence_start);
            }
            Request::SetContentType { hint, purpose: meant } => {
                let hints = hint.into_result().map_or(0, |hint| hint.bits());
                pending.content = Some((hints, purpose(meant)));
            }
            Request::SetCursorRectangle { x, y, width, height } => pending.cursor = Some((x, y, width, height)),
            Request::Commit => {
                input.apply(|| asked);
                inputs.asked = asked;
                kiosk.text_field_changed();
            }
            _ => {}
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZwpTextInputV3, (): &()) {
        kiosk.protocols.text_inputs.v3.retain(|input| input.resource != *resource);
        kiosk.text_field_changed();
    }
}
