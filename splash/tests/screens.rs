//! Whole screens, as the compositor gets them.

use std::time::Duration;

use kiosk_splash::{Image, Piece, Progress, Scene, Style, View, compose};
use proptest::prelude::*;

fn splash(message: Option<&str>, progress: Progress) -> View {
    View::Splash { message: message.map(Into::into), progress }
}

fn scene(view: &View) -> Scene {
    compose(view, &Style::default(), 1280, 800, 1.0)
}

/// The picture of a message alone.
fn message(text: &str) -> Option<Piece> {
    let mut pieces = scene(&splash(Some(text), Progress::None)).pieces;
    assert!(pieces.len() <= 2, "logo and message");
    (pieces.len() == 2).then(|| pieces.remove(1))
}

fn ink(image: &Image) -> usize {
    image.data.chunks_exact(4).filter(|pixel| pixel[3] > 0).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_piece_is_whole_on_the_screen_and_premultiplied(
        title in ".{0,40}", text in proptest::option::of("(?s).{0,120}"), fraction in any::<f32>(), kind in 0..4u8,
        width in 0u32..1_500, height in 0u32..1_500, scale in any::<f64>(), background in any::<[u8; 3]>(),
    ) {
        let view = match kind {
            0 => View::Message { title, text: text.unwrap_or_default() },
            1 => View::Splash { message: text, progress: Progress::None },
            2 => View::Splash { message: text, progress: Progress::Indeterminate },
            _ => View::Splash { message: text, progress: Progress::Fraction(fraction) },
        };
        let style = Style { background, ..Style::default() };
        let scene = compose(&view, &style, width, height, scale);
        prop_assert_eq!(scene.background, background);
        for Piece { x, y, image } in &scene.pieces {
            prop_assert!(*x >= 0 && *y >= 0 && image.width > 0 && image.height > 0);
            prop_assert!(*x as u32 + image.width <= width && *y as u32 + image.height <= height);
            prop_assert_eq!(image.data.len(), image.width as usize * image.height as usize * 4);
            for pixel in image.data.chunks_exact(4) {
                prop_assert!(pixel[..3].iter().all(|channel| *channel <= pixel[3]), "{pixel:?}");
            }
        }
        if let Some(animation) = &scene.animation {
            for pose in animation.at(Duration::from_millis(700)) {
                prop_assert!(pose.piece < scene.pieces.len());
            }
        }
    }
}

#[test]
fn extreme_sizes_are_painted_without_panic() {
    let views = [
        splash(Some("Starting…"), Progress::Indeterminate),
        splash(Some("Starting…"), Progress::Fraction(0.5)),
        View::Message { title: "Title".into(), text: "Text\n".repeat(100) },
    ];
    for view in &views {
        for (width, height) in [(0, 0), (1, 1), (1, 5_000), (5_000, 1), (0, 700), (3, 2), (u32::MAX, 1), (u32::MAX, 0)]
        {
            for scale in [f64::NAN, f64::NEG_INFINITY, 0.0, 1.0, f64::INFINITY] {
                let bytes: u64 = compose(view, &Style::default(), width, height, scale)
                    .pieces
                    .iter()
                    .map(|piece| piece.image.data.len() as u64)
                    .sum();
                assert!(bytes <= u64::from(width) * u64::from(height) * 4);
            }
        }
        let huge = compose(view, &Style::default(), 16_384, 16_384, f64::NAN);
        assert!(!huge.pieces.is_empty());
    }
}

#[test]
fn only_small_pieces_move() {
    let scene = scene(&splash(Some("Starting…"), Progress::Indeterminate));
    let animation = scene.animation.as_ref().unwrap();
    let mut now = Duration::ZERO;
    for _ in 0..100 {
        for pose in animation.at(now) {
            let Image { width, height, .. } = scene.pieces[pose.piece].image;
            assert!(width <= 16 && height <= 16, "{width} × {height} pixels are repainted");
        }
        now += animation.next_change(now).unwrap();
    }
}

#[test]
fn nothing_moves_where_nothing_is_under_way() {
    for view in [
        splash(None, Progress::None),
        splash(None, Progress::Fraction(0.5)),
        View::Message { title: "Title".into(), text: "Text".into() },
    ] {
        assert_eq!(scene(&view).animation, None, "{view:?}");
    }
}

#[test]
fn a_new_message_changes_one_piece() {
    let old = scene(&splash(Some("Waiting for the page"), Progress::Indeterminate));
    let new = scene(&splash(Some("Starting the browser"), Progress::Indeterminate));
    assert_eq!(old.pieces.len(), new.pieces.len());
    let changed = old.pieces.iter().zip(&new.pieces).filter(|(old, new)| old != new).count();
    assert_eq!(changed, 1);
    assert_eq!(old.animation, new.animation);
}

#[test]
fn a_message_is_centred_under_the_logo_and_bright_on_black() {
    let piece = message("Starting").unwrap();
    let right = 1280 - piece.x - piece.image.width as i32;
    assert!((piece.x - right).abs() <= 1 && piece.y > 520);
    assert!(piece.image.data.iter().max() > Some(&190));
    assert!(ink(&piece.image) > 100);
}

#[test]
fn text_is_black_on_a_light_background() {
    let style = Style { background: [250, 250, 240], ..Style::default() };
    let scene = compose(&View::Message { title: "Title".into(), text: String::new() }, &style, 800, 480, 1.0);
    assert_eq!(scene.background, [250, 250, 240]);
    assert_eq!(scene.pieces.len(), 1);
    assert!(ink(&scene.pieces[0].image) > 100);
    assert!(scene.pieces[0].image.data.chunks_exact(4).all(|pixel| pixel[..3] == [0, 0, 0]));
}

#[test]
fn a_message_too_long_ends_in_an_ellipsis_at_the_margin() {
    let long = message(&"Waiting for the page ".repeat(40)).unwrap();
    let longer = message(&"Waiting for the page ".repeat(4_000)).unwrap();
    assert_eq!(long, longer, "what is cut does not matter");
    assert!(long.x >= 35 && long.image.width > 1_100, "{} pixels at {}", long.image.width, long.x);
    // Dots on the baseline are all there is at the end: nothing above the lower half of the line.
    let Image { width, height, data } = &long.image;
    let at_the_end = |rows: std::ops::Range<u32>| {
        rows.flat_map(|y| (width - 12..*width).map(move |x| (y * width + x) as usize * 4 + 3))
            .filter(|index| data[*index] > 0)
            .count()
    };
    assert_eq!(at_the_end(0..height / 2), 0);
    assert!(at_the_end(height / 2..*height) > 0);
}

#[test]
fn white_space_is_one_blank_and_controls_are_nothing() {
    let plain = message("Waiting for it").unwrap();
    assert_eq!(message(" Waiting\n\tfor\u{a0}\r\n it ").as_ref(), Some(&plain));
    assert_eq!(message("Wait\u{7}ing \u{202e}for\u{200d} it\u{fe0f}\u{1b}").as_ref(), Some(&plain));
    assert_eq!(message("\n \u{7}\u{200b}"), None);
}

#[test]
fn letters_of_europe_are_drawn_and_what_is_missing_is_a_box() {
    let boxed = message("\u{1f600}").unwrap();
    assert!(ink(&boxed.image) > 10, "a box has lines");
    assert_eq!(message("日"), Some(boxed.clone()));
    for letter in "aZ9ÄéßłőŞțΩέЖґ„“–…€→←✓№½".chars() {
        let piece = message(&letter.to_string()).unwrap_or_else(|| panic!("{letter} leaves no mark"));
        assert_ne!(piece, boxed, "{letter} is a box");
    }
}

#[test]
fn a_line_feed_in_a_system_message_is_a_new_line() {
    let height = |text: &str| {
        let scene = scene(&View::Message { title: String::new(), text: text.into() });
        scene.pieces.first().map_or(0, |piece| piece.image.height)
    };
    let (one, two, three) = (height("a"), height("a\nb"), height("a\n\nb"));
    assert!(one > 0 && two > one);
    assert_eq!(three - two, two - one, "an empty line is as high as any");
    assert_eq!(height("\n\n  a \n\n"), one, "outer empty lines are not kept");
    assert_eq!(height(" \n "), 0);
}
