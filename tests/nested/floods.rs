//! Every socket of a kioskd is flooded at once: its watchdog is fed meanwhile, a client is served, and SIGTERM ends it.

use std::{
    io::{Read, Write},
    os::unix::net::UnixDatagram,
};

use crate::{
    flood::{self, FLOODS},
    kiosk::Kiosk,
    process::PATIENCE,
    wire::{Arg, DISPLAY, Wire},
};

/// `wl_callback.done` and `wl_display.delete_id`.
const ANSWER: usize = 24;

#[test]
fn a_flood_on_every_socket_keeps_neither_the_watchdog_nor_the_end_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let address = directory.path().join("manager");
    let manager = UnixDatagram::bind(&address).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    // Fed every second.
    let kiosk = Kiosk::start_with(|command| {
        command.env("NOTIFY_SOCKET", &address).env("WATCHDOG_USEC", "2000000").env_remove("WATCHDOG_PID");
    });
    let floods: Vec<_> = FLOODS.iter().map(|kind| flood::begin(&kiosk, kind)).collect();
    let mut client = kiosk.connect("wayland-0");
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let question = Wire::message(DISPLAY, 0, &[Arg::Word(2)]);
    let mut fed = 0;
    while fed < 5 {
        let mut message = [0; 256];
        let length = manager.recv(&mut message).expect("the watchdog is not fed");
        fed += usize::from(&message[..length] == b"WATCHDOG=1");
        client.write_all(&question).unwrap();
        client.read_exact(&mut [0; ANSWER]).expect("a client is not served");
    }
    // While all of them go on.
    kiosk.end();
    for flood in floods {
        assert!(flood.end() > 0, "a flood that did nothing proves nothing");
    }
}
