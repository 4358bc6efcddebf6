//! Keyboards with a layout of their own (`[input.device."…"] layout`): a scanner that types as an American keyboard
//! beside a German one. A seat has one keymap, so it changes with the keyboard that is used ([`super::keymaps`]). This
//! module keeps each keyboard's keymap, and the state that must not carry over to another keyboard: held keys, Caps
//! Lock and the active layout. Num Lock is shared, as it defines the keypad.

use std::collections::{HashMap, HashSet};

use kiosk_core::config::{Config, Keyboard};
use smithay::{
    backend::input::{KeyState, Keycode},
    input::keyboard::{Layout, ModifiersState, xkb},
    utils::SERIAL_COUNTER,
};

use super::xkb_config;
use crate::kiosk::Kiosk;

/// A keyboard's layout does not exist.
#[derive(Debug, thiserror::Error)]
#[error(
    "input.device.{device:?}: xkb has no layout {:?} variant {:?} model {:?} options {:?}; it types with that of \
     input.keyboard",
    wanted.layout, wanted.variant, wanted.model, wanted.options
)]
pub struct LayoutError {
    device: String,
    wanted: Box<Keyboard>,
}

/// The state of a keymap while another one is in use.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    caps_lock: bool,
    /// The active layout.
    layout: u32,
}

/// The layouts of single keyboards.
#[derive(Debug, Default)]
pub struct Layouts {
    /// The name of each keyboard's keymap, by the back end's name of the keyboard.
    of_devices: HashMap<String, String>,
    /// The compiled keymaps by name; `None`: xkb does not know it. At most as many as are configured.
    texts: HashMap<String, Option<String>>,
    /// The state of inactive keymaps, by name; `None`: the seat's.
    kept: HashMap<Option<String>, Kept>,
    /// Keys that are down, by keyboard.
    down: HashMap<String, HashSet<Keycode>>,
}

impl Layouts {
    /// The name of the keymap that this keyboard has for itself.
    pub fn of(&self, handle: &str) -> Option<&str> {
        self.of_devices.get(handle).map(String::as_str)
    }

    /// The keymap of this name, as xkb writes it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name)?.as_deref()
    }

    /// A key of a keyboard went down or up.
    pub fn note(&mut self, handle: &str, code: Keycode, pressed: bool) {
        if pressed {
            self.down.entry(handle.to_owned()).or_default().insert(code);
        } else if let Some(down) = self.down.get_mut(handle) {
            down.remove(&code);
            if down.is_empty() {
                self.down.remove(handle);
            }
        }
    }

    /// The keyboard is gone.
    pub fn forget(&mut self, handle: &str) {
        self.down.remove(handle);
    }
}

/// A unique name for a keymap, which no back end uses for a device.
fn name(keyboard: &Keyboard) -> String {
    let Keyboard { rules, model, layout, variant, options, .. } = keyboard;
    format!("layout {layout:?} {variant:?} {options:?} {model:?} {rules:?}")
}

/// As a person would write it: `us`, `de(nodeadkeys)`.
pub fn spelled(keyboard: &Keyboard) -> String {
    let Keyboard { layout, variant, .. } = keyboard;
    if variant.is_empty() { layout.clone() } else { format!("{layout}({variant})") }
}

/// Compiles it, which takes tens of milliseconds; `None`: xkb does not know these names.
fn compile(keyboard: &Keyboard) -> Option<String> {
    let wanted = xkb_config(keyboard);
    let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
    let (rules, model, layout) = (wanted.rules, wanted.model, wanted.layout);
    let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
    let keymap = xkb::Keymap::new_from_names(&context, rules, model, layout, wanted.variant, wanted.options, flags)?;
    Some(keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1))
}

/// The configured keyboards that xkb does not know, a sentence each.
pub fn wrong(config: &Config) -> Vec<String> {
    let seat = &config.input.keyboard;
    let mut sentences = Vec::new();
    if compile(seat).is_none() {
        sentences.push(super::KeymapError::of(seat).to_string());
    }
    for rule in &config.input.devices {
        let wanted = rule.settings.own_keyboard(seat);
        if let Some(wanted) = wanted.filter(|wanted| compile(wanted).is_none()) {
            let error = LayoutError { device: rule.matcher.clone(), wanted: Box::new(wanted) };
            sentences.push(error.to_string());
        }
    }
    sentences
}

impl Kiosk {
    /// Devices or their settings changed: updates which keyboards have a layout of their own.
    pub(super) fn lay_out_keyboards(&mut self) {
        let seat = &self.settings.config.input.keyboard;
        let keyboards = self.seat.devices.list.iter().filter(|known| known.facts.keyboard);
        let own = keyboards.filter_map(|known| {
            let own = known.settings.own_keyboard(seat)?;
            Some((known.handle.clone(), known.id.clone(), own))
        });
        let own: Vec<_> = own.collect();
        let mut wrong = Vec::new();
        let layouts = &mut self.seat.layouts;
        layouts.of_devices.clear();
        let wanted: HashSet<String> = own.iter().map(|(_, _, keyboard)| name(keyboard)).collect();
        layouts.texts.retain(|name, _| wanted.contains(name));
        layouts.kept.retain(|name, _| name.as_ref().is_none_or(|name| wanted.contains(name)));
        for (handle, device, keyboard) in own {
            let name = name(&keyboard);
            let text = layouts.texts.entry(name.clone()).or_insert_with(|| {
                let text = compile(&keyboard);
                if text.is_none() {
                    wrong.push(LayoutError { device, wanted: Box::new(keyboard) }.to_string());
                }
                text
            });
            if text.is_some() {
                layouts.of_devices.insert(handle, name);
            }
        }
        wrong.into_iter().for_each(|sentence| self.problem(sentence));
    }

    /// Before a change of keymap: releases all held keys for clients.
    pub(super) fn leave_layout(&mut self, left: Option<String>) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let modifiers = keyboard.modifier_state();
        let kept = Kept { caps_lock: modifiers.caps_lock, layout: modifiers.serialized.layout_effective };
        self.seat.layouts.kept.insert(left, kept);
        self.release_keys();
    }

    /// After a change of keymap: restores this keyboard's state and held keys.
    pub(super) fn enter_layout(&mut self, handle: &str, entered: Option<&str>, num_lock: bool) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let kept = self.seat.layouts.kept.get(&entered.map(str::to_owned)).copied().unwrap_or_default();
        self.set_modifiers(ModifiersState { caps_lock: kept.caps_lock, num_lock, ..ModifiersState::default() });
        keyboard.with_xkb_state(self, |mut context| context.set_layout(Layout(kept.layout)));
        // smithay does not report this change of LEDs.
        self.seat.set_leds(keyboard.led_state());
        let down: Vec<Keycode> = self.seat.layouts.down.get(handle).into_iter().flatten().copied().collect();
        let time = self.now().as_millis() as u32;
        for code in down {
            let (_, modifies) = keyboard.input_intercept(self, code, KeyState::Pressed, |_, _, _| ());
            if modifies {
                let serial = SERIAL_COUNTER.next_serial();
                keyboard.input_forward(self, code, KeyState::Pressed, serial, time, true);
            } else {
                // The key was pressed for clients before; it is not repeated.
                self.seat.swallowed.insert(code);
            }
        }
    }
}
