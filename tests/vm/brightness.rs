//! The backlight of a built-in panel, with the kernel's ACPI driver, and a monitor that has none.

use anyhow::{Context, Result, ensure};

use super::kiosk::Kiosk;

const BACKLIGHT: &str = "/sys/class/backlight/acpi_video0/brightness";
/// Levels of the machine's firmware, without the darkest.
const LEVELS: i64 = 20;

impl Kiosk {
    /// The first output's brightness in the status.
    fn brightness(&self) -> Result<i64> {
        let status = self.status()?;
        status["compositor"]["outputs"][0]["brightness"].as_i64().with_context(|| format!("no brightness: {status}"))
    }

    /// Waits until the kernel and the kiosk report it; logind and the kernel's events take some time.
    fn shines(&self, percent: i64) -> Result<()> {
        let level = percent * LEVELS / 100;
        let kernel = format!("grep -qx {level} {BACKLIGHT}");
        let kiosk = format!("kioskctl status --json | tr -d ' \\n' | grep -q '\"brightness\":{percent}[,}}]'");
        self.sh(&format!("timeout 20 sh -c 'until {kernel}; do sleep 0.1; done'"))
            .with_context(|| format!("the backlight is not at level {level}"))?;
        let script = format!("for try in $(seq 40); do {kiosk} && exit; sleep 0.1; done; exit 1");
        self.sh(&script).with_context(|| format!("status does not say {percent}, it says {:?}", self.brightness()))?;
        Ok(())
    }
}

pub fn the_panels_backlight_is_set_by_leave_of_logind_and_kept(kiosk: &Kiosk) -> Result<()> {
    let writable = "setpriv --reuid=kiosk --regid=kiosk --init-groups test -w";
    ensure!(
        kiosk.machine.agent().run(&format!("{writable} {BACKLIGHT}"))?.code != 0,
        "the file is the kiosk's to write"
    );
    kiosk.sh("kioskctl brightness 40")?;
    kiosk.shines(40)?;
    let object = "$(busctl tree --list org.kioskd.Compositor1 | grep -m1 outputs/)";
    kiosk.sh(&format!("busctl set-property org.kioskd.Compositor1 {object} org.kioskd.Output1 Brightness i 75"))?;
    kiosk.shines(75)?;
    // An outside change, such as by a key that the firmware handles.
    kiosk.sh(&format!("echo 5 >{BACKLIGHT}"))?;
    kiosk.shines(25)?;
    // A command sets its value, also if it is the previous one.
    kiosk.sh("kioskctl brightness 75")?;
    kiosk.shines(75)?;
    // A slider: its last value counts.
    kiosk.sh("for percent in $(seq 0 20 60) 30; do kioskctl brightness $percent || exit; done")?;
    kiosk.shines(30)?;
    kiosk.sh(&format!("systemctl stop kiosk && echo {LEVELS} >{BACKLIGHT} && systemctl start kiosk"))?;
    kiosk.shines(30).context("after a restart")?;
    let problems = kiosk.status()?["compositor"]["problems"].clone();
    ensure!(problems.as_array().is_none_or(Vec::is_empty), "there are problems: {problems}");
    kiosk.sh("kioskctl brightness 100")?;
    kiosk.page()
}

pub fn a_display_without_a_control_says_so(kiosk: &Kiosk) -> Result<()> {
    ensure!(kiosk.brightness()? == -1, "it has a brightness: {}", kiosk.status()?);
    let refused = kiosk.machine.agent().run("kioskctl brightness 40")?;
    ensure!(refused.code == 1, "`kioskctl brightness` ended with {}: {}", refused.code, refused.stderr);
    let sentence = refused.stderr.trim();
    ensure!(sentence.lines().count() == 1 && sentence.contains("no brightness control"), "it says: {sentence}");
    Ok(())
}
