//! `make bench-boot`: from power-on to the page, and how long each stage of that takes, with kioskd and with cage in its place:
//! the same disk, kernel, page server, and Chromium with the same command line and profile. In turn, so that a host that is
//! busier for a while counts for both.
//!
//! All of it is on one clock, the host's. What the machine knows of itself is on its own, which begins with its kernel: how
//! far the two are apart is asked by a login, when the page is there. Prints a table and writes `boot.json` to
//! `tests/out/bench-boot`, beside a film strip of each start. One whose page never comes counts as such, and its journal is
//! beside its film. With cage that happens: where Chromium's network service crashes while it starts, as it does now and then on
//! a slow machine, the window stays white, since nobody opens the page again. kiosk-session does.

mod contenders;
mod table;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan, Login, is_demo, is_splash};
use serde_json::Value;

use contenders::{Browser, Contender};
use table::Figures;

/// Starts that count, of each.
const RUNS: usize = 3;
/// Another number of them.
const RUNS_ENV: &str = "BOOT_RUNS";
/// Power-on to the page of the first start, emulated on a busy host.
const PAGE_TIMEOUT: Duration = Duration::from_secs(900);
/// A later one whose page is not there after so many times as long as that took never has one.
const NEVER: u32 = 3;
/// Until the first boot counts as good: later ones are not counted.
const BLESSED_TIMEOUT: Duration = Duration::from_secs(300);
/// Between two looks at the screen: a picture is taken in a tenth of it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// The two clocks are compared so often; the quickest answer counts.
const ASKED: usize = 5;

fn main() -> Result<()> {
    let runs = std::env::var(RUNS_ENV).map_or(Ok(RUNS), |runs| runs.parse()).context(RUNS_ENV)?;
    let images = std::env::var_os("KIOSKD_IMAGES").context("KIOSKD_IMAGES is not set: make bench-boot does")?;
    let images = PathBuf::from(images);
    let card = Card::flash(&images.join("kiosk_1.raw"))?;
    let key = card.take_key()?;
    let mut bench = Bench { card, key, stick: images.join("cage.raw"), never: PAGE_TIMEOUT };

    // Uncounted: the disk grows, the boot is blessed, and caches and the browser's profile are made.
    let browser = bench.first()?;
    let mut figures = Figures::default();
    let path = out("").join("boot.json");
    for run in 1..=runs {
        for contender in Contender::ALL {
            let start = bench.start(contender, &browser, run)?;
            let page = start.page.map_or("no page".to_owned(), |page| format!("page after {page:.1} s"));
            eprintln!("{}, {run} of {runs}: logo after {:.1} s, {page}", contender.name(), start.logo);
            figures.add(contender, start);
        }
        // What was measured is there, whatever comes after it.
        std::fs::write(&path, serde_json::to_vec_pretty(&figures)?)?;
        eprint!("{}", figures.table(&bench.cage()?));
    }
    print!("{}", figures.table(&bench.cage()?));
    println!("\n{}", path.display());
    Ok(())
}

/// Where what is left of it goes.
fn out(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("out/bench-boot").join(name)
}

/// The disk that all starts are of.
struct Bench {
    card: Card,
    key: PathBuf,
    /// With cage on it; it is there for both.
    stick: PathBuf,
    /// After this there is no page any more.
    never: Duration,
}

/// One start: moments in seconds after power-on.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Start {
    /// Firmware and boot loader are over.
    pub kernel: f64,
    /// The initrd begins.
    pub initrd: f64,
    /// The system in the root begins.
    pub system: f64,
    /// Our logo is on the screen, first that of the boot loader's stub.
    pub logo: f64,
    /// The compositor: cage is started, or kioskd's first frame is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compositor: Option<f64>,
    /// The page is on the screen; `None`: it never was.
    pub page: Option<f64>,
    /// What kioskd itself says of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_told: Option<f64>,
}

impl Bench {
    /// Gives the command line of the browser that kiosk-session has started.
    fn first(&mut self) -> Result<Browser> {
        let mut machine = self.machine(&[], "kioskd-0")?;
        self.never = machine.wait("page", PAGE_TIMEOUT, |picture| Ok(is_demo(picture)))? * NEVER;
        machine.wait("blessed", BLESSED_TIMEOUT, |_| Ok(self.card.kernels()? == ["kiosk_1.efi"]))?;
        let key = Login::Key(&self.key);
        machine.log_in(&key)?;
        let browser = status(&machine, &key)?["session"]["browser-pid"].as_u64().context("there is no browser")?;
        let browser = Browser::of(&machine.run(&key, &format!("tr '\\0' '\\n' </proc/{browser}/cmdline"))?)?;
        machine.power_off()?;
        Ok(browser)
    }

    fn machine(&self, credentials: &[(&str, &str)], film: &str) -> Result<Flashed> {
        let (disk, film) = (self.card.disk(), out(film));
        let plan = FlashedPlan { stick: Some(&self.stick), look_again: LOOK_AGAIN, ..FlashedPlan::new(&disk, &film) };
        Flashed::start(&FlashedPlan { credentials, ..plan })
    }

    fn start(&self, contender: Contender, browser: &Browser, run: usize) -> Result<Start> {
        let units = contender.units(browser);
        let credentials: Vec<(&str, &str)> = units.iter().map(|(name, unit)| (*name, unit.as_str())).collect();
        let name = format!("{}-{run}", contender.name());
        let mut machine = self.machine(&credentials, &name)?;
        let logo = machine.wait("logo", PAGE_TIMEOUT, |picture| {
            ensure!(!is_demo(picture), "the page is there, and the logo never was");
            Ok(is_splash(picture))
        })?;
        let until = Instant::now() + self.never;
        let mut is_there = false;
        let page = machine.wait("page", self.never * 2, |picture| {
            is_there = is_demo(picture);
            Ok(is_there || Instant::now() > until)
        })?;
        let page = is_there.then_some(page);
        let key = Login::Key(&self.key);
        machine.log_in(&key)?;
        if page.is_none() {
            let journal = out(&name).join("journal.txt");
            std::fs::write(&journal, machine.run(&key, "journalctl -b --no-pager -o short-monotonic")?)?;
            eprintln!("{name}: no page after {} s: {}", self.never.as_secs(), journal.display());
        }
        let apart = apart(&machine, &key)?;
        let says = |command: &str| -> Result<f64> {
            let said = machine.run(&key, command)?;
            let micros: f64 = said.trim().parse().with_context(|| format!("{command}: {said:?}"))?;
            Ok(apart + micros / 1e6)
        };
        let initrd = says("systemctl show -P InitRDTimestampMonotonic")?;
        let system = says("systemctl show -P UserspaceTimestampMonotonic")?;
        let (compositor, page_told) = match contender {
            Contender::Cage => (Some(says("systemctl show -P ExecMainStartTimestampMonotonic kiosk.service")?), None),
            Contender::Kioskd => {
                let status = status(&machine, &key)?;
                let moment = |name: &str| {
                    let micros = status["compositor"][name].as_f64().filter(|micros| *micros > 0.0);
                    micros.map(|micros| apart + micros / 1e6)
                };
                (moment("first-frame"), moment("first-page"))
            }
        };
        machine.power_off()?;
        let (logo, page) = (logo.as_secs_f64(), page.map(|page| page.as_secs_f64()));
        Ok(Start { kernel: apart, initrd, system, logo, compositor, page, page_told })
    }

    /// Its version, as Debian has it.
    fn cage(&self) -> Result<String> {
        let version = std::fs::read_to_string(self.stick.with_extension("version"))?;
        Ok(version.trim().to_owned())
    }
}

/// What kioskctl says.
fn status(machine: &Flashed, key: &Login) -> Result<Value> {
    Ok(serde_json::from_str(&machine.run(key, "kioskctl --json status")?)?)
}

/// When the machine's kernel began, seconds after power-on: the machine's own clock, beside ours.
fn apart(machine: &Flashed, key: &Login) -> Result<f64> {
    let mut best: Option<(Duration, f64)> = None;
    for _ in 0..ASKED {
        let before = machine.uptime();
        let said = machine.run(key, "cat /proc/uptime")?;
        let after = machine.uptime();
        let uptime: f64 = said.split(' ').next().unwrap_or_default().parse().with_context(|| said.clone())?;
        let took = after - before;
        if best.is_none_or(|(quickest, _)| took < quickest) {
            // Most of it is the login, which is over when it is read; it ends at once then.
            best = Some((took, after.as_secs_f64() - uptime));
        }
    }
    best.map(|(_, apart)| apart).context("it was not asked")
}
