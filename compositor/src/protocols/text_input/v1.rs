//! `zwp_text_input_v1`: a client activates it on a surface, and it is entered while that has the keyboard focus.
//! Requests take effect at once, and `commit_state` sets the serial that later texts refer to.

use smithay::{
    reexports::{
        wayland_protocols::wp::text_input::zv1::server::{
            zwp_text_input_manager_v1::{self, ZwpTextInputManagerV1},
            zwp_text_input_v1::{self, ContentPurpose, ZwpTextInputV1},
        },
        wayland_protocols::wp::text_input::zv3::server::zwp_text_input_v3,
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, WEnum, backend::ClientId, protocol::wl_surface::WlSurface,
        },
    },
    utils::IsAlive,
};

use super::{
    TextInputs,
    context::{Context, Edit, Surrounding},
    same_client,
};
use crate::{
    keyboard::field::{Field, Purpose},
    kiosk::Kiosk,
};

/// Highest supported version of the protocol.
pub const VERSION: u32 = 1;
/// Longest text that is sent twice in one message, bytes.
const MOST_TWICE: usize = 2000;

/// One object.
pub struct Input {
    resource: ZwpTextInputV1,
    /// The surface that it was activated for; `None`: inactive.
    activated: Option<WlSurface>,
    /// The surface of the last `enter`.
    entered: Option<WlSurface>,
    activation: u64,
    /// The number of its activation.
    begun: u64,
    /// The client hid the keyboard without leaving the field.
    hidden: bool,
    /// Serial of the last `commit_state`.
    serial: u32,
    field: Field,
    context: Context,
    /// It shows a preedit.
    composes: bool,
}

impl Input {
    /// The number of its last request for the on-screen keyboard, and its field, if it is active and has the focus.
    pub fn active(&self, focus: &WlSurface) -> Option<(u64, Field)> {
        let active = self.entered.as_ref() == Some(focus) && !self.hidden;
        active.then_some((self.activation, self.field))
    }

    /// Follows the keyboard focus: leaves one surface, enters another.
    pub fn follow(&mut self, focus: Option<&WlSurface>) {
        let focus = focus.filter(|surface| {
            surface.alive() && same_client(&self.resource, surface) && self.activated.as_ref() == Some(*surface)
        });
        if self.entered.as_ref() == focus {
            return;
        }
        if self.entered.take().is_some() {
            self.resource.leave();
        }
        if let Some(surface) = focus {
            self.resource.enter(surface);
            self.entered = Some(surface.clone());
        }
    }

    /// The number of its activation, and its field's state for an input method.
    pub fn context(&self) -> (u64, &Context) {
        (self.begun, &self.context)
    }

    /// Sends an edit.
    pub fn edit(&mut self, edit: Edit) {
        let commits = edit.commit.is_some();
        if let Some((before, after)) = edit.delete {
            // Relative to the cursor, so negative.
            let start = i32::try_from(before).map_or(i32::MIN, |before| -before);
            self.resource.delete_surrounding_text(start, before.saturating_add(after));
            // It takes effect with the next text.
            if !commits && edit.composed.is_none() {
                self.resource.commit_string(self.serial, String::new());
            }
        }
        if let Some(text) = edit.commit {
            self.resource.commit_string(self.serial, text);
        }
        match edit.composed {
            Some(composed) => {
                // The client commits it when the field loses the focus; sent only if both fit into a message.
                let kept = if composed.text.len() <= MOST_TWICE { composed.text.clone() } else { String::new() };
                self.resource.preedit_cursor(composed.end);
                self.resource.preedit_string(self.serial, composed.text, kept);
                self.composes = true;
            }
            // A committed text has replaced the preedit already.
            None => {
                if std::mem::take(&mut self.composes) && !commits {
                    self.resource.preedit_string(self.serial, String::new(), String::new());
                }
            }
        }
    }
}

/// Converts the protocol's purpose; unknown ones become text.
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
        _ => Purpose::Text,
    }
}

/// The purpose in version 3, which input methods get.
fn as_v3(purpose: WEnum<ContentPurpose>) -> zwp_text_input_v3::ContentPurpose {
    use zwp_text_input_v3::ContentPurpose as V3;
    let WEnum::Value(purpose) = purpose else { return V3::Normal };
    match purpose {
        ContentPurpose::Alpha => V3::Alpha,
        ContentPurpose::Digits => V3::Digits,
        ContentPurpose::Number => V3::Number,
        ContentPurpose::Phone => V3::Phone,
        ContentPurpose::Url => V3::Url,
        ContentPurpose::Email => V3::Email,
        ContentPurpose::Name => V3::Name,
        ContentPurpose::Password => V3::Password,
        ContentPurpose::Date => V3::Date,
        ContentPurpose::Time => V3::Time,
        ContentPurpose::Datetime => V3::Datetime,
        ContentPurpose::Terminal => V3::Terminal,
        _ => V3::Normal,
    }
}

impl Dispatch<ZwpTextInputManagerV1, (), Kiosk> for TextInputs {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        _: &ZwpTextInputManagerV1,
        request: zwp_text_input_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zwp_text_input_manager_v1::Request::CreateTextInput { id } = request else { return };
        kiosk.protocols.text_inputs.v1.push(Input {
            resource: init.init(id, ()),
            activated: None,
            entered: None,
            activation: 0,
            begun: 0,
            hidden: false,
            serial: 0,
            field: Field::default(),
            context: Context::default(),
            composes: false,
        });
    }
}

impl Dispatch<ZwpTextInputV1, (), Kiosk> for TextInputs {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &ZwpTextInputV1,
        request: zwp_text_input_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        use zwp_text_input_v1::Request;
        let inputs = &mut kiosk.protocols.text_inputs;
        let activation = inputs.next();
        let focus = inputs.focus.clone();
        let Some(input) = inputs.v1.iter_mut().find(|input| input.resource == *resource) else { return };
        match request {
            Request::Activate { surface, .. } => {
                input.activated = same_client(resource, &surface).then_some(surface);
                (input.activation, input.begun, input.hidden) = (activation, activation, false);
                (input.field, input.context, input.composes) = (Field::default(), Context::default(), false);
                input.follow(focus.as_ref());
            }
            Request::Deactivate { .. } => {
                input.activated = None;
                input.follow(focus.as_ref());
            }
            Request::ShowInputPanel => (input.activation, input.hidden) = (activation, false),
            Request::HideInputPanel => input.hidden = true,
            // Resets the text's state; the content type stays.
            Request::Reset => {
                input.field.sentence_start = false;
                input.context.surrounding = None;
                if std::mem::take(&mut input.composes) {
                    // The preedit is dropped: an input method starts over.
                    input.begun = activation;
                }
            }
            Request::SetSurroundingText { text, cursor, anchor } => {
                let sound = input.field.set_surrounding(&text, i64::from(cursor), i64::from(anchor));
                let text = sound.then(|| Surrounding::new(text, cursor, anchor)).flatten();
                input.context.surrounding = text;
            }
            Request::SetContentType { hint, purpose: meant } => {
                let hints = hint.into_result().map_or(0, |hint| hint.bits());
                input.field.set_content(hints, purpose(meant));
                // The hints have the same bits in both versions.
                input.context.hint = zwp_text_input_v3::ContentHint::from_bits_truncate(hints);
                input.context.purpose = as_v3(meant);
            }
            Request::SetCursorRectangle { x, y, width, height } => input.field.cursor = Some((x, y, width, height)),
            Request::CommitState { serial } => input.serial = serial,
            _ => {}
        }
        kiosk.text_field_changed();
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZwpTextInputV1, (): &()) {
        kiosk.protocols.text_inputs.v1.retain(|input| input.resource != *resource);
        kiosk.text_field_changed();
    }
}
