//! `zwp_input_method_keyboard_grab_v2`: the keys of real keyboards for an input method, with their own keymap and
//! state: the seat's are for what the method types itself. [`crate::input`]'s `method_keys` decides which keys it gets.

use std::{collections::HashSet, fs::File, io::Write, os::fd::AsFd};

use kiosk_core::config::Keyboard;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use smithay::{
    backend::input::Keycode,
    input::keyboard::{Keysym, ModifiersState, xkb},
    reexports::{
        wayland_protocols_misc::zwp_input_method_v2::server::{
            zwp_input_method_keyboard_grab_v2::{self, ZwpInputMethodKeyboardGrabV2},
            zwp_input_method_v2::ZwpInputMethodV2,
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource,
            backend::ClientId,
            protocol::wl_keyboard::{KeyState, KeymapFormat},
        },
    },
    utils::SERIAL_COUNTER,
};

use super::{InputMethods, reads};
use crate::{
    input::{keymaps::Lasting, xkb_config},
    kiosk::Kiosk,
    limits::unread::{self, Sent},
    privilege,
};

/// Key codes of the kernel count from 0, those of xkb from 8.
const XKB_OFFSET: u32 = 8;

/// The configured keymap, compiled for the first grab: methods grab the keyboard anew for each field.
#[derive(Default)]
pub struct KeymapCache {
    compiled: Option<(Keyboard, xkb::Keymap)>,
}

impl KeymapCache {
    /// The configured keymap, or the default one. `None`: xkb has neither.
    fn of(&mut self, keyboard: &Keyboard) -> Option<xkb::Keymap> {
        if let Some((known, keymap)) = &self.compiled
            && known == keyboard
        {
            return Some(keymap.clone());
        }
        let wanted = xkb_config(keyboard);
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        let compile = |rules: &str, model: &str, layout: &str, variant: &str, options: Option<String>| {
            let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
            xkb::Keymap::new_from_names(&context, rules, model, layout, variant, options, flags)
        };
        let keymap = compile(wanted.rules, wanted.model, wanted.layout, wanted.variant, wanted.options)
            .or_else(|| compile("", "", "", "", None))?;
        self.compiled = Some((keyboard.clone(), keymap.clone()));
        Some(keymap)
    }
}

/// The modifiers as sent to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Modifiers {
    depressed: u32,
    latched: u32,
    locked: u32,
    layout: u32,
}

/// A method's keyboard grab.
pub struct Grab {
    pub(super) resource: ZwpInputMethodKeyboardGrabV2,
    state: xkb::State,
    told: Option<Modifiers>,
    /// Pressed keys that were sent to the method.
    held: HashSet<Keycode>,
}

impl Grab {
    /// The key's symbols without modifiers, its current symbol, and whether Ctrl and Alt are active.
    pub(crate) fn meaning(&self, code: Keycode) -> (Vec<Keysym>, Keysym, ModifiersState) {
        let layout = self.state.key_get_layout(code);
        let plain = self.state.get_keymap().key_get_syms_by_level(code, layout, 0).to_vec();
        let active = |name| self.state.mod_name_is_active(name, xkb::STATE_MODS_EFFECTIVE);
        let modifiers = ModifiersState {
            ctrl: active(xkb::MOD_NAME_CTRL),
            alt: active(xkb::MOD_NAME_ALT),
            ..ModifiersState::default()
        };
        (plain, self.state.key_get_one_sym(code), modifiers)
    }

    /// Whether this key's press was sent to the method.
    pub(crate) fn holds(&self, code: Keycode) -> bool {
        self.held.contains(&code)
    }

    /// Whether one more key may be sent: the method reads its events, or few are unread.
    pub(crate) fn takes_a_key(&self) -> bool {
        self.resource.client().is_some_and(|client| privilege::accepts_press(&client))
    }

    /// Sends a key to the method.
    pub(crate) fn key(&mut self, code: Keycode, pressed: bool, time: u32) {
        match pressed {
            true => self.held.insert(code),
            false => self.held.remove(&code),
        };
        // Changes that were not sent while it did not read.
        self.tell_modifiers();
        let serial = SERIAL_COUNTER.next_serial();
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        self.resource.key(serial.into(), time, code.raw().saturating_sub(XKB_OFFSET), state);
        self.update(code, pressed);
        self.tell_modifiers();
    }

    /// A key that is not sent to the method: updates the modifiers.
    pub(crate) fn follow(&mut self, code: Keycode, pressed: bool) {
        self.update(code, pressed);
        // A client that does not read would be disconnected.
        if reads(&self.resource) {
            self.tell_modifiers();
        }
    }

    /// What outlasts the grab.
    pub(crate) fn lasting(&self) -> Lasting {
        let locked = |name| self.state.mod_name_is_active(name, xkb::STATE_MODS_LOCKED);
        Lasting {
            caps_lock: locked(xkb::MOD_NAME_CAPS),
            num_lock: locked(xkb::MOD_NAME_NUM),
            layout: self.state.serialize_layout(xkb::STATE_LAYOUT_EFFECTIVE),
        }
    }

    /// Begins anew with this keymap, and nothing held.
    fn begin(&mut self, keymap: &xkb::Keymap, lasting: Lasting) {
        let mask = |name: &str, locked: bool| match keymap.mod_get_index(name) {
            index if locked && index < u32::BITS => 1 << index,
            _ => 0,
        };
        let Lasting { caps_lock, num_lock, layout } = lasting;
        let locked = mask(xkb::MOD_NAME_CAPS, caps_lock) | mask(xkb::MOD_NAME_NUM, num_lock);
        self.state = xkb::State::new(keymap);
        self.state.update_mask(0, 0, locked, 0, 0, layout);
        self.told = None;
    }

    fn update(&mut self, code: Keycode, pressed: bool) {
        self.state.update_key(code, if pressed { xkb::KeyDirection::Down } else { xkb::KeyDirection::Up });
    }

    /// Releases all keys whose press was sent.
    pub(crate) fn release_all(&mut self, time: u32) {
        for code in self.held.clone() {
            self.key(code, false, time);
        }
        // Keys that only the seat was told of may get no release either.
        let Modifiers { locked, layout, .. } = self.modifiers();
        self.state = xkb::State::new(&self.state.get_keymap());
        self.state.update_mask(0, 0, locked, 0, 0, layout);
        if reads(&self.resource) {
            self.tell_modifiers();
        }
    }

    /// Switches to this layout of the keymap.
    pub(crate) fn use_layout(&mut self, number: u32) {
        let Modifiers { depressed, latched, locked, .. } = self.modifiers();
        self.state.update_mask(depressed, latched, locked, 0, 0, number);
        self.tell_modifiers();
    }

    fn modifiers(&self) -> Modifiers {
        Modifiers {
            depressed: self.state.serialize_mods(xkb::STATE_MODS_DEPRESSED),
            latched: self.state.serialize_mods(xkb::STATE_MODS_LATCHED),
            locked: self.state.serialize_mods(xkb::STATE_MODS_LOCKED),
            layout: self.state.serialize_layout(xkb::STATE_LAYOUT_EFFECTIVE),
        }
    }

    fn tell_modifiers(&mut self) {
        let now = self.modifiers();
        if self.told != Some(now) {
            self.told = Some(now);
            let serial = SERIAL_COUNTER.next_serial();
            self.resource.modifiers(serial.into(), now.depressed, now.latched, now.locked, now.layout);
        }
    }

    /// Sends the keymap in a file of its own, as the method can write to it.
    fn tell_keymap(&self) -> std::io::Result<()> {
        let mut text = self.state.get_keymap().get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1).into_bytes();
        text.push(0);
        let mut file = File::from(memfd_create("kioskd-keymap", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(&text)?;
        // No seal against writing: it would make shared mappings, which methods use, fail.
        fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW)?;
        let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.resource.keymap(KeymapFormat::XkbV1, file.as_fd(), size);
        Ok(())
    }
}

impl InputMethods {
    /// The keyboard grab, while a field has the focus.
    pub(crate) fn grab(&mut self) -> Option<&mut Grab> {
        self.current.as_mut().filter(|method| method.is_active())?.grab.as_mut()
    }

    /// The keyboard grab, whether or not a field has the focus.
    pub(crate) fn any_grab(&mut self) -> Option<&mut Grab> {
        self.current.as_mut()?.grab.as_mut()
    }
}

impl Kiosk {
    /// Begins a keyboard grab. Ignored while the method has another one.
    pub(super) fn input_method_grabs(&mut self, method: &ZwpInputMethodV2, resource: ZwpInputMethodKeyboardGrabV2) {
        let lasting = self.lasting();
        let settings = &self.settings.config.input.keyboard;
        let methods = &mut self.protocols.input_methods;
        if methods.of(method).is_none_or(|method| method.grab.is_some()) {
            return;
        }
        let Some(keymap) = methods.keymap.of(settings) else { return };
        // One that reads nothing gets no keys: they stay the seat's.
        if !resource.client().is_some_and(|client| unread::takes(&client, 1, Sent::Own)) {
            return;
        }
        let state = xkb::State::new(&keymap);
        let mut grab = Grab { resource, state, told: None, held: HashSet::new() };
        grab.resource.repeat_info(settings.repeat_rate as i32, settings.repeat_delay as i32);
        if let Err(error) = grab.tell_keymap() {
            // Without one it could not read the keys: they stay the seat's.
            tracing::warn!(%error, "no keymap for an input method, which gets no keys");
            return;
        }
        // Takes over the locked modifiers, the layout and the pressed keys.
        grab.begin(&keymap, lasting);
        if let Some(keyboard) = self.seat.seat.get_keyboard() {
            for code in keyboard.pressed_keys() {
                grab.state.update_key(code, xkb::KeyDirection::Down);
            }
        }
        grab.tell_modifiers();
        if let Some(method) = self.protocols.input_methods.of(method) {
            method.grab = Some(grab);
        }
    }

    /// Ends the keyboard grab.
    pub(super) fn end_grab(&mut self) {
        let Some(grab) = self.protocols.input_methods.current.as_mut().and_then(|method| method.grab.take()) else {
            return;
        };
        // A layout that was chosen during the grab stays.
        let lasting = Lasting { layout: grab.lasting().layout, ..self.lasting() };
        self.set_lasting(lasting);
    }

    /// The configured keymap changed: a grab has it at once, with what is locked and the first layout.
    pub(crate) fn configure_grab(&mut self) {
        let time = self.now().as_millis() as u32;
        let settings = &self.settings.config.input.keyboard;
        let InputMethods { current, keymap, .. } = &mut self.protocols.input_methods;
        let Some(method) = current else { return };
        let (Some(grab), Some(keymap)) = (&mut method.grab, keymap.of(settings)) else { return };
        grab.release_all(time);
        grab.begin(&keymap, Lasting { layout: 0, ..grab.lasting() });
        let client = grab.resource.client();
        if client.is_some_and(|client| unread::takes(&client, 1, Sent::Own)) && grab.tell_keymap().is_ok() {
            grab.resource.repeat_info(settings.repeat_rate as i32, settings.repeat_delay as i32);
            grab.tell_modifiers();
        } else {
            // Without the keymap it could not read the keys: they are the seat's.
            method.grab = None;
        }
    }
}

impl Dispatch<ZwpInputMethodKeyboardGrabV2, (), Kiosk> for InputMethods {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ZwpInputMethodKeyboardGrabV2,
        _: zwp_input_method_keyboard_grab_v2::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        // The only request is the destructor.
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZwpInputMethodKeyboardGrabV2, (): &()) {
        let methods = &mut kiosk.protocols.input_methods;
        if methods.any_grab().is_some_and(|grab| grab.resource == *resource) {
            kiosk.end_grab();
        }
    }
}
