//! `kill -9` of each of the three programs, and a seat that is taken away: the others go on, the picture is back at
//! once, the page soon.

use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::kiosk::{BOOT, Kiosk};
use super::looks::{describe, is_error_page, is_ours};

/// By then there is a picture again, whatever died.
const PICTURE_BACK: Duration = Duration::from_secs(5);

pub fn a_killed_browser_comes_back(kiosk: &Kiosk) -> Result<()> {
    let (compositor, session) = (kiosk.main_pid("kiosk")?, kiosk.main_pid("kiosk-session")?);
    let browser = kiosk.browser()?;
    kill(kiosk, "browser", browser, Duration::ZERO)?;
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    ensure!(kiosk.browser()? != browser, "the browser has the id of the killed one");
    Ok(())
}

pub fn a_killed_session_comes_back(kiosk: &Kiosk) -> Result<()> {
    let (compositor, session) = (kiosk.main_pid("kiosk")?, kiosk.main_pid("kiosk-session")?);
    kill(kiosk, "session", session, Duration::ZERO)?;
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    ensure!(kiosk.main_pid("kiosk-session")? != session, "the session has the id of the killed one");
    Ok(())
}

pub fn a_killed_compositor_comes_back(kiosk: &Kiosk) -> Result<()> {
    let (compositor, session) = (kiosk.main_pid("kiosk")?, kiosk.main_pid("kiosk-session")?);
    kill(kiosk, "compositor", compositor, PICTURE_BACK)?;
    ensure!(kiosk.main_pid("kiosk")? != compositor, "the compositor has the id of the killed one");
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    Ok(())
}

/// logind takes all devices back when it is restarted, tells nobody, and gives them to who is started anew.
pub fn a_restarted_logind_costs_a_restart_and_not_the_screen(kiosk: &Kiosk) -> Result<()> {
    let (compositor, session) = (kiosk.main_pid("kiosk")?, kiosk.main_pid("kiosk-session")?);
    let mark = kiosk.mark()?;
    kiosk.sh("systemctl restart systemd-logind")?;
    kiosk.wait_for_event(mark, "load", BOOT).and_then(|_| kiosk.page())?;
    ensure!(kiosk.main_pid("kiosk")? != compositor, "the compositor goes on with devices that are not its own");
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    // And it is a seat with input devices.
    super::input::a_click_reaches_the_page(kiosk)
}

/// Kills, films until the page has loaded again, and fails if anything but ours was seen after `grace`.
fn kill(kiosk: &Kiosk, what: &str, pid: i64, grace: Duration) -> Result<()> {
    let (machine, mark) = (&kiosk.machine, kiosk.mark()?);
    let film = machine.film();
    let killed = machine.uptime();
    kiosk.sh(&format!("kill -9 {pid}"))?;
    let loaded = kiosk.wait_for_event(mark, "load", BOOT).and_then(|_| kiosk.page());
    let film = film.cut();
    eprintln!("after kill -9 of the {what}, until the page was back ({:?}):", machine.uptime().saturating_sub(killed));
    kiosk.print_film(&film);
    loaded?;
    kiosk.sh("kioskctl wait page-visible --timeout 30s")?;
    for sample in &film {
        let late = sample.at > killed + grace;
        if is_error_page(&sample.picture) || (late && !is_ours(&sample.picture)) {
            let path = machine.save(&sample.picture, &format!("after-killing-{what}"))?;
            let after = sample.at.saturating_sub(killed);
            bail!("{} was seen {after:?} after the kill: {}", describe(&sample.picture), path.display());
        }
    }
    Ok(())
}
