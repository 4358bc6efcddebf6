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

/// Sizes that are tried, largest first, until the whole text fits: on small screens and for long texts, what is
/// said matters more than how large.
const SHRINK: [f32; 3] = [1.0, 0.8, 0.65];

/// Lines of one size.
struct Block {
    width: u32,
    height: u32,
    part: Part,
}

/// The parts of a message; what does not fit is announced by `…`.
pub(super) fn layout(screen: &Screen, title: &str, text: &str, parts: &mut Vec<(Rect, Part)>) {
    let mut blocks = Vec::new();
    for size in SHRINK {
        let whole;
        (blocks, whole) = fit(screen, title, text, size);
        if whole {
            break;
        }
    }
    let gap = gap(screen, blocks.len());
    let height = blocks.iter().map(|block| block.height).sum::<u32>() + gap;
    let mut top = (screen.height.saturating_sub(height) / 2) as i32;
    for Block { width, height, part } in blocks {
        parts.extend(screen.centered(top, width, height).map(|rect| (rect, part)));
        top += (height + gap) as i32;
    }
}

/// Title and text at `size`, as far as there is room, and whether that is all of them.
fn fit(screen: &Screen, title: &str, text: &str, size: f32) -> (Vec<Block>, bool) {
    let margin = 2 * screen.margin();
    let (wide, mut room) = (screen.width.saturating_sub(margin), screen.height.saturating_sub(margin));
    let (mut blocks, mut all) = (Vec::new(), true);
    let wanted = [(title, TITLE_SIZE, TITLE_LINES, Tone::Strong), (text, BODY_SIZE, BODY_LINES, Tone::Quiet)];
    for (words, own_size, most, tone) in wanted {
        let Some(face) = Face::new(screen.em(own_size * size)) else { return (blocks, false) };
        let wide = wide.min((face.em() * LINE_EM) as u32);
        let (lines, whole) = face.wrap(words, wide, most.min(face.lines_in(room)));
        all &= whole;
        if let Some((width, height)) = face.measure(&lines) {
            let part = Part::Text { lines, em: face.em(), tone };
            blocks.push(Block { width, height, part });
            room = room.saturating_sub(height + gap(screen, 2));
        }
    }
    (blocks, all)
}

/// Room between the blocks, if there are two.
fn gap(screen: &Screen, blocks: usize) -> u32 {
    if blocks > 1 { (screen.em(1.0) * GAP).round() as u32 } else { 0 }
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

    #[test]
    fn a_text_that_would_not_fit_is_set_smaller_before_it_is_cut() {
        let at = |text: &str| {
            let view = View::Message { title: "Title".into(), text: text.into() };
            let parts = layout(&view, &Style::default(), 800, 480, 2.0).parts;
            let Part::Text { lines, em, .. } = parts[1].1.clone() else { panic!("no text") };
            (lines.len(), em)
        };
        let ((few, large), (many, small)) = (at("a\nb"), at("a\nb\nc\nd\ne\nf\ng\nh\ni"));
        assert_eq!((few, many), (2, 9));
        assert!(small < large && small >= large * 0.6, "{small} against {large}");
    }
}
