//! The layout of a view on an output: its parts and their rectangles, without pixels; called by [`crate::compose`],
//! used by the painter. Every rectangle has at least one pixel and is entirely on the output: parts that do not fit are
//! left out.

mod choice;
mod diagnostics;
mod message;
mod pairing;
mod panel;
pub(crate) mod splash;

use crate::{
    Progress, Style, View,
    code::Code,
    text::{MAX_EM, Setting, Typesetter},
};

/// Largest output side: larger numbers are mistakes and must not lead to allocations or overflows.
const MAX_OUTPUT: u32 = 16_384;
/// The margin and normal text, shares of the output's shorter side.
pub(crate) const MARGIN: f32 = 0.05;
const TEXT: f32 = 0.0225;
/// Text that people read at arm's length is at least this large, logical pixels an em.
const MIN_TEXT: f32 = 14.0;
/// No text is smaller, however much there is to say: logical pixels an em, and a share of the shorter side.
const SMALLEST: f32 = 12.0;
const SMALLEST_SHARE: f32 = 0.0175;
/// On tiny screens a line of text takes at most this share of the shorter side.
const MAX_TEXT: f32 = 1.0 / 14.0;

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
    /// A QR code with its white margin.
    Code(Code),
    /// What can be touched, below its text; `strong`: it is chosen, or has the keys.
    Plate {
        strong: bool,
    },
    /// Of exactly the rectangle's size.
    Text {
        text: Setting,
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
    /// So many characters of the view's text are there, where that is not all.
    pub cut_to: Option<usize>,
    /// Of the view; 0 as good as 1.
    pub pages: usize,
}

/// The output, as the layout sees it.
pub(crate) struct Screen {
    pub width: u32,
    pub height: u32,
    pub scale: f32,
    shorter: f32,
}

impl Screen {
    pub fn new(width: u32, height: u32, scale: f64) -> Self {
        let (width, height) = (width.min(MAX_OUTPUT), height.min(MAX_OUTPUT));
        let scale = if scale.is_nan() { 1.0 } else { scale.clamp(1.0, 4.0) as f32 };
        Self { width, height, scale, shorter: width.min(height) as f32 }
    }

    pub fn margin(&self) -> u32 {
        (self.shorter * MARGIN).round() as u32
    }

    /// Pixels an em for text that is `size` times as large as the splash's message.
    pub fn em(&self, size: f32) -> f32 {
        let normal = (self.shorter * TEXT).max(MIN_TEXT * self.scale).min(self.shorter * MAX_TEXT);
        let floor = (self.shorter * SMALLEST_SHARE).max(SMALLEST * self.scale).min(normal);
        (normal * size).max(floor).min(MAX_EM)
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
pub(crate) fn layout(
    view: &View,
    style: &Style,
    typesetter: &mut Typesetter<'_>,
    width: u32,
    height: u32,
    scale: f64,
) -> Layout {
    let screen = Screen::new(width, height, scale);
    let (mut parts, mut cut_to, mut pages) = (Vec::new(), None, 1);
    match view {
        View::Splash { message, progress } => {
            let message = message.as_deref().filter(|_| style.message);
            splash::layout(&screen, (style.logo.aspect(), style), *progress, message, typesetter, &mut parts);
        }
        View::Waiting { message, detail } => {
            let (message, detail) =
                (style.message.then_some(message.as_str()), style.message.then_some(detail.as_str()));
            let below = splash::layout(
                &screen,
                (style.logo.aspect(), style),
                Progress::Indeterminate,
                message,
                typesetter,
                &mut parts,
            );
            splash::detail(&screen, below, detail, typesetter, &mut parts);
        }
        View::Diagnostics(report) => {
            pages = diagnostics::layout(&screen, style.logo.aspect(), report, typesetter, &mut parts);
        }
        View::Pairing(pairing) => pairing::layout(&screen, pairing, typesetter, &mut parts),
        View::Choice(choice) => choice::layout(&screen, choice, typesetter, &mut parts),
        View::Message { title, text } => cut_to = message::layout(&screen, title, text, typesetter, &mut parts),
    }
    Layout { parts, cut_to, pages }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Choice, Fonts, Pairing, Report, Row, Target, animation::DOTS};

    /// The layout in the built-in face.
    pub(super) fn layout(view: &View, style: &Style, width: u32, height: u32, scale: f64) -> Layout {
        super::layout(view, style, &mut Typesetter::new(&Fonts::default()), width, height, scale)
    }

    pub(super) fn splash_of(message: &str, progress: Progress) -> View {
        View::Splash { message: Some(message.into()), progress }
    }

    pub(super) fn any_splash() -> impl Strategy<Value = View> {
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
        let diagnostics = ("(?s).{0,600}", ".{0,80}", 0usize..9).prop_map(|(text, facts, page)| {
            let lines = text.lines().map(str::to_owned).collect();
            View::Diagnostics(Report { title: facts.clone(), lines, code: facts.clone(), facts, page })
        });
        let waiting = (".{0,80}", ".{0,80}").prop_map(|(message, detail)| View::Waiting { message, detail });
        let pairing = (".{0,80}", ".{0,40}", 0usize..3).prop_map(|(address, code, count)| {
            let codes = vec![address.clone(); count];
            View::Pairing(Pairing { title: code.clone(), note: address.clone(), codes, address, code })
        });
        let choice = ("(?s).{0,200}", ".{0,80}", 0usize..20, any::<bool>()).prop_map(|(name, words, count, marked)| {
            let row = Row { name, detail: words.clone(), marked };
            let rows = vec![row; count];
            let focus = Some(Target::Row(1)).filter(|_| marked);
            let [page, cancel, take, nothing] = [0; 4].map(|_| words.clone());
            View::Choice(Choice { title: words, rows, nothing, page, turns: [true, marked], cancel, take, focus })
        });
        prop_oneof![any_splash(), message, diagnostics, waiting, pairing, choice]
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
        #![proptest_config(ProptestConfig::with_cases(400))]

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
                    let meant = matches!((part, below), (Part::Fill, Part::Track) | (Part::Text { .. }, Part::Plate { .. }));
                    prop_assert!(meant || !overlap(rect, other), "{part:?} at {rect:?} over {below:?} at {other:?}");
                }
            }
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
    fn a_scale_out_of_range_is_the_nearest_in_range() {
        let at = |scale| layout(&splash_of("Starting…", Progress::None), &Style::default(), 1920, 1080, scale);
        assert_ne!(at(4.0), at(1.0));
        for (wild, tame) in [(9.0, 4.0), (f64::INFINITY, 4.0), (0.1, 1.0), (-3.0, 1.0), (f64::NAN, 1.0)] {
            assert_eq!(at(wild), at(tame), "{wild}");
        }
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
