//! The screen from power-on to the page. The page's server starts after the kiosk.

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::Sample;
use serde_json::Value;

use super::kiosk::Kiosk;
use super::looks::{describe, is_blend, is_error_page, is_logo, is_page, is_report};

/// The samples from the first logo to the first page.
fn from_logo_to_page(film: &[Sample]) -> Result<&[Sample]> {
    let logo = film.iter().position(|sample| is_logo(&sample.picture)).context("the film has no logo")?;
    let page = film.iter().position(|sample| is_page(&sample.picture)).context("the film has no page")?;
    ensure!(logo < page, "the page came before the logo");
    Ok(&film[logo..page])
}

fn save(kiosk: &Kiosk, sample: &Sample, name: &str) -> Result<String> {
    Ok(kiosk.machine.save(&sample.picture, name)?.display().to_string())
}

pub fn the_logo_follows_the_boot_messages(kiosk: &Kiosk) -> Result<()> {
    kiosk.print_film(&kiosk.film);
    for sample in &kiosk.film {
        match describe(&sample.picture) {
            "the logo" => {
                save(kiosk, sample, "logo")?;
                return Ok(());
            }
            // Firmware and kernel: text, or nothing yet.
            "black" | "console text" => {}
            other => bail!("{other} came before the logo: {}", save(kiosk, sample, "before-the-logo")?),
        }
    }
    bail!("the film has no logo")
}

pub fn no_error_page_is_ever_shown(kiosk: &Kiosk) -> Result<()> {
    for sample in &kiosk.film {
        if is_error_page(&sample.picture) {
            bail!("an error page at {:?}: {}", sample.at, save(kiosk, sample, "error-page")?);
        }
    }
    Ok(())
}

pub fn never_black_between_logo_and_page(kiosk: &Kiosk) -> Result<()> {
    let samples = from_logo_to_page(&kiosk.film)?;
    ensure!(samples.len() >= 10, "only {} pictures between logo and page prove nothing", samples.len());
    for sample in samples {
        if !(is_logo(&sample.picture) || is_blend(&sample.picture) || is_report(&sample.picture)) {
            let path = save(kiosk, sample, "between-logo-and-page")?;
            bail!("{} at {:?}: {path}", describe(&sample.picture), sample.at);
        }
    }
    Ok(())
}

pub fn the_page_is_laid_out_once_at_the_size_of_the_screen(kiosk: &Kiosk) -> Result<()> {
    let (width, height) = kiosk.machine.size();
    let loads: Vec<Value> = kiosk.events(0)?;
    let of = |name: &str| loads.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    let [load] = of("load")[..] else { bail!("the page loaded other than once: {loads:?}") };
    ensure!(load["width"] == width && load["height"] == height, "laid out as {load}, the screen has {width}×{height}");
    ensure!(of("resize").is_empty(), "the page was resized: {loads:?}");
    kiosk.machine.save(&kiosk.machine.screen()?, "page")?;
    Ok(())
}
