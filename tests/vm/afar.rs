//! Remote viewing on a real display path: grim's captures, with accessibility aids, and the rights of the unit for
//! remote viewing.

use std::time::Duration;

use anyhow::{Result, ensure};
use kiosk_tests::vm::{Picture, Rgb};

use super::input::REACTION;
use super::kiosk::Kiosk;
use super::looks::{PAGE, is_page};
use super::screens::{RELAYOUT, rotation_of};

const ADMIN: &str = "export WAYLAND_DISPLAY=/run/kiosk/wayland-admin XDG_RUNTIME_DIR=/run;";
/// A GPU may round colours differently.
const ROUNDING: u8 = 8;
/// The share of pixels that may differ between a copy and the screen: the last event's line may not be drawn yet.
const SAME: f64 = 0.02;
/// Exit status of `timeout` after the time limit.
const TIMED_OUT: i32 = 124;

impl Kiosk {
    /// grim's capture of the screen.
    fn grim(&self) -> Result<Picture> {
        let output = self.machine.agent().run(&format!("{ADMIN} exec timeout 60 grim -"))?;
        ensure!(output.code == 0, "grim ended with {}: {}", output.code, output.stderr);
        Picture::from_png(&output.stdout)
    }
}

pub fn what_grim_copies_is_what_the_screen_shows(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    for degrees in [90, 0] {
        kiosk.sh(&format!("kioskctl rotate {degrees}"))?;
        let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(degrees);
        machine.wait_for_screen(&format!("the page rotated by {degrees}"), RELAYOUT, rotated)?;
        let copy = kiosk.grim()?;
        machine.save(&copy, &format!("grim-{degrees}"))?;
        ensure!(rotation_of(&copy) == Some(0), "grim's picture is not upright at {degrees}°");
        let same = |screen: &Picture| screen.difference(&copy.rotated(degrees), ROUNDING) < SAME;
        machine.wait_for_screen("what grim has copied", REACTION, same)?;
    }
    kiosk.sh("kioskctl screen off")?;
    let dark = machine.agent().run(&format!("{ADMIN} exec timeout 30 grim -"))?;
    kiosk.sh("kioskctl screen on")?;
    ensure!(dark.code != 0 && dark.code != TIMED_OUT, "grim ended with {} on a dark screen", dark.code);
    kiosk.page()?;
    ensure!(is_page(&kiosk.grim()?), "after a dark time the copy is another picture");
    Ok(())
}

fn inverted([r, g, b]: Rgb) -> Rgb {
    [255 - r, 255 - g, 255 - b]
}

pub fn aids_are_on_the_screen_and_in_what_is_copied(kiosk: &Kiosk) -> Result<()> {
    let seen = seen_aids(kiosk);
    kiosk.sh("for aid in invert contrast magnifier; do kioskctl accessibility $aid auto; done")?;
    kiosk.page()?;
    seen
}

fn seen_aids(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    let plain = machine.screen()?;
    kiosk.sh("kioskctl accessibility invert on")?;
    let dark_is_light = |picture: &Picture| picture.share_of(inverted(PAGE), ROUNDING) > 0.7;
    machine.save(&machine.wait_for_screen("inverted colours", REACTION, dark_is_light)?, "inverted")?;
    ensure!(dark_is_light(&kiosk.grim()?), "the copy has not the inverted colours");

    kiosk.sh("kioskctl accessibility invert off && kioskctl accessibility contrast on")?;
    let other = |picture: &Picture| picture.share_of(PAGE, ROUNDING) < 0.1 && !dark_is_light(picture);
    machine.save(&machine.wait_for_screen("contrast", REACTION, other)?, "contrast")?;
    ensure!(other(&kiosk.grim()?), "the copy has not the contrast");

    kiosk.sh("kioskctl accessibility contrast off && kioskctl accessibility magnifier on")?;
    // The heading's letters are twice as high under the magnifier.
    let (width, height) = machine.size();
    let mark = kiosk.mark()?;
    #[allow(clippy::cast_precision_loss)] // screens are small
    machine.tap(width as f64 / 2.0, height as f64 * 0.17)?;
    kiosk.wait_for_event(mark, "touchend", REACTION)?;
    let bright = |picture: &Picture| picture.share(|[r, g, b]| r > 200 && g > 200 && b > 200);
    let before = bright(&plain);
    let larger = |picture: &Picture| bright(picture) > before * 2.0;
    machine.save(&machine.wait_for_screen("the heading twice as large", REACTION, larger)?, "magnified")?;
    let copy = kiosk.grim()?;
    ensure!(larger(&copy), "the copy has not the magnifier");
    Ok(())
}

/// The drop-in that lets the unit capture.
const GRANT: &str = "80-vnc";
/// The unit's own directory, which is removed with it.
const SEEN: &str = "/run/kiosk-vnc-server";
/// In place of wayvnc, which is not on this machine: captures like it, tries what is forbidden, and keeps running.
const VIEWER: &str = "#!/bin/sh\n\
    id -un >$XDG_RUNTIME_DIR/user\n\
    wlr-randr >$XDG_RUNTIME_DIR/randr 2>&1; echo \"ended with $?\" >>$XDG_RUNTIME_DIR/randr\n\
    head -c 1 /dev/dri/card0 >/dev/null 2>$XDG_RUNTIME_DIR/card || true\n\
    grim $XDG_RUNTIME_DIR/new.png || exit 1\n\
    mv $XDG_RUNTIME_DIR/new.png $XDG_RUNTIME_DIR/seen.png\n\
    exec sleep 100000\n";
/// The unit retries every two seconds.
const TRIES: Duration = REACTION;

pub fn the_unit_for_remote_viewing_sees_the_screen_and_does_nothing_else(kiosk: &Kiosk) -> Result<()> {
    let looked = looked_at(kiosk);
    let all = "kiosk-vnc kiosk-vnc-socket";
    kiosk.deconfigure(GRANT)?;
    kiosk.sh(&format!(
        "systemctl stop {all}; systemctl reset-failed {all} 2>/dev/null; rm -f /usr/bin/wayvnc /etc/kiosk/wayvnc.conf; \
         systemctl reload kiosk"
    ))?;
    looked
}

fn looked_at(kiosk: &Kiosk) -> Result<()> {
    let agent = kiosk.machine.agent();
    kiosk.sh(&format!("cat >/usr/bin/wayvnc <<'END'\n{VIEWER}END\nchmod 755 /usr/bin/wayvnc"))?;
    // Without a password nothing is started.
    kiosk.sh("systemctl start kiosk-vnc")?;
    ensure!(kiosk.sh("systemctl is-active kiosk-vnc || true")? == "inactive", "it runs without a password");
    kiosk.sh("mkdir -p /etc/kiosk && touch /etc/kiosk/wayvnc.conf && chmod 600 /etc/kiosk/wayvnc.conf")?;

    kiosk.sh("systemctl start kiosk-vnc")?;
    let journal = agent.stream("exec journalctl -b -f -n all -o cat -u kiosk-vnc")?;
    let refused = journal.line(TRIES, |line| line.contains("doesn't support wlr-screencopy").then_some(()));
    journal.stop()?;
    refused?;
    ensure!(agent.run(&format!("test -e {SEEN}/seen.png"))?.code != 0, "it sees the screen without a grant");

    kiosk.configure(GRANT, "[privilege.\"org.kioskd.Vnc\"]\nallow = [\"capture\"]\n")?;
    kiosk.sh("systemctl reload kiosk && systemctl restart kiosk-vnc-socket kiosk-vnc")?;
    kiosk.sh(&format!("for look in $(seq 100); do [ -e {SEEN}/seen.png ] && exit 0; sleep 0.2; done; exit 1"))?;
    let picture = Picture::from_png(&agent.run(&format!("cat {SEEN}/seen.png"))?.stdout)?;
    kiosk.machine.save(&picture, "seen-by-the-unit")?;
    ensure!(is_page(&picture), "it sees something else than the page");
    ensure!(kiosk.sh(&format!("cat {SEEN}/user"))? == "kiosk-vnc", "it is another user");
    let randr = kiosk.sh(&format!("cat {SEEN}/randr"))?;
    ensure!(!randr.contains("ended with 0") && !randr.contains("Virtual-1"), "it manages screens: {randr}");
    let card = kiosk.sh(&format!("cat {SEEN}/card"))?;
    ensure!(card.contains("No such file") || card.contains("denied"), "it has the display device: {card}");
    Ok(())
}
