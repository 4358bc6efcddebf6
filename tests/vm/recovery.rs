//! What ends each of the three programs: `kill -9`, `SIGSTOP`, no memory left, and a seat that is taken away. The others
//! go on, the picture is back at once, the page soon.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

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

/// The watchdog of `kiosk.service` bites after 20 s, and what stands on the screen stays until then.
pub fn a_stopped_compositor_comes_back(kiosk: &Kiosk) -> Result<()> {
    let session = kiosk.main_pid("kiosk-session")?;
    stop(kiosk, "kiosk", kiosk.main_pid("kiosk")?)?;
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    Ok(())
}

/// After 60 s by the watchdog of `kiosk-session.service`; its browser goes with it.
pub fn a_stopped_session_comes_back(kiosk: &Kiosk) -> Result<()> {
    let compositor = kiosk.main_pid("kiosk")?;
    stop(kiosk, "kiosk-session", kiosk.main_pid("kiosk-session")?)?;
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    Ok(())
}

/// By the session, which hears no heartbeat of it.
pub fn a_stopped_browser_comes_back(kiosk: &Kiosk) -> Result<()> {
    let session = kiosk.main_pid("kiosk-session")?;
    stop(kiosk, "browser", kiosk.browser()?)?;
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    Ok(())
}

pub fn a_compositor_out_of_memory_comes_back(kiosk: &Kiosk) -> Result<()> {
    let session = kiosk.main_pid("kiosk-session")?;
    // logind has put it there, out of the reach of its unit's limits.
    let slice = format!("user-{}.slice", kiosk.sh("id -u kiosk")?.trim());
    let limits = kiosk.sh(&format!("cd /sys/fs/cgroup/user.slice/{slice} && cat memory.max pids.max"))?;
    ensure!(!limits.contains("max") && limits.ends_with("\n512"), "the limits of {slice} are {limits}");
    starve(kiosk, &slice, "8M", "50%")?;
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    Ok(())
}

/// The kernel takes one of the browser's processes, or the session itself.
pub fn a_browser_out_of_memory_comes_back(kiosk: &Kiosk) -> Result<()> {
    let compositor = kiosk.main_pid("kiosk")?;
    starve(kiosk, "kiosk-session.service", "60M", "85%")?;
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    Ok(())
}

/// Stops a process for good: only who kills it can bring it back.
fn stop(kiosk: &Kiosk, what: &str, pid: i64) -> Result<()> {
    let mark = kiosk.mark()?;
    let stopped = kiosk.machine.uptime();
    kiosk.sh(&format!("kill -STOP {pid}"))?;
    kiosk.wait_for_event(mark, "load", BOOT)?;
    kiosk.page()?;
    eprintln!("after SIGSTOP of {what} the page was back in {:?}", kiosk.machine.uptime().saturating_sub(stopped));
    ensure!(!kiosk.sh("ps -eo pid=")?.lines().any(|line| line.trim() == pid.to_string()), "{pid} is still there");
    kiosk.sh("kioskctl wait page-visible --timeout 60s").map(drop)
}

/// Gives the unit less memory than it has, until the kernel has killed of it, and then its own limit again.
fn starve(kiosk: &Kiosk, unit: &str, little: &str, usual: &str) -> Result<()> {
    let kills = |unit: &str| -> Result<u64> {
        let count = format!("dmesg | grep -c 'oom-kill:.*{unit}' || true");
        kiosk.sh(&count)?.trim().parse().context("a count")
    };
    let (mark, before) = (kiosk.mark()?, kills(unit)?);
    let starved = kiosk.machine.uptime();
    kiosk.sh(&format!("systemctl set-property --runtime {unit} MemoryMax={little}"))?;
    let killed = kiosk.sh(&format!(
        "for i in $(seq 120); do \
         [ $(dmesg | grep -c 'oom-kill:.*{unit}') -gt {before} ] && exit 0; sleep 0.5; \
         done; exit 1"
    ));
    kiosk.sh(&format!("systemctl set-property --runtime {unit} MemoryMax={usual}"))?;
    killed.context("the kernel has killed nothing")?;
    kiosk.wait_for_event(mark, "load", BOOT)?;
    kiosk.page()?;
    eprintln!(
        "after {unit} ran out of memory the page was back in {:?}",
        kiosk.machine.uptime().saturating_sub(starved)
    );
    kiosk.sh("kioskctl wait page-visible --timeout 60s").map(drop)
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
