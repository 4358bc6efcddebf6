//! Many at once: clients that never stop writing, connections without end, and a process without descriptors.

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    time::Duration,
};

use kioskd::{clients, privilege::Privilege};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Bystander, floods::alone};
use crate::fixture::{
    Fixture, Setup,
    wire::{Arg, DISPLAY, Wire},
};

/// Bytes that libwayland reads from a client at a time.
const ONE_READ: usize = 4096;
/// Clients that are served in a turn.
const CLIENTS_A_TURN: usize = 32;

/// A client that writes whenever there is room.
struct Flood {
    wire: Wire,
    requests: Vec<u8>,
    written: usize,
    /// Position of the next byte in `requests`.
    at: usize,
}

impl Flood {
    fn new(fixture: &mut Fixture) -> Self {
        let number = {
            let client = fixture.client();
            let globals = fixture[client].seen.globals.clone();
            fixture.disconnect(client);
            globals.iter().find(|global| global.interface == "wl_compositor").unwrap().number
        };
        let mut wire = Wire::new(fixture.socket(Privilege::Shell));
        wire.request(DISPLAY, 1, &[Arg::Word(2)]);
        wire.request(2, 0, &[Arg::Word(number), Arg::Text("wl_compositor"), Arg::Word(4), Arg::Word(3)]);
        wire.request(3, 0, &[Arg::Word(4)]);
        // wl_surface.set_opaque_region(null), which gets no answer.
        let requests = Wire::message(4, 4, &[Arg::Word(0)]).repeat(1000);
        Self { wire, requests, written: 0, at: 0 }
    }

    /// Writes until the socket is full, and reads the server's events.
    fn pour(&mut self) {
        loop {
            match self.wire.stream.write(&self.requests[self.at..]) {
                Ok(count) => {
                    self.written += count;
                    self.at = (self.at + count) % self.requests.len();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the server hung up: {error}"),
            }
        }
        assert!(!self.wire.is_closed());
    }
}

#[test]
fn floods_are_read_once_a_turn_and_everybody_else_is_served_in_each() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits.clients_per_user = 100;
    let mut fixture = setup.start();
    let bystander = Bystander::new(&mut fixture);
    let mut floods: Vec<Flood> = (0..20).map(|_| Flood::new(&mut fixture)).collect();
    for flood in &mut floods {
        flood.pour();
    }
    for round in 0..50 {
        let before: Vec<usize> = floods.iter().map(|flood| flood.written).collect();
        let wanted = fixture[bystander.client].sync();
        let mut turns = 0;
        while fixture[bystander.client].seen.synced < wanted {
            fixture.turn(Duration::ZERO);
            turns += 1;
            assert!(turns <= 2, "no client is served for {turns} turns, in round {round}");
        }
        for (flood, before) in floods.iter_mut().zip(before) {
            flood.pour();
            // The kernel frees socket memory a page at a time, and uses some of that itself.
            let read = flood.written - before;
            assert!(round == 0 || read <= turns * ONE_READ * 4, "{read} bytes of one client in {turns} turns");
        }
    }
    let poured: Vec<usize> = floods.iter().map(|flood| flood.written).collect();
    let (least, most) = (poured.iter().min().unwrap(), poured.iter().max().unwrap());
    assert!(least * 2 > *most, "not all are read alike: {poured:?}");
    bystander.assert_unharmed(&mut fixture);
}

#[test]
fn more_writers_than_are_read_in_a_turn_take_turns() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits.clients_per_user = 100;
    let mut fixture = setup.start();
    let bystander = Bystander::new(&mut fixture);
    let mut floods: Vec<Flood> = (0..CLIENTS_A_TURN * 2).map(|_| Flood::new(&mut fixture)).collect();
    for round in 0..20 {
        floods.iter_mut().for_each(Flood::pour);
        let wanted = fixture[bystander.client].sync();
        let mut turns = 0;
        while fixture[bystander.client].seen.synced < wanted {
            fixture.turn(Duration::ZERO);
            turns += 1;
            assert!(turns <= 4, "no client is served for {turns} turns, in round {round}");
        }
    }
    bystander.assert_unharmed(&mut fixture);
}

/// A listening socket like kioskd's, with its event source.
fn listener(fixture: &mut Fixture) -> std::path::PathBuf {
    let path = fixture.directory.path().join("crowd");
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    clients::accept_from(&mut fixture.kiosk, listener, Privilege::Shell, 0).unwrap();
    path
}

#[test]
fn new_clients_are_taken_in_eight_a_turn() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits.clients_per_user = 100;
    let mut fixture = setup.start();
    let path = listener(&mut fixture);
    let _clients: Vec<UnixStream> = (0..50).map(|_| UnixStream::connect(&path).unwrap()).collect();
    for turn in 1..=6 {
        fixture.turn(Duration::ZERO);
        assert_eq!(fixture.kiosk.protocols.limits.clients(), 8 * turn);
    }
    fixture.turn(Duration::ZERO);
    assert_eq!(fixture.kiosk.protocols.limits.clients(), 50);
}

#[test]
fn one_connection_too_many_is_told_and_the_next_is_taken_when_one_has_gone() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits.clients_per_user = 3;
    let mut fixture = setup.start();
    let bystander = Bystander::new(&mut fixture);
    let path = listener(&mut fixture);
    let mut first = UnixStream::connect(&path).unwrap();
    let _second = UnixStream::connect(&path).unwrap();
    let mut third = UnixStream::connect(&path).unwrap();
    third.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    fixture.turn(Duration::ZERO);
    let mut said = Vec::new();
    third.read_to_end(&mut said).unwrap();
    let text = String::from_utf8_lossy(&said);
    let sentence = "too many clients: one user may have 3 at a time ([limits] clients-per-user)";
    assert!(text.contains(sentence), "{text:?}");
    // As libwayland sends it: on wl_display, which is object 1, with the right length.
    let word = |at: usize| u32::from_ne_bytes(said[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(4) & 0xffff, word(4) >> 16, word(8), word(12)), (1, 0, said.len() as u32, 1, 2));
    bystander.assert_seen(&mut fixture);

    first.set_nonblocking(true).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "the first is still there");
    drop(first);
    fixture.turn(Duration::ZERO);
    let mut fourth = Wire::new(UnixStream::connect(&path).unwrap());
    fixture.until("the fourth to be taken in", |fixture| fixture.kiosk.protocols.limits.clients() == 3);
    assert!(!fourth.is_closed());
}

#[test]
fn tools_of_the_admin_socket_do_not_share_with_the_shells() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits.clients_per_user = 2;
    setup.config.limits.clients = 2;
    let mut fixture = setup.start();
    let bystander = Bystander::new(&mut fixture);
    let _other = fixture.client();
    let mut refused = Wire::new(fixture.socket(Privilege::Shell));
    assert!(refused.is_closed());
    let tool = fixture.client_of(Privilege::Admin);
    fixture.roundtrip(tool);
    bystander.assert_unharmed(&mut fixture);
}

#[test]
fn without_descriptors_the_listener_rests_and_the_reserve_is_kept() {
    if !alone("bad::crowds::without_descriptors_the_listener_rests_and_the_reserve_is_kept") {
        return;
    }
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits.clients_per_user = 1000;
    setup.config.limits.clients = 1000;
    let mut fixture = setup.start();
    let bystander = Bystander::new(&mut fixture);
    fixture.still();
    let path = listener(&mut fixture);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // With a low limit, half is for connections.
    let few = (open + 40) * 2;
    setrlimit(Resource::Nofile, Rlimit { current: Some(few), maximum }).unwrap();
    // Both ends are in this process: each client costs two.
    let mut clients: Vec<UnixStream> = Vec::new();
    for _ in 0..30 {
        clients.push(UnixStream::connect(&path).unwrap());
        fixture.turn(Duration::ZERO);
    }
    let refused = clients.iter().filter(|client| {
        client.set_nonblocking(true).unwrap();
        matches!((&mut &**client).read(&mut [0; 256]), Ok(count) if count > 0)
    });
    assert!(refused.count() >= 5, "the reserve was given away");
    // The reserve is usable: for a screenshot, or a descriptor for D-Bus.
    drop(rustix::pipe::pipe().unwrap());
    fixture.screenshot();
    bystander.assert_unharmed(&mut fixture);

    // With no descriptor left, waiting connections do not wake the loop again and again.
    let waiting: Vec<UnixStream> = (0..4).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let taken: Vec<_> = std::iter::from_fn(|| rustix::io::dup(&waiting[0]).ok()).collect();
    assert!(taken.len() as u64 + open >= few - 2);
    fixture.turn(Duration::ZERO);
    let wakeups = fixture.wakeups(Duration::from_secs(1));
    assert!(wakeups <= 20, "{wakeups} wake-ups in a second");
    fixture.roundtrip(bystander.client);
    drop(taken);
    drop(clients);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    fixture.until("those who waited", |fixture| fixture.kiosk.protocols.limits.clients() >= 5);
    bystander.assert_unharmed(&mut fixture);
    fixture.assert_serving();
}
