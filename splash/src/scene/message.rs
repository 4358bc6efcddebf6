//! A system message: title and text as one block in the middle of the screen.

use super::{Part, Rect, Screen, Tone};
use crate::text::Face;

/// Size of title and text against the splash's message, and the distance between them in its em.
const TITLE_SIZE: f32 = 1.8;
const BODY_SIZE: f32 = 1.15;
const GAP: f32 = 1.4;
/// Longest line, em: longer ones are hard to follow.
const LINE_EM: f32 = 38.0;
const TITLE_LINES: usize = 3;
/// More than anybody reads; also the limit of what a text's pixels may cost.
const BODY_LINES: usize = 40;

/// The parts of a message; what does not fit is announced by `…`.
pub(super) fn layout(screen: &Screen, title: &str, text: &str, parts: &mut Vec<(Rect, Part)>) {
    let margin = screen.margin();
    let (Some(room), Some(wide)) = (screen.height.checked_sub(2 * margin), screen.width.checked_sub(2 * margin)) else {
        return;
    };
    let block = |words: &str, size: f32, most: usize, tone: Tone, room: u32| {
        let face = Face::new(screen.em(size))?;
        let wide = wide.min((face.em() * LINE_EM) as u32);
        let lines = face.wrap(words, wide, most.min(face.lines_in(room)));
        let (width, height) = face.measure(&lines)?;
        Some((width, height, Part::Text { lines, em: face.em(), tone }))
    };
    let gap = (screen.em(1.0) * GAP).round() as u32;
    let title = block(title, TITLE_SIZE, TITLE_LINES, Tone::Strong, room);
    let title_height = title.as_ref().map_or(0, |(_, height, _)| height + gap);
    let body = block(text, BODY_SIZE, BODY_LINES, Tone::Quiet, room.saturating_sub(title_height));
    let gap = if body.is_some() && title.is_some() { gap } else { 0 };
    let height: u32 = [&title, &body].into_iter().flatten().map(|(_, height, _)| height).sum::<u32>() + gap;
    let mut top = (screen.height.saturating_sub(height) / 2) as i32;
    for (width, height, part) in [title, body].into_iter().flatten() {
        parts.extend(screen.centered(top, width, height).map(|rect| (rect, part)));
        top += (height + gap) as i32;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::layout, *};
    use crate::{Style, View};

    #[test]
    fn a_text_without_end_is_cut_to_the_screen() {
        let view = View::Message { title: "word ".repeat(10_000), text: "x\n".repeat(100_000) };
        let parts = layout(&view, &Style::default(), 800, 480, 1.0).parts;
        assert_eq!(parts.len(), 2);
        let Part::Text { lines, .. } = &parts[1].1 else { panic!("no text") };
        assert!(lines.last().unwrap().ends_with('…'), "{lines:?}");
    }
}
