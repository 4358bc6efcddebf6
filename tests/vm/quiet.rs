//! What is seen from power-on to the logo with the kernel's arguments that the README tells an appliance's maker.

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::{Picture, Rgb, Sample};

use super::kiosk::Kiosk;
use super::looks::{describe, is_logo};

/// What the README says.
macro_rules! quiet {
    () => {
        "quiet loglevel=3 vt.global_cursor_default=0 systemd.show_status=false rd.udev.log_level=3"
    };
}
/// Where there is no Plymouth: installed, and neither asked for nor disabled, it shows the boot messages.
pub const WITHOUT_SPLASH: &str = concat!(quiet!(), " plymouth.enable=0");
pub const WITH_SPLASH: &str = concat!(quiet!(), " splash");
const README: &str = include_str!("../../README.md");

pub fn nothing_is_seen_before_the_logo(kiosk: &Kiosk) -> Result<()> {
    ensure!(README.contains(quiet!()), "the README tells other arguments than {}", quiet!());
    kiosk.print_film(&kiosk.film);
    let booting = until_the_logo(&kiosk.film)?;
    ensure!(booting.len() >= 10, "only {} pictures before the logo prove nothing", booting.len());
    none_but(kiosk, booting, |picture| picture.is_black())
}

pub fn the_boot_splash_stays_until_the_logo(kiosk: &Kiosk) -> Result<()> {
    kiosk.print_film(&kiosk.film);
    let booting = until_the_logo(&kiosk.film)?;
    let splash = booting.iter().position(|sample| is_boot_splash(&sample.picture)).context("no boot splash is seen")?;
    none_but(kiosk, &booting[..splash], |picture| picture.is_black())?;
    let splash = &booting[splash..];
    ensure!(splash.len() >= 10, "only {} pictures of the boot splash prove nothing", splash.len());
    none_but(kiosk, splash, is_boot_splash)?;
    ensure!(kiosk.sh("pgrep plymouthd || true")?.is_empty(), "plymouthd still runs");
    Ok(())
}

/// What is seen from the moment when the machine has a picture of its own.
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

/// The theme `fade-in`: Debian's mark and stars on a warm grey, lighter at the top.
fn is_boot_splash(picture: &Picture) -> bool {
    let warm = |[r, g, b]: Rgb| (50..=140).contains(&r) && r >= g && g >= b && (8..=24).contains(&(r - b));
    picture.share(warm) > 0.9
}
