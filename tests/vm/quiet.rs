//! The screen from power-on to the splash with the kernel arguments that the README gives to makers of appliances.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::{Picture, Sample};

use super::kiosk::Kiosk;
use super::looks::{describe, is_logo};

/// The arguments in the README.
macro_rules! quiet {
    () => {
        "quiet loglevel=3 vt.global_cursor_default=0 systemd.show_status=false rd.udev.log_level=3"
    };
}
/// For systems without Plymouth: if it is installed and not disabled, it shows the boot messages.
pub const WITHOUT_SPLASH: &str = concat!(quiet!(), " plymouth.enable=0");
pub const WITH_SPLASH: &str = concat!(quiet!(), " splash");
/// Largest difference between the guest's and the host's clock.
const CLOCKS: Duration = Duration::from_secs(1);
/// The rows of the dots, on a screen 800 pixels high.
const DOTS: (usize, usize) = (578, 592);
/// Of a channel, where the two programs blend the logo's edge.
const ROUNDING: u8 = 4;
const README: &str = include_str!("../../README.md");

pub fn nothing_is_seen_before_the_logo(kiosk: &Kiosk) -> Result<()> {
    ensure!(README.contains(quiet!()), "the README tells other arguments than {}", quiet!());
    kiosk.print_film(&kiosk.film);
    let booting = until_the_logo(&kiosk.film)?;
    ensure!(booting.len() >= 10, "only {} pictures before the logo prove nothing", booting.len());
    none_but(kiosk, booting, |picture| picture.is_black())
}

pub fn the_boot_splash_is_the_logo_that_kioskd_goes_on_with(kiosk: &Kiosk) -> Result<()> {
    kiosk.print_film(&kiosk.film);
    none_but(kiosk, until_the_logo(&kiosk.film)?, |picture| picture.is_black())?;
    let begun = after_power_on(kiosk, "ExecMainStartTimestampMonotonic")?;
    let ready = after_power_on(kiosk, "ActiveEnterTimestampMonotonic")?;
    let logo = kiosk.film.iter().position(|sample| is_logo(&sample.picture)).context("the film has no logo")?;
    let handed_over =
        kiosk.film.iter().position(|sample| sample.at > ready + CLOCKS).context("a film without kioskd")?;
    ensure!(logo < handed_over, "the logo came with kioskd: there was no boot splash");
    let seen = &kiosk.film[logo..=handed_over];
    let before = seen.iter().filter(|sample| sample.at + CLOCKS < begun).count();
    ensure!(before >= 10, "only {before} pictures before kioskd began, at {begun:?}, prove nothing");
    let kioskds = &kiosk.film[handed_over].picture;
    kiosk.machine.save(&seen[0].picture, "boot-splash")?;
    kiosk.machine.save(kioskds, "kioskds-first")?;
    none_but(kiosk, seen, |picture| differing(picture, kioskds) == 0)?;
    none_but(kiosk, &seen[..before], |picture| below_the_dots(picture).is_black())?;
    ensure!(kiosk.sh("pgrep plymouthd || true")?.is_empty(), "plymouthd still runs");
    Ok(())
}

/// The time of this property of the kiosk's unit, since power-on. The guest's clock begins with its kernel.
fn after_power_on(kiosk: &Kiosk, property: &str) -> Result<Duration> {
    let said = kiosk.sh(&format!("systemctl show --value -p {property} kiosk; cut -d' ' -f1 /proc/uptime"))?;
    let (microseconds, uptime) = said.trim().split_once('\n').context("two numbers")?;
    let ago = Duration::from_secs_f64(uptime.trim().parse()?)
        .saturating_sub(Duration::from_micros(microseconds.trim().parse()?));
    Ok(kiosk.machine.uptime().saturating_sub(ago))
}

/// Number of channels that differ above the animated dots; below them kioskd soon shows what it waits for. Edges may be
/// rounded differently.
fn differing(one: &Picture, other: &Picture) -> usize {
    if (one.width, one.height) != (other.width, other.height) {
        return usize::MAX;
    }
    let differ = |(a, b): (&u8, &u8)| a.abs_diff(*b) > ROUNDING;
    let end = row(one, DOTS.0) * one.width * 3;
    one.rgb[..end].iter().zip(&other.rgb[..end]).filter(|pair| differ(*pair)).count()
}

fn below_the_dots(picture: &Picture) -> Picture {
    let top = row(picture, DOTS.1);
    picture.part(0, top, picture.width, picture.height - top)
}

/// Converts a row of a screen 800 pixels high to this picture's height.
fn row(picture: &Picture, of_800: usize) -> usize {
    picture.height * of_800 / 800
}

/// The samples from the machine's first picture to the splash.
fn until_the_logo(film: &[Sample]) -> Result<&[Sample]> {
    let placeholder = &film.first().context("an empty film")?.picture;
    let begin = film.iter().position(|sample| sample.picture != *placeholder).context("the screen stays as it was")?;
    let logo = film.iter().position(|sample| is_logo(&sample.picture)).context("the film has no logo")?;
    film.get(begin..logo).context("the logo is the first picture")
}

fn none_but(kiosk: &Kiosk, samples: &[Sample], expected: impl Fn(&Picture) -> bool) -> Result<()> {
    for sample in samples {
        if !expected(&sample.picture) {
            let path = kiosk.machine.save(&sample.picture, "before-the-logo")?;
            bail!("{} at {:?}: {}", describe(&sample.picture), sample.at, path.display());
        }
    }
    Ok(())
}
