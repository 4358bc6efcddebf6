//! The compositor's thread: kioskd as the in-process tests build it, and what the suite tells it to do.

use std::{
    cell::RefCell,
    collections::HashMap,
    os::{fd::RawFd, unix::net::UnixStream},
    rc::Rc,
    sync::Once,
    time::Duration,
};

use clap::Parser;
use kiosk_core::config::{Config, Loaded};
use kioskd::{
    backend::headless::Headless,
    clients,
    event_loop::EventLoop,
    kiosk::Kiosk,
    options::Options,
    privilege::{ClientState, Privilege},
    run,
};
use smithay::reexports::{
    calloop::channel::{Channel, Event},
    wayland_server::{Client, Display},
};

use crate::{Command, Order, hands};

/// Powers of two: the suite's whole pixels go through a pointer's fractions of the screen without loss.
pub(crate) const SCREEN: (i32, i32) = (2048, 1024);

/// The clients of a test, by the number of the suite's end of their connection.
type Clients = HashMap<RawFd, Client>;

fn start_log() {
    static ONCE: Once = Once::new();
    if std::env::var_os("RUST_LOG").is_some() {
        ONCE.call_once(|| kiosk_core::logging::start("info"));
    }
}

/// Runs a kioskd until the suite stops it.
pub(crate) fn run(orders: Channel<Order>) {
    start_log();
    let mut event_loop: EventLoop<Kiosk> = EventLoop::new().expect("no event loop");
    let mut kiosk = build(&event_loop);
    hands::plug_in(&mut kiosk);
    let queue = Rc::new(RefCell::new(Vec::<Order>::new()));
    let inbox = queue.clone();
    event_loop
        .handle()
        .insert_source(orders, move |event, _, _| {
            if let Event::Msg(order) = event {
                inbox.borrow_mut().push(order);
            }
        })
        .expect("the suite cannot be heard");
    let mut clients = Clients::new();
    loop {
        turn(&mut event_loop, &mut kiosk, None);
        let orders: Vec<Order> = queue.borrow_mut().drain(..).collect();
        for (command, done) in orders {
            // What clients said before counts before.
            turn(&mut event_loop, &mut kiosk, Some(Duration::ZERO));
            match command {
                Command::Stop => return,
                Command::Client(name, stream) => {
                    clients.insert(name, take_in(&mut kiosk, stream));
                }
                Command::Place { client, surface, at } => {
                    if let Some(client) = clients.get(&client) {
                        place(&mut kiosk, client, surface, at);
                    }
                }
                Command::Act(act) => hands::act(&mut kiosk, act),
            }
            kiosk.settle();
            // The suite may have given up on it.
            let _ = done.send(());
        }
    }
}

fn turn(event_loop: &mut EventLoop<Kiosk>, kiosk: &mut Kiosk, timeout: Option<Duration>) {
    event_loop.turn(timeout, kiosk).expect("the event loop failed");
    kiosk.settle();
}

/// A client as of the admin's socket: it is offered everything.
fn take_in(kiosk: &mut Kiosk, stream: UnixStream) -> Client {
    let user = rustix::process::getuid().as_raw();
    let limits = &mut kiosk.protocols.limits;
    let state = ClientState::new(limits, Privilege::Admin, user, 0, None, None).expect("too many clients");
    kiosk.main_loop.display.insert_client(stream, state).expect("no more clients")
}

/// Puts a window where the suite wants it.
#[cfg(feature = "conformance")]
fn place(kiosk: &mut Kiosk, client: &Client, surface: u32, at: (i32, i32)) {
    if let Ok(surface) = client.object_from_protocol_id(&kiosk.main_loop.display, surface) {
        kiosk.stage.windows.pin(&surface, at.into());
        kiosk.stage.layers.pin(&surface, at.into());
        kiosk.windows_changed();
    }
}

/// Leaves it where the kiosk's policy has it: most tests of input fail.
#[cfg(not(feature = "conformance"))]
fn place(_: &mut Kiosk, _: &Client, _: u32, _: (i32, i32)) {}

/// A bare screen, no splash and no session: nothing is between clients and the screen.
fn build(event_loop: &EventLoop<Kiosk>) -> Kiosk {
    let screen = format!("--output={}x{}", SCREEN.0, SCREEN.1);
    let options =
        Options::parse_from(["kioskd", "--backend=headless", "--session=none", "--no-splash", screen.as_str()]);
    let display: Display<Kiosk> = Display::new().expect("no display");
    let backend = Headless::new(event_loop.handle(), &options.output).expect("no back end");
    let loaded = Loaded { config: Config::default(), origins: Default::default(), errors: Vec::new() };
    let mut kiosk = run::build(&options, loaded, Box::new(backend), event_loop, &display);
    kiosk.displays_changed();
    kiosk.settle();
    let settings = kiosk.settings.config.input.clone();
    kiosk.seat.add_keyboard(&settings).expect("no keymap");
    let formats = kiosk.hardware.backend.shm_formats();
    kiosk.protocols.shm.update_formats(formats);
    clients::serve(&mut kiosk, display).expect("clients cannot be served");
    kiosk
}
