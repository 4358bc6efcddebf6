//! The layout of a list to choose from: the areas of [`crate::places`] with their texts.

use super::{Part, Rect, Screen, Tone};
use crate::{
    choice::{Area, Choice, ChoiceLayout, Target, places},
    text::{Room, Setting, Size, Typesetter},
};

/// Of the title against the splash's message, and of a row's detail and the page's number.
const TITLE: f32 = 1.6;
const NAME: f32 = 1.1;
const DETAIL: f32 = 0.9;
/// From the edge of a row to its text, in units of its height; and the share of a row that its detail has at most.
const INSET: f32 = 0.4;
const DETAIL_SHARE: f32 = 0.25;
/// Shown before what is chosen.
const MARK: &str = "✓ ";
/// On the buttons that turn the page.
const ARROWS: [&str; 2] = ["←", "→"];

/// The parts of the list on this output.
pub(super) fn layout(screen: &Screen, choice: &Choice, typesetter: &mut Typesetter<'_>, parts: &mut Vec<(Rect, Part)>) {
    let places = places(screen.width, screen.height, f64::from(screen.scale));
    let mut put = Put { screen, typesetter, parts };
    if let Some(area) = places.title {
        put.text(area, 0.5, &choice.title, TITLE, Tone::Strong);
    }
    if choice.rows.is_empty() {
        put.nothing(&places, &choice.nothing);
    }
    for (number, (row, area)) in choice.rows.iter().zip(&places.rows).enumerate() {
        let focused = choice.focus == Some(Target::Row(number));
        put.plate(*area, focused || row.marked);
        let inset = (area.height as f32 * INSET) as u32;
        let inner = Area { x: area.x + inset, width: area.width.saturating_sub(2 * inset), ..*area };
        let share = (inner.width as f32 * DETAIL_SHARE) as u32;
        let detail = Area { x: inner.x + inner.width.saturating_sub(share), width: share, ..inner };
        let taken = put.text(detail, 1.0, &row.detail, DETAIL, Tone::Quiet);
        let name = Area { width: inner.width.saturating_sub(taken + inset), ..inner };
        let mark = if row.marked { MARK } else { "" };
        put.text(name, 0.0, &format!("{mark}{}", row.name), NAME, Tone::Strong);
    }
    if let Some(area) = places.page {
        put.text(area, 0.5, &choice.page, DETAIL, Tone::Quiet);
    }
    let buttons = [
        (Target::Back, ARROWS[0]),
        (Target::Forward, ARROWS[1]),
        (Target::Cancel, choice.cancel.as_str()),
        (Target::Take, choice.take.as_str()),
    ];
    for (target, words) in buttons.into_iter().filter(|(target, _)| choice.has(*target)) {
        let Some(area) = places.area(target) else { continue };
        put.plate(area, choice.focus == Some(target) || target == Target::Take);
        put.text(area, 0.5, words, 1.0, Tone::Strong);
    }
}

struct Put<'a, 'b> {
    screen: &'a Screen,
    typesetter: &'a mut Typesetter<'b>,
    parts: &'a mut Vec<(Rect, Part)>,
}

impl Put<'_, '_> {
    fn plate(&mut self, area: Area, strong: bool) {
        let Area { x, y, width, height } = area;
        let rect = Rect { x: x as i32, y: y as i32, width, height };
        self.parts.push((rect, Part::Plate { strong }));
    }

    /// One line in the middle of the height, `share` of what is left before it. Returns its width.
    fn text(&mut self, area: Area, share: f32, words: &str, size: f32, tone: Tone) -> u32 {
        let Some(size) = Size::new(self.screen.em(size)) else { return 0 };
        let text = self.typesetter.one_line(words, size, area.width);
        self.place(area, share, text, tone)
    }

    fn place(&mut self, area: Area, share: f32, text: Setting, tone: Tone) -> u32 {
        let (Some(beside), Some(above)) = (area.width.checked_sub(text.width), area.height.checked_sub(text.height))
        else {
            return 0;
        };
        if text.is_empty() {
            return 0;
        }
        let x = area.x + (beside as f32 * share) as u32;
        let rect = Rect { x: x as i32, y: (area.y + above / 2) as i32, width: text.width, height: text.height };
        let width = text.width;
        self.parts.push((rect, Part::Text { text, tone }));
        width
    }

    /// A sentence over all rows.
    fn nothing(&mut self, places: &ChoiceLayout, words: &str) {
        let (Some(first), Some(last), Some(size)) =
            (places.rows.first(), places.rows.last(), Size::new(self.screen.em(NAME)))
        else {
            return;
        };
        let area = Area { height: last.y + last.height - first.y, ..*first };
        let text = self.typesetter.set(words, size, Room { width: area.width, height: area.height, lines: 4 });
        self.place(area, 0.5, text, Tone::Quiet);
    }
}
