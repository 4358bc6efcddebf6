//! Logos as they come from disks: every kind of file is a picture or one sentence, never a panic.

// A helper that fails is a test that fails.
#![allow(clippy::unwrap_used)]

use kiosk_splash::{Image, Logo, LogoError, Progress, Style, View, compose};
use proptest::prelude::*;

/// The logo as it is painted on a screen whose shorter side is `shorter`.
fn painted(logo: &Logo, shorter: u32) -> Image {
    let style = Style { logo: logo.clone(), ..Style::default() };
    let view = View::Splash { message: None, progress: Progress::None };
    compose(&view, &style, shorter * 2, shorter, 1.0).pieces.remove(0).image
}

fn svg(body: &str) -> Result<Logo, LogoError> {
    Logo::from_bytes(format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{body}</svg>"#).as_bytes())
}

fn png(width: u32, height: u32, color: png::ColorType, data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    if color == png::ColorType::Indexed {
        encoder.set_palette(vec![255, 0, 0, 0, 255, 0]);
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    file
}

/// A PNG that claims a size and has no pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(1, 1, png::ColorType::Grayscale, &[0]);
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&crc.to_be_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn pixel(image: &Image, x: u32, y: u32) -> [u8; 4] {
    let index = ((y * image.width + x) * 4) as usize;
    image.data[index..index + 4].try_into().unwrap()
}

/// Widths of the soft transitions that a row of values crosses: a sharp edge takes one or two pixels.
fn transitions(row: &[u8]) -> Vec<usize> {
    let soft = |value: &u8| (12..=243).contains(value);
    row.split(|value| !soft(value)).map(<[u8]>::len).filter(|length| *length > 0).collect()
}

#[test]
fn the_built_in_logo_is_sharp_at_every_size() {
    let logo = Logo::builtin();
    for shorter in [240, 480, 800, 1600, 4320] {
        let image = painted(&logo, shorter);
        assert_eq!(image.width, (f64::from(shorter) * 0.3).round() as u32);
        let row =
            |y: u32, channel: usize| -> Vec<u8> { (0..image.width).map(|x| pixel(&image, x, y)[channel]).collect() };
        // Red: nothing of it in the glass, all of it in the letter.
        let (outline, letter) = (row(image.height / 9, 3), row(image.height / 2, 2));
        let middle = &letter[image.width as usize / 4..image.width as usize * 2 / 5];
        assert!(middle.contains(&255), "{shorter}: no bar of the letter");
        for soft in transitions(&outline) {
            assert!(soft <= 3, "{shorter}: an edge is {soft} pixels wide");
        }
        let edge: Vec<u8> = middle.iter().map(|red| if *red < 40 { 0 } else { *red }).collect();
        for soft in transitions(&edge) {
            assert!(soft <= 1, "{shorter}: the letter's edge is {soft} pixels wide");
        }
    }
}

#[test]
fn twice_the_size_is_painted_anew_and_not_enlarged() {
    let logo = Logo::builtin();
    let (small, large) = (painted(&logo, 400), painted(&logo, 800));
    let soft = |image: &Image| image.data.chunks_exact(4).filter(|p| (1..255).contains(&p[3])).count();
    // Edges are lines: twice the size has about twice as many edge pixels; an enlarged picture has four times as many.
    assert!(soft(&large) < soft(&small) * 5 / 2, "{} and {}", soft(&small), soft(&large));
}

#[test]
fn the_built_in_logo_is_seen_on_black_and_on_white() {
    let image = painted(&Logo::builtin(), 800);
    assert_eq!(pixel(&image, 0, 0)[3], 0, "the corners are transparent");
    let [b, g, r, a] = pixel(&image, image.width / 2, image.height / 50);
    assert!(a == 255 && g > 100 && b > 150 && r < 120, "the frame is coloured: {:?}", [r, g, b, a]);
    assert_eq!(pixel(&image, image.width / 3, image.height / 2), [255; 4], "the letter is white");
}

#[test]
fn every_colour_type_of_png_is_read() {
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    for (color, data, expected) in [
        (Grayscale, vec![100; 16], [100, 100, 100, 255]),
        (GrayscaleAlpha, [200, 128].repeat(16), [100, 100, 100, 128]),
        (Rgb, [255, 10, 20].repeat(16), [20, 10, 255, 255]),
        (Rgba, [255, 0, 0, 128].repeat(16), [0, 0, 128, 128]),
        (Indexed, vec![1; 16], [0, 255, 0, 255]),
    ] {
        let logo = Logo::from_bytes(&png(4, 4, color, &data)).unwrap();
        let image = painted(&logo, 480);
        assert_eq!((image.width, image.height), (144, 144));
        assert_eq!(pixel(&image, 70, 70), expected, "{color:?}");
    }
}

#[test]
fn a_wide_logo_keeps_its_shape() {
    let logo = Logo::from_bytes(&png(40, 10, png::ColorType::Grayscale, &[255; 400])).unwrap();
    let image = painted(&logo, 800);
    assert_eq!((image.width, image.height), (480, 120));
}

#[test]
fn a_large_photo_is_read_and_kept_small() {
    let logo = Logo::from_bytes(&png(8192, 128, png::ColorType::Grayscale, &[77; 8192 * 128])).unwrap();
    assert_eq!(format!("{logo:?}"), "Logo(png 2048 × 32)");
}

#[test]
fn what_is_no_logo_is_one_sentence() {
    let too_large = vec![b' '; (4 << 20) + 1];
    let cases: [(&[u8], &str); 10] = [
        (b"", "empty"),
        (&too_large, "4194305 bytes"),
        (b"GIF89a", "neither SVG nor PNG"),
        (&[0x1f, 0x8b, 8, 0], "gunzip"),
        (b"<svg", "not a valid SVG"),
        (b"<html></html>", "not a valid SVG"),
        (b"\x89PNG\r\n\x1a\nrubbish", "not a valid PNG"),
        (&png_header(0, 5), "not a valid PNG"),
        (&png_header(8193, 1), "8193 × 1 pixels"),
        (&png_header(8192, 8192), "8192 × 8192 pixels"),
    ];
    for (bytes, expected) in cases {
        let error = Logo::from_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\n') && !error.ends_with('.') && error.len() < 300, "{error}");
    }
    let zero = r#"<svg xmlns="http://www.w3.org/2000/svg" width="0" height="10"><path d="M0 0h1v1z"/></svg>"#;
    assert!(matches!(Logo::from_bytes(zero.as_bytes()), Err(LogoError::Svg(_))));
}

#[test]
fn an_svg_that_shows_nothing_says_why() {
    for body in ["", "<text>kiosk</text>", r#"<image href="/etc/hostname" width="9" height="9"/>"#] {
        assert_eq!(svg(body).unwrap_err(), LogoError::Blank, "{body}");
    }
}

#[test]
fn deep_and_wide_nests_do_no_harm() {
    let deep = format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000));
    assert!(svg(&deep).is_err());
    let bomb: String = (1..30)
        .map(|level| format!(r##"<g id="a{level}"><use href="#a{0}"/><use href="#a{0}"/></g>"##, level - 1))
        .collect();
    assert!(svg(&format!(r#"<path id="a0" d="M0 0h1v1z"/>{bomb}"#)).is_err());
}

proptest! {
    #[test]
    fn damaged_files_never_panic(at in any::<prop::sample::Index>(), with in any::<Vec<u8>>(), png_file in any::<bool>()) {
        let mut file = if png_file {
            png(4, 4, png::ColorType::Rgba, &[128; 64])
        } else {
            include_bytes!("../../assets/logo/logo.svg").to_vec()
        };
        let at = at.index(file.len());
        let end = (at + with.len()).min(file.len());
        file.splice(at..end, with);
        if let Ok(logo) = Logo::from_bytes(&file) {
            painted(&logo, 240);
        }
    }

    #[test]
    fn shapes_of_any_numbers_never_panic(numbers in proptest::collection::vec(any::<f32>(), 12)) {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = numbers[..] else { unreachable!() };
        let file = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{a} {b} {c} {d}">
            <path d="M{e} {f}C{g} {h} {i} {j} {k} {l}z" stroke="red" stroke-width="{e}" transform="scale({f} {g})"/>
            <rect x="{h}" y="{i}" width="{j}" height="{k}" rx="{l}"/></svg>"#
        );
        if let Ok(logo) = Logo::from_bytes(file.as_bytes()) {
            let style = Style { logo, ..Style::default() };
            compose(&View::Splash { message: None, progress: Progress::None }, &style, 320, 240, 1.0);
        }
    }
}
