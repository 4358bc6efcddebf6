//! Failures of each of the three programs: `kill -9`, `SIGSTOP`, no memory left, and a seat that is taken away. The
//! others keep running, the picture is back at once, and the page soon.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::Sample;

use super::kiosk::{BOOT, Kiosk};
use super::looks::{describe, is_error_page, is_ours};

/// Longest time without one of our pictures, whatever died or stopped.
const PICTURE_BACK: Duration = Duration::from_secs(5);
/// The same where it may be started more than once until it has its memory again.
const STARVED: Duration = Duration::from_secs(15);

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

/// A restarted logind takes all devices back without notice, and gives them to a restarted client.
pub fn a_restarted_logind_costs_a_restart_and_not_the_screen(kiosk: &Kiosk) -> Result<()> {
    let (compositor, session) = (kiosk.main_pid("kiosk")?, kiosk.main_pid("kiosk-session")?);
    let mark = kiosk.mark()?;
    kiosk.sh("systemctl restart systemd-logind")?;
    kiosk.wait_for_event(mark, "load", BOOT).and_then(|_| kiosk.page())?;
    ensure!(kiosk.main_pid("kiosk")? != compositor, "the compositor goes on with devices that are not its own");
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    // The seat has its input devices, too.
    super::input::a_click_reaches_the_page(kiosk)
}

/// The watchdog of `kiosk.service` ends it after 20 s, and the picture stays until then.
pub fn a_stopped_compositor_comes_back(kiosk: &Kiosk) -> Result<()> {
    let session = kiosk.main_pid("kiosk-session")?;
    stop(kiosk, "compositor", kiosk.main_pid("kiosk")?)?;
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    Ok(())
}

/// After 60 s by the watchdog of `kiosk-session.service`; its browser ends with it.
pub fn a_stopped_session_comes_back(kiosk: &Kiosk) -> Result<()> {
    let compositor = kiosk.main_pid("kiosk")?;
    stop(kiosk, "session", kiosk.main_pid("kiosk-session")?)?;
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    Ok(())
}

/// By the session, as it gets no heartbeat.
pub fn a_stopped_browser_comes_back(kiosk: &Kiosk) -> Result<()> {
    let session = kiosk.main_pid("kiosk-session")?;
    stop(kiosk, "browser", kiosk.browser()?)?;
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    Ok(())
}

pub fn a_compositor_out_of_memory_comes_back(kiosk: &Kiosk) -> Result<()> {
    let session = kiosk.main_pid("kiosk-session")?;
    // logind has moved it there, where its unit's limits do not apply.
    let slice = format!("user-{}.slice", kiosk.sh("id -u kiosk")?.trim());
    let limits = kiosk.sh(&format!("cd /sys/fs/cgroup/user.slice/{slice} && cat memory.max pids.max"))?;
    ensure!(!limits.contains("max") && limits.ends_with("\n512"), "the limits of {slice} are {limits}");
    starve(kiosk, &slice, "8M", "50%")?;
    ensure!(kiosk.main_pid("kiosk-session")? == session, "the session was restarted");
    Ok(())
}

/// The kernel kills one of the browser's processes, or the session itself.
pub fn a_browser_out_of_memory_comes_back(kiosk: &Kiosk) -> Result<()> {
    let compositor = kiosk.main_pid("kiosk")?;
    starve(kiosk, "kiosk-session.service", "60M", "85%")?;
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    Ok(())
}

/// Stops a process for good: it can only be killed.
fn stop(kiosk: &Kiosk, what: &str, pid: i64) -> Result<()> {
    filmed(kiosk, &format!("SIGSTOP of the {what}"), PICTURE_BACK, || {
        kiosk.sh(&format!("kill -STOP {pid}")).map(drop)
    })?;
    ensure!(!kiosk.sh("ps -eo pid=")?.lines().any(|line| line.trim() == pid.to_string()), "{pid} is still there");
    Ok(())
}

/// Sets a memory limit below the unit's use, until the kernel has killed a process of it, and then restores it.
fn starve(kiosk: &Kiosk, unit: &str, little: &str, usual: &str) -> Result<()> {
    let kills = || -> Result<u64> {
        let count = format!("dmesg | grep -c 'oom-kill:.*{unit}' || true");
        kiosk.sh(&count)?.trim().parse().context("a count")
    };
    let before = kills()?;
    filmed(kiosk, &format!("no memory for {unit}"), STARVED, || {
        let limit = |limit: &str| format!("systemctl set-property --runtime {unit} MemoryMax={limit}");
        // In one command: as long as the limit is in force, what is started anew is killed, too.
        let killed = kiosk.sh(&format!(
            "{}; for i in $(seq 300); do \
             [ $(dmesg | grep -c 'oom-kill:.*{unit}') -gt {before} ] && {{ {}; exit 0; }}; sleep 0.2; \
             done; {}; exit 1",
            limit(little),
            limit(usual),
            limit(usual)
        ));
        killed.context("the kernel has killed nothing").map(drop)
    })
}

/// `dark`: the longest time with other pictures than ours.
fn kill(kiosk: &Kiosk, what: &str, pid: i64, dark: Duration) -> Result<()> {
    filmed(kiosk, &format!("kill -9 of the {what}"), dark, || kiosk.sh(&format!("kill -9 {pid}")).map(drop))
}

/// Films from a fault until the page has loaded again. Fails if an error page was shown, or other pictures than ours
/// for longer than `dark`.
fn filmed(kiosk: &Kiosk, fault: &str, dark: Duration, strike: impl FnOnce() -> Result<()>) -> Result<()> {
    let (machine, mark) = (&kiosk.machine, kiosk.mark()?);
    let film = machine.film();
    let began = machine.uptime();
    let back = strike().and_then(|()| kiosk.wait_for_event(mark, "load", BOOT)).and_then(|_| kiosk.page());
    let film = film.cut();
    eprintln!("after {fault}, until the page was back ({:?}):", machine.uptime().saturating_sub(began));
    kiosk.print_film(&film);
    back?;
    kiosk.sh("kioskctl wait page-visible --timeout 60s")?;
    let save = |sample: &Sample| machine.save(&sample.picture, &format!("after-{}", fault.replace(' ', "-")));
    if let Some(sample) = film.iter().find(|sample| is_error_page(&sample.picture)) {
        bail!("an error page was seen: {}", save(sample)?.display());
    }
    let mut since: Option<&Sample> = None;
    let mut longest = Duration::ZERO;
    for sample in &film {
        if is_ours(&sample.picture) {
            since = None;
            continue;
        }
        let first = *since.get_or_insert(sample);
        // A single sample counts, too.
        longest = longest.max(sample.at.saturating_sub(first.at)).max(Duration::from_millis(1));
        if longest > dark {
            bail!("{} was seen for {longest:?}: {}", describe(&sample.picture), save(sample)?.display());
        }
    }
    eprintln!("after {fault} nothing of ours was seen for {longest:?}");
    Ok(())
}
