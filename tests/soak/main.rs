//! Hours of a kiosk's life: a headless kioskd with the real kiosk-session and the real Chromium, whose page is reloaded,
//! rotated, covered, killed and left alone again, while clients and callers come and go. What both daemons hold (memory,
//! descriptors, threads, timers) must be the same at the end as it was once everything had been seen.
//!
//! `make soak` runs it for `SOAK_MINUTES`; the series is left in `tests/out/soak.svg` and `soak.csv`, the log in
//! `soak.log`. The programs are those of the same build (`cargo build --workspace`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "../nested/process.rs"]
mod process;

mod chart;
mod kiosk;
mod sample;
mod steps;
mod verdict;

use std::time::{Duration, Instant};

use kiosk::Kiosk;
use sample::Series;

/// Unless `SOAK_MINUTES` says otherwise: hours.
const MINUTES: f64 = 240.0;
/// Between two samples for the picture.
const INTERVAL: Duration = Duration::from_secs(5);

#[test]
fn no_resource_grows_over_hours() {
    let minutes = std::env::var("SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(MINUTES);
    let out = kiosk::out();
    std::fs::create_dir_all(&out).unwrap();
    let kiosk = Kiosk::start();
    let daemons = kiosk.daemons();
    let pids = daemons.map(|daemon| daemon.pid);
    let begun = Instant::now();
    let mut all = Series::new(&daemons);
    let mut at_rest = Series::new(&daemons);
    let mut rounds = 0;
    while begun.elapsed() < Duration::from_secs_f64(minutes * 60.0) {
        for step in steps::STEPS {
            (step.run)(&kiosk, rounds);
            if all.last().is_none_or(|last| begun.elapsed() > last + INTERVAL) {
                all.take(begun.elapsed());
            }
        }
        kiosk.rest();
        at_rest.take(begun.elapsed());
        all.take(begun.elapsed());
        rounds += 1;
        assert_eq!(kiosk.daemons().map(|daemon| daemon.pid), pids, "a daemon was started anew in round {rounds}");
        std::fs::write(out.join("soak.csv"), all.csv()).unwrap();
        std::fs::write(out.join("soak.svg"), chart::svg(&all, rounds)).unwrap();
    }
    let verdict = verdict::judge(&at_rest);
    let reloads = rounds * steps::RELOADS;
    println!("{rounds} rounds in {:.0?}, {reloads} reloads, {rounds} restarts; {}", begun.elapsed(), verdict.text);
    assert!(verdict.flat, "{rounds} rounds in {:.0?}: {}\n{}", begun.elapsed(), verdict.text, kiosk.log_end());
}
