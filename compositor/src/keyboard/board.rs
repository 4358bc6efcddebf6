//! The keyboard as a state machine without I/O: touches and times go in, typed keys come out. It keeps the pressed keys
//! and the choices of a long press, and reports when its picture changes; it draws nothing and sends nothing.
//!
//! A key is typed on release; sliding off it cancels. A second finger types the first one's key, for fast typing. A
//! long press offers other characters, which sliding selects.

use std::time::Duration;

use super::{
    field::Field,
    geometry::{Cell, Rect, place},
    keymap::{Keymap, Layout},
    page::{self, Cap, NEXT_LAYOUT, Page, alternatives, rows},
};

/// How long a touch lasts to be a long press.
pub const LONG: Duration = Duration::from_millis(450);
/// Delay before a held key repeats, and the time between two repeats.
const REPEAT_DELAY: Duration = Duration::from_millis(450);
const REPEAT: Duration = Duration::from_millis(70);
/// Two touches of shift within this time lock it.
const DOUBLE: Duration = Duration::from_millis(400);
/// Fingers that are followed: no hands have more.
const MAX_FINGERS: usize = 10;

/// A finger or a pointer button: any number by which the caller tells them apart.
pub type Finger = u64;

/// A typed key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// A character.
    Char(char),
    /// A dead key's accent.
    Dead(char),
    /// Deletes the last character.
    Backspace,
    /// Enter.
    Enter,
    /// Another layout of the keymap, by number.
    Layout(usize),
    /// Hides the keyboard.
    Hide,
}

/// The shift state of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shift {
    /// Lower case.
    #[default]
    Off,
    /// The next letter is a capital.
    Once,
    /// All letters are capitals.
    Locked,
}

/// A finger on a key.
#[derive(Debug, Clone, Copy)]
struct Press {
    finger: Finger,
    cell: usize,
    /// When it acts by itself: offers characters, or repeats; `None`: never.
    due: Option<Duration>,
    /// Its release does nothing.
    spent: bool,
}

/// The choices of a long press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    finger: Finger,
    /// The characters, each with its area, which may be above the keyboard.
    pub cells: Vec<(Rect, char)>,
    /// The one that is typed on release; `None`: the finger has left them.
    pub chosen: Option<usize>,
}

impl Offer {
    /// The choices, in their order.
    pub fn characters(&self) -> impl Iterator<Item = char> + '_ {
        self.cells.iter().map(|(_, c)| *c)
    }

    /// The area of all choices.
    pub fn area(&self) -> Rect {
        let first = self.cells.first().map(|(area, _)| *area).unwrap_or_default();
        let last = self.cells.last().map(|(area, _)| *area).unwrap_or_default();
        Rect { w: last.x + last.w - first.x, ..first }
    }
}

/// The keyboard's state.
#[derive(Debug, Default)]
pub struct Board {
    keymap: Keymap,
    layout: usize,
    page: Page,
    shift: Shift,
    /// Whether the field wanted a capital at its last update.
    capital: bool,
    shift_touched: Option<Duration>,
    field: Field,
    size: (i32, i32),
    cells: Vec<Cell>,
    presses: Vec<Press>,
    offer: Option<Offer>,
    revision: u64,
}

impl Board {
    /// A keyboard with the layouts of this keymap.
    pub fn new(keymap: Keymap) -> Self {
        Self { keymap, ..Self::default() }
    }

    /// Whether it has a keymap yet.
    pub fn is_ready(&self) -> bool {
        !self.keymap.layouts.is_empty()
    }

    /// Its keymap.
    pub fn keymap(&self) -> &Keymap {
        &self.keymap
    }

    /// The current layout.
    pub fn layout(&self) -> Option<&Layout> {
        self.keymap.layouts.get(self.layout)
    }

    /// The current layout's number in the keymap.
    pub fn layout_number(&self) -> usize {
        self.layout
    }

    /// The keys with their areas.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Increases with each change of the keys' look or layout, but not with presses and choices.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The shift state of letters.
    pub fn shift(&self) -> Shift {
        self.shift
    }

    /// Whether pressed keys must not be shown.
    pub fn is_secret(&self) -> bool {
        self.field.secret
    }

    /// All characters that its keys may show: the letters of every layout, so that one search finds the fonts for all
    /// of them, those of the current page, and the choices of its keys.
    pub fn text(&self) -> String {
        let letters = self.keymap.layouts.iter().flat_map(|layout| layout.rows.iter().flatten());
        let letters = letters.flat_map(|(plain, shifted)| [*plain, *shifted]);
        let shown = self.cells.iter().flat_map(|cell| match cell.key.cap {
            Cap::Sign(c) | Cap::Dead(c) => vec![c],
            _ => Vec::new(),
        });
        let mut text: String = letters.chain(shown).collect();
        let offered: String = text.chars().map(alternatives).collect();
        text.push_str(&offered);
        text.push(NEXT_LAYOUT);
        text
    }

    /// The areas of pressed keys.
    pub fn pressed(&self) -> impl Iterator<Item = Rect> + '_ {
        let held = self.presses.iter().filter(|press| !press.spent || press.due.is_some());
        held.filter_map(|press| self.cells.get(press.cell)).map(|cell| cell.area)
    }

    /// The choices of the current long press.
    pub fn offer(&self) -> Option<&Offer> {
        self.offer.as_ref()
    }

    /// Number of rows of the current page.
    pub fn rows(&self) -> usize {
        self.wanted_rows().len()
    }

    fn wanted_rows(&self) -> Vec<Vec<page::Key>> {
        let several = self.keymap.layouts.len() > 1;
        self.layout().map(|layout| rows(self.page, layout, several, &self.field)).unwrap_or_default()
    }

    /// Sets its size in pixels.
    pub fn resize(&mut self, width: i32, height: i32) {
        if self.size != (width, height) {
            self.size = (width, height);
            self.lay_out();
        }
    }

    /// Sets the focused field. `begins`: it has just got the focus.
    pub fn set_field(&mut self, field: Field, begins: bool) {
        let another = field.purpose != self.field.purpose;
        self.field = field;
        if begins || another {
            self.page = page::first(field.purpose);
            self.shift = Shift::Off;
            self.cancel_all();
            self.lay_out();
        }
        // Once for each beginning of a sentence: the field is updated before its client has reported the first letter,
        // and shift may have been switched off on purpose.
        let capital = field.capitals && field.sentence_start;
        let news = capital && (begins || another || !self.capital);
        self.capital = capital;
        if news && self.shift == Shift::Off && self.page == Page::Letters && self.presses.is_empty() {
            self.shift = Shift::Once;
            self.revision += 1;
        }
    }

    fn lay_out(&mut self) {
        self.cells = place(&self.wanted_rows(), self.size.0, self.size.1);
        self.revision += 1;
    }

    fn turn_to(&mut self, page: Page) {
        self.page = page;
        self.spend_all();
        self.lay_out();
    }

    /// The character of a key in the current shift state.
    pub fn character(&self, cap: Cap) -> Option<char> {
        match cap {
            Cap::Letter(plain, shifted) => Some(if self.shift == Shift::Off { plain } else { shifted }),
            Cap::Sign(c) => Some(c),
            Cap::Space => Some(' '),
            _ => None,
        }
    }

    /// Handles a touch at this position of the picture.
    pub fn down(&mut self, finger: Finger, at: (f64, f64), now: Duration) -> Vec<Typed> {
        let mut typed = Vec::new();
        let Some(number) = self.cells.iter().position(|cell| cell.area.has(at, 0)) else { return typed };
        if self.presses.len() >= MAX_FINGERS {
            return typed;
        }
        self.presses.retain(|press| press.finger != finger);
        self.offer = None;
        for other in 0..self.presses.len() {
            typed.extend(self.finish(other, now));
        }
        // A finished key may have changed the page.
        let Some(cap) = self.cells.get(number).map(|cell| cell.key.cap) else { return typed };
        let (due, spent) = match cap {
            Cap::Backspace => {
                typed.push(Typed::Backspace);
                (Some(now + REPEAT_DELAY), true)
            }
            _ => {
                let offers = self.character(cap).is_some_and(|c| !alternatives(c).is_empty());
                (offers.then_some(now + LONG), false)
            }
        };
        self.presses.push(Press { finger, cell: number, due, spent });
        typed
    }

    /// Handles a finger's movement.
    pub fn motion(&mut self, finger: Finger, at: (f64, f64)) {
        if let Some(offer) = self.offer.as_mut().filter(|offer| offer.finger == finger) {
            offer.chosen = choose(offer, at);
            return;
        }
        let cells = &self.cells;
        let Some(press) = self.presses.iter_mut().find(|press| press.finger == finger) else { return };
        let area = cells.get(press.cell).map(|cell| cell.area).unwrap_or_default();
        // A finger's contact moves slightly as it presses.
        if !area.has(at, area.h / 4) {
            press.spent = true;
            press.due = None;
        }
    }

    /// Handles a finger's release.
    pub fn up(&mut self, finger: Finger, now: Duration) -> Option<Typed> {
        let number = self.presses.iter().position(|press| press.finger == finger)?;
        let typed = match self.offer.take_if(|offer| offer.finger == finger) {
            Some(offer) => {
                let chosen = offer.chosen.and_then(|chosen| offer.cells.get(chosen)).map(|(_, c)| *c);
                chosen.map(|c| self.type_character(c))
            }
            None => self.finish(number, now),
        };
        self.presses.retain(|press| press.finger != finger);
        typed
    }

    /// Cancels a finger's touch.
    pub fn cancel(&mut self, finger: Finger) {
        self.presses.retain(|press| press.finger != finger);
        self.offer.take_if(|offer| offer.finger == finger);
    }

    /// Cancels all touches.
    pub fn cancel_all(&mut self) {
        self.presses.clear();
        self.offer = None;
    }

    /// Ends the effect of all current touches.
    fn spend_all(&mut self) {
        for press in &mut self.presses {
            press.spent = true;
            press.due = None;
        }
        self.offer = None;
    }

    /// When it acts by itself, monotonic.
    pub fn deadline(&self) -> Option<Duration> {
        self.presses.iter().filter_map(|press| press.due).min()
    }

    /// Handles the passing of time: repeats and long presses.
    pub fn tick(&mut self, now: Duration) -> Vec<Typed> {
        let mut typed = Vec::new();
        for number in 0..self.presses.len() {
            let Some(press) = self.presses.get_mut(number).filter(|press| press.due.is_some_and(|due| due <= now))
            else {
                continue;
            };
            let (finger, cell) = (press.finger, press.cell);
            let Some(Cell { area, key }) = self.cells.get(cell).copied() else { continue };
            if key.cap == Cap::Backspace {
                press.due = Some(now + REPEAT);
                typed.push(Typed::Backspace);
                continue;
            }
            press.due = None;
            press.spent = true;
            let offered = self.character(key.cap).map(alternatives).unwrap_or_default();
            self.offer = Some(Offer { finger, cells: beside(area, &offered, self.size.0), chosen: Some(0) });
        }
        typed
    }

    /// Types the key of a press, once.
    fn finish(&mut self, number: usize, now: Duration) -> Option<Typed> {
        let press = self.presses.get_mut(number).filter(|press| !press.spent)?;
        press.spent = true;
        press.due = None;
        let cap = self.cells.get(press.cell)?.key.cap;
        match cap {
            Cap::Letter(..) | Cap::Sign(_) | Cap::Space => self.character(cap).map(|c| self.type_character(c)),
            Cap::Dead(sign) => Some(Typed::Dead(sign)),
            Cap::Shift => {
                let twice = self.shift_touched.is_some_and(|last| now.saturating_sub(last) < DOUBLE);
                self.shift_touched = Some(now);
                self.shift = match self.shift {
                    Shift::Off => Shift::Once,
                    Shift::Once if twice => Shift::Locked,
                    Shift::Once | Shift::Locked => Shift::Off,
                };
                self.revision += 1;
                None
            }
            Cap::Backspace => None,
            Cap::Enter => Some(Typed::Enter),
            Cap::Page(page) => {
                self.turn_to(page);
                None
            }
            Cap::NextLayout => {
                self.layout = (self.layout + 1) % self.keymap.layouts.len().max(1);
                self.spend_all();
                self.lay_out();
                Some(Typed::Layout(self.layout))
            }
            Cap::Hide => Some(Typed::Hide),
        }
    }

    fn type_character(&mut self, c: char) -> Typed {
        if self.shift == Shift::Once {
            self.shift = Shift::Off;
            self.revision += 1;
        }
        Typed::Char(c)
    }
}

/// The areas of a key's choices: a row above it, within the keyboard's width.
fn beside(key: Rect, offered: &str, width: i32) -> Vec<(Rect, char)> {
    let count = i32::try_from(offered.chars().count()).unwrap_or(0).max(1);
    let cell = key.w.min(width / count).max(1);
    let x = (key.x + key.w / 2 - cell / 2).min(width - cell * count).max(0);
    let at = |number: i32| Rect { x: x + number * cell, y: key.y - key.h, w: cell, h: key.h };
    (0i32..).zip(offered.chars()).map(|(number, c)| (at(number), c)).collect()
}

/// The choice under a finger: by its column, from the choices' row to the key's own; `None` outside.
fn choose(offer: &Offer, at: (f64, f64)) -> Option<usize> {
    let area = offer.area();
    let reach = Rect { h: area.h * 3, y: area.y - area.h / 2, ..area };
    if !reach.has(at, area.h) {
        return None;
    }
    let column = offer.cells.iter().position(|(cell, _)| at.0 < f64::from(cell.x + cell.w));
    Some(column.unwrap_or(offer.cells.len().saturating_sub(1)))
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
