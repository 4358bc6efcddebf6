//! The wall clock jumps by ten years, as on a device without a clock battery that gets the time at last: the page, the
//! browser and both daemons are not affected.

use anyhow::{Result, ensure};

use super::kiosk::Kiosk;

/// Longer than two heartbeats of the page, with their answers.
const WELL: &str = "kioskctl wait page-visible --stable 25s --timeout 60s";

pub fn a_clock_that_jumps_ten_years_changes_nothing(kiosk: &Kiosk) -> Result<()> {
    let started = kiosk.sh("echo $(($(date +%s) - $(cut -d. -f1 /proc/uptime)))")?;
    let done = jumps(kiosk);
    kiosk.sh(&format!("date -s @$(({started} + $(cut -d. -f1 /proc/uptime)))"))?;
    done
}

fn jumps(kiosk: &Kiosk) -> Result<()> {
    let of = || anyhow::Ok((kiosk.main_pid("kiosk")?, kiosk.main_pid("kiosk-session")?, kiosk.browser()?));
    let (before, mark) = (of()?, kiosk.mark()?);
    let failure = kiosk.status()?["session"]["last-failure"].clone();
    for jump in ["+10 years", "-20 years"] {
        kiosk.sh(&format!("date -s '{jump}'"))?;
        kiosk.sh(WELL)?;
        ensure!(of()? == before, "{jump}: something was started anew");
        let last = kiosk.status()?["session"]["last-failure"].clone();
        ensure!(last == failure, "{jump}: {last}");
        let events = kiosk.events(mark)?;
        ensure!(!events.iter().any(|event| event["event"] == "get"), "{jump}: the page was loaded again");
    }
    // Commands are carried out at once, too.
    kiosk.sh("kioskctl reload")?;
    kiosk.page()
}
