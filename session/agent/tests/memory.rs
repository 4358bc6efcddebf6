//! What kiosk-agent keeps: little, and no more after hundreds of requests than after the first ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};

#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod fleet;

use fake::Fake;
use fleet::{Agent, Authority, Client};

/// Memory of its own, KiB: what it allocates, and pages of its program that were changed when that was loaded. With the program's
/// own pages, which an optimized one has 5 MiB of in use, it is to stay below 8 MiB.
const MOST: u64 = 3072;
/// What the allocator may keep more of after hundreds of requests, KiB.
const SLACK: u64 = 256;
/// At a time, of three kinds.
const REQUESTS: usize = 60;

fn field(pid: u32, file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn memory_is_small_and_stays_as_it_is() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let (_session, _compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    let admin = Client::new(&fleet, Some(&fleet.client("admin")));
    let mut watcher = admin.connect(&agent);
    watcher.write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    watcher.read_exact(&mut [0; 12]).unwrap();
    let own = || field(agent.pid(), "smaps_rollup", "Anonymous:");
    let some = || {
        for _ in 0..REQUESTS / 3 {
            for path in ["/v1/status", "/metrics", "/v1/screenshot"] {
                assert_eq!(admin.get(&agent, path).status, 200);
            }
        }
    };
    let idle = own();
    some();
    let first = own();
    for _ in 0..4 {
        some();
    }
    let last = own();
    eprintln!("{idle} KiB idle with a watcher, {first} after some requests, {last} after more");
    assert!(first <= MOST && last <= first + SLACK, "{idle}, {first}, {last} KiB");
    assert_eq!(field(agent.pid(), "status", "Threads:"), 1);
}
