//! A logo: it is painted within the screen and premultiplied, or refused in a sentence.

use kiosk_splash::{Logo, Progress, Style, View, compose};

use super::bytes;
use crate::{Target, messages::assert_valid_message, targets::screen::assert_within};

/// See the module.
pub const TARGET: Target = Target {
    name: "logo",
    run,
    seeds,
    words: &[
        "<svg xmlns=\"http://www.w3.org/2000/svg\"",
        "<use href=\"#",
        "viewBox=\"",
        "1e38",
        "NaN",
        "transform=\"",
        "<filter",
        "<mask",
        "<pattern",
        "stroke-dasharray=\"",
        "IDAT",
        "PLTE",
        "tRNS",
        "acTL",
    ],
    longest: 4096,
};

fn png(color: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 4, 4);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette(vec![255, 0, 0, 0, 255, 0]);
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    file
}

fn seeds() -> Vec<Vec<u8>> {
    let svg = |body: &str| format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{body}</svg>"#);
    let mut seeds = bytes(&[
        include_str!("../../../../assets/logo/logo.svg"),
        &svg(r##"<defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient></defs>
            <path d="M0 0h9v9z" fill="url(#g)" stroke="#fff" stroke-width="2" stroke-dasharray="1 2"/>"##),
        &svg(r##"<clipPath id="c"><circle r="4"/></clipPath><g clip-path="url(#c)" opacity=".5"><rect width="9"
            height="3" rx="1" transform="rotate(30) scale(2)"/></g>"##),
        &svg(
            r##"<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><use href="#p"/><path id="p" d="M1 1q2 3 4 5"
            filter="url(#f)"/>"##,
        ),
    ]);
    seeds.push(png(png::ColorType::Rgba, png::BitDepth::Eight, &[128; 64]));
    seeds.push(png(png::ColorType::Indexed, png::BitDepth::Eight, &[1; 16]));
    seeds.push(png(png::ColorType::Rgb, png::BitDepth::Sixteen, &[9; 96]));
    seeds
}

fn run(input: &[u8]) {
    match Logo::from_bytes(input) {
        Err(why) => assert_valid_message(&why.to_string()),
        Ok(logo) => {
            let style = Style { logo, ..Style::default() };
            for (width, height) in [(320, 200), (90, 160)] {
                let view = View::Splash { message: None, progress: Progress::None };
                assert_within(&compose(&view, &style, width, height, 1.0), width, height);
            }
        }
    }
}
