//! `zwp_text_input_v3`: requests are pending until `commit`, and take effect only between `enter` and `leave`.

use smithay::{
    reexports::{
        wayland_protocols::wp::text_input::zv3::server::{
            zwp_text_input_manager_v3::{self, ZwpTextInputManagerV3},
            zwp_text_input_v3::{self, ChangeCause, ContentHint, ContentPurpose, ZwpTextInputV3},
        },
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

/// One object.
pub struct Input {
    resource: ZwpTextInputV3,
    /// The surface of the last `enter`.
    entered: Option<WlSurface>,
    /// Number of commits, also of ignored ones: the serial of `done`.
    commits: u32,
    /// The current state; `None`: disabled.
    enabled: Option<Enabled>,
    pending: Pending,
}

struct Enabled {
    activation: u64,
    field: Field,
    context: Context,
}

/// Pending state; `None`: unchanged.
#[derive(Default)]
struct Pending {
    enable: Option<bool>,
    content: Option<(ContentHint, WEnum<ContentPurpose>)>,
    /// Whether a sentence begins, and the text itself if an input method needs it.
    surrounding: Option<(bool, Option<Surrounding>)>,
    cause: Option<ChangeCause>,
    cursor: Option<(i32, i32, i32, i32)>,
}

impl Input {
    /// The number of its request for the on-screen keyboard, and its field, if it is enabled and has the focus.
    pub fn active(&self, focus: &WlSurface) -> Option<(u64, Field)> {
        let enabled = self.enabled.as_ref().filter(|_| self.entered.as_ref() == Some(focus))?;
        Some((enabled.activation, enabled.field))
    }

    /// The number of the active field, and its state for an input method.
    pub fn context(&self) -> Option<(u64, &Context)> {
        self.enabled.as_ref().map(|enabled| (enabled.activation, &enabled.context))
    }

    /// Follows the keyboard focus: leaves one surface, enters another.
    pub fn follow(&mut self, focus: Option<&WlSurface>) {
        let focus = focus.filter(|surface| surface.alive() && same_client(&self.resource, surface));
        if self.entered.as_ref() == focus {
            return;
        }
        if let Some(left) = self.entered.take() {
            // The state ends with `leave`.
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

    /// Sends an edit.
    pub fn edit(&self, edit: Edit) {
        if let Some((before, after)) = edit.delete {
            self.resource.delete_surrounding_text(before, after);
        }
        if let Some(text) = edit.commit {
            self.resource.commit_string(Some(text));
        }
        // `done` removes a preedit that is not sent again.
        if let Some(composed) = edit.composed {
            self.resource.preedit_string(Some(composed.text), composed.begin, composed.end);
        }
        self.resource.done(self.commits);
    }

    /// Applies the pending state. `next`: the number of a new request for the on-screen keyboard.
    fn apply(&mut self, next: impl FnOnce() -> u64) {
        self.commits = self.commits.wrapping_add(1);
        let pending = std::mem::take(&mut self.pending);
        if self.entered.is_none() {
            return;
        }
        match pending.enable {
            // `enable` resets the state.
            Some(true) => {
                self.enabled =
                    Some(Enabled { activation: next(), field: Field::default(), context: Context::default() });
            }
            Some(false) => self.enabled = None,
            None => {}
        }
        let Some(Enabled { field, context, .. }) = &mut self.enabled else { return };
        if let Some((hint, meant)) = pending.content {
            field.set_content(hint.bits(), purpose(meant));
            (context.hint, context.purpose) = (hint, meant.into_result().unwrap_or(ContentPurpose::Normal));
        }
        if let Some((start, text)) = pending.surrounding {
            field.sentence_start = start;
            context.surrounding = text;
        }
        context.cause = pending.cause.unwrap_or(ChangeCause::InputMethod);
        if pending.cursor.is_some() {
            field.cursor = pending.cursor;
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
        WEnum::Value(ContentPurpose::Pin) => Purpose::Pin,
        _ => Purpose::Text,
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
        let activation = inputs.activation + 1;
        let Some(input) = inputs.v3.iter_mut().find(|input| input.resource == *resource) else { return };
        let pending = &mut input.pending;
        match request {
            Request::Enable => *pending = Pending { enable: Some(true), ..Pending::default() },
            Request::Disable => pending.enable = Some(false),
            Request::SetSurroundingText { text, cursor, anchor } => {
                let mut looked = Field::default();
                let sound = looked.set_surrounding(&text, i64::from(cursor), i64::from(anchor));
                let text = sound.then(|| Surrounding::new(text, cursor, anchor)).flatten();
                pending.surrounding = Some((looked.sentence_start, text));
            }
            Request::SetTextChangeCause { cause } => pending.cause = cause.into_result().ok(),
            Request::SetContentType { hint, purpose: meant } => {
                pending.content = Some((hint.into_result().unwrap_or(ContentHint::None), meant));
            }
            Request::SetCursorRectangle { x, y, width, height } => pending.cursor = Some((x, y, width, height)),
            Request::Commit => {
                input.apply(|| activation);
                inputs.activation = activation;
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
