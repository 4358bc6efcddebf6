//! The theme against kioskd's first picture: the script's own text is read and computed here.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{SCALED, SCREENS, pieces, plymouth_theme, script::GEOMETRY, script::script};
use crate::{Logo, Position, Style};

/// The script's variables after its layout, for a screen of that size.
fn computed(script: &str, width: u32, height: u32) -> BTreeMap<String, f64> {
    let [begin, end] = GEOMETRY;
    let layout = script.split_once(begin).unwrap().1.split_once(end).unwrap().0;
    let mut variables = BTreeMap::from([("width".into(), f64::from(width)), ("height".into(), f64::from(height))]);
    for line in layout.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.trim().strip_suffix(';').unwrap().split_once(" = ").unwrap();
        let mut rest = value;
        let value = sum(&mut rest, &variables);
        assert_eq!(rest.trim(), "", "not all of {line} is understood");
        variables.insert(name.to_owned(), value);
    }
    variables
}

fn sum(text: &mut &str, variables: &BTreeMap<String, f64>) -> f64 {
    let mut value = product(text, variables);
    loop {
        match next(text) {
            Some('+') => value += product(take(text), variables),
            Some('-') => value -= product(take(text), variables),
            _ => return value,
        }
    }
}

fn product(text: &mut &str, variables: &BTreeMap<String, f64>) -> f64 {
    let mut value = factor(text, variables);
    loop {
        match next(text) {
            Some('*') => value *= factor(take(text), variables),
            Some('/') => value /= factor(take(text), variables),
            _ => return value,
        }
    }
}

fn factor(text: &mut &str, variables: &BTreeMap<String, f64>) -> f64 {
    if next(text) == Some('(') {
        let value = sum(take(text), variables);
        assert_eq!(next(text), Some(')'));
        take(text);
        return value;
    }
    *text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    *text = rest;
    if !word.starts_with("Math.") {
        return word.parse().unwrap_or_else(|_| variables[word]);
    }
    assert_eq!(next(text), Some('('), "{word} is called");
    let first = sum(take(text), variables);
    let second = (next(text) == Some(',')).then(|| sum(take(text), variables));
    assert_eq!(next(text), Some(')'), "{word}");
    take(text);
    match (word, second) {
        ("Math.Int", None) => first.trunc(),
        ("Math.Min", Some(second)) => first.min(second),
        ("Math.Max", Some(second)) => first.max(second),
        _ => panic!("Plymouth has no {word} with so many arguments"),
    }
}

fn next(text: &mut &str) -> Option<char> {
    text.trim_start().chars().next()
}

fn take<'a, 'b>(text: &'a mut &'b str) -> &'a mut &'b str {
    *text = &text.trim_start()[1..];
    text
}

/// x, y, width, height of the logo, and of the first and the last dot.
type Areas = [[i32; 4]; 3];

fn of_the_theme(style: &Style, width: u32, height: u32) -> Areas {
    let values = computed(&script(style), width, height);
    let of = |name: &str| {
        assert_eq!(values[name].fract(), 0.0, "{name} is between two pixels");
        values[name] as i32
    };
    let dot = |index: i32| [of("dot_x") + of("pitch") * index, of("dot_y"), of("dot"), of("dot")];
    [[of("logo_x"), of("logo_y"), of("logo_width"), of("logo_height")], dot(0), dot(2)]
}

fn of_kioskd(style: &Style, width: u32, height: u32) -> Areas {
    let (logo, dots) = pieces(style, width, height);
    [logo.as_ref().unwrap(), &dots[0], &dots[2]]
        .map(|piece| [piece.x, piece.y, piece.image.width as i32, piece.image.height as i32])
}

fn logo(width: u32, height: u32) -> Logo {
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>\
         <rect width='{width}' height='{height}' fill='#28f'/></svg>"
    );
    Logo::from_bytes(svg.as_bytes()).unwrap()
}

fn styles() -> Vec<Style> {
    let mut styles = vec![Style::default()];
    for (width, height) in [(1, 1), (16, 9), (5, 1), (1, 3), (613, 207)] {
        for position in [Position::Center, Position::Top] {
            for logo_size in [0.05, 0.3, 0.45, 0.8] {
                styles.push(Style { logo: logo(width, height), position, logo_size, ..Style::default() });
            }
        }
    }
    styles
}

#[test]
fn logo_and_dots_are_where_kioskd_has_them_on_every_usual_screen() {
    for style in styles() {
        for (width, height) in SCREENS.into_iter().chain([SCALED]) {
            let shape = style.logo.aspect();
            let (theme, kioskd) = (of_the_theme(&style, width, height), of_kioskd(&style, width, height));
            assert_eq!(theme, kioskd, "{width}x{height}, {shape:?}, {:?}, {}", style.position, style.logo_size);
        }
    }
}

proptest! {
    #[test]
    fn on_other_screens_the_positions_differ_by_at_most_a_pixel(
        width in 320u32..6_000, height in 240u32..6_000,
        shape in (1u32..12, 1u32..12), percent in 5u8..=80, top in any::<bool>(),
    ) {
        let position = if top { Position::Top } else { Position::Center };
        let logo_size = f32::from(percent) / 100.0;
        let style = Style { logo: logo(shape.0, shape.1), position, logo_size, ..Style::default() };
        let (theme, kioskd) = (of_the_theme(&style, width, height), of_kioskd(&style, width, height));
        for (theme, kioskd) in theme.concat().iter().zip(kioskd.concat()) {
            prop_assert!((theme - kioskd).abs() <= 1, "{theme} instead of {kioskd}");
        }
    }
}

#[test]
fn the_theme_has_the_very_pixels_for_usual_screens() {
    let style = Style { logo_size: 0.2, background: [1, 2, 3], ..Style::default() };
    let files = plymouth_theme("mine", &style).unwrap();
    let text = |name: &str| String::from_utf8(files.iter().find(|file| file.name == name).unwrap().content.clone());
    assert!(text("mine.plymouth").unwrap().contains("ScriptFile=/usr/share/plymouth/themes/mine/mine.script\n"));
    // Plymouth cuts the fraction off after multiplying by 255.
    let script = text("mine.script").unwrap();
    let colors = script.split_once("SetBackgroundTopColor (").unwrap().1.split_once(')').unwrap().0;
    let colors: Vec<u8> = colors.split(", ").map(|channel| (channel.parse::<f64>().unwrap() * 255.0) as u8).collect();
    assert_eq!(colors, [1, 2, 3]);
    let (logo, dots) = pieces(&style, 1280, 800);
    for (name, piece) in [("logo-160x160.png", &logo.unwrap()), ("dot-9.png", &dots[0])] {
        let file = files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {name}"));
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file.content)).read_info().unwrap();
        let mut decoded = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut decoded).unwrap();
        // Premultiplied again, as Plymouth does.
        for (straight, pixel) in decoded.chunks_exact(4).zip(piece.image.data.chunks_exact(4)) {
            let again = |c: u8| (u32::from(c) * u32::from(straight[3]) + 127) / 255;
            let [r, g, b] = [straight[0], straight[1], straight[2]].map(again);
            assert_eq!([b, g, r, u32::from(straight[3])], [0, 1, 2, 3].map(|channel| u32::from(pixel[channel])));
        }
    }
    let size: usize = files.iter().map(|file| file.content.len()).sum();
    assert!(size < 1 << 20, "{size} bytes are much for an initrd");
}

#[test]
fn without_a_logo_the_dots_stay_where_they_are() {
    let none = Style { logo: Logo::none(), ..Style::default() };
    let files = plymouth_theme("none", &none).unwrap();
    assert!(files.iter().all(|file| !file.name.starts_with("logo")));
    assert_eq!(of_the_theme(&none, 1280, 800)[1..], of_kioskd(&Style::default(), 1280, 800)[1..]);
}
