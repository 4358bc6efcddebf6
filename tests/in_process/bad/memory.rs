//! Shared memory that is smaller than stated, or not memory.

use std::{fs::File, os::fd::AsFd};

use wayland_client::protocol::wl_shm::Format;

use super::Bystander;
use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    picture::{GREEN, Picture, RED, memory},
};

fn window(fixture: &mut Fixture) -> (ClientId, Toplevel) {
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    (client, window)
}

/// Attaches a buffer of 320 by 200 whose memory is truncated to `left` bytes after the commit, or `before` it.
fn show_truncated(fixture: &mut Fixture, client: ClientId, window: &Toplevel, left: u64, before: bool) {
    let handle = fixture[client].handle.clone();
    let file = File::from(memory(&Picture::Solid(GREEN).pixels(320, 200)));
    let pool = fixture[client].bound().shm.create_pool(file.as_fd(), 320 * 200 * 4, &handle, ());
    let buffer = pool.create_buffer(0, 320, 200, 320 * 4, Format::Xrgb8888, &handle, ());
    if before {
        // The pool is mapped before it is truncated.
        fixture[client].sync();
        fixture.turn(std::time::Duration::ZERO);
        file.set_len(left).unwrap();
    }
    window.surface.attach(Some(&buffer), 0, 0);
    window.surface.damage_buffer(0, 0, 320, 200);
    window.surface.commit();
    if !before {
        fixture[client].sync();
        fixture.turn(std::time::Duration::ZERO);
        file.set_len(left).unwrap();
    }
    pool.destroy();
}

#[test]
fn memory_that_shrinks_under_a_buffer_hurts_no_one_else() {
    for (left, before) in [(0, true), (4096, true), (0, false), (4096, false)] {
        let mut fixture = Fixture::new(&["320x200"]);
        let bystander = Bystander::new(&mut fixture);
        let (client, window) = window(&mut fixture);
        show_truncated(&mut fixture, client, &window, left, before);
        for _ in 0..3 {
            fixture.kiosk.screens.request_redraw();
            fixture.turn(std::time::Duration::ZERO);
            fixture.still();
            // Drawing from scratch reads every byte, independent of damage.
            fixture.draw_from_scratch();
            fixture.screenshot();
        }
        fixture.disconnect(client);
        bystander.assert_seen(&mut fixture);
    }
}

#[test]
fn memory_that_was_never_there_hurts_no_one_else() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let (client, window) = window(&mut fixture);
    let handle = fixture[client].handle.clone();
    let empty = memory(&[]);
    let pool = fixture[client].bound().shm.create_pool(empty.as_fd(), 320 * 200 * 4, &handle, ());
    let buffer = pool.create_buffer(0, 320, 200, 320 * 4, Format::Xrgb8888, &handle, ());
    window.surface.attach(Some(&buffer), 0, 0);
    window.surface.damage_buffer(0, 0, 320, 200);
    window.surface.commit();
    fixture[client].sync();
    for _ in 0..3 {
        fixture.turn(std::time::Duration::ZERO);
        fixture.draw_from_scratch();
    }
    fixture.disconnect(client);
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_pool_of_no_size_or_of_no_memory_is_refused() {
    for size in [0, -1, i32::MIN] {
        let mut fixture = Fixture::new(&["320x200"]);
        let bystander = Bystander::new(&mut fixture);
        let (client, _) = window(&mut fixture);
        let handle = fixture[client].handle.clone();
        fixture[client].bound().shm.create_pool(memory(&[0; 64]).as_fd(), size, &handle, ());
        fixture.turned_out(client);
        bystander.assert_seen(&mut fixture);
    }
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let (client, _) = window(&mut fixture);
    let handle = fixture[client].handle.clone();
    // A pipe cannot be mapped.
    let (reader, _writer) = rustix::pipe::pipe().unwrap();
    fixture[client].bound().shm.create_pool(reader.as_fd(), 4096, &handle, ());
    fixture.turned_out(client);
    bystander.assert_seen(&mut fixture);
}

#[test]
fn buffers_that_do_not_fit_their_pool_are_refused() {
    let sizes = [
        (0, 100, 100, 400),
        (0, 0, 10, 40),
        (0, 10, 0, 40),
        (0, -10, 10, 40),
        (0, 10, -10, 40),
        (-4, 10, 10, 40),
        (0, 10, 10, 4),
        (0, 10, 10, -40),
        (0, 10, 10, 0),
        (i32::MAX, 10, 10, 40),
        (0, i32::MAX, i32::MAX, i32::MAX),
        (0, i32::MAX / 4, 2, i32::MAX - 3),
        (4000, 10, 10, 40),
    ];
    for (offset, width, height, stride) in sizes {
        let mut fixture = Fixture::new(&["320x200"]);
        let bystander = Bystander::new(&mut fixture);
        let (client, _) = window(&mut fixture);
        let handle = fixture[client].handle.clone();
        let pool = fixture[client].bound().shm.create_pool(memory(&[0; 4096]).as_fd(), 4096, &handle, ());
        pool.create_buffer(offset, width, height, stride, Format::Xrgb8888, &handle, ());
        fixture.turned_out(client);
        bystander.assert_seen(&mut fixture);
    }
}

#[test]
fn pools_grow_and_neither_shrink_nor_grow_to_nothing() {
    for (size, refused) in [(8192, false), (0, true), (-1, true), (i32::MIN, true), (1024, true)] {
        let mut fixture = Fixture::new(&["320x200"]);
        let bystander = Bystander::new(&mut fixture);
        let (client, _) = window(&mut fixture);
        let handle = fixture[client].handle.clone();
        let pool = fixture[client].bound().shm.create_pool(memory(&[0; 8192]).as_fd(), 4096, &handle, ());
        pool.resize(size);
        if refused {
            fixture.turned_out(client);
        } else {
            fixture.roundtrip(client);
        }
        bystander.assert_unharmed(&mut fixture);
    }
}

#[test]
fn a_buffer_of_a_pool_that_lost_its_memory_in_a_resize_hurts_no_one() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let (client, window) = window(&mut fixture);
    let handle = fixture[client].handle.clone();
    let file = memory(&Picture::Solid(GREEN).pixels(320, 200));
    let pool = fixture[client].bound().shm.create_pool(file.as_fd(), 320 * 200 * 4, &handle, ());
    let buffer = pool.create_buffer(0, 320, 200, 320 * 4, Format::Xrgb8888, &handle, ());
    window.surface.attach(Some(&buffer), 0, 0);
    window.surface.damage_buffer(0, 0, 320, 200);
    window.surface.commit();
    // More than a process can map many times.
    pool.resize(i32::MAX);
    window.surface.attach(Some(&buffer), 0, 0);
    window.surface.commit();
    fixture[client].sync();
    for _ in 0..3 {
        fixture.turn(std::time::Duration::ZERO);
        fixture.draw_from_scratch();
    }
    fixture.disconnect(client);
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_buffer_that_is_destroyed_while_it_is_shown_stays_on_the_screen() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (client, window) = window(&mut fixture);
    let buffer = fixture[client].buffer(Picture::Solid(GREEN), 320, 200);
    window.surface.attach(Some(&buffer), 0, 0);
    window.surface.damage_buffer(0, 0, 320, 200);
    window.surface.commit();
    buffer.destroy();
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.draw_from_scratch().pixel(5, 5), GREEN);
    assert!(!fixture[client].is_gone());
}
