//! Suspend to memory by systemd, and resume by the power button.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::input::{REACTION, ensure_at};
use super::kiosk::Kiosk;
use super::looks::is_page;

/// From the button to the picture, on a busy host.
const RIGHT_AFTER: Duration = Duration::from_secs(15);
/// From the button to an answering agent.
const AWAKE: Duration = Duration::from_secs(60);
/// The shortest suspend that counts: the only clock that runs during it counts seconds, and shorter suspends are not
/// noticed.
const DOZE: Duration = Duration::from_secs(2);

/// What must be the same after the sleep.
#[derive(Debug, PartialEq)]
struct Same {
    compositor: i64,
    session: i64,
    browser: i64,
    /// Of the outputs: name, position, size, scale and rotation.
    outputs: Vec<Value>,
}

impl Same {
    fn of(kiosk: &Kiosk) -> Result<Self> {
        let status = kiosk.status()?;
        let outputs = status["compositor"]["outputs"].as_array().context("no outputs")?;
        let keys = ["name", "position", "mode", "scale", "rotation", "connected"];
        Ok(Self {
            compositor: kiosk.main_pid("kiosk")?,
            session: kiosk.main_pid("kiosk-session")?,
            browser: kiosk.browser()?,
            outputs: outputs.iter().map(|output| keys.iter().map(|key| output[key].clone()).collect()).collect(),
        })
    }
}

impl Kiosk {
    /// Suspends, and presses the button; `seen` checks the screen then, before any command is run.
    fn sleep(&self, seen: impl FnOnce() -> Result<()>) -> Result<()> {
        self.machine.fall_asleep()?;
        thread::sleep(DOZE);
        self.machine.wake()?;
        seen()?;
        self.machine.agent().wait(AWAKE)
    }
}

pub fn after_a_sleep_the_page_is_there_as_it_was(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, before) = (&kiosk.machine, kiosk.mark()?, Same::of(kiosk)?);
    let shows_the_page = || {
        let picture = machine.wait_for_screen("the page right after the sleep", RIGHT_AFTER, is_page)?;
        machine.save(&picture, "woken").map(drop)
    };
    kiosk.sleep(shows_the_page)?;
    machine.chord(&["z"])?;
    let key = kiosk.wait_for_event(mark, "keydown", REACTION)?;
    ensure!(key["key"] == "z", "the button that woke the machine reached the page: {key}");
    machine.tap(100.0, 200.0)?;
    ensure_at(&kiosk.wait_for_event(mark, "touchstart", REACTION)?, 100.0, 200.0)?;
    // The effect of keys and touches is on the screen: the picture is not an old one.
    let after = Same::of(kiosk)?;
    ensure!(after == before, "before the sleep {before:?}, after it {after:?}");
    kiosk.not_loaded_since(mark)?;
    let failed = kiosk.sh("systemctl list-units --failed --plain --no-legend")?;
    ensure!(failed.is_empty(), "failed over the sleep: {failed}");
    Ok(())
}
