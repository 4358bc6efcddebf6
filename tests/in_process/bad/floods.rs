//! Clients that send or request too much.

use std::{
    io::{ErrorKind, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use kioskd::privilege::Privilege;
use wayland_client::protocol::wl_shm::Format;

use super::Bystander;
use crate::fixture::{
    Fixture, Setup,
    picture::{GREEN, Picture, RED, memory},
    wire::{Arg, DISPLAY, Wire},
};

/// Runs a test in a separate process, where nothing else allocates memory. Returns whether this is that process.
pub fn alone(test: &str) -> bool {
    const ALONE: &str = "KIOSK_TEST_ALONE";
    /// Freed memory that glibc keeps for each thread counts as allocated: it has to keep none.
    const UNCACHED: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let mut command = std::process::Command::new(program);
    let output =
        command.args(["--exact", test, "--nocapture"]).env(ALONE, "1").env(UNCACHED.0, UNCACHED.1).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
    false
}

pub fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Memory used by the process, KiB.
pub fn memory_in_use() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_surfaces_are_survived() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    for _ in 0..20 {
        for _ in 0..500 {
            fixture[client].surface().commit();
        }
        fixture[client].sync();
        fixture.turn(Duration::ZERO);
    }
    bystander.assert_unharmed(&mut fixture);
    fixture.disconnect(client);
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_thousand_windows_and_subsurfaces_are_survived() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let client = fixture.client();
    let handle = fixture[client].handle.clone();
    let mut parent = fixture.map(client, Picture::Solid(RED)).surface;
    for depth in 0..1_000 {
        let window = fixture[client].toplevel();
        window.surface.commit();
        let child = fixture[client].surface();
        let part = fixture[client].bound().subcompositor.get_subsurface(&child, &parent, &handle, ());
        part.set_desync();
        child.commit();
        // Every tenth surface nests a level deeper.
        if depth % 10 == 0 {
            parent = child;
        }
        if depth % 50 == 0 {
            fixture.turn(Duration::ZERO);
        }
    }
    fixture[client].sync();
    bystander.assert_unharmed(&mut fixture);
    fixture.disconnect(client);
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_client_that_never_reads_is_disconnected_and_costs_no_memory() {
    if !alone("bad::floods::a_client_that_never_reads_is_disconnected_and_costs_no_memory") {
        return;
    }
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let mut wire = Wire::new(fixture.socket(Privilege::Shell));
    let before = memory_in_use();
    // Every sync is answered with two events of twelve bytes, which the client does not read.
    let started = Instant::now();
    let mut sync = (2u32..).map(|id| Wire::message(DISPLAY, 0, &[Arg::Word(id)]));
    let mut unsent = Vec::new();
    let mut sent = 0;
    while sent < 8 << 20 {
        while unsent.len() < 16 * 1024 {
            unsent.extend(sync.next().unwrap());
        }
        // As much as the socket accepts.
        match wire.stream.write(&unsent) {
            Ok(count) => {
                unsent.drain(..count);
                sent += count;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        fixture.turn(Duration::ZERO);
    }
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(wire.is_closed(), "a client that reads nothing is still waited for");
    let grown = memory_in_use().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB are kept for a client that does not read");
    bystander.assert_seen(&mut fixture);
}

#[test]
fn file_descriptors_sent_for_nothing_are_survived() {
    if !alone("bad::floods::file_descriptors_sent_for_nothing_are_survived") {
        return;
    }
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let mut wire = Wire::new(fixture.socket(Privilege::Shell));
    let file = memory(&[0; 16]);
    let borrowed = [file.as_fd(); 28];
    let before = open_files();
    for id in 2..22 {
        let message = Wire::message(DISPLAY, 0, &[Arg::Word(id)]);
        if !wire.send_with(&message, &borrowed) {
            break;
        }
        fixture.turn(Duration::ZERO);
    }
    bystander.assert_seen(&mut fixture);
    drop(wire);
    fixture.turn(Duration::ZERO);
    assert!(open_files() < before + 5, "{before} open files became {}", open_files());
    fixture.assert_serving();
}

#[test]
fn a_client_that_hoards_memory_takes_none_of_the_others_file_descriptors() {
    if !alone("bad::floods::a_client_that_hoards_memory_takes_none_of_the_others_file_descriptors") {
        return;
    }
    for destroys_pools in [false, true] {
        let mut fixture = Fixture::new(&["320x200"]);
        let bystander = Bystander::new(&mut fixture);
        let client = fixture.client();
        let handle = fixture[client].handle.clone();
        let shm = fixture[client].bound().shm.clone();
        let before = open_files();
        let file = memory(&[0; 4096]);
        for count in 0..3_000 {
            let pool = shm.create_pool(file.as_fd(), 4096, &handle, ());
            if destroys_pools {
                pool.create_buffer(0, 10, 10, 40, Format::Xrgb8888, &handle, ());
                pool.destroy();
            }
            if count % 20 == 0 {
                fixture.turn(Duration::ZERO);
            }
            assert!(open_files() < before + 1_000, "{count} pools, {} open files", open_files());
        }
        fixture.turned_out(client);
        bystander.assert_seen(&mut fixture);
        fixture.assert_serving();
    }
}

#[test]
fn buffers_that_are_given_back_do_not_count() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    for count in 0..2_000 {
        fixture[client].draw(&window.surface, Picture::Solid(GREEN), 4, 4);
        if count % 50 == 0 {
            fixture.roundtrip(client);
        }
    }
    fixture.roundtrip(client);
    assert!(!fixture[client].is_gone(), "{:?}", fixture[client].error());
}

#[test]
fn frame_callbacks_by_the_thousand_are_all_answered() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    for _ in 0..1_000 {
        fixture[client].ask_frame(&window.surface);
    }
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.until("all of them", |fixture| fixture[client].frames(&window.surface) == 1_000);
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    if !alone("bad::floods::clients_that_come_and_go_leave_nothing_behind") {
        return;
    }
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let visit = |fixture: &mut Fixture| {
        let client = fixture.client();
        let window = fixture.map(client, Picture::Solid(RED));
        fixture.point((20.0, 20.0));
        fixture.click();
        fixture[client].ask_frame(&window.surface);
        fixture[client].ask_feedback(&window.surface);
        fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
        fixture.roundtrip(client);
        fixture.disconnect(client);
        fixture.until("the client's end", |fixture| fixture.kiosk.stage.windows.iter().count() == 1);
        fixture.forget(client);
    };
    (0..50).for_each(|_| visit(&mut fixture));
    let (memory, files) = (memory_in_use(), open_files());
    (0..300).for_each(|_| visit(&mut fixture));
    let grown = memory_in_use().saturating_sub(memory);
    // A window's buffer is 250 KiB, and its objects are some 20 KiB.
    assert!(grown < 300 * 10, "{grown} KiB are kept of 300 clients that have gone");
    // The thread that unmaps pools may not have handled the last ones.
    assert!(open_files() < files + 50, "{files} open files became {}", open_files());
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_hundred_clients_at_once_are_served() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits.clients_per_user = 200;
    let mut fixture = setup.start();
    let clients: Vec<_> = (0..100).map(|_| fixture.client()).collect();
    let windows: Vec<_> = clients.iter().map(|client| fixture.map(*client, Picture::Solid(RED))).collect();
    for (client, window) in clients.iter().zip(&windows) {
        fixture[*client].ask_frame(&window.surface);
        fixture[*client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    }
    for (client, window) in clients.iter().zip(&windows) {
        fixture.until("every client's frame", |fixture| fixture[*client].frames(&window.surface) == 1);
    }
}
