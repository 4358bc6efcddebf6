//! `make bench-fleet`: a fleet's devices, as far as a broker and a Prometheus see them, against Debian's mosquitto and
//! prometheus on this machine: how long until all are there, what both take of the machine, and how long until all are back
//! after the broker was killed. `FLEET=1000` is the number of devices, 10,000 unless set.
//!
//! A device here is one connection that says what kiosk-agent says (as many topics of the same length, its discovery, its
//! last will, its signs of life and its pauses between two tries), and one target that is scraped. Prints what was
//! measured, and what broke; asserts nothing: the numbers are of the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod device;
mod reactor;
mod scrape;
mod server;
mod topics;

#[path = "../../session/agent/src/mqtt/backoff.rs"]
mod backoff;
#[allow(dead_code, reason = "the agent's, of which the back-off needs a part")]
#[path = "../../session/agent/src/jitter.rs"]
mod jitter;

use std::time::{Duration, Instant};

use reactor::Fleet;
use server::Server;

/// How long the fleet is looked at while nothing happens.
const STEADY: Duration = Duration::from_secs(60);
/// For all to be there, and for all to be back: the longest pause between two tries, and some.
const PATIENCE: Duration = Duration::from_secs(420);
/// How long the broker is away.
const AWAY: Duration = Duration::from_secs(10);

fn main() {
    let count: usize = std::env::var("FLEET").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Server::mosquitto(folder.path());
    let mut fleet = Fleet::new(count, broker.port);
    println!("{count} devices");
    let begun = Instant::now();
    told("all connected", begun, fleet.until(PATIENCE, |fleet| fleet.up() == count), &mut fleet, &broker);
    let begun = Instant::now();
    fleet.until(STEADY, |_| false);
    told("and then nothing happens", begun, true, &mut fleet, &broker);

    broker.kill();
    let begun = Instant::now();
    fleet.until(AWAY, |_| false);
    broker.start_again();
    let all = fleet.until(PATIENCE, |fleet| fleet.up() == count);
    told("all back, of a broker that was killed and away for 10 s", begun, all, &mut fleet, &broker);
    broker.kill();

    let mut prometheus = Server::prometheus(folder.path(), count, fleet.scraped_at());
    let begun = Instant::now();
    let all = fleet.until(PATIENCE, |fleet| fleet.scraped() == count);
    told("each scraped once, in turns of 60 s", begun, all, &mut fleet, &prometheus);
    let begun = Instant::now();
    fleet.until(STEADY, |_| false);
    told("and a turn more", begun, true, &mut fleet, &prometheus);
    prometheus.kill();
}

/// A line of what was measured.
fn told(what: &str, begun: Instant, done: bool, fleet: &mut Fleet, server: &Server) {
    let (time, usage, counts) = (begun.elapsed(), server.usage(), fleet.counts());
    let done = if done { "" } else { " NOT" };
    println!("{what}:{done} after {:.1} s", time.as_secs_f64());
    println!("  {}: {:.1} s of a processor in all, {} MiB", server.name, usage.processor, usage.memory >> 20);
    println!("  fleet: {counts:?}");
}
