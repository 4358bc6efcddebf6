//! The list of files for an upload: selection, page, keyboard focus and presses. A state machine without I/O: the root
//! feeds it (`kiosk/chooser.rs`), sends the outcome to the session and draws [`Chooser::view`].

use std::{collections::BTreeSet, time::Duration};

use kiosk_core::{
    api::{self, Nothing, OfferedFile},
    texts::{Text, Texts},
};
use kiosk_splash::{Choice, ChoiceLayout, Row, Target};
use smithay::backend::input::TouchSlot;

/// Time without input after which the page gets no file. Long enough to look up a name on paper.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Scroll distance for the next page, logical pixels: a wheel click has 15.
const SCROLL: f64 = 15.0;

/// The source of a press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// A finger on this panel.
    Finger(String, TouchSlot),
    /// A button of this pointer.
    Button(String, u32),
    /// The pen on this tablet.
    Pen(String),
}

/// The keys that the list uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// To the row or button before.
    Up,
    /// To the next one.
    Down,
    /// The page before.
    Back,
    /// The page after.
    Forward,
    /// Take the focused row or button.
    Enter,
    /// Leave without a file.
    Escape,
}

/// The result of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The list stays open.
    Open,
    /// These files were chosen, or none: close the list.
    Chosen(Vec<u32>),
}

#[derive(Debug, Clone, PartialEq)]
struct Press {
    hand: Hand,
    target: Option<Target>,
    from: (f64, f64),
    at: (f64, f64),
}

/// The list, while it is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Chooser {
    request: api::Chooser,
    places: ChoiceLayout,
    /// It has been drawn; before that presses are ignored.
    painted: bool,
    marked: BTreeSet<usize>,
    /// The first file on the page.
    first: usize,
    focus: Option<Target>,
    press: Option<Press>,
    scrolled: f64,
    /// Time of the last input.
    active: Duration,
    /// Timeout without input.
    patience: Duration,
}

impl Chooser {
    /// Opened at `now`, closed after `patience` without input, such as [`PATIENCE`].
    pub fn new(request: api::Chooser, now: Duration, patience: Duration) -> Self {
        Self {
            request,
            places: ChoiceLayout::default(),
            painted: false,
            marked: BTreeSet::new(),
            first: 0,
            focus: None,
            press: None,
            scrolled: 0.0,
            active: now,
            patience,
        }
    }

    /// The session's number for it.
    pub fn number(&self) -> u64 {
        self.request.number
    }

    /// Sets the layout on its screen. A change cancels presses.
    pub fn lay_out(&mut self, places: ChoiceLayout) {
        if self.places == places {
            return;
        }
        self.places = places;
        self.press = None;
        self.focus = None;
        self.first -= self.first % self.rows();
    }

    /// Its picture has been drawn.
    pub fn painted(&mut self) {
        self.painted = true;
    }

    /// Input restarts the timeout.
    pub fn used(&mut self, now: Duration) {
        self.active = now;
    }

    /// When it is closed without input.
    pub fn deadline(&self) -> Duration {
        self.active + self.patience
    }

    /// The content to draw.
    pub fn view(&self, texts: &Texts) -> Choice {
        let files = self.request.files.iter().enumerate().skip(self.first).take(self.rows());
        let row = |(number, file): (usize, &OfferedFile)| Row {
            name: file.name.clone(),
            detail: size(file.size),
            marked: self.marked.contains(&number),
        };
        let (title, nothing) = match self.request.nothing {
            Nothing::Empty => (Text::Uploads, Text::UploadEmpty),
            Nothing::OfNoKind => (Text::Uploads, Text::UploadOfNoKind),
            Nothing::NotThere => (Text::Uploads, Text::UploadNotThere),
        };
        let title = if self.request.multiple { title } else { Text::Upload };
        let take = || texts.say(Text::Take, &[("count", &self.marked.len().to_string())]);
        Choice {
            title: texts.say(title, &[]),
            rows: files.map(row).collect(),
            nothing: texts.say(nothing, &[]),
            page: self.page(texts),
            turns: self.turns(),
            cancel: texts.say(Text::Cancel, &[]),
            take: if self.marked.is_empty() { String::new() } else { take() },
            focus: self.focus,
        }
    }

    fn page(&self, texts: &Texts) -> String {
        let [_, forward] = self.turns();
        if self.request.unlisted > 0 && !forward {
            return texts.say_counted(Text::UploadMore, self.request.unlisted as usize, &[]);
        }
        let pages = self.request.files.len().div_ceil(self.rows());
        if pages < 2 {
            return String::new();
        }
        let page = self.first / self.rows() + 1;
        texts.say(Text::Page, &[("page", &page.to_string()), ("pages", &pages.to_string())])
    }

    /// Rows on a page, at least 1.
    fn rows(&self) -> usize {
        self.places.rows.len().max(1)
    }

    /// Whether there is a previous and a next page.
    fn turns(&self) -> [bool; 2] {
        [self.first > 0, self.first + self.rows() < self.request.files.len()]
    }

    /// Whether this target is present.
    fn has(&self, target: Target) -> bool {
        match target {
            Target::Row(row) => row < self.rows() && self.first + row < self.request.files.len(),
            Target::Back => self.turns()[0],
            Target::Forward => self.turns()[1],
            Target::Cancel => true,
            Target::Take => !self.marked.is_empty(),
        }
    }

    /// A press, in pixels of the screen's picture. A second one replaces the first.
    pub fn press(&mut self, hand: Hand, at: (f64, f64)) {
        let target = self.places.at(at.0, at.1).filter(|target| self.painted && self.has(*target));
        self.focus = None;
        self.press = Some(Press { hand, target, from: at, at });
    }

    /// The press moves.
    pub fn moved(&mut self, hand: &Hand, at: (f64, f64)) {
        if let Some(press) = self.press.as_mut().filter(|press| press.hand == *hand) {
            press.at = at;
        }
    }

    /// The pointer moves, with a button held or not, on whichever device.
    pub fn pointed(&mut self, at: (f64, f64)) {
        if let Some(press) = self.press.as_mut().filter(|press| matches!(press.hand, Hand::Button(..))) {
            press.at = at;
        }
    }

    /// The release: at the press's position it activates the target; after a vertical swipe it turns the page.
    pub fn release(&mut self, hand: &Hand) -> Outcome {
        let Some(press) = self.press.take_if(|press| press.hand == *hand) else { return Outcome::Open };
        let here = self.places.at(press.at.0, press.at.1);
        if let Some(target) = press.target.filter(|target| here == Some(*target)) {
            return self.take(target);
        }
        let pushed = press.at.1 - press.from.1;
        let enough = self.places.area(Target::Row(0)).map_or(f64::INFINITY, |row| f64::from(row.height));
        if pushed.abs() >= enough && !matches!(press.hand, Hand::Button(..)) {
            self.turn(pushed < 0.0);
        }
        Outcome::Open
    }

    /// Cancels the press.
    pub fn let_go(&mut self) {
        self.press = None;
    }

    /// Scrolls by this many logical pixels.
    pub fn scroll(&mut self, by: f64) {
        self.scrolled += by;
        if self.scrolled.abs() >= SCROLL {
            self.turn(self.scrolled > 0.0);
            self.scrolled = 0.0;
        }
    }

    /// A key was pressed.
    pub fn key(&mut self, key: Key) -> Outcome {
        match key {
            Key::Up => self.step(false),
            Key::Down => self.step(true),
            Key::Back => self.turn(false),
            Key::Forward => self.turn(true),
            Key::Escape => return Outcome::Chosen(Vec::new()),
            // Only with a focused row: a scanner's trailing Enter has no effect.
            Key::Enter => return self.focus.map_or(Outcome::Open, |focus| self.take(focus)),
        }
        Outcome::Open
    }

    /// Moves the focus to the next or previous row, over all pages, or button.
    fn step(&mut self, forward: bool) {
        let last = (0..self.rows()).rev().find(|row| self.has(Target::Row(*row)));
        let next = match (self.focus, forward) {
            (Some(Target::Row(row)), true) if Some(row) != last => Some(Target::Row(row + 1)),
            (Some(Target::Row(_)), true) if self.turns()[1] => {
                self.turn(true);
                Some(Target::Row(0))
            }
            (Some(Target::Row(_)), true) => Some(Target::Cancel),
            (None, _) => Some(last.map_or(Target::Cancel, |_| Target::Row(0))),
            (Some(Target::Row(0)), false) if self.turns()[0] => {
                self.turn(false);
                Some(Target::Row(self.rows() - 1))
            }
            (Some(Target::Row(row)), false) => Some(Target::Row(row.saturating_sub(1))),
            (Some(Target::Cancel), true) if self.has(Target::Take) => Some(Target::Take),
            (Some(Target::Take), false) => Some(Target::Cancel),
            (Some(Target::Cancel), false) => Some(last.map_or(Target::Cancel, Target::Row)),
            (focus, _) => focus,
        };
        self.focus = next;
    }

    fn turn(&mut self, forward: bool) {
        let [back, on] = self.turns();
        if if forward { on } else { back } {
            let rows = self.rows();
            self.first = if forward { self.first + rows } else { self.first.saturating_sub(rows) };
            self.focus = None;
        }
    }

    fn take(&mut self, target: Target) -> Outcome {
        match target {
            Target::Back => self.turn(false),
            Target::Forward => self.turn(true),
            Target::Cancel => return Outcome::Chosen(Vec::new()),
            Target::Take => return Outcome::Chosen(self.marked.iter().map(|file| *file as u32).collect()),
            Target::Row(row) => {
                let file = self.first + row;
                if !self.request.multiple {
                    return Outcome::Chosen(vec![file as u32]);
                }
                if !self.marked.remove(&file) {
                    self.marked.insert(file);
                }
            }
        }
        Outcome::Open
    }
}

/// A size for people, in whole numbers, which are the same in all languages.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = bytes;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if size < 1_000 {
            break;
        }
        (size, unit) = (size.div_ceil(1_000), larger);
    }
    format!("{size} {unit}")
}

#[cfg(test)]
#[path = "chooser_tests.rs"]
mod tests;
