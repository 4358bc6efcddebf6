//! Keyboards with a layout of their own (`[input.device."…"] layout`): a scanner that types as an American keyboard beside
//! a German one. A seat has one keymap, so that it changes with the keyboard that is typed on
//! ([`super::keymaps`]); here is what each keyboard has, and what of one must not reach into another: held keys, Caps Lock
//! and the chosen layout. Num Lock is all keyboards' alike, as it says what a keypad is.

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

/// What stays of a keymap while another one is typed with.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    caps_lock: bool,
    /// Which of its layouts.
    layout: u32,
}

/// The layouts of single keyboards.
#[derive(Debug, Default)]
pub struct Layouts {
    /// By the back end's names of the keyboards: the name of its keymap.
    of_devices: HashMap<String, String>,
    /// By name, each compiled once; `None`: xkb has none. As many as the configuration names at most.
    texts: HashMap<String, Option<String>>,
    /// Of the keymaps that were left, by name; `None`: the seat's.
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

/// What tells one keymap from others; no back end calls a device so.
fn name(keyboard: &Keyboard) -> String {
    let Keyboard { rules, model, layout, variant, options, .. } = keyboard;
    format!("layout {layout:?} {variant:?} {options:?} {model:?} {rules:?}")
}

/// As a person would write it: `us`, `de(nodeadkeys)`.
pub fn spelled(keyboard: &Keyboard) -> String {
    let Keyboard { layout, variant, .. } = keyboard;
    if variant.is_empty() { layout.clone() } else { format!("{layout}({variant})") }
}

/// Compiles it, which takes tens of milliseconds; `None`: xkb has none of these names.
fn compile(keyboard: &Keyboard) -> Option<String> {
    let wanted = xkb_config(keyboard);
    let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
    let (rules, model, layout) = (wanted.rules, wanted.model, wanted.layout);
    let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
    let keymap = xkb::Keymap::new_from_names(&context, rules, model, layout, wanted.variant, wanted.options, flags)?;
    Some(keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1))
}

/// What of the configuration's keyboards xkb does not have, a sentence each.
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
    /// Devices came or went, or something else is said of one: who has a layout of its own.
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

    /// Before the seat has the keymap of another keyboard: clients are told that nothing is held.
    pub(super) fn leave_layout(&mut self, left: Option<String>) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let modifiers = keyboard.modifier_state();
        let kept = Kept { caps_lock: modifiers.caps_lock, layout: modifiers.serialized.layout_effective };
        self.seat.layouts.kept.insert(left, kept);
        self.release_keys();
    }

    /// The seat has this keyboard's keymap: it is as it was left, and what is held on it counts.
    pub(super) fn enter_layout(&mut self, handle: &str, entered: Option<&str>, num_lock: bool) {
        let Some(keyboard) = self.seat.seat.get_keyboard() else { return };
        let kept = self.seat.layouts.kept.get(&entered.map(str::to_owned)).copied().unwrap_or_default();
        self.set_modifiers(ModifiersState { caps_lock: kept.caps_lock, num_lock, ..ModifiersState::default() });
        keyboard.with_xkb_state(self, |mut context| context.set_layout(Layout(kept.layout)));
        // smithay does not tell of lights that change so.
        self.seat.set_leds(keyboard.led_state());
        let down: Vec<Keycode> = self.seat.layouts.down.get(handle).into_iter().flatten().copied().collect();
        let time = self.now().as_millis() as u32;
        for code in down {
            let (_, modifies) = keyboard.input_intercept(self, code, KeyState::Pressed, |_, _, _| ());
            if modifies {
                let serial = SERIAL_COUNTER.next_serial();
                keyboard.input_forward(self, code, KeyState::Pressed, serial, time, true);
            } else {
                // It was typed already, and is not typed again.
                self.seat.swallowed.insert(code);
            }
        }
    }
}
