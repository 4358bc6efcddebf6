//! The texts of our own screens, at any size and scale: all that is painted lies on the screen.

use kiosk_splash::{Progress, Report, Scene, Style, View, compose, parse_color};

use super::{bytes, text};
use crate::{Target, messages::assert_valid_message};

/// See the module.
pub const TARGET: Target = Target {
    name: "screen",
    run,
    seeds: || {
        bytes(&[
            "\0\x20\x14\x08Waiting for localhost:3000",
            "\x01\x50\x32\x0bshell.url can't be loaded\nconfig.toml:3: unknown key",
            "\x02\x05\x05\x10Hello\nworld, auf Wiedersehen \u{fc}\u{df}\u{4e2d}\u{6587}",
            "\x03\x10\x10\x08#1a2b3c",
        ])
    },
    words: &["\n", "\u{202e}", "\u{200d}", "\u{fffd}", "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm", "\t", "\u{1b}[31m"],
    longest: 1024,
};

fn run(input: &[u8]) {
    let [kind, width, height, scale, rest @ ..] = input else { return };
    // From no pixels at all to those of a small screen.
    let (width, height) = (u32::from(*width) * 4, u32::from(*height) * 4);
    let scale = f64::from(*scale) / 8.0;
    let text = text(rest);
    match parse_color(&text) {
        Ok([r, g, b]) => assert_eq!(parse_color(&format!("#{r:02x}{g:02x}{b:02x}")), Ok([r, g, b])),
        Err(why) => assert_valid_message(&why.to_string()),
    }
    let view = match kind % 3 {
        0 => View::Splash { message: Some(text), progress: Progress::Fraction(f32::from(*kind) / 200.0) },
        1 => View::Diagnostics(Report {
            lines: text.lines().map(str::to_owned).collect(),
            title: text,
            ..Report::default()
        }),
        _ => {
            let (title, text) = text.split_once('\n').unwrap_or(("", &text));
            View::Message { title: title.to_owned(), text: text.to_owned() }
        }
    };
    assert_within(&compose(&view, &Style::default(), width, height, scale), width, height);
}

/// Each piece is whole and lies on the screen, and no channel is above its alpha.
#[track_caller]
pub fn assert_within(scene: &Scene, width: u32, height: u32) {
    for piece in &scene.pieces {
        let (w, h) = (piece.image.width, piece.image.height);
        assert_eq!(piece.image.data.len() as u64, u64::from(w) * u64::from(h) * 4);
        let fits =
            |from: i32, length: u32, all: u32| from >= 0 && i64::from(from) + i64::from(length) <= i64::from(all);
        assert!(
            fits(piece.x, w, width) && fits(piece.y, h, height),
            "{},{} {w}x{h} on {width}x{height}",
            piece.x,
            piece.y
        );
        let premultiplied = |pixel: &[u8]| pixel[..3].iter().all(|channel| *channel <= pixel[3]);
        assert!(piece.image.data.chunks_exact(4).all(premultiplied), "a channel is above its alpha");
    }
}
