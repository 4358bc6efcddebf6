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
        (b"GIF89a", "neither SVG nor PNG nor JPEG"),
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
fn deep_and_wide_nesting_in_an_svg_is_bounded() {
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

/// A grey JPEG of 8 × 8 pixels: one block, with nothing but its mean.
fn jpeg() -> Vec<u8> {
    let one_code = [&[1][..], &[0; 15], &[0]].concat();
    [
        &[0xff, 0xd8, 0xff, 0xdb, 0, 0x43, 0][..],
        &[1; 64],
        &[0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0],
        &[0xff, 0xc4, 0, 20, 0x00],
        &one_code,
        &[0xff, 0xc4, 0, 20, 0x10],
        &one_code,
        &[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x3f, 0xff, 0xd9],
    ]
    .concat()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let digit = |at: usize| DIGITS[(bits >> (18 - 6 * at)) as usize & 63] as char;
        (0..4).map(|at| if at <= three.len() { digit(at) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[test]
fn a_jpeg_is_read_and_a_broken_one_is_one_sentence() {
    let image = painted(&Logo::from_bytes(&jpeg()).unwrap(), 480);
    let [b, g, r, a] = pixel(&image, 70, 70);
    assert!(a == 255 && [b, g, r].iter().all(|channel| channel.abs_diff(128) <= 2), "{:?}", [b, g, r, a]);
    let mut huge = jpeg();
    let at = huge.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap() + 5;
    huge[at..at + 4].copy_from_slice(&[0x4e, 0x20, 0x4e, 0x20]);
    for bytes in [&jpeg()[..20], &huge, &[0xff, 0xd8, 0xff, 0xe0, 0, 0]] {
        let error = Logo::from_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains("JPEG") || error.contains("20000 × 20000 pixels"), "{error}");
        assert!(!error.contains('\n') && error.len() < 300, "{error}");
    }
}

#[test]
fn an_animated_png_is_refused() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 2, 2);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[0; 4]).unwrap();
    writer.write_image_data(&[255; 4]).unwrap();
    writer.finish().unwrap();
    assert_eq!(Logo::from_bytes(&file).unwrap_err(), LogoError::Animated);
}

#[test]
fn an_svg_has_its_texts_gradients_and_embedded_images() {
    let whole = |body: &str| {
        let file = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10">{body}</svg>"#);
        Logo::with_installed_fonts(file.as_bytes())
    };
    let inked = |logo: &Logo| painted(logo, 800).data.chunks_exact(4).filter(|pixel| pixel[3] > 100).count();
    let text = whole(r#"<text x="1" y="8" font-family="DejaVu Sans" font-size="8" fill="red">Kiosk</text>"#).unwrap();
    assert!(inked(&text) > 300, "{} pixels of text", inked(&text));
    let chinese = whole(r#"<text x="1" y="8" font-size="8">你好</text>"#).unwrap();
    assert!(inked(&chinese) > 300, "{} pixels of text", inked(&chinese));
    let gradient = whole(
        r##"<linearGradient id="g"><stop stop-color="#f00"/><stop offset="1" stop-color="#00f"/></linearGradient>
        <rect width="40" height="10" fill="url(#g)"/>"##,
    );
    let image = painted(&gradient.unwrap(), 800);
    let (left, right) = (pixel(&image, 5, 5), pixel(&image, image.width - 5, 5));
    assert!(left[2] > 200 && left[0] < 60 && right[0] > 200 && right[2] < 60, "{left:?} {right:?}");
    for (kind, file) in [("png", png(2, 2, png::ColorType::Grayscale, &[255; 4])), ("jpeg", jpeg())] {
        let image = format!(r#"<image width="10" height="10" href="data:image/{kind};base64,{}"/>"#, base64(&file));
        assert!(inked(&whole(&image).unwrap()) > 1_000, "{kind}");
    }
}

#[test]
fn an_embedded_image_that_would_fill_the_memory_is_left_out() {
    for file in [png_header(20_000, 20_000), png_header(8_193, 1)] {
        let image = format!(r#"<image width="10" height="10" href="data:image/png;base64,{}"/>"#, base64(&file));
        assert_eq!(svg(&image).unwrap_err(), LogoError::Blank);
    }
    for other in ["file:///etc/hostname", "data:image/svg+xml;base64,PHN2Zy8+", "http://localhost/x.png"] {
        assert_eq!(svg(&format!(r#"<image width="9" height="9" href="{other}"/>"#)).unwrap_err(), LogoError::Blank);
    }
}
