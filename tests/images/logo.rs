//! The logo from before the kernel to the page: shown by the boot loader's stub, by Plymouth and by kioskd, at the same place.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan, Login, Picture, has_dots, is_demo, is_splash, logo_bounds};

use crate::{PAGE_TIMEOUT, images, is_coloured, out, run};

/// Between two looks at the screen.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The logo is to be up by this share of the time to the page.
const LOGO_WANTED: f64 = 0.4;
/// The page may move the logo's edge by this, pixels: two painters round differently.
const MOVES: usize = 1;
/// What another console shows, and in which colour.
const CONSOLE: &str = "login:";
const GREY: [u8; 3] = [0xaa; 3];

/// From the first picture that has the logo to the page there is none without it, and it stays where it is. Then text consoles
/// are there for whoever asks for one, and the page is back after them.
pub fn stays() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let key = card.take_key()?;
    let (disk, film) = (card.disk(), out("logo"));
    let mut machine = Flashed::start(&FlashedPlan { look_again: LOOK_AGAIN, ..FlashedPlan::new(&disk, &film) })?;
    let logo = machine.wait("logo", PAGE_TIMEOUT, |picture| Ok(is_splash(picture)))?;
    let first = machine.screen()?;
    ensure!(!has_dots(&first), "the logo is there late: Plymouth's is the first");
    let place = logo_bounds(&first).context("a logo without colours")?;
    let mut looks = 0;
    // Looking closely takes longer than it is shown, so only at what is new.
    let mut seen = first.clone();
    let mut gone = |picture: &Picture| -> Result<bool> {
        looks += 1;
        let part = |picture: &Picture| picture.part(place.0, place.1, place.2, place.3);
        if part(picture) == part(&seen) {
            return Ok(false);
        }
        if !is_splash(picture) {
            return Ok(true);
        }
        seen = picture.clone();
        let now = logo_bounds(picture).context("a logo without colours")?;
        let near = |a: usize, b: usize| a.abs_diff(b) <= MOVES;
        if near(now.0, place.0) && near(now.1, place.1) && near(now.2, place.2) && near(now.3, place.3) {
            return Ok(false);
        }
        bail!("the logo was at {place:?}, and is at {now:?}")
    };
    let dots = machine.wait("dots", PAGE_TIMEOUT, |picture| {
        ensure!(!gone(picture)?, "the logo has gone before Plymouth had it");
        Ok(has_dots(picture))
    })?;
    // Into the page, or into what kioskd says when that takes long.
    machine.wait("fading", PAGE_TIMEOUT, |picture| gone(picture))?;
    // What comes then is never dark.
    let page = machine.wait("page", PAGE_TIMEOUT, |picture| {
        ensure!(!picture.is_black(), "black between logo and page");
        Ok(is_demo(picture))
    })?;
    eprintln!(
        "logo after {:.1} s, dots after {:.1} s, page after {:.1} s; {looks} looks",
        secs(logo),
        secs(dots),
        secs(page)
    );
    let share = secs(logo) / secs(page);
    ensure!(share < LOGO_WANTED, "the logo is there at {share:.2} of the time to the page");

    let key = Login::Key(&key);
    machine.log_in(&key)?;
    run(
        &machine,
        &key,
        "until systemctl is-active kiosk-console-map; do sleep 1; done; cat /sys/class/vtconsole/vtcon*/name",
    )?;
    run(&machine, &key, "kioskctl vt 2")?;
    machine
        .wait("console", PAGE_TIMEOUT, |picture| Ok(picture.share_of(GREY, 12) > 0.000_5 && !is_coloured(picture)))?;
    let said = run(&machine, &key, "cat /dev/vcs2")?;
    ensure!(said.contains(CONSOLE), "the second console says {said:?}");
    run(&machine, &key, "kioskctl vt 1")?;
    machine.wait("page-again", PAGE_TIMEOUT, |picture| Ok(is_demo(picture)))?;
    machine.power_off()
}

fn secs(time: Duration) -> f64 {
    time.as_secs_f64()
}
