//! On-screen keyboards of other projects in their unit (kiosk-keyboard.service, `[keyboard] use = "external"`): the
//! keyboard comes with the page's field, and a key that is touched on it arrives in the page.

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::Picture;
use serde_json::Value;

use super::input::REACTION;
use super::kiosk::Kiosk;
use super::looks::{PAGE, is_page};
use super::screens::RELAYOUT;

const FILE: &str = "60-keyboard";
/// Another keyboard than squeekboard, as an administrator names it.
const WVKBD: &str = "[Service]\nExecStart=\nExecStart=/usr/bin/wvkbd-mobintl -L 300\n";
const DROP_IN: &str = "/etc/systemd/system/kiosk-keyboard.service.d";

pub fn squeekboard_in_its_unit_types_into_the_page(kiosk: &Kiosk) -> Result<()> {
    with_keyboard(kiosk, "squeekboard", "")
}

pub fn wvkbd_in_the_same_unit_types_into_the_page(kiosk: &Kiosk) -> Result<()> {
    with_keyboard(kiosk, "wvkbd-mobintl", WVKBD)
}

fn with_keyboard(kiosk: &Kiosk, program: &str, drop_in: &str) -> Result<()> {
    kiosk.configure(FILE, "[keyboard]\nuse = \"external\"\n")?;
    if !drop_in.is_empty() {
        kiosk.sh(&format!(
            "mkdir -p {DROP_IN} && printf '{drop_in}' >{DROP_IN}/other.conf && systemctl daemon-reload"
        ))?;
    }
    let typed = types(kiosk, program, !drop_in.is_empty()).map_err(|error| kiosk.explained(program, error));
    kiosk.deconfigure(FILE)?;
    kiosk.sh(&format!(
        "systemctl stop kiosk-keyboard; rm -rf {DROP_IN}; systemctl daemon-reload; systemctl restart kiosk kiosk-session"
    ))?;
    kiosk.machine.wait_for_screen("the page without a keyboard", RELAYOUT * 5, is_page)?;
    typed
}

/// `always`: the keyboard is there without a field, too.
fn types(kiosk: &Kiosk, program: &str, always: bool) -> Result<()> {
    let mark = kiosk.mark()?;
    kiosk.sh("systemctl restart kiosk kiosk-session")?;
    let mut place =
        kiosk.wait_for_report(mark, "where its field is", RELAYOUT * 10, |event| event["field"].is_array())?;
    kiosk.page()?;
    let mark = kiosk.mark()?;
    kiosk.sh("systemctl start kiosk-keyboard && systemctl is-active kiosk-keyboard")?;
    let user = kiosk.sh(&format!("ps -o user:20= -C {program}"))?;
    ensure!(user.trim() == "kiosk-keyboard", "{program} runs as {user}");
    if always {
        let moved = |event: &Value| event["event"] == "resize" && event["field"] != place["field"];
        place = kiosk.wait_for_report(mark, "its field above the keyboard", RELAYOUT * 3, moved)?;
    }

    let mark = kiosk.mark()?;
    let number = |index: usize| place["field"][index].as_f64().context("four numbers");
    kiosk.machine.tap(number(0)? + number(2)? / 2.0, number(1)? + number(3)? / 2.0)?;
    kiosk.wait_for_event(mark, "focus", REACTION)?;
    let screen = kiosk.machine.wait_for_screen("the keyboard", RELAYOUT * 3, |picture| top(picture).is_some())?;
    let top = top(&screen).context("no keyboard")?;
    kiosk.machine.save(&screen, &format!("keyboard-{program}"))?;

    // The middle of the first row of letters, wherever a layout has its keys: some letter arrives.
    let mark = kiosk.mark()?;
    #[allow(clippy::cast_precision_loss)] // screens are small
    let (x, y) = (screen.width as f64 * 0.45, top as f64 + (screen.height - top) as f64 * 0.375);
    kiosk.machine.tap(x, y)?;
    let letter = |event: &Value| {
        event["event"] == "input" && event["text"].as_str().is_some_and(|text| text.chars().any(char::is_alphabetic))
    };
    kiosk.wait_for_report(mark, "a letter", REACTION, letter)?;
    let screen = kiosk.machine.screen()?;
    kiosk.machine.save(&screen, &format!("keyboard-{program}-typed")).map(drop)
}

/// The keyboard's top edge: below it the picture's left edge is not the page's.
fn top(picture: &Picture) -> Option<usize> {
    let is_page = |y: usize| kiosk_tests::vm::near(picture.pixel(0, y), PAGE, 6);
    let rows = (0..picture.height).rev().take_while(|y| !is_page(*y)).count();
    (rows * 10 > picture.height && rows < picture.height).then(|| picture.height - rows)
}
