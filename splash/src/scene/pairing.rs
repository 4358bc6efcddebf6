//! The pairing and welcome screen: a QR code, and beside it the address and code to type.

use super::{Part, Rect, Screen, Tone, panel};
use crate::{Pairing, code::Code, text::Typesetter};

/// Sizes against the splash's message. What is typed is large: it is read at arm's length and copied by hand.
const TITLE: f32 = 1.8;
const SECRET: f32 = 2.6;
const ADDRESS: f32 = 1.3;
const NOTE: f32 = 1.0;

/// The parts of the screen.
pub(super) fn layout(
    screen: &Screen,
    pairing: &Pairing,
    typesetter: &mut Typesetter<'_>,
    parts: &mut Vec<(Rect, Part)>,
) {
    let codes: Vec<Code> = pairing.codes.iter().filter_map(|content| Code::new(content)).collect();
    let words = [
        (pairing.title.as_str(), TITLE, Tone::Strong),
        (&pairing.address, ADDRESS, Tone::Strong),
        (&pairing.code, SECRET, Tone::Strong),
        (&pairing.note, NOTE, Tone::Quiet),
    ];
    let words = words.map(|(text, size, tone)| panel::TextBlock { text, size, tone });
    panel::layout(screen, 0, &codes, &words, typesetter, parts);
}
