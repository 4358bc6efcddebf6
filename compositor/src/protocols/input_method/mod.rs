//! input-method v2, for fcitx5 and squeekboard: one method on the seat at a time, for trusted tools only. Implemented
//! on the protocol's own bindings: smithay's side is tied to its own text-input, and keeps a dead method's grab.
//!
//! An input method gets the focused field once a turn, and only while it reads; its preedit and text go to that field
//! and to no other. While a field has the focus it may grab the keys of real keyboards ([`grab`]), and show popups
//! beside the cursor ([`popup`]). Without a focused field, text input works as without a method.

pub mod grab;
mod method;
mod popup;

use std::time::Duration;

use smithay::reexports::{
    wayland_protocols_misc::zwp_input_method_v2::server::{
        zwp_input_method_keyboard_grab_v2::ZwpInputMethodKeyboardGrabV2,
        zwp_input_method_manager_v2::{self, ZwpInputMethodManagerV2},
        zwp_input_method_v2::ZwpInputMethodV2,
        zwp_input_popup_surface_v2::ZwpInputPopupSurfaceV2,
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource},
};

use crate::{
    kiosk::Kiosk,
    privilege,
    protocols::dispatch::{objects, plain},
};
use method::Method;
use popup::Popup;

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
/// Interval of checks whether a method reads again; it doubles each time.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// The longest such interval.
const ASK_LAST: Duration = Duration::from_secs(30);

/// The input method, if there is one.
pub struct InputMethods {
    current: Option<Method>,
    /// The keymap of its grabs, kept between them.
    keymap: grab::KeymapCache,
    /// The state to send may have changed.
    stale: bool,
    /// A timer for the next attempt to send is armed.
    asks: bool,
}

impl InputMethods {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ZwpInputMethodManagerV2, ()>(VERSION, ());
        Self { current: None, keymap: grab::KeymapCache::default(), stale: false, asks: false }
    }

    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        self.current.is_some()
    }

    /// Marks the state to send as possibly changed.
    pub fn disturb(&mut self) {
        self.stale = self.current.is_some();
    }

    /// Drops the method and all that is kept for it.
    fn forget(&mut self) {
        (self.current, self.stale, self.keymap) = (None, false, grab::KeymapCache::default());
    }

    /// The current method, if this is its object.
    fn of(&mut self, resource: &ZwpInputMethodV2) -> Option<&mut Method> {
        self.current.as_mut().filter(|method| method.resource == *resource)
    }
}

/// Whether the client of this object reads what it is sent.
fn reads(resource: &impl Resource) -> bool {
    resource.client().is_some_and(|client| privilege::reads(&client))
}

impl Kiosk {
    /// Whether there is an input method.
    pub fn has_input_method(&self) -> bool {
        self.protocols.input_methods.is_there()
    }

    /// Sends the focused field to the input method, once a turn, and places its popups at the cursor.
    pub(crate) fn tell_input_method(&mut self) {
        let hides = self.hides_external_keyboard();
        let methods = &mut self.protocols.input_methods;
        let has_popups = methods.current.as_ref().is_some_and(|method| method.popups.iter().any(Popup::is_drawn));
        if !methods.stale && !has_popups && self.stage.method_popups.is_empty() {
            return;
        }
        let (field, context) = self.protocols.text_inputs.composing().filter(|_| !hides).unzip();
        if methods.stale
            && let Some(method) = &mut methods.current
        {
            if reads(&method.resource) {
                methods.stale = false;
                method.tell(field.as_ref().map(|field| field.begun).zip(context));
            } else if !std::mem::replace(&mut methods.asks, true) {
                self.ask_method_after(ASK_AGAIN);
            }
        }
        self.place_method_popups(field);
    }

    /// Checks then whether the method reads again: if so, the end of that turn sends what it missed.
    fn ask_method_after(&mut self, delay: Duration) {
        self.after(delay, move |kiosk| {
            let methods = &mut kiosk.protocols.input_methods;
            methods.asks = methods.stale && methods.current.as_ref().is_some_and(|method| !reads(&method.resource));
            if methods.asks {
                kiosk.ask_method_after((delay * 2).min(ASK_LAST));
            }
        });
    }
}

impl Dispatch<ZwpInputMethodManagerV2, (), Kiosk> for InputMethods {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        _: &ZwpInputMethodManagerV2,
        request: zwp_input_method_manager_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zwp_input_method_manager_v2::Request::GetInputMethod { input_method, .. } = request else { return };
        let resource = init.init(input_method, ());
        let methods = &mut kiosk.protocols.input_methods;
        if methods.is_there() {
            resource.unavailable();
            return;
        }
        methods.current = Some(Method::new(resource));
        methods.disturb();
    }
}

plain! {
    ZwpInputMethodManagerV2 => InputMethods;
}
objects! {
    ZwpInputMethodManagerV2, () => InputMethods;
    ZwpInputMethodV2, () => InputMethods;
    ZwpInputPopupSurfaceV2, popup::PopupData => InputMethods;
    ZwpInputMethodKeyboardGrabV2, () => InputMethods;
}
