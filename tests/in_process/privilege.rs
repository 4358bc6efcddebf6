//! The globals that a client is offered, by its socket.

use std::collections::BTreeMap;

use kioskd::privilege::{
    Privilege,
    table::{GLOBALS, Global, Group, KEYBOARD, Who, XWAYLAND},
};

use crate::fixture::{ClientId, Fixture};

/// The globals that a client is offered, without those that depend on the device.
fn offered(fixture: &Fixture, client: ClientId) -> BTreeMap<String, u32> {
    fixture[client].seen.globals.iter().map(|global| (global.interface.clone(), global.version)).collect()
}

/// The globals of the table that `who` may bind on every device.
fn table(who: impl Fn(Who) -> bool) -> BTreeMap<String, u32> {
    let wanted = GLOBALS.iter().filter(|global| !global.device && who(global.who));
    wanted.map(|global| (global.interface.to_owned(), global.version)).collect()
}

#[test]
fn each_kind_of_client_is_offered_what_the_table_says_and_nothing_else() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let admin = fixture.client_of(Privilege::Admin);
    assert_eq!(offered(&fixture, shell), table(|who| !matches!(who, Who::Trusted(_) | Who::Xwayland)));
    assert_eq!(offered(&fixture, admin), table(|who| who != Who::Xwayland));
    let command = fixture.client_of(Privilege::Command);
    let for_command = |who| match who {
        Who::Trusted(group) => group == Group::Screens,
        Who::Everyone | Who::Unconfined => true,
        Who::Xwayland => false,
    };
    assert_eq!(offered(&fixture, command), table(for_command));
    let keyboard = fixture.client_of(Privilege::Keyboard);
    let is_for_keyboard =
        |global: &&Global| !global.device && (global.who == Who::Everyone || KEYBOARD.contains(&global.interface));
    let for_keyboard = GLOBALS.iter().filter(is_for_keyboard);
    let for_keyboard = for_keyboard.map(|global| (global.interface.to_owned(), global.version));
    assert_eq!(offered(&fixture, keyboard), for_keyboard.collect());
    let x_server = fixture.client_of(Privilege::Xwayland);
    let is_for_x = |global: &&Global| !global.device && XWAYLAND.contains(&global.interface);
    let for_x = GLOBALS.iter().filter(is_for_x).map(|global| (global.interface.to_owned(), global.version));
    assert_eq!(offered(&fixture, x_server), for_x.collect());
}

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocols.md");

/// With `KIOSK_WRITE_PROTOCOLS` the document is written again.
#[test]
fn docs_protocols_has_the_table() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let is_line = |line: &&str| line.starts_with("| `");
    let line = |global: &Global| {
        let who = match global.who {
            Who::Everyone => "everyone".to_owned(),
            Who::Unconfined => "everyone outside of a security context".to_owned(),
            Who::Xwayland => "the X server".to_owned(),
            Who::Trusted(Group::Screens) => "admin; command; `screens`".to_owned(),
            Who::Trusted(group) if KEYBOARD.contains(&global.interface) => format!("admin; keyboard; `{group}`"),
            Who::Trusted(group) => format!("admin; `{group}`"),
        };
        let x_server = if XWAYLAND.contains(&global.interface) && global.who != Who::Xwayland { "; X" } else { "" };
        let device = if global.device { ", where the device can" } else { "" };
        format!("| `{}` | {} | {who}{device}{x_server} |", global.interface, global.version)
    };
    let mut wanted: Vec<String> = GLOBALS.iter().map(line).collect();
    wanted.sort_unstable();
    if std::env::var_os("KIOSK_WRITE_PROTOCOLS").is_some() {
        let text: Vec<&str> = document.lines().filter(|line| !is_line(line)).collect();
        std::fs::write(DOCUMENT, format!("{}\n{}\n", text.join("\n"), wanted.join("\n"))).unwrap();
        return;
    }
    let said: Vec<&str> = document.lines().filter(is_line).collect();
    assert_eq!(said, wanted);
}

#[test]
fn a_global_bound_by_a_guessed_number_is_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    for number in 1000..1010 {
        let handle = fixture[client].handle.clone();
        fixture[client].registry.bind::<wayland_client::protocol::wl_shm::WlShm, _, _>(number, 1, &handle, ());
    }
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    fixture.assert_serving();
}
