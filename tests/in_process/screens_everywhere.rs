//! System screens on the smallest to the largest panels, in every rotation, in different scripts: the text is complete,
//! and a rotated panel shows the same picture, rotated.

use std::{fs::File, path::Path};

use kiosk_core::api::{Report, State};
use kioskd::{
    backend::capture::Capture,
    command::{Call, Command, Reply},
    pairing::PairingRequest,
};

use crate::{
    fixture::{Fixture, Setup, session::Session},
    system_screens::codes,
};

/// Width and height of panels.
const DISPLAYS: [(u32, u32); 4] = [(320, 240), (480, 320), (1280, 800), (3840, 2160)];
/// Darker than any text, and not grey.
const BACKGROUND: [u8; 3] = [10, 20, 60];
/// Shorter side of the smallest panel that has room for a code that can be read, beside or below the reasons.
const LEAST_FOR_A_CODE: u32 = 320;
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

/// What kiosk-session says in four scripts while there is no page, and why there is none.
fn no_page(overdue: bool) -> Report {
    let message = "Tür läutet 请按铃 يرجى قرع الجرس 🔔".to_owned();
    Report { state: State::Backoff, message, overdue, tried: 3, reason: "HTTP 500".into(), ..Report::default() }
}

/// A kiosk that shows a screen.
struct Shown {
    fixture: Fixture,
    /// Its text is complete.
    whole: bool,
    /// Its screen is what this session says, and has dots that move; `None`: it was asked for by command.
    session: Option<Session>,
}

fn kiosk(width: u32, height: u32) -> Fixture {
    let mut setup = Setup::kiosk(&[&format!("{width}x{height}")]);
    setup.config.splash.background = BACKGROUND;
    setup.start()
}

/// A kiosk on a panel of this size that was asked for the screen.
fn shows(width: u32, height: u32, screen: &Command) -> Shown {
    let mut fixture = kiosk(width, height);
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    fixture.kiosk.answer(Call { request: screen.clone(), reply });
    let mut answered = None;
    fixture.until("the answer", |_| {
        answered = answer.try_recv().ok();
        answered.is_some()
    });
    fixture.still();
    let whole = !matches!(answered.unwrap().unwrap(), Reply::Shown { cut_to: Some(_) });
    Shown { fixture, whole, session: None }
}

/// A kiosk on a panel of this size whose session reports this.
fn reports(width: u32, height: u32, report: &Report) -> Shown {
    let mut fixture = kiosk(width, height);
    let mut session = fixture.session();
    session.send(report);
    fixture.until("the bell in its colours", |fixture| coloured(&fixture.panel()) > 40);
    fixture.still();
    Shown { fixture, whole: true, session: Some(session) }
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
/// rotation, which shows the same but for dots that move.
fn at_each_rotation(
    name: &str,
    (width, height): (u32, u32),
    show: impl Fn(u32, u32) -> Shown,
    look: impl Fn(&mut Shown, &str),
) {
    let mut lying = show(width, height);
    look(&mut lying, &format!("{width}x{height}"));
    leave(&lying.fixture.panel(), name);
    let mut standing = show(height, width);
    look(&mut standing, &format!("{height}x{width}"));
    leave(&standing.fixture.panel(), name);
    let moves = lying.session.is_some();
    let pictures = [lying.fixture.panel(), standing.fixture.panel()];
    for degrees in [90, 180, 270] {
        lying.fixture.rotate(degrees);
        lying.fixture.still();
        let wanted = rotated(&pictures[(degrees / 90 % 2) as usize], degrees);
        let apart = apart(&lying.fixture.panel(), &wanted);
        let of_dots = |(across, down): (u32, u32)| moves && across.max(down) * 5 < width.min(height);
        assert!(apart.is_none_or(of_dots), "{width}x{height} rotated by {degrees}: {apart:?} pixels differ");
    }
}

/// The size of the rectangle in which two pictures differ; `None`: they are the same.
fn apart(a: &Capture, b: &Capture) -> Option<(u32, u32)> {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let pixels = a.rgba.chunks_exact(4).zip(b.rgba.chunks_exact(4)).enumerate();
    let other = pixels.filter(|(_, (a, b))| a != b).map(|(at, _)| (at as u32 % a.width, at as u32 / a.width));
    let bounds = other.fold(None, |bounds, (x, y)| {
        let (left, right, top, bottom) = bounds.unwrap_or((x, x, y, y));
        Some((left.min(x), right.max(x), top.min(y), bottom.max(y)))
    });
    bounds.map(|(left, right, top, bottom)| (right - left + 1, bottom - top + 1))
}

fn readable_lines(picture: &Capture) -> usize {
    // At some sizes Arabic dots are separate bands, but there are never fewer lines.
    bands(picture).iter().filter(|height| **height >= LEAST_LINE).count()
}

#[test]
fn a_message_in_four_scripts_is_whole_on_every_display_at_every_rotation() {
    for display in DISPLAYS {
        let show = |width: u32, height: u32| shows(width, height, &message());
        at_each_rotation("message", display, show, |shown, display| {
            assert!(shown.whole, "{display}: the message is cut");
            let picture = shown.fixture.panel();
            assert!(readable_lines(&picture) >= 4, "{display}: lines of {:?}", bands(&picture));
            assert!(coloured(&picture) > 40, "{display}: the emoji have no colours");
        });
    }
}

#[test]
fn a_pairing_is_read_by_a_camera_on_every_display_at_every_rotation() {
    for display in DISPLAYS {
        let show = |width: u32, height: u32| shows(width, height, &pairing());
        at_each_rotation("pairing", display, show, |shown, display| {
            assert_eq!(codes(&mut shown.fixture), [URL], "{display}");
        });
    }
}

#[test]
fn why_there_is_no_page_is_read_on_every_display_at_every_rotation() {
    for display in DISPLAYS {
        let show = |width: u32, height: u32| reports(width, height, &no_page(true));
        at_each_rotation("diagnostics", display, show, |shown, display| {
            let picture = shown.fixture.panel();
            assert!(readable_lines(&picture) >= 2, "{display}: lines of {:?}", bands(&picture));
            let codes = codes(&mut shown.fixture);
            let read = codes.len() == 1 && codes[0].contains("Tür läutet 请按铃");
            let small = picture.width.min(picture.height) < LEAST_FOR_A_CODE && codes.is_empty();
            assert!(read || small, "{display}: {codes:?}");
        });
    }
}

/// Since when and what was tried comes below after some seconds, so pictures are not the same from one to the next.
#[test]
fn what_is_waited_for_is_below_the_logo_on_every_display_at_every_rotation() {
    let check = |picture: &Capture, display: &str| {
        let lines = bands(picture);
        // The logo, the dots, and the message.
        assert!(lines.len() >= 3, "{display}: {lines:?}");
        assert!(lines[0] * 6 > picture.width.min(picture.height), "{display}: a logo of {} pixels", lines[0]);
        assert!(coloured(picture) > 40, "{display}: the end of the message is cut");
    };
    for (width, height) in DISPLAYS {
        let mut standing = reports(height, width, &no_page(false));
        check(&standing.fixture.panel(), &format!("{height}x{width}"));
        leave(&standing.fixture.panel(), "waiting");
        let mut lying = reports(width, height, &no_page(false));
        for degrees in [0, 90, 180, 270] {
            lying.fixture.rotate(degrees);
            lying.fixture.still();
            let upright = rotated(&lying.fixture.panel(), (360 - degrees) % 360);
            check(&upright, &format!("{width}x{height} rotated by {degrees}"));
        }
        leave(&lying.fixture.panel(), "waiting-270");
    }
}
