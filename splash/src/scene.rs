//! Layout: which parts a view has on an output of some size, and where. Rectangles only, no pixels; called by
//! [`crate::compose`], read by the painter. Every rectangle has at least one pixel and lies wholly on the output:
//! what does not fit is left out.
//!
//! The logo is in the exact centre whatever else is shown, and the other parts have fixed places below it, so that
//! nothing jumps when a message comes or goes.

use crate::{
    Progress, Style, View,
    animation::DOTS,
    text::{Face, MAX_EM},
};

/// Larger outputs do not exist; numbers beyond are mistakes and must not become allocations or overflows.
const MAX_OUTPUT: u32 = 16_384;
/// Longest side of a painted logo: beyond, more pixels show nobody more.
const MAX_LOGO: f32 = 2_048.0;

/// Shares of the output's shorter side.
const LOGO: f32 = 0.30;
const MARGIN: f32 = 0.05;
const GAP: f32 = 0.075;
const DOT: f32 = 0.0115;
const BAR: f32 = 0.30;
const TEXT: f32 = 0.0225;
/// A logo of any shape leaves this much of the output's width and height to the rest.
const LOGO_MAX_WIDTH: f32 = 0.7;
const LOGO_MAX_HEIGHT: f32 = 0.4;
/// Text that people read at arm's length is at least this large, logical pixels an em.
const MIN_TEXT: f32 = 14.0;
/// On tiny screens a line of text takes at most this share of the shorter side.
const MAX_TEXT: f32 = 1.0 / 14.0;
/// A system message: size of title and text against the splash's message, longest line in em, most lines.
const TITLE_SIZE: f32 = 1.8;
const BODY_SIZE: f32 = 1.15;
const LINE_EM: f32 = 38.0;
const TITLE_LINES: usize = 3;
const BODY_LINES: usize = 40;

/// A place on the output, physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

/// What is painted in a rectangle.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Logo,
    /// One of the dots that pulse.
    Dot,
    /// The whole length of the progress bar, and above it what is done.
    Track,
    Fill,
    /// Lines of a face of `em` pixels, each centred in the rectangle.
    Text {
        lines: Vec<String>,
        em: f32,
        tone: Tone,
    },
}

/// How much a text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Strong,
    Quiet,
}

/// All parts of a screen, lower ones first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Layout {
    pub parts: Vec<(Rect, Part)>,
}

/// The output, as the layout sees it.
struct Screen {
    width: u32,
    height: u32,
    scale: f32,
    shorter: f32,
}

impl Screen {
    fn new(width: u32, height: u32, scale: f64) -> Self {
        let (width, height) = (width.min(MAX_OUTPUT), height.min(MAX_OUTPUT));
        let scale = if scale.is_nan() { 1.0 } else { scale.clamp(1.0, 4.0) as f32 };
        Self { width, height, scale, shorter: width.min(height) as f32 }
    }

    fn margin(&self) -> u32 {
        (self.shorter * MARGIN).round() as u32
    }

    /// Pixels an em for text that is `size` times as large as the splash's message.
    fn em(&self, size: f32) -> f32 {
        let normal = (self.shorter * TEXT).max(MIN_TEXT * self.scale).min(self.shorter * MAX_TEXT);
        (normal * size).min(MAX_EM)
    }

    /// A rectangle in the middle of the width, if it fits.
    fn centered(&self, y: i32, width: u32, height: u32) -> Option<Rect> {
        let x = i32::try_from(self.width.checked_sub(width)? / 2).ok()?;
        let bottom = i64::from(y) + i64::from(height);
        let fits = width > 0 && height > 0 && y >= 0 && bottom <= i64::from(self.height);
        fits.then_some(Rect { x, y, width, height })
    }
}

/// The parts of `view` on an output of `width` × `height` physical pixels.
pub(crate) fn layout(view: &View, style: &Style, width: u32, height: u32, scale: f64) -> Layout {
    let screen = Screen::new(width, height, scale);
    let mut parts = Vec::new();
    match view {
        View::Splash { message, progress } => {
            let message = message.as_deref().filter(|_| style.message);
            splash(&screen, style.logo.aspect(), *progress, message, &mut parts);
        }
        View::Message { title, text } => system_message(&screen, title, text, &mut parts),
    }
    Layout { parts }
}

fn splash(
    screen: &Screen,
    aspect: Option<f32>,
    progress: Progress,
    message: Option<&str>,
    parts: &mut Vec<(Rect, Part)>,
) {
    // Without a logo the other parts stay where they are with a square one.
    let (logo_width, logo_height) = logo_size(screen, aspect.unwrap_or(1.0));
    let top = (screen.height.saturating_sub(logo_height) / 2) as i32;
    if aspect.is_some() {
        parts.extend(screen.centered(top, logo_width, logo_height).map(|rect| (rect, Part::Logo)));
    }

    let gap = (screen.shorter * GAP).round() as i32;
    let thick = (screen.shorter * DOT).max(4.0 * screen.scale).min(screen.shorter / 40.0).round() as u32;
    let progress_top = top + logo_height as i32 + gap;
    match progress {
        Progress::None => {}
        Progress::Indeterminate => dots(screen, progress_top, thick, parts),
        Progress::Fraction(done) => bar(screen, progress_top, thick, done, parts),
    }

    let text_top = progress_top + thick as i32 + gap * 2 / 3;
    let text = message.and_then(|message| {
        let face = Face::new(screen.em(1.0))?;
        let line = face.one_line(message, screen.width.checked_sub(2 * screen.margin())?);
        let lines: Vec<String> = (!line.is_empty()).then_some(line).into_iter().collect();
        let (width, height) = face.measure(&lines)?;
        // Where a wide logo leaves too little room, the message moves up, but not into the progress.
        let lowest = screen.height as i32 - height as i32;
        let text_top = text_top.min(lowest).max(progress_top + thick as i32);
        let rect = screen.centered(text_top, width, height)?;
        Some((rect, Part::Text { lines, em: face.em(), tone: Tone::Quiet }))
    });
    parts.extend(text);
}

/// Logos of all shapes get about the same area: as much as a square of 30 % of the shorter side.
fn logo_size(screen: &Screen, aspect: f32) -> (u32, u32) {
    let side = screen.shorter * LOGO;
    let (width, height) = (side * aspect.sqrt(), side / aspect.sqrt());
    let most = [
        1.0,
        screen.width as f32 * LOGO_MAX_WIDTH / width,
        screen.height as f32 * LOGO_MAX_HEIGHT / height,
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

/// Title and text as one block in the middle of the screen.
fn system_message(screen: &Screen, title: &str, text: &str, parts: &mut Vec<(Rect, Part)>) {
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
    let gap = (screen.em(1.0) * 1.4).round() as u32;
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
    use proptest::prelude::*;

    use super::*;

    fn splash_of(message: &str, progress: Progress) -> View {
        View::Splash { message: Some(message.into()), progress }
    }

    fn any_splash() -> impl Strategy<Value = View> {
        let progress = prop_oneof![
            Just(Progress::None),
            Just(Progress::Indeterminate),
            any::<f32>().prop_map(Progress::Fraction),
            (0.0f32..=1.0).prop_map(Progress::Fraction),
        ];
        (proptest::option::of(".{0,200}"), progress).prop_map(|(message, progress)| View::Splash { message, progress })
    }

    fn any_view() -> impl Strategy<Value = View> {
        let message = (".{0,80}", "(?s).{0,600}").prop_map(|(title, text)| View::Message { title, text });
        prop_oneof![any_splash(), message]
    }

    fn any_length() -> impl Strategy<Value = u32> {
        prop_oneof![0u32..64, 64u32..2_000, 2_000u32..20_000, Just(u32::MAX)]
    }

    fn any_scale() -> impl Strategy<Value = f64> {
        prop_oneof![1.0f64..4.0, Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), any::<f64>()]
    }

    fn overlap(a: &Rect, b: &Rect) -> bool {
        a.x < b.x + b.width as i32
            && b.x < a.x + a.width as i32
            && a.y < b.y + b.height as i32
            && b.y < a.y + a.height as i32
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn everything_stays_on_the_screen_and_apart(
            view in any_view(), width in any_length(), height in any_length(), scale in any_scale(),
        ) {
            let layout = layout(&view, &Style::default(), width, height, scale);
            for (index, (rect, part)) in layout.parts.iter().enumerate() {
                prop_assert!(rect.width > 0 && rect.height > 0, "{part:?} has no pixels");
                prop_assert!(rect.x >= 0 && rect.y >= 0, "{part:?} at {rect:?}");
                prop_assert!(rect.x as u32 + rect.width <= width && rect.y as u32 + rect.height <= height);
                for (other, below) in &layout.parts[..index] {
                    let meant = matches!((part, below), (Part::Fill, Part::Track));
                    prop_assert!(meant || !overlap(rect, other), "{part:?} at {rect:?} over {below:?} at {other:?}");
                }
            }
        }

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
            let (w, h) = logo_size(&Screen::new(width, height, 1.0), aspect);
            prop_assert!(w as f32 <= width as f32 * 0.71 && h as f32 <= height as f32 * 0.41);
            prop_assert!((w as f32 - h as f32 * aspect).abs() <= 1.0 + aspect);
        }
    }

    #[test]
    fn real_screens_show_logo_progress_and_message() {
        for (width, height, scale) in [
            (320, 240, 1.0),
            (480, 1920, 1.0),
            (1920, 480, 1.0),
            (800, 480, 1.0),
            (1280, 800, 1.0),
            (1080, 1920, 1.0),
            (1920, 1080, 2.0),
            (3840, 2160, 2.0),
            (7680, 4320, 4.0),
            (800, 480, 4.0),
        ] {
            let view = splash_of("Starting…", Progress::Indeterminate);
            let parts = layout(&view, &Style::default(), width, height, scale).parts;
            assert_eq!(parts.len(), 1 + DOTS + 1, "{width}x{height}@{scale}");
            let logo = parts[0].0;
            let share = logo.width as f32 / width.min(height) as f32;
            assert!((0.29..0.31).contains(&share), "{width}x{height}: the logo has {share} of the shorter side");
            let lowest = parts.iter().map(|(rect, _)| rect.y as u32 + rect.height).max().unwrap();
            assert!(lowest <= height - height / 40, "{width}x{height}@{scale}: the message touches the edge");
        }
    }

    #[test]
    fn without_messages_in_the_style_none_is_drawn() {
        let style = Style { message: false, ..Style::default() };
        let parts = layout(&splash_of("Starting…", Progress::None), &style, 800, 480, 1.0).parts;
        assert_eq!(parts.len(), 1);
        let said = View::Message { title: "Title".into(), text: "Text".into() };
        assert_eq!(layout(&said, &style, 800, 480, 1.0).parts.len(), 2, "a system message is always drawn");
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

    #[test]
    fn a_text_without_end_is_cut_to_the_screen() {
        let view = View::Message { title: "word ".repeat(10_000), text: "x\n".repeat(100_000) };
        let parts = layout(&view, &Style::default(), 800, 480, 1.0).parts;
        assert_eq!(parts.len(), 2);
        let Part::Text { lines, .. } = &parts[1].1 else { panic!("no text") };
        assert!(lines.last().unwrap().ends_with('…'), "{lines:?}");
    }

    #[test]
    fn no_pixels_no_parts() {
        for (width, height) in [(0, 0), (0, 100), (100, 0)] {
            let parts = layout(&splash_of("x", Progress::Indeterminate), &Style::default(), width, height, 1.0).parts;
            assert!(parts.is_empty(), "{width}x{height}");
        }
    }

    #[test]
    fn text_too_small_to_be_read_is_left_out() {
        let parts = layout(&splash_of("Starting…", Progress::None), &Style::default(), 40, 40, 1.0).parts;
        assert!(parts.iter().all(|(_, part)| *part == Part::Logo), "{parts:?}");
    }
}
