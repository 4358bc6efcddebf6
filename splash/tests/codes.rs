//! QR codes are read back from the pictures of whole screens, as a camera would.

// A helper that fails is a test that fails.
#![allow(clippy::unwrap_used)]

use kiosk_splash::{Image, Pairing, Scene, Style, View, compose, wifi_code};

/// Width, height and scale of what kiosks have, upright and lying.
const SCREENS: [(u32, u32, f64); 8] = [
    (320, 240, 1.0),
    (240, 320, 1.0),
    (480, 320, 1.0),
    (320, 480, 1.0),
    (1280, 800, 1.0),
    (800, 1280, 1.0),
    (3840, 2160, 2.0),
    (2160, 3840, 1.0),
];

fn pairing(codes: &[&str]) -> View {
    View::Pairing(Pairing {
        title: "Set up this device".into(),
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        address: codes.last().copied().unwrap_or_default().to_owned(),
        code: "ABC-123".into(),
        note: "or http://kiosk-4711.local/\nValid for 9 min".into(),
    })
}

/// Brightness of each pixel of the whole screen.
fn flat(scene: &Scene, width: u32, height: u32) -> Vec<u8> {
    let [r, g, b] = scene.background.map(u32::from);
    let mut luma = vec![((r + g + b) / 3) as u8; (width * height) as usize];
    for piece in &scene.pieces {
        let Image { width: own, data, .. } = &piece.image;
        for (at, pixel) in data.chunks_exact(4).enumerate() {
            let (x, y) = (piece.x as u32 + at as u32 % own, piece.y as u32 + at as u32 / own);
            let below = &mut luma[(y * width + x) as usize];
            let above = pixel[..3].iter().map(|channel| u32::from(*channel)).sum::<u32>() / 3;
            *below = (above + u32::from(*below) * u32::from(255 - pixel[3]) / 255) as u8;
        }
    }
    luma
}

/// What all codes on the screen say, sorted.
fn read(scene: &Scene, width: u32, height: u32) -> Vec<String> {
    let luma = flat(scene, width, height);
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width as usize, height as usize, |x, y| {
        luma[y * width as usize + x]
    });
    let mut said: Vec<String> = picture.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect();
    said.sort();
    said
}

#[test]
fn the_code_of_the_pairing_screen_is_read_on_every_screen_in_every_colour() {
    let url = "https://setup.example.org/pair?device=4711&code=ABC-123";
    for (width, height, scale) in SCREENS {
        for background in [[0, 0, 0], [255, 255, 255], [30, 60, 120]] {
            let style = Style { background, ..Style::default() };
            let scene = compose(&pairing(&[url]), &style, width, height, scale);
            assert_eq!(read(&scene, width, height), [url], "{width}x{height} on {background:?}");
            assert!(scene.pieces.len() == 5, "{width}x{height}: {} pieces", scene.pieces.len());
        }
    }
}

#[test]
fn two_codes_are_read_apart_and_a_wifi_code_is_what_was_meant() {
    let (wifi, url) = (wifi_code("Café; \"5\"", r"a\b:c,d", false), "http://192.168.178.24/");
    for (width, height, scale) in SCREENS {
        let scene = compose(&pairing(&[&wifi, url]), &Style::default(), width, height, scale);
        assert_eq!(
            read(&scene, width, height),
            [r#"WIFI:T:WPA;S:Café\; \"5\";P:a\\b\:c\,d;;"#, url],
            "{width}x{height}"
        );
    }
}

#[test]
fn a_long_address_is_read_where_there_is_room_and_typed_where_there_is_not() {
    let url = format!("https://setup.example.org/{}", "x".repeat(470));
    let scene = compose(&pairing(&[&url]), &Style::default(), 1280, 800, 1.0);
    assert_eq!(read(&scene, 1280, 800), std::slice::from_ref(&url));
    let scene = compose(&pairing(&[&url]), &Style::default(), 320, 240, 1.0);
    assert_eq!(read(&scene, 320, 240), [""; 0], "no code that nobody can read");
    assert!(scene.pieces.len() >= 2);
}
