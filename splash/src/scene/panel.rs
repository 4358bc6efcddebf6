//! The layout of QR codes beside or above a block of texts, as large as possible and centred.

use super::{Part, Rect, Screen, Tone};
use crate::{
    code::Code,
    text::{Room, Setting, Size, Typesetter},
};

/// Longest line, em: longer ones are hard to follow.
const LINE_EM: f32 = 38.0;
/// Most lines.
const MAX_LINES: usize = 60;
/// Share of the longer side that codes take, largest first, until the texts fit beside them.
const CODES: [f32; 3] = [0.38, 0.33, 0.27];
/// Sizes of text that are tried for each, largest first. The ones above 1 only where no line is broken for them.
const SIZES: [f32; 5] = [1.7, 1.3, 1.0, 0.8, 0.65];
/// From text to text, shares of the em of a normal one, and from the codes to the texts.
const GAP: f32 = 0.7;
const GUTTER: f32 = 2.0;

/// A text of a panel.
pub(super) struct TextBlock<'a> {
    pub text: &'a str,
    /// Against the splash's message.
    pub size: f32,
    pub tone: Tone,
}

/// Lays out codes and texts on the screen between `top` and the lower margin.
pub(super) fn layout(
    screen: &Screen,
    top: u32,
    codes: &[Code],
    words: &[TextBlock<'_>],
    typesetter: &mut Typesetter<'_>,
    parts: &mut Vec<(Rect, Part)>,
) {
    let mut best = None;
    'tries: for share in CODES {
        for size in SIZES {
            if size > 1.0 && share < CODES[0] {
                continue;
            }
            let attempt = attempt(screen, top, codes, words, (share, size), typesetter);
            let whole = attempt.whole;
            // The first one has the largest codes and the largest text.
            if whole || (best.is_none() && size <= 1.0) {
                best = Some(attempt);
            }
            if whole {
                break 'tries;
            }
        }
        if codes.is_empty() {
            break;
        }
    }
    parts.extend(best.into_iter().flat_map(|attempt: Attempt| attempt.parts));
}

struct Attempt {
    whole: bool,
    parts: Vec<(Rect, Part)>,
}

fn attempt(
    screen: &Screen,
    top: u32,
    codes: &[Code],
    words: &[TextBlock<'_>],
    (share, size): (f32, f32),
    typesetter: &mut Typesetter<'_>,
) -> Attempt {
    let margin = screen.margin();
    let (left, top) = (margin, top.max(margin));
    let width = screen.width.saturating_sub(2 * margin);
    let height = screen.height.saturating_sub(top + margin);
    let gutter = if codes.is_empty() { 0 } else { (screen.em(1.0) * GUTTER) as u32 };
    let beside = width > height;
    let count = codes.len().max(1) as u32;
    let room = if beside {
        ((width as f32 * share) as u32).min((height + gutter) / count).saturating_sub(if count > 1 {
            gutter
        } else {
            0
        })
    } else {
        ((height as f32 * share) as u32).min((width + gutter) / count).saturating_sub(if count > 1 {
            gutter
        } else {
            0
        })
    };
    // All of one size: none is more of a code than the other.
    let sides: Vec<Option<u32>> = codes.iter().map(|code| code.fit(room)).collect();
    let fitting: Vec<(&Code, u32)> =
        codes.iter().zip(&sides).filter_map(|(code, side)| Some((code, (*side)?))).collect();
    let across = fitting.iter().map(|(_, side)| *side).max().unwrap_or_default();
    let taken = if fitting.is_empty() { 0 } else { across + gutter };
    let (text_width, text_height) =
        if beside { (width.saturating_sub(taken), height) } else { (width, height.saturating_sub(taken)) };
    let (texts, all) = set(screen, words, size, (text_width, text_height), typesetter);
    let gap = (screen.em(size) * GAP) as u32;
    let text_block =
        texts.iter().map(|(text, _)| text.height).sum::<u32>() + gap * texts.len().saturating_sub(1) as u32;
    let widest = texts.iter().map(|(text, _)| text.width).max().unwrap_or_default();
    let mut parts = Vec::new();
    let mut whole = all && fitting.len() == codes.len();
    // Both together are in the middle.
    let (mut x, mut y, text_left, mut text_top, text_room) = if beside {
        let used = taken + widest.max(text_width.min(widest));
        let start = left + width.saturating_sub(used) / 2;
        let column =
            fitting.iter().map(|(_, side)| *side).sum::<u32>() + gutter * fitting.len().saturating_sub(1) as u32;
        let text_top = top + height.saturating_sub(text_block) / 2;
        (start, top + height.saturating_sub(column) / 2, start + taken, text_top, widest)
    } else {
        let row = fitting.iter().map(|(_, side)| *side).sum::<u32>() + gutter * fitting.len().saturating_sub(1) as u32;
        let start = top + height.saturating_sub(taken + text_block) / 2;
        (left + width.saturating_sub(row) / 2, start, left, start + taken, width)
    };
    for (code, side) in fitting {
        let rect = Rect { x: x as i32, y: y as i32, width: side, height: side };
        whole &= push(screen, rect, Part::Code((*code).clone()), &mut parts);
        if beside {
            y += side + gutter;
        } else {
            x += side + gutter;
        }
    }
    for (text, tone) in texts {
        let x = text_left + text_room.saturating_sub(text.width) / 2;
        let rect = Rect { x: x as i32, y: text_top as i32, width: text.width, height: text.height };
        text_top += text.height + gap;
        whole &= push(screen, rect, Part::Text { text, tone }, &mut parts);
    }
    Attempt { whole, parts }
}

/// Adds what lies wholly on the screen.
fn push(screen: &Screen, rect: Rect, part: Part, parts: &mut Vec<(Rect, Part)>) -> bool {
    let fits = rect.width > 0
        && rect.height > 0
        && rect.x.unsigned_abs() + rect.width <= screen.width
        && rect.y.unsigned_abs() + rect.height <= screen.height;
    if fits {
        parts.push((rect, part));
    }
    fits
}

/// The texts at `size`, as far as there is room, and whether that is all of them.
fn set(
    screen: &Screen,
    words: &[TextBlock<'_>],
    size: f32,
    (width, mut height): (u32, u32),
    typesetter: &mut Typesetter<'_>,
) -> (Vec<(Setting, Tone)>, bool) {
    let gap = (screen.em(size) * GAP) as u32;
    let (mut texts, mut all) = (Vec::new(), true);
    for TextBlock { text, size: own, tone } in words {
        let large = size > 1.0;
        let Some(size) = Size::new(screen.em(own * size)) else { return (texts, false) };
        let room = Room { width: width.min((size.em() * LINE_EM) as u32), height, lines: MAX_LINES };
        let wanted = text.lines().count();
        let text = typesetter.set(text, size, room);
        all &= !large || text.lines.len() <= wanted;
        all &= text.cut_to.is_none() && text.width <= width;
        if !text.is_empty() && text.width <= width {
            height = height.saturating_sub(text.height + gap);
            texts.push((text, *tone));
        }
    }
    (texts, all)
}
