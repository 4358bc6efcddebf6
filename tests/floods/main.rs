//! `make bench-floods`: how long one client waits for its answers while other clients flood every socket of a headless
//! kioskd at once, beside the same wait with nobody else there. All run on this machine, at the same priority.
//!
//! Prints a table and writes it as JSON to `tests/out/floods.json`. What the gate asserts are turns and bytes
//! (`tests/in_process/bad`): times are of the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "../nested/process.rs"]
mod process;
#[path = "../fixture/wire.rs"]
mod wire;

mod bystander;
mod flood;
mod kiosk;

use std::path::Path;

use bystander::Waits;
use flood::{FLOODS, Flood};
use kiosk::Kiosk;

fn main() {
    let kiosk = Kiosk::start();
    let mut table = vec![("nobody else", bystander::measure(&kiosk))];
    for flood in FLOODS {
        table.push((flood.name, beside(&kiosk, &[flood])));
    }
    table.push(("all of them at once", beside(&kiosk, &FLOODS.iter().collect::<Vec<_>>())));
    println!("{:<44} {:>8} {:>8} {:>8}   ms, of {} answers", "beside", "median", "99 %", "longest", bystander::ASKED);
    for (name, waits) in &table {
        println!("{name:<44} {:>8.2} {:>8.2} {:>8.2}", waits.median, waits.most, waits.longest);
    }
    let rows: Vec<_> = table
        .iter()
        .map(|(name, waits)| {
            serde_json::json!({ "beside": name, "median-ms": waits.median, "p99-ms": waits.most, "max-ms": waits.longest })
        })
        .collect();
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("out");
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("floods.json"), serde_json::to_vec_pretty(&rows).unwrap()).unwrap();
    kiosk.end();
}

fn beside(kiosk: &Kiosk, floods: &[&'static Flood]) -> Waits {
    let running: Vec<_> = floods.iter().map(|flood| flood::begin(kiosk, flood)).collect();
    let waits = bystander::measure(kiosk);
    for flood in running {
        let did = flood.end();
        assert!(did > 0, "a flood that did nothing proves nothing");
    }
    waits
}
