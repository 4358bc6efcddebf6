//! The faults, and how each is done and measured.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::kiosk::Kiosk;
use crate::site::Site;
use crate::table::Row;
use crate::watch::Watch;

/// A fault.
pub struct Fault {
    pub name: &'static str,
    /// Does it; the time is counted from here.
    strike: fn(&Kiosk, &Site, &mut Watch) -> Instant,
    /// What is done about it is stronger when there was trouble a short while ago.
    climbs: bool,
    /// The page stays what people see, and its picture does not change at all.
    harmless: bool,
}

const fn fault(name: &'static str, strike: fn(&Kiosk, &Site, &mut Watch) -> Instant) -> Fault {
    Fault { name, strike, climbs: false, harmless: false }
}

/// One that the ladder is for.
const fn trouble(name: &'static str, strike: fn(&Kiosk, &Site, &mut Watch) -> Instant) -> Fault {
    Fault { climbs: true, ..fault(name, strike) }
}

pub const FAULTS: &[Fault] = &[
    trouble("page's process killed", |kiosk, _, _| signal(&renderers(kiosk.browser()), Signal::KILL)),
    trouble("browser killed", |kiosk, _, _| signal(&[kiosk.browser()], Signal::KILL)),
    trouble("page hangs", |kiosk, _, _| signal(&renderers(kiosk.browser()), Signal::STOP)),
    trouble("browser draws nothing", |kiosk, _, _| signal(&drawing(kiosk.browser()), Signal::STOP)),
    trouble("kiosk-session killed", |kiosk, _, _| signal(&[kiosk.daemons()[1].pid], Signal::KILL)),
    fault("server back", server_back),
    Fault { harmless: true, ..fault("link refused", refused_link) },
];

/// After the last one: a ladder that has climbed begins at its foot again after a minute of a page that is well, and so
/// does kioskd's own wait before it starts kiosk-session again.
const REST: Duration = Duration::from_secs(62);

pub fn measure(
    fault: &'static Fault,
    kiosk: &Kiosk,
    site: &Site,
    watch: &mut Watch,
    repeat: usize,
    cold: Duration,
) -> Row {
    let mut row = Row { fault, cold, noticed: Vec::new(), picture: Vec::new(), page: Vec::new() };
    for _ in 0..repeat {
        if fault.climbs {
            std::thread::sleep(REST);
        }
        kiosk.wait_for_page();
        watch.catch_up();
        let before = watch.last.clone();
        let picture = fault.harmless.then(|| screenshot(kiosk));
        let struck = (fault.strike)(kiosk, site, watch);
        let (mut noticed, mut covered) = (None, None);
        let back = watch.until(fault.name, |seen| {
            let other = !seen.is_page() || seen.failed_at != before.failed_at || seen.refused != before.refused;
            let is_new = noticed.is_none() && other;
            if is_new {
                noticed = Some(seen.at);
            }
            if covered.is_none() && seen.stage != "shell" {
                covered = Some(seen.at);
            }
            noticed.is_some() && seen.is_page()
        });
        let since = |at: Instant| at.saturating_duration_since(struck);
        row.noticed.extend(noticed.map(since));
        row.picture.extend(covered.map(since));
        row.page.push(since(back.at));
        if let Some(picture) = picture {
            assert!(covered.is_none(), "{}: the page was covered", fault.name);
            assert!(screenshot(kiosk) == picture, "{}: the picture has changed", fault.name);
        }
    }
    row
}

fn signal(pids: &[u32], signal: Signal) -> Instant {
    assert!(!pids.is_empty(), "there is no such process");
    let struck = Instant::now();
    for pid in pids {
        kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
    }
    struck
}

/// The server goes, the page is loaded again and is not there; then the server is back.
fn server_back(kiosk: &Kiosk, site: &Site, watch: &mut Watch) -> Instant {
    site.go();
    assert!(!kiosk.try_kioskctl(&["reload"]).status.success());
    watch.until("the page to go", |seen| seen.stage == "splash");
    // As after a while: the server is asked ever more rarely.
    std::thread::sleep(Duration::from_secs(3));
    watch.catch_up();
    let struck = Instant::now();
    site.come_back();
    struck
}

fn refused_link(_: &Kiosk, site: &Site, _: &mut Watch) -> Instant {
    site.lead("https://elsewhere.example/");
    Instant::now()
}

fn screenshot(kiosk: &Kiosk) -> Vec<u8> {
    let file = kiosk.file("picture.png");
    kiosk.kioskctl(&["screenshot", file.to_str().unwrap()]);
    std::fs::read(file).unwrap()
}

/// What draws for all of them.
fn drawing(browser: u32) -> Vec<u32> {
    processes(browser, |line| line.contains("--type=gpu-process"))
}

/// Those of pages, not of the browser's own interface.
fn renderers(browser: u32) -> Vec<u32> {
    processes(browser, |line| {
        line.contains("--type=renderer") && !line.contains("top-chrome") && !line.contains("extension-process")
    })
}

/// The browser's processes whose command line is as wanted.
fn processes(browser: u32, wanted: impl Fn(&str) -> bool) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let line = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let group = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse::<u32>().ok()
    };
    pids.filter(|pid| group(pid) == Some(browser)).filter(|pid| wanted(&line(pid))).collect()
}
