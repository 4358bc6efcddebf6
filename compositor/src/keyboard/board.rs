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

/// How long a touch is long.
pub const LONG: Duration = Duration::from_millis(450);
/// A held key that repeats waits so long, and then so long between two.
const REPEAT_DELAY: Duration = Duration::from_millis(450);
const REPEAT: Duration = Duration::from_millis(70);
/// Two touches of shift within this time lock it.
const DOUBLE: Duration = Duration::from_millis(400);
/// Fingers that are followed; a hand has no more.
const MAX_FINGERS: usize = 10;

/// Whose finger it is, or which pointer's button: any number that the caller tells them apart by.
pub type Finger = u64;

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// A character.
    Char(char),
    /// An accent that waits for its letter.
    Dead(char),
    /// Takes the last character away.
    Backspace,
    /// Enter.
    Enter,
    /// Another layout of the keymap, by number.
    Layout(usize),
    /// The keyboard is not wanted any more.
    Hide,
}

/// Whether letters are capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shift {
    /// They are not.
    #[default]
    Off,
    /// The next one is.
    Once,
    /// All are.
    Locked,
}

/// A finger on a key.
#[derive(Debug, Clone, Copy)]
struct Press {
    finger: Finger,
    cell: usize,
    /// When it does something by itself: offers characters, or repeats; `None`: never again.
    due: Option<Duration>,
    /// Lifting it does nothing any more.
    spent: bool,
}

/// What a long touch offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    finger: Finger,
    /// The characters, each with its place; they may lie above the keyboard.
    pub cells: Vec<(Rect, char)>,
    /// The one that lifting types; `None`: the finger went away.
    pub chosen: Option<usize>,
}

impl Offer {
    /// What is offered, in its order.
    pub fn characters(&self) -> impl Iterator<Item = char> + '_ {
        self.cells.iter().map(|(_, c)| *c)
    }

    /// What it covers.
    pub fn area(&self) -> Rect {
        let first = self.cells.first().map(|(area, _)| *area).unwrap_or_default();
        let last = self.cells.last().map(|(area, _)| *area).unwrap_or_default();
        Rect { w: last.x + last.w - first.x, ..first }
    }
}

/// The keyboard.
#[derive(Debug, Default)]
pub struct Board {
    keymap: Keymap,
    layout: usize,
    page: Page,
    shift: Shift,
    /// The field wanted a capital when it was last told.
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
    /// With the layouts of this keymap.
    pub fn new(keymap: Keymap) -> Self {
        Self { keymap, ..Self::default() }
    }

    /// Whether it has a keymap yet.
    pub fn is_ready(&self) -> bool {
        !self.keymap.layouts.is_empty()
    }

    /// What it types with.
    pub fn keymap(&self) -> &Keymap {
        &self.keymap
    }

    /// The layout that is shown.
    pub fn layout(&self) -> Option<&Layout> {
        self.keymap.layouts.get(self.layout)
    }

    /// Its number in the keymap.
    pub fn layout_number(&self) -> usize {
        self.layout
    }

    /// The keys at their places.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Goes up whenever keys look or lie otherwise; what is pressed or offered does not count.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether letters are capitals.
    pub fn shift(&self) -> Shift {
        self.shift
    }

    /// Whether pressed keys must not be shown.
    pub fn is_secret(&self) -> bool {
        self.field.secret
    }

    /// All that may stand on its keys: the letters of every layout, so that one search finds the fonts for them all, what
    /// is on the page that is shown, and what its keys offer.
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

    /// Keys under fingers.
    pub fn pressed(&self) -> impl Iterator<Item = Rect> + '_ {
        let held = self.presses.iter().filter(|press| !press.spent || press.due.is_some());
        held.filter_map(|press| self.cells.get(press.cell)).map(|cell| cell.area)
    }

    /// What a long touch offers now.
    pub fn offer(&self) -> Option<&Offer> {
        self.offer.as_ref()
    }

    /// Rows of the page that is shown.
    pub fn rows(&self) -> usize {
        self.wanted_rows().len()
    }

    fn wanted_rows(&self) -> Vec<Vec<page::Key>> {
        let several = self.keymap.layouts.len() > 1;
        self.layout().map(|layout| rows(self.page, layout, several, &self.field)).unwrap_or_default()
    }

    /// Its size in pixels.
    pub fn resize(&mut self, width: i32, height: i32) {
        if self.size != (width, height) {
            self.size = (width, height);
            self.lay_out();
        }
    }

    /// Another field is typed into, or nothing is known of it. `begins`: it has just got the focus.
    pub fn set_field(&mut self, field: Field, begins: bool) {
        let another = field.purpose != self.field.purpose;
        self.field = field;
        if begins || another {
            self.page = page::first(field.purpose);
            self.shift = Shift::Off;
            self.cancel_all();
            self.lay_out();
        }
        // Once for each beginning of a sentence: the field is told anew before its client has said what became of the
        // first letter, and who switched shift off meant it.
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

    /// What a key gives as shift is now.
    pub fn character(&self, cap: Cap) -> Option<char> {
        match cap {
            Cap::Letter(plain, shifted) => Some(if self.shift == Shift::Off { plain } else { shifted }),
            Cap::Sign(c) => Some(c),
            Cap::Space => Some(' '),
            _ => None,
        }
    }

    /// A finger comes down at this place of the picture.
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
        // What was finished may have turned the page.
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

    /// A finger is somewhere else now.
    pub fn motion(&mut self, finger: Finger, at: (f64, f64)) {
        if let Some(offer) = self.offer.as_mut().filter(|offer| offer.finger == finger) {
            offer.chosen = choose(offer, at);
            return;
        }
        let cells = &self.cells;
        let Some(press) = self.presses.iter_mut().find(|press| press.finger == finger) else { return };
        let area = cells.get(press.cell).map(|cell| cell.area).unwrap_or_default();
        // A finger rolls as it presses.
        if !area.has(at, area.h / 4) {
            press.spent = true;
            press.due = None;
        }
    }

    /// A finger is lifted.
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

    /// A finger's touch is void.
    pub fn cancel(&mut self, finger: Finger) {
        self.presses.retain(|press| press.finger != finger);
        self.offer.take_if(|offer| offer.finger == finger);
    }

    /// All touches are void.
    pub fn cancel_all(&mut self) {
        self.presses.clear();
        self.offer = None;
    }

    /// Fingers stay where they are, and do nothing any more.
    fn spend_all(&mut self) {
        for press in &mut self.presses {
            press.spent = true;
            press.due = None;
        }
        self.offer = None;
    }

    /// When it does something by itself, monotonic.
    pub fn deadline(&self) -> Option<Duration> {
        self.presses.iter().filter_map(|press| press.due).min()
    }

    /// Time has passed.
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

    /// Does what the key of a press does, once.
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

/// Places for what a key offers: in a row above it, as far as the keyboard's width reaches.
fn beside(key: Rect, offered: &str, width: i32) -> Vec<(Rect, char)> {
    let count = i32::try_from(offered.chars().count()).unwrap_or(0).max(1);
    let cell = key.w.min(width / count).max(1);
    let x = (key.x + key.w / 2 - cell / 2).min(width - cell * count).max(0);
    let at = |number: i32| Rect { x: x + number * cell, y: key.y - key.h, w: cell, h: key.h };
    (0i32..).zip(offered.chars()).map(|(number, c)| (at(number), c)).collect()
}

/// Which of what is offered a finger chooses: by its column, from the offer's row to the key's own; beyond, none.
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
