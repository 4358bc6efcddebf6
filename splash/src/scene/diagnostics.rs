//! What keeps the kiosk from its page, for who comes to look after it: several lines in the place of the splash's
//! message, so that the logo does not move.

use super::{Part, Rect, Screen, Tone};
use crate::text::{Room, Size, Typesetter};

/// Longest line, em: longer ones are hard to follow.
const LINE_EM: f32 = 60.0;
/// More than anybody reads.
const MAX_LINES: usize = 24;
/// Sizes that are tried, largest first, until the whole text fits below the logo.
const SHRINK: [f32; 3] = [1.0, 0.8, 0.65];

/// The text from `top` on, as far as there is room. Returns whether any of it is there.
pub(super) fn layout(
    screen: &Screen,
    top: i32,
    text: &str,
    typesetter: &mut Typesetter<'_>,
    parts: &mut Vec<(Rect, Part)>,
) -> bool {
    let wide = screen.width.saturating_sub(2 * screen.margin());
    let bottom = screen.height.saturating_sub(screen.margin());
    let room = bottom.saturating_sub(top.max(0).unsigned_abs());
    let mut placed = None;
    for size in SHRINK {
        let Some(size) = Size::new(screen.em(size)) else { break };
        let room = Room { width: wide.min((size.em() * LINE_EM) as u32), height: room, lines: MAX_LINES };
        let text = typesetter.set(text, size, room);
        let whole = text.cut_to.is_none();
        if let Some(rect) = screen.centered(top, text.width, text.height) {
            placed = Some((rect, Part::Text { text, tone: Tone::Quiet }));
        }
        if whole {
            break;
        }
    }
    let any = placed.is_some();
    parts.extend(placed);
    any
}

#[cfg(test)]
mod tests {
    use super::{super::tests::layout, *};
    use crate::{Progress, Style, View, animation::DOTS};

    const WRONG: &str = "Not up after 60 s: localhost:3000: connection refused. Trying again.\n\
                         /etc/kiosk/config.toml:3:7: shell.url is 5, allowed is http://HOST[:PORT][/PATH]";

    fn text_of(parts: &[(Rect, Part)]) -> Vec<String> {
        match &parts.last().unwrap().1 {
            Part::Text { text, .. } => text.lines.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_logo_stays_where_it_is_and_every_line_is_there() {
        let splash = View::Splash { message: None, progress: Progress::Indeterminate };
        for (width, height, scale) in [(1280, 800, 1.0), (1920, 1080, 1.0), (1080, 1920, 1.5), (800, 480, 1.0)] {
            let style = Style { message: false, ..Style::default() };
            let splash = layout(&splash, &style, width, height, scale).parts;
            let parts = layout(&View::Diagnostics { text: WRONG.into() }, &style, width, height, scale).parts;
            assert_eq!(parts[..1 + DOTS], splash[..], "{width}x{height}");
            let text = text_of(&parts).join(" ");
            assert!(text.starts_with("Not up") && text.ends_with("[/PATH]"), "{width}x{height}: {text}");
        }
    }

    #[test]
    fn where_there_is_room_for_one_line_the_first_is_shown() {
        // A logo that is as wide as the screen is high leaves none below it.
        for (width, height) in [(320, 240), (240, 120)] {
            let parts = layout(&View::Diagnostics { text: WRONG.into() }, &Style::default(), width, height, 1.0).parts;
            assert!(text_of(&parts)[0].starts_with("Not up"), "{width}x{height}");
        }
    }
}
