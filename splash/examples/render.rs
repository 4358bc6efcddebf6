//! Paints one of the splash's screens into a PNG, to be looked at: `render FILE WIDTHxHEIGHT[@SCALE] [OPTION]...`
//! with `--message TEXT`, `--progress none|dots|0.0..1.0`, `--title TEXT` (then `--message` is its text),
//! `--line TEXT` (repeatable: diagnostics), `--pairing URL` (repeatable) and `--code CODE` (a pairing screen),
//! `--row NAME` (repeatable: a list to choose from; `*NAME` is marked), `--background #rrggbb`, `--logo FILE`, `--at MILLISECONDS` and `--time` (prints how long painting takes).

use std::{
    fs::File,
    time::{Duration, Instant},
};

use kiosk_splash::{Choice, Fonts, Logo, Progress, Row, Scene, Style, Target, View, compose, parse_color};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(size)) = (arguments.next(), arguments.next()) else {
        return Err("usage: render FILE WIDTHxHEIGHT[@SCALE] [OPTION VALUE]...".into());
    };
    let (size, scale) = size.split_once('@').unwrap_or((&size, "1"));
    let (width, height) = size.split_once('x').ok_or("the size must be WIDTHxHEIGHT")?;
    let (width, height, scale): (u32, u32, f64) = (width.parse()?, height.parse()?, scale.parse()?);

    let start = Instant::now();
    let mut style = Style::default();
    let parsing = start.elapsed();
    let (mut message, mut title, mut at) = (None, None, Duration::ZERO);
    let (mut pairing, mut code, mut lines) = (Vec::new(), None, Vec::new());
    let mut rows = Vec::new();
    let (mut progress, mut time) = (Progress::Indeterminate, false);
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{option} needs a value"));
        match option.as_str() {
            "--message" => message = Some(value()?),
            "--pairing" => pairing.push(value()?),
            "--row" => rows.push(value()?),
            "--line" => lines.push(value()?),
            "--code" => code = Some(value()?),
            "--title" => title = Some(value()?),
            "--background" => style.background = parse_color(&value()?)?,
            "--logo" => style.logo = Logo::from_bytes(&std::fs::read(value()?)?)?,
            "--at" => at = Duration::from_millis(value()?.parse()?),
            "--time" => time = true,
            "--progress" => {
                progress = match value()?.as_str() {
                    "none" => Progress::None,
                    "dots" => Progress::Indeterminate,
                    number => Progress::Fraction(number.parse()?),
                }
            }
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let view = match title {
        Some(title) if !lines.is_empty() => View::Diagnostics(kiosk_splash::Report {
            title,
            code: lines.join("\n").chars().take(200).collect(),
            lines,
            facts: message.unwrap_or_default(),
            page: 0,
        }),
        Some(title) if !rows.is_empty() => View::Choice(Choice {
            title,
            rows: rows
                .iter()
                .map(|row| Row {
                    name: row.trim_start_matches('*').into(),
                    detail: "2.4 MB".into(),
                    marked: row.starts_with('*'),
                })
                .collect(),
            nothing: String::new(),
            page: message.unwrap_or_default(),
            turns: [false, true],
            cancel: "Cancel".into(),
            take: if rows.iter().any(|row| row.starts_with('*')) { "Take 1".into() } else { String::new() },
            focus: Some(Target::Row(1)),
        }),
        Some(title) if !pairing.is_empty() => View::Pairing(kiosk_splash::Pairing {
            title,
            address: pairing.join("\n"),
            codes: pairing,
            code: code.unwrap_or_default(),
            note: message.unwrap_or_default(),
        }),
        Some(title) => View::Message { title, text: message.unwrap_or_default() },
        None => View::Splash { message, progress },
    };

    let start = Instant::now();
    if style.fonts.lacks(&view.text()) {
        style.fonts = Fonts::default().find(&view.text(), "en").0;
        println!("fonts found in {:?}", start.elapsed());
    }
    if time {
        println!("built-in logo parsed in {parsing:?}");
        measure(&view, &style, width, height, scale);
    }
    let scene = compose(&view, &style, width, height, scale);
    write_png(&file, width, height, &flatten(&scene, at, width, height))
}

/// Prints the times of the first calls in this process: what a start sees, with cold caches.
fn measure(view: &View, style: &Style, width: u32, height: u32, scale: f64) {
    for run in 1..=3 {
        let start = Instant::now();
        let scene = compose(view, style, width, height, scale);
        let bytes: usize = scene.pieces.iter().map(|piece| piece.image.data.len()).sum();
        println!("composed in {:?} (run {run}): {} pieces, {bytes} bytes", start.elapsed(), scene.pieces.len());
    }
}

/// Background and pieces as one picture, R, G, B.
fn flatten(scene: &Scene, at: Duration, width: u32, height: u32) -> Vec<u8> {
    let mut pixels = scene.background.repeat(width as usize * height as usize);
    let poses = scene.animation.as_ref().map(|animation| animation.at(at)).unwrap_or_default();
    for (index, piece) in scene.pieces.iter().enumerate() {
        let pose = poses.iter().find(|pose| pose.piece == index);
        let (dx, dy, alpha) = pose.map_or((0, 0, 1.0), |pose| (pose.dx, pose.dy, pose.alpha));
        let rows = piece.image.data.chunks_exact((piece.image.width * 4) as usize);
        for (y, row) in (piece.y + dy..).zip(rows) {
            for (x, source) in (piece.x + dx..).zip(row.chunks_exact(4)) {
                let index = (y as usize * width as usize + x as usize) * 3;
                let rgb = [source[2], source[1], source[0]];
                for (target, channel) in pixels[index..index + 3].iter_mut().zip(rgb) {
                    let below = f32::from(*target) * (1.0 - f32::from(source[3]) / 255.0 * alpha);
                    *target = (f32::from(channel) * alpha + below).round() as u8;
                }
            }
        }
    }
    pixels
}

fn write_png(file: &str, width: u32, height: u32, pixels: &[u8]) -> Outcome<()> {
    let mut encoder = png::Encoder::new(File::create(file)?, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(())
}
