//! Boot assessment: `boot-complete.target` is only reached when the page is visible.

use anyhow::{Result, ensure};

use super::kiosk::Kiosk;

/// As shipped, but with shorter times than half a minute for success and five minutes for failure.
const SOONER: &str = "[Service]\nExecStart=\nExecStart=/usr/bin/kioskctl wait page-visible --stable 2s --timeout 15s\n";
const DROP_IN: &str = "/run/systemd/system/kiosk-health.service.d";

pub fn a_boot_is_good_only_when_the_page_is_seen(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh(&format!(
        "mkdir -p {DROP_IN} && printf '{SOONER}' >{DROP_IN}/sooner.conf && systemctl enable --runtime kiosk-health"
    ))?;
    let done = assessed(kiosk);
    kiosk.sh(&format!(
        "rm -r {DROP_IN}; systemctl disable --runtime kiosk-health; systemctl stop boot-complete.target kiosk-health; \
         systemctl reset-failed; systemctl start kiosk-session"
    ))?;
    kiosk.page()?;
    done
}

fn assessed(kiosk: &Kiosk) -> Result<()> {
    let agent = kiosk.machine.agent();
    let good = agent.run("systemctl start boot-complete.target")?;
    ensure!(good.code == 0, "the page is seen, and the boot is not good: {}", good.stderr);
    ensure!(kiosk.sh("systemctl is-active kiosk-health boot-complete.target")? == "active\nactive", "not active");

    kiosk.sh("systemctl stop boot-complete.target kiosk-health && systemctl stop kiosk-session")?;
    let bad = agent.run("systemctl start boot-complete.target")?;
    ensure!(bad.code != 0, "the page is not seen, and the boot is good");
    ensure!(kiosk.sh("systemctl is-failed kiosk-health")? == "failed", "kiosk-health.service did not fail");
    ensure!(agent.run("systemctl is-active boot-complete.target")?.code != 0, "boot-complete.target is active");
    let said = kiosk.sh("journalctl -u kiosk-health -o cat --no-pager | grep kioskctl: | tail -n 1")?;
    ensure!(said.contains("gave up after 15s"), "it says: {said}");
    Ok(())
}
