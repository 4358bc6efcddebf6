//! virtual-keyboard, used by wtype and wayvnc. For trusted tools. Each has a keymap of its own, which the seat uses
//! while it types ([`crate::input::keymaps`]).

use std::{
    collections::HashSet,
    io,
    os::fd::OwnedFd,
    sync::{Mutex, PoisonError},
};

use smithay::{
    backend::input::{Device, InputEvent, KeyState},
    input::keyboard::ModifiersState,
    reexports::{
        wayland_protocols_misc::zwp_virtual_keyboard_v1::server::{
            zwp_virtual_keyboard_manager_v1::{self, ZwpVirtualKeyboardManagerV1},
            zwp_virtual_keyboard_v1::{self, Error, Request, ZwpVirtualKeyboardV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, backend::ClientId, protocol::wl_keyboard::KeymapFormat,
        },
    },
};

use super::{
    Remote, VirtualInput,
    device::{Action, Kind, VirtualDevice},
    refuse_more,
};
use crate::{
    input::keymaps::Follow,
    kiosk::Kiosk,
    limits::{
        descriptors::{self, NONE_LEFT, Use},
        refusal,
    },
    protocols::{
        client_file,
        dispatch::{objects, plain},
    },
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
/// Bytes of a keymap. The largest that xkb's own rules make have some 100 KiB.
const MAX_KEYMAP: u32 = 512 * 1024;
/// The kernel's key codes end there (`KEY_MAX`), so that this many can be held.
const KEYS: u32 = 0x300;
/// Bits of the real modifiers, the same in all keymaps: Shift, Lock, Control, Mod1 to Mod5.
const REAL_MODIFIERS: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

pub(super) fn offer(display: &DisplayHandle) {
    display.create_global::<Kiosk, ZwpVirtualKeyboardManagerV1, ()>(VERSION, ());
}

/// Data of a keyboard.
pub struct KeyboardData {
    device: Option<VirtualDevice>,
    held: Mutex<HashSet<u32>>,
}

impl KeyboardData {
    fn held(&self) -> std::sync::MutexGuard<'_, HashSet<u32>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a keymap is refused.
#[derive(Debug, thiserror::Error)]
enum KeymapError {
    /// Not in xkb's format.
    #[error("keymaps are in format 1 (xkb_v1), not {0}")]
    Format(u32),
    /// Empty, or larger than any that xkb makes.
    #[error("a keymap has 1 to {MAX_KEYMAP} bytes, not {0}")]
    Size(u32),
    /// The file ends early.
    #[error("the keymap's file has {has} bytes of the {said} that were said")]
    Short { has: usize, said: u32 },
    /// A file that cannot be read at an offset, or an I/O error.
    #[error("the keymap could not be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Not in UTF-8.
    #[error("the keymap is no text")]
    NoText,
    /// No file descriptor is left for it.
    #[error("{NONE_LEFT}")]
    NoFiles,
}

/// Reads a keymap in xkb's format.
fn read(fd: &OwnedFd, size: u32) -> Result<String, KeymapError> {
    if !(1..=MAX_KEYMAP).contains(&size) {
        return Err(KeymapError::Size(size));
    }
    let mut text = vec![0; size as usize];
    let has = client_file::fill(fd, &mut text)?;
    if has < text.len() {
        return Err(KeymapError::Short { has, said: size });
    }
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    text.truncate(end);
    String::from_utf8(text).map_err(|_| KeymapError::NoText)
}

/// Converts the masks: latched modifiers act like held ones.
fn modifiers(depressed: u32, latched: u32, locked: u32) -> ModifiersState {
    let [shift, lock, control, mod1, mod2, mod3, mod4, mod5] =
        REAL_MODIFIERS.map(|bit| (depressed | latched) & bit != 0);
    ModifiersState {
        ctrl: control,
        alt: mod1,
        shift,
        caps_lock: lock || locked & REAL_MODIFIERS[1] != 0,
        num_lock: mod2 || locked & REAL_MODIFIERS[4] != 0,
        logo: mod4,
        iso_level3_shift: mod5,
        iso_level5_shift: mod3,
        ..ModifiersState::default()
    }
}

impl Dispatch<ZwpVirtualKeyboardManagerV1, (), Kiosk> for VirtualInput {
    fn request(
        kiosk: &mut Kiosk,
        client: &Client,
        manager: &ZwpVirtualKeyboardManagerV1,
        request: zwp_virtual_keyboard_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zwp_virtual_keyboard_manager_v1::Request::CreateVirtualKeyboard { id, .. } = request else { return };
        let full = kiosk.protocols.virtual_input.is_full(client);
        let device = (!full).then(|| kiosk.plug_in_virtual(client, Kind::Keyboard));
        init.init(id, KeyboardData { device, held: Mutex::default() });
        if full {
            refuse_more(manager);
        }
    }
}

impl Dispatch<ZwpVirtualKeyboardV1, KeyboardData, Kiosk> for VirtualInput {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        keyboard: &ZwpVirtualKeyboardV1,
        request: zwp_virtual_keyboard_v1::Request,
        data: &KeyboardData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let Some(device) = &data.device else { return };
        match request {
            Request::Keymap { format, fd, size } => {
                if let Err(error) = kiosk.take_keymap(device, format, &fd, size) {
                    refusal::post(keyboard, Error::NoKeymap, &error.to_string());
                }
            }
            Request::Key { key, state, .. } => {
                let pressed = state == 1;
                if !kiosk.seat.keymaps.has(&device.id()) {
                    return refusal::post(keyboard, Error::NoKeymap, "a key before the keymap");
                }
                let news = match pressed {
                    true => key < KEYS && data.held().insert(key),
                    false => data.held().remove(&key),
                };
                if !news {
                    return;
                }
                if kiosk.type_virtual(device, key, pressed) == Follow::Impossible {
                    refusal::post(keyboard, Error::NoKeymap, "xkb makes nothing of the keymap");
                }
            }
            Request::Modifiers { mods_depressed, mods_latched, mods_locked, .. } => {
                if !kiosk.seat.keymaps.has(&device.id()) {
                    return refusal::post(keyboard, Error::NoKeymap, "modifiers before the keymap");
                }
                match kiosk.follow_keymap(&device.id()) {
                    Follow::Done => kiosk.set_modifiers(modifiers(mods_depressed, mods_latched, mods_locked)),
                    Follow::TooOften => {}
                    Follow::Impossible => {
                        refusal::post(keyboard, Error::NoKeymap, "xkb makes nothing of the keymap");
                    }
                }
            }
            _ => {}
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, _: &ZwpVirtualKeyboardV1, data: &KeyboardData) {
        let Some(device) = &data.device else { return };
        let held = std::mem::take(&mut *data.held());
        for key in held {
            kiosk.type_virtual(device, key, false);
        }
        kiosk.drop_keymap(&device.id());
        kiosk.pull_out_virtual(device);
    }
}

impl Kiosk {
    fn take_keymap(&mut self, device: &VirtualDevice, format: u32, fd: &OwnedFd, size: u32) -> Result<(), KeymapError> {
        if format != u32::from(KeymapFormat::XkbV1) {
            return Err(KeymapError::Format(format));
        }
        if descriptors::is_of_reserve(fd, Use::Buffer) {
            return Err(KeymapError::NoFiles);
        }
        let text = read(fd, size)?;
        self.seat.keymaps.set(device.id(), text);
        Ok(())
    }

    fn type_virtual(&mut self, device: &VirtualDevice, key: u32, pressed: bool) -> Follow {
        let follow = self.follow_keymap(&device.id());
        if follow == Follow::Done || !pressed {
            let state = if pressed { KeyState::Pressed } else { KeyState::Released };
            let event = self.event_of(device, Action::Key(key, state));
            self.input(InputEvent::<Remote>::Keyboard { event });
        }
        follow
    }
}

plain! {
    ZwpVirtualKeyboardManagerV1 => VirtualInput;
}
objects! {
    ZwpVirtualKeyboardManagerV1, () => VirtualInput;
    ZwpVirtualKeyboardV1, KeyboardData => VirtualInput;
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(text: &[u8]) -> OwnedFd {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file.into()
    }

    #[test]
    fn a_keymap_is_read_to_its_end_mark_and_never_past_its_file() {
        assert_eq!(read(&file(b"xkb\0rest"), 8).unwrap(), "xkb");
        assert_eq!(read(&file(b"xkb"), 3).unwrap(), "xkb");
        assert!(read(&file(b"xkb"), 4).is_err_and(|error| error.to_string().contains("3 bytes of the 4")));
        assert!(read(&file(b""), 0).is_err());
        assert!(read(&file(b"x"), u32::MAX).is_err());
        assert!(read(&file(b"\xff\xfe"), 2).is_err());
        let (pipe, _writer) = rustix::pipe::pipe().unwrap();
        assert!(read(&pipe, 5).is_err_and(|error| error.to_string().contains("could not be read")));
    }
}
