//! System screens on the smallest to the largest panels, in every rotation, in different scripts: the text is complete,
//! and a rotated panel shows the same picture, rotated.

use std::{fs::File, path::Path};

use kioskd::{
    backend::capture::Capture,
    command::{Call, Command, Reply},
    pairing::PairingRequest,
};

use crate::{
    fixture::{Fixture, Setup},
    system_screens::codes,
};

/// Width and height of panels.
const DISPLAYS: [(u32, u32); 4] = [(320, 240), (480, 320), (1280, 800), (3840, 2160)];
/// Darker than any text, and not grey.
const BACKGROUND: [u8; 3] = [10, 20, 60];
const URL: &str = "https://setup.example.org/pair?device=4711";
/// Least height of a line with its ascenders, pixels: smaller ones cannot be read.
const LEAST_LINE: u32 = 7;

/// A message in German, Chinese, Arabic and emoji, one line each.
fn message() -> Command {
    Command::ShowMessage {
        title: "Für Hilfe bitte läuten".into(),
        text: "请按铃寻求帮助\nيرجى قرع الجرس للمساعدة\n🔔 👩\u{200d}🔧 😀".into(),
    }
}

fn pairing() -> Command {
    Command::ShowPairing(PairingRequest {
        title: "Gerät einrichten".into(),
        url: Some(URL.into()),
        code: "ABC-123".into(),
        ..PairingRequest::default()
    })
}

/// A kiosk on a panel of this size that shows the screen, and whether its text is complete.
fn shows(width: u32, height: u32, screen: &Command) -> (Fixture, bool) {
    let mut setup = Setup::kiosk(&[&format!("{width}x{height}")]);
    setup.config.splash.background = BACKGROUND;
    let mut fixture = setup.start();
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    fixture.kiosk.answer(Call { request: screen.clone(), reply });
    let mut answered = None;
    fixture.until("the answer", |_| {
        answered = answer.try_recv().ok();
        answered.is_some()
    });
    fixture.still();
    let whole = !matches!(answered.unwrap().unwrap(), Reply::Shown { cut_to: Some(_) });
    (fixture, whole)
}

/// The picture on a panel that is rotated clockwise.
fn rotated(upright: &Capture, degrees: u32) -> Capture {
    let (w, h) = (upright.width as usize, upright.height as usize);
    let (width, height) = if degrees.is_multiple_of(180) { (w, h) } else { (h, w) };
    let mut rgba = Vec::with_capacity(upright.rgba.len());
    for y in 0..height {
        for x in 0..width {
            let (x, y) = match degrees {
                90 => (y, h - 1 - x),
                180 => (w - 1 - x, h - 1 - y),
                270 => (w - 1 - y, x),
                _ => (x, y),
            };
            let at = (y * w + x) * 4;
            rgba.extend_from_slice(&upright.rgba[at..at + 4]);
        }
    }
    Capture { width: width as u32, height: height as u32, rgba }
}

/// Heights of the bands of rows that have ink, from above.
fn bands(picture: &Capture) -> Vec<u32> {
    let background = [BACKGROUND[0], BACKGROUND[1], BACKGROUND[2], 255];
    let row = picture.width as usize * 4;
    let inked = picture.rgba.chunks_exact(row).map(|row| row.chunks_exact(4).any(|pixel| pixel != background));
    let (mut bands, mut height) = (Vec::new(), 0);
    for ink in inked.chain([false]) {
        if ink {
            height += 1;
        } else if height > 0 {
            bands.push(std::mem::take(&mut height));
        }
    }
    bands
}

/// Pixels whose colour is not between background and text.
fn coloured(picture: &Capture) -> usize {
    let yellow = |pixel: &[u8]| pixel[0] > 180 && pixel[1] > 120 && pixel[2] < 120;
    picture.rgba.chunks_exact(4).filter(|pixel| yellow(pixel)).count()
}

/// Saves the picture in `tests/out/screens` for visual checks.
fn leave(picture: &Capture, name: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("out/screens");
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join(format!("{name}-{}x{}.png", picture.width, picture.height));
    let mut png = File::from(picture.to_png().unwrap());
    std::io::copy(&mut png, &mut File::create(file).unwrap()).unwrap();
}

/// Checks the screen on a panel of this size and on one in portrait format, upright; then the same panel in each
/// rotation.
fn at_each_rotation(
    name: &str,
    (width, height): (u32, u32),
    screen: &Command,
    look: impl Fn(&mut Fixture, bool, &str),
) {
    let (mut lying, whole) = shows(width, height, screen);
    look(&mut lying, whole, &format!("{width}x{height}"));
    leave(&lying.panel(), name);
    let (mut standing, whole) = shows(height, width, screen);
    look(&mut standing, whole, &format!("{height}x{width}"));
    leave(&standing.panel(), name);
    let pictures = [lying.panel(), standing.panel()];
    for degrees in [90, 180, 270] {
        lying.rotate(degrees);
        lying.still();
        let upright = &pictures[(degrees / 90 % 2) as usize];
        // No assert_eq: it would print the pictures.
        assert!(lying.panel() == rotated(upright, degrees), "{width}x{height} rotated by {degrees}");
    }
}

#[test]
fn a_message_in_four_scripts_is_whole_on_every_display_at_every_rotation() {
    for display in DISPLAYS {
        at_each_rotation("message", display, &message(), |fixture, whole, display| {
            assert!(whole, "{display}: the message is cut");
            let picture = fixture.panel();
            // At some sizes Arabic dots are separate bands, but there are never fewer lines.
            let lines = bands(&picture);
            assert!(lines.iter().filter(|height| **height >= LEAST_LINE).count() >= 4, "{display}: lines of {lines:?}");
            assert!(coloured(&picture) > 40, "{display}: the emoji have no colours");
        });
    }
}

#[test]
fn a_pairing_is_read_by_a_camera_on_every_display_at_every_rotation() {
    for display in DISPLAYS {
        at_each_rotation("pairing", display, &pairing(), |fixture, _, display| {
            assert_eq!(codes(fixture), [URL], "{display}");
        });
    }
}
