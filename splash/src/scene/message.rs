//! A system message: title and text as one block in the middle of the screen.

use super::{Part, Rect, Screen, Tone};
use crate::text::{Room, Setting, Size, Typesetter};

/// Size of title and text against the splash's message, and the distance between them in its em.
const TITLE_SIZE: f32 = 1.8;
const BODY_SIZE: f32 = 1.15;
const GAP: f32 = 1.4;
/// Longest line, em: longer ones are hard to follow.
const LINE_EM: f32 = 38.0;
const TITLE_LINES: usize = 3;
/// Most lines of text, which also bounds the cost of its pixels.
const BODY_LINES: usize = 40;

/// Normal text of a message that has all of a large screen for itself, share of the shorter side: it is read from where
/// people stand.
const ALONE: f32 = 0.032;
/// Sizes that are tried after that, largest first, until the whole text fits.
const SHRINK: [f32; 3] = [1.0, 0.8, 0.65];

/// The parts of a message; what does not fit is announced by `…`. Returns how many characters of the text are there,
/// where title and text are not there as a whole.
pub(super) fn layout(
    screen: &Screen,
    title: &str,
    words: &str,
    typesetter: &mut Typesetter<'_>,
    parts: &mut Vec<(Rect, Part)>,
) -> Option<usize> {
    let (mut blocks, mut all) = (Vec::new(), true);
    let largest = (screen.shorter * ALONE / screen.em(1.0).max(1.0)).max(1.0);
    for size in [largest].into_iter().chain(SHRINK) {
        (blocks, all) = fit(screen, title, words, size, typesetter);
        if all {
            break;
        }
    }
    let gap = gap(screen, blocks.len());
    let height = blocks.iter().map(|(text, _)| text.height).sum::<u32>() + gap;
    let mut top = (screen.height.saturating_sub(height) / 2) as i32;
    let mut shown = None;
    for (text, tone) in blocks {
        let height = text.height;
        let Some(rect) = screen.centered(top, text.width, height) else {
            all = false;
            continue;
        };
        if tone == Tone::Quiet {
            shown = Some(text.cut_to.unwrap_or_else(|| words.chars().count()));
        }
        parts.push((rect, Part::Text { text, tone }));
        top += (height + gap) as i32;
    }
    (!all).then(|| shown.unwrap_or_default())
}

/// Title and text at `size`, as far as there is room, and whether that is all of them.
fn fit(
    screen: &Screen,
    title: &str,
    text: &str,
    size: f32,
    typesetter: &mut Typesetter<'_>,
) -> (Vec<(Setting, Tone)>, bool) {
    let margin = 2 * screen.margin();
    let (wide, mut height) = (screen.width.saturating_sub(margin), screen.height.saturating_sub(margin));
    let (mut blocks, mut all) = (Vec::new(), true);
    let wanted = [(title, TITLE_SIZE, TITLE_LINES, Tone::Strong), (text, BODY_SIZE, BODY_LINES, Tone::Quiet)];
    for (words, own_size, lines, tone) in wanted {
        let Some(size) = Size::new(screen.em(own_size * size)) else { return (blocks, false) };
        let room = Room { width: wide.min((size.em() * LINE_EM) as u32), height, lines };
        let text = typesetter.set(words, size, room);
        all &= text.cut_to.is_none();
        if !text.is_empty() {
            height = height.saturating_sub(text.height + gap(screen, 2));
            blocks.push((text, tone));
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
    use super::{super::tests::layout, *};
    use crate::{Style, View};

    #[test]
    fn a_text_without_end_is_cut_to_the_screen() {
        let view = View::Message { title: "word ".repeat(10_000), text: "x\n".repeat(100_000) };
        let parts = layout(&view, &Style::default(), 800, 480, 1.0).parts;
        assert_eq!(parts.len(), 2);
        let Part::Text { text, .. } = &parts[1].1 else { panic!("no text") };
        assert!(text.lines.last().unwrap().ends_with('…'), "{:?}", text.lines);
    }

    #[test]
    fn a_short_text_is_large_where_there_is_room_and_a_long_one_is_not_cut_for_it() {
        let ems = |text: &str, (width, height): (u32, u32)| {
            let view = View::Message { title: "Title".into(), text: text.into() };
            let layout = layout(&view, &Style::default(), width, height, 1.0);
            let Part::Text { text, .. } = layout.parts[1].1.clone() else { panic!("no text") };
            (text.em, layout.cut_to)
        };
        for (display, least) in [((1280, 800), 28.0), ((800, 1280), 28.0), ((3840, 2160), 75.0)] {
            let (em, _) = ems("Back at nine", display);
            assert!(em > least, "{display:?}: {em}");
            let (long, cut) = ems(&"Back at nine or at ten. ".repeat(70), display);
            assert!(long < em && cut.is_none(), "{display:?}: {long}, cut to {cut:?}");
        }
    }

    #[test]
    fn a_text_that_would_not_fit_is_set_smaller_before_it_is_cut() {
        let at = |text: &str| {
            let view = View::Message { title: "Title".into(), text: text.into() };
            let parts = layout(&view, &Style::default(), 800, 480, 2.0).parts;
            let Part::Text { text, .. } = parts[1].1.clone() else { panic!("no text") };
            (text.lines.len(), text.em)
        };
        let ((few, large), (many, small)) = (at("a\nb"), at("a\nb\nc\nd\ne\nf\ng\nh\ni"));
        assert_eq!((few, many), (2, 9));
        assert!(small < large && small >= large * 0.6, "{small} against {large}");
    }
}
