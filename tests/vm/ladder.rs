//! The last steps of recovery, by the service manager and logind: kiosk-session is restarted, and then the device. The
//! machine is gone after that.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::kiosk::Kiosk;

/// A program that ends at once, with the permission for the last step.
const GETS_NOWHERE: &str = "[shell]\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n[health]\nreboot = true\n";
/// For four starts of the program, with the pauses between them, on a busy host.
const FOUR: Duration = Duration::from_secs(120);
/// For a shutdown of the system.
const ENDS: Duration = Duration::from_secs(120);

pub fn what_gets_nowhere_is_started_anew_by_systemd_and_then_by_logind(kiosk: &Kiosk) -> Result<()> {
    let agent = kiosk.machine.agent();
    let before = kiosk.main_pid("kiosk-session")?;
    kiosk.configure("50-nowhere", GETS_NOWHERE)?;
    let said = agent.stream("exec journalctl -f -n 0 -o cat -u kiosk-session")?;
    // kioskd has to read that it may.
    kiosk.sh("systemctl restart kiosk.service kiosk-session.service")?;
    let line = |what: &str, words: &str| {
        said.line(FOUR, |line| line.contains(words).then(|| eprintln!("{line}"))).with_context(|| what.to_owned())
    };
    line(
        "kiosk-session did not end to be started anew",
        "kiosk-session.service: Main process exited, code=exited, status=75",
    )?;
    line("the new one does not know why it was started", "why this session was started")?;
    let anew = kiosk.main_pid("kiosk-session")?;
    ensure!(anew != before, "it is the session of before");
    let count: u32 = kiosk.sh("systemctl show -P NRestarts kiosk-session")?.trim().parse()?;
    ensure!(count == 1, "systemd has started it {count} times");
    kiosk.machine.restarts(FOUR + ENDS)
}
