//! The table of faults: each is done to a headless kioskd with the real kiosk-session and the real Chromium, again and
//! again, and how long it takes is measured from outside, by `kioskctl status --watch`: until it is noticed, until the
//! picture changes (the splash in the page's place), until the page is there again. `make faults` prints the table and
//! leaves it in `tests/out/faults.md`; `FAULTS_REPEAT` says how often, `FAULTS` which ones (a part of their names).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "../soak/kiosk.rs"]
mod kiosk;
#[path = "../nested/process.rs"]
mod process;

mod fault;
mod site;
mod table;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use kiosk::Kiosk;
use table::Row;
use watch::Watch;

/// How often each fault is done, unless `FAULTS_REPEAT` says otherwise.
const REPEAT: usize = 20;

/// What it takes from nothing to the page.
fn cold_start(site: &site::Site) -> Duration {
    let begun = Instant::now();
    drop(Kiosk::start_at(&site.url(), ""));
    begun.elapsed()
}

#[test]
fn every_injected_fault_is_detected_and_the_page_is_shown_again() {
    let repeat = std::env::var("FAULTS_REPEAT").ok().and_then(|text| text.parse().ok()).unwrap_or(REPEAT);
    let site = site::Site::start();
    let kiosk = Kiosk::start_at(&site.url(), "");
    let mut watch = Watch::start(&kiosk);
    let row = |fault| {
        // Beside each fault: the machine may have other work at another time.
        let cold = cold_start(&site);
        fault::measure(fault, &kiosk, &site, &mut watch, repeat, cold)
    };
    let chosen = std::env::var("FAULTS").unwrap_or_default();
    let rows: Vec<Row> = fault::FAULTS.iter().filter(|fault| fault.name.contains(&chosen)).map(row).collect();
    assert!(!rows.is_empty(), "no fault is named {chosen:?}");
    let text = table::text(&rows, repeat);
    println!("{text}");
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("out");
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("faults.md"), text).unwrap();
    for row in &rows {
        let seconds = Duration::from_secs;
        // The machine's own speed is in what a cold start takes; the least is for timers of our own.
        let cold = row.cold;
        let (noticed, page) = match row.fault.name {
            "browser draws nothing" => (seconds(45), seconds(45) + 2 * cold),
            "page hangs" => (seconds(15), seconds(15) + seconds(7) + 2 * cold),
            "server back" => (seconds(2), seconds(2)),
            _ => (seconds(2), (2 * cold).max(seconds(4))),
        };
        assert!(table::median(&row.noticed) <= noticed, "{}: noticed too late", row.fault.name);
        assert!(table::median(&row.page) <= page, "{}: the page is back too late", row.fault.name);
    }
}
