//! The splash: the logo in the exact centre, progress and message at fixed positions below it, so that nothing moves
//! when one of them appears or disappears.

use super::{Part, Rect, Screen, Tone};
use crate::{
    LOGO_SIZE, Position, Progress, Style,
    animation::DOTS,
    text::{Room, Size, Typesetter},
};

/// Longest side of a painted logo, pixels.
pub(crate) const MAX_LOGO: f32 = 2_048.0;
/// Shares of the output's shorter side: distance below the logo, thickness of the progress, length of its bar.
pub(crate) const GAP: f32 = 0.075;
pub(crate) const DOT: f32 = 0.0115;
const BAR: f32 = 0.30;
/// Bounds of that thickness: logical pixels, and a share of the shorter side.
pub(crate) const MIN_DOT: f32 = 4.0;
pub(crate) const MAX_DOT_SHARE: f32 = 1.0 / 40.0;
/// Lines of the message, on narrow outputs.
const MAX_MESSAGE: usize = 3;
/// Size of the second line against the message.
const DETAIL: f32 = 0.85;
/// Lines below the message.
const MAX_DETAIL: usize = 4;
/// A logo of any shape leaves the rest of the output's width and height alone.
pub(crate) const LOGO_MAX_WIDTH: f32 = 0.7;
pub(crate) const LOGO_MAX_HEIGHT: f32 = 0.4;
/// Bounds of a configured size.
const MIN_LOGO: f32 = 0.05;
const MAX_SHARE: f32 = 0.8;

/// The parts of the splash; `aspect` is the logo's, `None` without one. Returns where the message has its place.
pub(super) fn layout(
    screen: &Screen,
    (aspect, style): (Option<f32>, &Style),
    progress: Progress,
    message: Option<&str>,
    typesetter: &mut Typesetter<'_>,
    parts: &mut Vec<(Rect, Part)>,
) -> i32 {
    // Without a logo the other parts stay where they are with a square one.
    let (logo_width, logo_height) = logo_size(screen, aspect.unwrap_or(1.0), style.logo_size);
    let top = match style.position {
        Position::Center => screen.height.saturating_sub(logo_height) / 2,
        Position::Top => {
            (screen.height / 3).saturating_sub(logo_height / 2).max(screen.margin().min(screen.height / 3))
        }
    } as i32;
    if aspect.is_some() {
        parts.extend(screen.centered(top, logo_width, logo_height).map(|rect| (rect, Part::Logo)));
    }

    let gap = (screen.shorter * GAP).round() as i32;
    let thick = thickness(screen);
    let progress_top = top + logo_height as i32 + gap;
    match progress {
        Progress::None => {}
        Progress::Indeterminate => dots(screen, progress_top, thick, parts),
        Progress::Fraction(done) => bar(screen, progress_top, thick, done, parts),
    }

    let text_top = progress_top + thick as i32 + gap * 2 / 3;
    let text = message.and_then(|message| {
        let room = screen.width.checked_sub(2 * screen.margin())?;
        let size = Size::new(screen.em(1.0))?;
        let height = screen.height.saturating_sub(text_top.max(0).unsigned_abs() + screen.margin());
        let mut text = typesetter.paragraph(message, size, Room { width: room, height, lines: MAX_MESSAGE });
        if text.is_empty() {
            text = typesetter.one_line(message, size, room);
        }
        // Where a wide logo leaves too little room, the message moves up, but not into the progress.
        let lowest = screen.height as i32 - text.height as i32;
        let text_top = text_top.min(lowest).max(progress_top + thick as i32);
        let rect = screen.centered(text_top, text.width, text.height)?;
        Some((rect, Part::Text { text, tone: Tone::Quiet }))
    });
    parts.extend(text);
    text_top
}

/// Since when and what was tried, below the message: as many lines as there is room for.
pub(super) fn detail(
    screen: &Screen,
    top: i32,
    text: Option<&str>,
    typesetter: &mut Typesetter<'_>,
    parts: &mut Vec<(Rect, Part)>,
) {
    let Some(size) = Size::new(screen.em(DETAIL)) else { return };
    let room = screen.width.saturating_sub(2 * screen.margin());
    // Below the message, which may have moved up.
    let below = parts.iter().map(|(rect, _)| rect.y + rect.height as i32).max().unwrap_or(top);
    let height = screen.height.saturating_sub(below.max(0).unsigned_abs());
    let text = typesetter.set(text.unwrap_or_default(), size, Room { width: room, height, lines: MAX_DETAIL });
    let rect = screen.centered(below, text.width, text.height);
    parts.extend(rect.map(|rect| (rect, Part::Text { text, tone: Tone::Quiet })));
}

/// The row of dots at the lower margin. Returns where it begins, or the margin.
pub(super) fn dots_at_the_bottom(screen: &Screen, parts: &mut Vec<(Rect, Part)>) -> u32 {
    let thick = thickness(screen);
    let top = screen.height.saturating_sub(screen.margin() + thick);
    dots(screen, top as i32, thick, parts);
    top
}

/// Of dots and bar.
fn thickness(screen: &Screen) -> u32 {
    (screen.shorter * DOT).max(MIN_DOT * screen.scale).min(screen.shorter * MAX_DOT_SHARE).round() as u32
}

/// A configured size within its bounds.
pub(crate) fn share_of(share: f32) -> f32 {
    if share.is_finite() { share.clamp(MIN_LOGO, MAX_SHARE) } else { LOGO_SIZE }
}

/// Logos of all shapes get about the same area: as much as a square of that share of the shorter side.
fn logo_size(screen: &Screen, aspect: f32, share: f32) -> (u32, u32) {
    let share = share_of(share);
    let side = screen.shorter * share;
    let (width, height) = (side * aspect.sqrt(), side / aspect.sqrt());
    let most = [
        1.0,
        screen.width as f32 * LOGO_MAX_WIDTH / width,
        screen.height as f32 * LOGO_MAX_HEIGHT.max(share * 0.8) / height,
        MAX_LOGO / width.max(height),
    ];
    let fit = most.into_iter().fold(1.0, f32::min);
    let side = |length: f32| ((length * fit).round() as u32).max(1);
    (side(width), side(height))
}

/// A row of dots, or none at all: the animation counts on all of them.
fn dots(screen: &Screen, top: i32, diameter: u32, parts: &mut Vec<(Rect, Part)>) {
    let pitch = diameter * 5 / 2;
    let count = DOTS as u32;
    let Some(row) = screen.centered(top, pitch * (count - 1) + diameter, diameter) else { return };
    for dot in 0..count {
        let rect = Rect { x: row.x + (pitch * dot) as i32, width: diameter, ..row };
        parts.push((rect, Part::Dot));
    }
}

/// A track and, over it, the part of it that is done.
fn bar(screen: &Screen, top: i32, thick: u32, done: f32, parts: &mut Vec<(Rect, Part)>) {
    let width = ((screen.shorter * BAR) as u32).max(thick);
    let Some(track) = screen.centered(top, width, thick) else { return };
    parts.push((track, Part::Track));
    // The comparison is false for not-a-number.
    if done > 0.0 {
        // Never shorter than its two round ends.
        let width = ((width as f32 * done.min(1.0)).round() as u32).max(thick);
        parts.push((Rect { width, ..track }, Part::Fill));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::tests::{any_splash, layout, splash_of},
        *,
    };
    use crate::View;

    proptest! {
        #[test]
        fn the_logo_does_not_move_when_a_message_or_progress_comes(
            view in any_splash(), width in 1u32..5_000, height in 1u32..5_000,
        ) {
            let alone = View::Splash { message: None, progress: Progress::None };
            let style = Style::default();
            let logo = layout(&alone, &style, width, height, 1.0).parts[0].clone();
            prop_assert_eq!(&layout(&view, &style, width, height, 1.0).parts[0], &logo);
            let (rect, _) = logo;
            let right = width as i32 - rect.x - rect.width as i32;
            let below = height as i32 - rect.y - rect.height as i32;
            prop_assert!((rect.x - right).abs() <= 1 && (rect.y - below).abs() <= 1, "not centred: {rect:?}");
        }

        #[test]
        fn a_logo_of_any_shape_keeps_its_shape_and_a_margin(
            aspect in 0.05f32..20.0, width in 240u32..8_000, height in 240u32..8_000,
        ) {
            let (w, h) = logo_size(&Screen::new(width, height, 1.0), aspect, LOGO_SIZE);
            prop_assert!(w as f32 <= width as f32 * 0.71 && h as f32 <= height as f32 * 0.41);
            prop_assert!((w as f32 - h as f32 * aspect).abs() <= 1.0 + aspect);
        }
    }

    #[test]
    fn small_screens_have_room_for_what_was_tried() {
        let reason = "tried 30 times, last: the server at device-with-a-long-name.example:3000 refuses the connection";
        let view = View::Waiting { message: "Waiting for it".into(), detail: format!("since 16:40\n{reason}") };
        for (width, height) in [(480, 320), (320, 480), (800, 480), (3840, 2160)] {
            let parts = layout(&view, &Style::default(), width, height, 1.0).parts;
            let texts: Vec<&Rect> =
                parts.iter().filter(|(_, part)| matches!(part, Part::Text { .. })).map(|(rect, _)| rect).collect();
            let [message, detail] = texts[..] else { panic!("{width}x{height}: {parts:?}") };
            assert!(detail.height * 5 >= message.height * 6, "{width}x{height}: one line of two: {detail:?}");
        }
    }

    #[test]
    fn the_bar_grows_with_the_fraction_and_never_beyond_its_track() {
        let widths = [f32::NAN, -1.0, 0.0, 0.001, 0.25, 0.5, 1.0, 7.0].map(|done| {
            let parts = layout(&splash_of("", Progress::Fraction(done)), &Style::default(), 1280, 800, 1.0).parts;
            let of = |wanted: Part| parts.iter().find(|(_, part)| *part == wanted).map_or(0, |(rect, _)| rect.width);
            (of(Part::Fill), of(Part::Track))
        });
        assert!(widths.iter().all(|(_, track)| *track == 240));
        assert_eq!(widths.map(|(fill, _)| fill), [0, 0, 0, 9, 60, 120, 240, 240]);
    }
}
