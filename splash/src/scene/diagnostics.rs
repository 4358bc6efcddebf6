//! The diagnostics screen, for service staff: a small logo at the top, the reasons on one or several pages, the
//! device's description, a QR code with a report, and the dots of progress.

use super::{Part, Rect, Screen, Tone, splash};
use crate::{
    Report,
    code::Code,
    text::{Room, Setting, Size, Typesetter},
};

/// Longest line, em: longer ones are hard to follow.
const LINE_EM: f32 = 52.0;
/// Most lines of one reason.
const MAX_LINES: usize = 40;
/// Most pages.
const MAX_PAGES: usize = 20;
/// Sizes against the splash's message.
const TITLE: f32 = 1.6;
const FACTS: f32 = 0.85;
/// Sizes of the reasons, largest first: they are read before they are turned over.
const SIZES: [f32; 3] = [1.3, 1.0, 0.85];
/// Shares of the shorter side: height of the logo, distance between parts.
const LOGO: f32 = 0.1;
const GAP: f32 = 0.03;
/// Most that the code takes: of the width beside the reasons, of the height below them where that is longer.
const CODE_BESIDE: f32 = 0.3;
const CODE_BELOW: f32 = 0.4;

/// The page `report.page` of them. Returns how many there are.
pub(super) fn layout(
    screen: &Screen,
    aspect: Option<f32>,
    report: &Report,
    typesetter: &mut Typesetter<'_>,
    parts: &mut Vec<(Rect, Part)>,
) -> usize {
    let (margin, gap) = (screen.margin(), (screen.shorter * GAP) as u32);
    let width = screen.width.saturating_sub(2 * margin);
    let mut top = margin;
    let logo = aspect.map(|aspect| {
        let height = screen.shorter * LOGO;
        let fit = (width as f32 / (height * aspect)).min(1.0);
        ((height * aspect * fit) as u32, (height * fit) as u32)
    });
    if let Some((w, h)) = logo
        && let Some(rect) = screen.centered(top as i32, w, h)
    {
        parts.push((rect, Part::Logo));
        top += h + gap;
    }
    let mut bottom = splash::dots_at_the_bottom(screen, parts).saturating_sub(gap);
    let room = |height| Room { width, height, lines: 3 };
    if let Some(size) = Size::new(screen.em(TITLE)) {
        let title = typesetter.set(&report.title, size, room(bottom.saturating_sub(top)));
        top += place(screen, top, title, Tone::Strong, parts, gap);
    }
    if let Some(size) = Size::new(screen.em(FACTS)) {
        let facts = typesetter.set(&report.facts, size, room(bottom.saturating_sub(top) / 3));
        let start = bottom.saturating_sub(facts.height);
        if place(screen, start, facts, Tone::Quiet, parts, gap) > 0 {
            bottom = start.saturating_sub(gap);
        }
    }
    let mut height = bottom.saturating_sub(top);
    let mut column = width;
    let beside = screen.width > screen.height;
    let share = |whole: u32, share: f32| (whole as f32 * share) as u32;
    let most = if beside { share(width, CODE_BESIDE).min(height) } else { share(height, CODE_BELOW).min(width) };
    let code = Code::new(&report.code);
    if let Some((side, code)) = code.and_then(|code| Some((code.fit(most)?, code))) {
        let (x, y) = if beside {
            column = column.saturating_sub(side + 2 * gap);
            (screen.width - margin - side, top + height.saturating_sub(side) / 2)
        } else {
            height = height.saturating_sub(side + gap);
            (margin + width.saturating_sub(side) / 2, bottom.saturating_sub(side))
        };
        parts.push((Rect { x: x as i32, y: y as i32, width: side, height: side }, Part::Code(code)));
    }
    let mut pages: Vec<Vec<Setting>> = Vec::new();
    for size in SIZES {
        let Some(size) = Size::new(screen.em(size)) else { break };
        pages = paged(&report.lines, size, (column, height, gap), typesetter);
        if pages.len() <= 1 {
            break;
        }
    }
    let count = pages.len().max(1);
    let shown = pages.into_iter().nth(report.page % count).unwrap_or_default();
    let block: u32 = shown.iter().map(|text| text.height).sum::<u32>() + gap * shown.len().saturating_sub(1) as u32;
    let mut y = top + height.saturating_sub(block) / 2;
    for text in shown {
        let x = margin + column.saturating_sub(text.width) / 2;
        let rect = Rect { x: x as i32, y: y as i32, width: text.width, height: text.height };
        y += text.height + gap;
        if x + text.width <= screen.width && rect.y.unsigned_abs() + text.height <= screen.height {
            parts.push((rect, Part::Text { text, tone: Tone::Quiet }));
        }
    }
    count
}

/// Puts a text in the middle of the width. Returns what it takes of the height, with the distance to the next.
fn place(screen: &Screen, top: u32, text: Setting, tone: Tone, parts: &mut Vec<(Rect, Part)>, gap: u32) -> u32 {
    let height = text.height;
    match screen.centered(top as i32, text.width, height) {
        Some(rect) => {
            parts.push((rect, Part::Text { text, tone }));
            height + gap
        }
        None => 0,
    }
}

/// Distributes the reasons over pages without splitting one.
fn paged(
    lines: &[String],
    size: Size,
    (width, height, gap): (u32, u32, u32),
    typesetter: &mut Typesetter<'_>,
) -> Vec<Vec<Setting>> {
    let room = Room { width: width.min((size.em() * LINE_EM) as u32), height, lines: MAX_LINES };
    let mut pages: Vec<Vec<Setting>> = Vec::new();
    let mut left = 0;
    for line in lines {
        let text = typesetter.set(line, size, room);
        if text.is_empty() {
            continue;
        }
        let count = pages.len();
        match pages.last_mut() {
            Some(page) if text.height + gap <= left => {
                left -= text.height + gap;
                page.push(text);
            }
            _ if count == MAX_PAGES => break,
            _ => {
                left = height.saturating_sub(text.height);
                pages.push(vec![text]);
            }
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Layout, tests::layout},
        *,
    };
    use crate::{Style, View, animation::DOTS};

    const WRONG: &str = "Not up after 60 s: localhost:3000: connection refused. Trying again.\n\
                         /etc/kiosk/config.toml:3:7: shell.url is 5, allowed is http://HOST[:PORT][/PATH]";

    fn view(lines: &[String], page: usize) -> View {
        View::Diagnostics(Report {
            title: "There is no page yet".into(),
            lines: lines.to_vec(),
            facts: "kiosk-4711, kioskd 0.1.0\n192.168.178.24".into(),
            code: "kiosk-4711\nkioskd 0.1.0".into(),
            page,
        })
    }

    fn texts(layout: &Layout) -> Vec<String> {
        let text = |part: &Part| if let Part::Text { text, .. } = part { Some(text.lines.join(" ")) } else { None };
        layout.parts.iter().filter_map(|(_, part)| text(part)).collect()
    }

    #[test]
    fn every_line_is_there_with_the_logo_the_dots_and_what_the_device_is() {
        let lines: Vec<String> = WRONG.lines().map(str::to_owned).collect();
        for (width, height, scale) in [
            (1280, 800, 1.0),
            (1920, 1080, 1.0),
            (1080, 1920, 1.5),
            (800, 480, 1.0),
            (320, 480, 1.0),
            (3840, 2160, 2.0),
        ] {
            let layout = layout(&view(&lines, 0), &Style::default(), width, height, scale);
            let text = texts(&layout).join(" ");
            // Lines are broken at blanks and behind slashes.
            let letters = |text: &str| text.replace(' ', "");
            for line in &lines {
                assert!(letters(&text).contains(&letters(line)), "{width}x{height}: {text}");
            }
            assert!(text.contains("no page yet") && text.contains("192.168.178.24"), "{width}x{height}: {text}");
            let has = |wanted: &Part| layout.parts.iter().filter(|(_, part)| part == wanted).count();
            assert_eq!((has(&Part::Logo), has(&Part::Dot)), (1, DOTS), "{width}x{height}");
            let code = layout.parts.iter().find(|(_, part)| matches!(part, Part::Code(_)));
            let (code, _) = code.unwrap_or_else(|| panic!("{width}x{height}: no code"));
            // Nothing else lies over it.
            let apart = |other: &Rect| {
                let ends = |start: i32, size: u32| start + size as i32;
                ends(other.x, other.width) <= code.x
                    || ends(code.x, code.width) <= other.x
                    || ends(other.y, other.height) <= code.y
                    || ends(code.y, code.height) <= other.y
            };
            let others = layout.parts.iter().filter(|(_, part)| !matches!(part, Part::Code(_)));
            assert!(others.map(|(rect, _)| rect).all(apart), "{width}x{height}");
        }
    }

    #[test]
    fn many_reasons_are_readable_and_come_in_turn() {
        let lines: Vec<String> = (1..=6).map(|n| format!("/etc/kiosk/config.d/{n}.toml:{n}:1: {WRONG}")).collect();
        for (width, height) in [(1280, 800), (480, 320), (320, 240)] {
            let first = layout(&view(&lines, 0), &Style::default(), width, height, 1.0);
            let mut seen = String::new();
            for page in 0..first.pages {
                let layout = layout(&view(&lines, page), &Style::default(), width, height, 1.0);
                assert_eq!(layout.pages, first.pages);
                seen.push_str(&texts(&layout).join(" "));
                for (_, part) in &layout.parts {
                    let Part::Text { text, .. } = part else { continue };
                    let least = if width == 1280 { 14.0 } else { 11.0 };
                    assert!(text.em >= least, "{width}x{height}: {} pixels an em", text.em);
                }
            }
            for n in 1..=6 {
                assert!(seen.contains(&format!("/{n}.toml")), "{width}x{height}: reason {n} is lost: {seen}");
            }
            assert!(first.pages <= 6, "{width}x{height}: {} pages", first.pages);
        }
    }

    #[test]
    fn where_there_is_room_for_one_line_the_first_is_shown() {
        let lines: Vec<String> = WRONG.lines().map(str::to_owned).collect();
        for (width, height) in [(320, 240), (240, 120)] {
            let layout = layout(&view(&lines, 0), &Style::default(), width, height, 1.0);
            assert!(texts(&layout).iter().any(|text| text.starts_with("Not up")), "{width}x{height}");
        }
    }
}
