//! The machine's sleep: memory stays powered, devices do not (ACPI S3).

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::Machine;

/// From the order to the sleep, on a busy host.
const FALLS_ASLEEP: Duration = Duration::from_secs(90);
/// The clock that wakes it counts seconds.
const OVERSLEEPS: Duration = Duration::from_secs(10);
/// Between two looks at the machine's state, which is asked for to be simple.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Machine {
    /// Tells systemd to suspend to memory, and returns when the machine sleeps. Commands cannot be run in it until it
    /// was woken and its agent said hello again: [`super::Agent::wait`].
    pub fn fall_asleep(&self) -> Result<()> {
        // Its answer may or may not come before the sleep.
        drop(self.agent().stream("systemctl suspend")?);
        let deadline = Instant::now() + FALLS_ASLEEP;
        while !self.asleep()? {
            ensure!(Instant::now() < deadline, "the machine did not fall asleep within {FALLS_ASLEEP:?}");
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// The same for a time, whole seconds: its own clock wakes the machine, and this returns when it is awake.
    pub fn nap(&self, time: Duration) -> Result<()> {
        self.agent().sh(&format!("echo {} >/run/nap", time.as_secs()))?;
        self.fall_asleep()?;
        let deadline = Instant::now() + time + OVERSLEEPS;
        while self.asleep()? {
            ensure!(Instant::now() < deadline, "the machine was to sleep for {time:?} and did not wake up");
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// Presses the button that ends the sleep.
    pub fn wake(&self) -> Result<()> {
        self.monitor("system_wakeup", &json!({})).map(drop)
    }

    fn asleep(&self) -> Result<bool> {
        Ok(self.monitor("query-status", &json!({}))?["status"] == "suspended")
    }
}
