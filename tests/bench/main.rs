//! `make bench`: kioskd beside cage and weston's kiosk shell, measured in one booted machine, so that only the
//! ratios are taken seriously: the machine is emulated.
//!
//! Prints a table, with what is wanted of kioskd and whether it is reached, and writes the figures as JSON to
//! `tests/out/bench/peers.json`. Arguments name the peers to measure (default: all). A peer that does not start costs
//! its own figures only.

mod measure;
mod peers;
mod table;
mod watched;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use kiosk_tests::vm::{Display, Machine, Plan, Stage};

use measure::Figures;
use peers::{PEERS, Peer};

/// After this nothing more is begun. A quiet machine needs twelve minutes.
const TIME: Duration = Duration::from_secs(25 * 60);

fn main() -> Result<()> {
    let deadline = Instant::now() + TIME;
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let peers: Vec<_> =
        PEERS.iter().filter(|peer| wanted.is_empty() || wanted.iter().any(|w| w == peer.name)).collect();

    let mut stage = Stage::new(Path::new(env!("CARGO_BIN_EXE_kiosk-guest-agent")))?;
    stage.program(Path::new(env!("CARGO_BIN_EXE_kiosk-bench-client")), measure::CLIENT)?;
    stage.program(Path::new(env!("CARGO_BIN_EXE_kiosk-bench-probe")), measure::PROBE)?;
    if peers.iter().any(|peer| peer.name == "kioskd") {
        stage.install_kiosk()?;
    }
    for (path, content) in peers::ROTATING {
        stage.file(path, content)?;
    }
    // Nothing but seatd and the measured program on the first terminal.
    stage.at_setup("ln -sf /dev/null /etc/systemd/system/getty@tty1.service");
    stage.at_setup("ln -sf multi-user.target /usr/lib/systemd/system/default.target");
    stage.at_setup("rm -f /etc/systemd/system/default.target /etc/systemd/system/seatd.service");

    let plan = Plan { name: "bench", display: Display::Virtio, stage: &stage, arguments: "quiet" };
    let mut results = Vec::new();
    let out = {
        let machine = Machine::boot(&plan)?;
        measure::prepare(&machine)?;
        for peer in &peers {
            eprintln!("measuring {}", peer.name);
            results.push(measure::measure(&machine, peer, deadline));
        }
        machine.out.clone()
    };
    if let Err(error) = count(&plan, &peers, deadline, &mut results) {
        eprintln!("no instructions were counted: {error:#}");
    }
    print!("{}", table::table(&results));
    let path = out.join("peers.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&results)?)?;
    println!("\n{}", path.display());
    Ok(())
}

/// The same machine again, with a clock that counts instructions: that count is the same on a busy host, while the time
/// that an emulator takes is mostly that of code it comes to for the first time in a frame.
fn count(plan: &Plan, peers: &[&Peer], deadline: Instant, results: &mut [Figures]) -> Result<()> {
    let machine = Machine::boot_counting(&Plan { name: "bench-counting", ..*plan })?;
    measure::prepare(&machine)?;
    for (peer, figures) in peers.iter().zip(results) {
        eprintln!("counting for {}", peer.name);
        measure::count(&machine, peer, deadline, figures);
    }
    Ok(())
}
