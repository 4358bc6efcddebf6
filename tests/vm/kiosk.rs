//! A booted kiosk: the machine, the film of its start, and common actions of steps.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use kiosk_tests::vm::{Display, Guest, Machine, Plan, Sample, Stage, virtual_display_driver};
use serde_json::Value;

use super::looks::{self, is_logo, is_page};
use super::{cards, devices, heads, programs, vkms, welcome};

/// From power-on to the splash, and from the server's start to the page: emulated, on a busy host.
pub const BOOT: Duration = Duration::from_secs(240);
/// The demo page's log in the guest.
const LOG: &str = "/run/demo.jsonl";
/// Where an administrator's drop-ins of the configuration are in the guest.
const DROP_INS: &str = "/etc/kiosk/config.d";
pub const CLIENT: &str = "/usr/lib/kiosk-tests/bench-client";
/// The client that captures and leases.
pub const SCREEN_CLIENT: &str = "/usr/lib/kiosk-tests/screen-client";

/// A kiosk that shows its page.
pub struct Kiosk {
    pub machine: Machine,
    pub display: Display,
    /// Kernel arguments, in addition to every machine's.
    pub arguments: &'static str,
    /// From power-on to the page.
    pub film: Vec<Sample>,
}

impl Kiosk {
    /// Installs and enables the kiosk on a fresh disk, starts the machine, and starts the page's server only after the
    /// splash is shown.
    pub fn boot(name: &str, display: Display, arguments: &'static str) -> Result<Self> {
        let mut stage = Stage::new(Path::new(env!("CARGO_BIN_EXE_kiosk-guest-agent")))?;
        stage.install_kiosk()?;
        stage.program(Path::new(env!("CARGO_BIN_EXE_kiosk-bench-client")), CLIENT)?;
        stage.program(Path::new(env!("CARGO_BIN_EXE_kiosk-screen-client")), SCREEN_CLIENT)?;
        devices::stage(&stage)?;
        stage.at_setup("systemctl enable kiosk.service");
        if display == Display::Bochs {
            welcome::stage(&stage)?;
        }
        if Guest::has_programs() {
            programs::stage(&stage)?;
        }
        if display == Display::TwoCards {
            stage.at_setup(cards::LOAD);
        }
        if matches!(display, Display::TwoCards | Display::Virgl) {
            match virtual_display_driver(&Guest::obtain()?) {
                Ok(module) => stage.program(&module, vkms::MODULE)?,
                Err(error) => eprintln!("no virtual display driver: {error:#}"),
            }
        }
        let machine = Machine::start(&Plan { name, display, stage: &stage, arguments })?;
        // Machines with cables start without a monitor. (What was never plugged in cannot be unplugged.)
        for cable in &machine.cables {
            cable.plug(heads::FIRST.0, heads::FIRST.1)?;
            cable.pull()?;
        }
        let film = machine.film();
        machine.agent().wait(BOOT)?;
        let kiosk = Self { machine, display, arguments, film: Vec::new() };
        let started = kiosk.bring_up();
        let film = film.cut();
        if started.is_err() {
            kiosk.print_film(&film);
        }
        started.map_err(|error| kiosk.explained("boot", error))?;
        Ok(Self { film, ..kiosk })
    }

    fn bring_up(&self) -> Result<()> {
        match self.display {
            Display::TwoHeads => return self.bring_up_unseen(),
            Display::Bochs => return welcome::bring_up(self),
            _ => {}
        }
        self.machine.wait_for_screen("the logo", BOOT, is_logo)?;
        eprintln!("logo seen {:.1} s after power-on", self.machine.uptime().as_secs_f64());
        self.serve_page()?;
        self.page()?;
        self.wait_for_event(0, "load", BOOT)?;
        eprintln!("page seen {:.1} s after power-on", self.machine.uptime().as_secs_f64());
        Ok(())
    }

    /// The page is loaded before any monitor is connected.
    fn bring_up_unseen(&self) -> Result<()> {
        self.serve_page()?;
        self.wait_for_event(0, "load", BOOT)?;
        eprintln!("page loaded {:.1} s after power-on, with no display", self.machine.uptime().as_secs_f64());
        let (width, height) = heads::FIRST;
        self.machine.cables[0].plug(width, height)?;
        self.page()
    }

    /// Starts the page's server.
    pub fn serve_page(&self) -> Result<()> {
        self.sh(&format!("systemd-run --quiet --unit=demo kiosk-demo-shell --port 3000 --log {LOG}")).map(drop)
    }

    /// Runs a command in the guest as root.
    pub fn sh(&self, script: &str) -> Result<String> {
        self.machine.agent().sh(script)
    }

    /// Writes a drop-in of the configuration, as an administrator does; who needs it in force reloads or restarts.
    pub fn configure(&self, name: &str, text: &str) -> Result<()> {
        ensure!(text.ends_with('\n'), "{name} ends within a line");
        self.sh(&format!("mkdir -p {DROP_INS} && cat >{DROP_INS}/{name}.toml <<'END'\n{text}END")).map(drop)
    }

    /// Removes a drop-in.
    pub fn deconfigure(&self, name: &str) -> Result<()> {
        self.sh(&format!("rm -f {DROP_INS}/{name}.toml")).map(drop)
    }

    /// Waits until the page covers the screen.
    pub fn page(&self) -> Result<()> {
        self.machine.wait_for_screen("the page", BOOT, is_page).map(drop)
    }

    /// Before each step: the page, upright, on the first terminal.
    pub fn settle(&self) -> Result<()> {
        if self.display == Display::TwoHeads {
            self.plug_both()?;
        }
        if self.active_terminal()? != "tty1" {
            self.sh("kioskctl vt 1")?;
        }
        self.sh("kioskctl screen on && kioskctl rotate 0")?;
        self.page()
    }

    pub fn active_terminal(&self) -> Result<String> {
        self.sh("cat /sys/class/tty/tty0/active")
    }

    /// `kioskctl status --json`.
    pub fn status(&self) -> Result<Value> {
        serde_json::from_str(&self.sh("kioskctl status --json")?).context("kioskctl status --json")
    }

    /// Waits until `kioskctl status` is as wanted.
    pub fn wait_for_status(&self, what: &str, timeout: Duration, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let job = self.machine.agent().stream("exec kioskctl status --watch --json")?;
        let told = job.line(timeout, |line| serde_json::from_str(line).ok().filter(&wanted));
        job.stop()?;
        told.map(drop).with_context(|| format!("the status did not tell {what}"))
    }

    /// Process id of the browser's main process, as reported by the session.
    pub fn browser(&self) -> Result<i64> {
        let status = self.status()?;
        let pid = status["session"]["browser-pid"].as_i64().unwrap_or(0);
        ensure!(pid > 0, "no browser runs: {status}");
        Ok(pid)
    }

    /// Main process of a unit.
    pub fn main_pid(&self, unit: &str) -> Result<i64> {
        let pid: i64 = self.sh(&format!("systemctl show -P MainPID {unit}"))?.parse()?;
        ensure!(pid > 0, "{unit} has no process");
        Ok(pid)
    }

    /// The current length of the log of the page's server.
    pub fn mark(&self) -> Result<usize> {
        Ok(self.sh(&format!("wc -l <{LOG}"))?.trim().parse()?)
    }

    /// The log entries of the page's server after `mark`.
    pub fn events(&self, mark: usize) -> Result<Vec<Value>> {
        let text = self.sh(&format!("tail -n +{} {LOG}", mark + 1))?;
        text.lines().map(|line| serde_json::from_str(line).context("the demo page's log")).collect()
    }

    /// Waits for the page to report `event` after `mark`.
    pub fn wait_for_event(&self, mark: usize, event: &str, timeout: Duration) -> Result<Value> {
        self.wait_for_report(mark, &format!("`{event}`"), timeout, |entry| entry["event"] == event)
    }

    /// Waits for a report of the page after `mark` that is as `wanted`.
    pub fn wait_for_report(
        &self,
        mark: usize,
        what: &str,
        timeout: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let job = self.machine.agent().stream(&format!("exec tail -n +{} -F {LOG} 2>/dev/null", mark + 1))?;
        let found = job.line(timeout, |line| serde_json::from_str::<Value>(line).ok().filter(&wanted));
        job.stop()?;
        found.with_context(|| format!("the page did not report {what}"))
    }

    /// An error with the gist of what there is to see, as its text may be all that is left of a run. The screen and the
    /// journal are saved with the machine's logs.
    pub fn explained(&self, step: &str, error: anyhow::Error) -> anyhow::Error {
        let screen = self.machine.screen().and_then(|picture| {
            let path = self.machine.save(&picture, &format!("failed-{step}"))?;
            Ok(format!("the screen shows {}: {}", looks::describe(&picture), path.display()))
        });
        let screen = screen.unwrap_or_else(|error| format!("no picture of the screen: {error:#}"));
        let said = |command: &str| match self.machine.agent().run(command) {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) => format!("no answer from the machine: {error:#}"),
        };
        let journal = said("journalctl -b --no-pager -o short-monotonic -n 400");
        let status = said("kioskctl status");
        let _ = std::fs::write(self.machine.out.join(format!("failed-{step}.log")), format!("{status}{journal}"));
        let ours = said("journalctl -b --no-pager -o short-monotonic -n 15 -t kioskd -t kiosk-session -t kernel");
        let status: Vec<&str> = status.lines().take(12).collect();
        anyhow!("{error:#}\n{screen}\n{}\n{ours}", status.join("\n"))
    }

    /// Prints one line for each change of the picture.
    pub fn print_film(&self, film: &[Sample]) {
        let mut last = "";
        for sample in film {
            let now = looks::describe(&sample.picture);
            if now != last {
                eprintln!("{:8.2} s  {now}", sample.at.as_secs_f64());
                last = now;
            }
        }
    }
}
