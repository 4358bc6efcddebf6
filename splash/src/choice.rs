//! A list to choose from by finger, pointer or key: its content, and the areas of its touch targets on an output. The
//! compositor uses [`places`] for hit tests; [`crate::compose`] draws the same areas.

use crate::scene::Screen;

/// Smallest height of a touch target, logical pixels: large enough for a finger.
const TOUCH: f32 = 44.0;
/// Its height in em of normal text; and its largest share of the output's height.
const HEIGHT: f32 = 2.6;
const MAX_SHARE: u32 = 7;
/// Most rows on a page.
const MAX_ROWS: usize = 12;
/// Gap between targets, in units of their height.
const GAP: f32 = 0.16;
/// Largest width of a list, em: name and detail should not be too far apart.
const MAX_WIDTH_EM: f32 = 64.0;

/// The content of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Larger, at the top.
    pub title: String,
    /// Of this page: at most [`ChoiceLayout::rows`]; further ones are not drawn.
    pub rows: Vec<Row>,
    /// Text in place of rows, if there are none.
    pub nothing: String,
    /// Between the buttons that turn the page; empty: there is one page, and no such buttons.
    pub page: String,
    /// There is a page before, and after.
    pub turns: [bool; 2],
    /// On the button that leaves without a choice.
    pub cancel: String,
    /// On the one that takes what is marked; empty: there is none.
    pub take: String,
    /// The keyboard focus.
    pub focus: Option<Target>,
}

/// One entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Smaller, at the end.
    pub detail: String,
    /// It is chosen.
    pub marked: bool,
}

/// A touch target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A row of the page, from 0.
    Row(usize),
    /// The page before.
    Back,
    /// The page after.
    Forward,
    /// Leave without a choice.
    Cancel,
    /// Take what is marked.
    Take,
}

/// An area on the output, physical pixels of the upright picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// From the left edge.
    pub x: u32,
    /// From the upper edge.
    pub y: u32,
    /// At least 1.
    pub width: u32,
    /// At least 1.
    pub height: u32,
}

impl Area {
    /// Whether this point is in it.
    pub fn has(&self, x: f64, y: f64) -> bool {
        let within =
            |at: f64, from: u32, length: u32| at >= f64::from(from) && at < f64::from(from) + f64::from(length);
        within(x, self.x, self.width) && within(y, self.y, self.height)
    }
}

/// The layout of a list on an output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChoiceLayout {
    /// Where the title is set.
    pub(crate) title: Option<Area>,
    /// Where the rows are, top first.
    pub rows: Vec<Area>,
    /// Where the page's number is set.
    pub(crate) page: Option<Area>,
    /// Of [`Target::Back`], [`Target::Forward`], [`Target::Cancel`], [`Target::Take`].
    pub(crate) buttons: [Option<Area>; 4],
}

impl Choice {
    /// Whether this can be touched on this page.
    pub fn has(&self, target: Target) -> bool {
        match target {
            Target::Row(row) => row < self.rows.len(),
            Target::Back => self.turns[0],
            Target::Forward => self.turns[1],
            Target::Cancel => true,
            Target::Take => !self.take.is_empty(),
        }
    }

    pub(crate) fn text(&self) -> String {
        let rows = self.rows.iter().flat_map(|row| [&row.name, &row.detail]);
        let others = [&self.title, &self.nothing, &self.page, &self.cancel, &self.take];
        others.into_iter().chain(rows).map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl ChoiceLayout {
    /// Where this is; `None`: there is no room for it.
    pub fn area(&self, target: Target) -> Option<Area> {
        match target {
            Target::Row(row) => self.rows.get(row).copied(),
            Target::Back => self.buttons[0],
            Target::Forward => self.buttons[1],
            Target::Cancel => self.buttons[2],
            Target::Take => self.buttons[3],
        }
    }

    /// The target at this point, physical pixels of the upright picture.
    pub fn at(&self, x: f64, y: f64) -> Option<Target> {
        let rows = (0..self.rows.len()).map(Target::Row);
        let all = rows.chain([Target::Back, Target::Forward, Target::Cancel, Target::Take]);
        all.into_iter().find(|target| self.area(*target).is_some_and(|area| area.has(x, y)))
    }
}

/// The layout on an output of `width` × `height` physical pixels at `scale`, independent of the content. Small outputs
/// have fewer rows.
pub fn places(width: u32, height: u32, scale: f64) -> ChoiceLayout {
    let screen = Screen::new(width, height, scale);
    let (width, height) = (screen.width, screen.height);
    let margin = screen.margin().max(1);
    let em = screen.em(1.0);
    let unit = (em * HEIGHT).max(TOUCH * screen.scale).min((height / MAX_SHARE) as f32).round() as u32;
    let gap = ((unit as f32 * GAP) as u32).max(1);
    let column = width.saturating_sub(2 * margin).min((em * MAX_WIDTH_EM) as u32);
    if unit == 0 || column < 4 * gap || height < 2 * margin + unit {
        return ChoiceLayout::default();
    }
    let left = (width - column) / 2;
    let area = |x: u32, y: u32, width: u32, height: u32| {
        let fits = width > 0 && height > 0 && x + width <= screen.width && y + height <= screen.height;
        fits.then_some(Area { x, y, width, height })
    };
    // The page buttons get a row of their own if one row has no room for all.
    let (bars, cell) = if column >= 12 * unit { (1, column / 5) } else { (2, column / 2) };
    let bottom = height - margin - unit;
    let top = margin + unit + gap;
    let mut places = ChoiceLayout { title: area(left, margin, column, unit), ..ChoiceLayout::default() };
    let last = left + column;
    let side = cell - gap / 2;
    places.buttons[2] = area(left, bottom, side, unit);
    places.buttons[3] = area(last - side, bottom, side, unit);
    let turns = if bars == 1 { bottom } else { bottom.saturating_sub(unit + gap) };
    let (from, to) = if bars == 1 { (left + cell + gap, last - cell - gap) } else { (left, last) };
    let arrow = (2 * unit).min(to.saturating_sub(from) / 4);
    if turns >= top {
        places.buttons[0] = area(from, turns, arrow, unit);
        places.buttons[1] = area(to - arrow, turns, arrow, unit);
        places.page = area(from + arrow, turns, to.saturating_sub(from + 2 * arrow), unit);
    }
    // Set apart from the list.
    let room = turns.saturating_sub(top + gap);
    let rows = ((room + gap) / (unit + gap)).min(MAX_ROWS as u32);
    places.rows = (0..rows).filter_map(|row| area(left, top + row * (unit + gap), column, unit)).collect();
    places
}
