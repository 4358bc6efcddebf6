//! Clients that die without destroying their objects: nothing of them may be kept. A kiosk runs for years, and its
//! browser is killed now and then; a hostile client reconnects without end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kioskd::privilege::Privilege;
use wayland_client::backend::protocol::ArgumentType;

use super::{
    Bystander,
    floods::alone,
    fuzz::{Start, prologue},
    speaker::{Speaker, Thing},
};
use crate::fixture::{Fixture, seen::Global};

const LIVES: usize = 40;
/// Tries: one-time growth, such as of a cache, does not happen each time.
const TRIES: usize = 4;
/// Memory left by one client, bytes: tables grow by doubling.
const MAX_LEFT: i64 = 64;

/// Memory allocated by the allocator, bytes.
fn in_use() -> i64 {
    // SAFETY: it only reads the allocator's counters.
    #[allow(unsafe_code)]
    let counted = unsafe { libc::mallinfo2() };
    (counted.uordblks + counted.hblkhd) as i64
}

/// A request that creates an object: its interface and opcode.
type Maker = (&'static str, usize);

/// The makers of these objects.
fn makers(things: &[Thing]) -> Vec<Maker> {
    let of = |thing: &Thing| {
        let interface = thing.interface;
        let known = interface.requests.iter().enumerate().filter(move |(_, desc)| desc.since <= thing.version);
        let makes =
            known.filter(|(_, desc)| desc.signature.contains(&ArgumentType::NewId) && desc.child_interface.is_some());
        makes.map(move |(opcode, _)| (interface.name, opcode)).collect::<Vec<_>>()
    };
    let mut all: Vec<Maker> = things.iter().filter(|thing| thing.id > 2).flat_map(of).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Sends the request with usual arguments.
fn make(speaker: &mut Speaker, (interface, opcode): Maker) {
    let Some(thing) = speaker.things.iter().rev().find(|thing| thing.interface.name == interface).copied() else {
        return;
    };
    let name = thing.interface.requests[opcode].name;
    let mut place = 0;
    speaker.send(thing, opcode, |speaker, kind, wanted| {
        place += 1;
        speaker.usual(interface, name, place, 1).unwrap_or_else(|| speaker.word(kind, wanted, 6))
    });
}

/// The globals that are offered to clients of this privilege.
fn globals(fixture: &mut Fixture, privilege: Privilege) -> Vec<Global> {
    let guest = fixture.client_of(privilege);
    let globals = fixture[guest].seen.globals.clone();
    fixture.disconnect(guest);
    fixture.turn(Duration::ZERO);
    fixture.forget(guest);
    globals
}

/// A client that creates these objects, draws, and dies. Returns its objects.
fn live(fixture: &mut Fixture, globals: &[Global], privilege: Privilege, what: &[Maker]) -> Vec<Thing> {
    let mut speaker = Speaker::new(fixture.socket(privilege), globals);
    prologue(fixture, &mut speaker, Start::Mapped);
    for maker in what {
        make(&mut speaker, *maker);
        fixture.turn(Duration::ZERO);
        speaker.listen();
    }
    fixture.turn(Duration::ZERO);
    speaker.listen();
    let things = std::mem::take(&mut speaker.things);
    drop(speaker);
    fixture.turn(Duration::ZERO);
    fixture.turn(Duration::ZERO);
    things
}

/// Memory that one `act` leaves allocated, bytes: the least of several tries of `count` each, until one is at most
/// `most`.
fn left_by(count: usize, most: i64, mut act: impl FnMut()) -> i64 {
    let mut left = i64::MAX;
    for _ in 0..TRIES {
        let before = in_use();
        (0..count).for_each(|_| act());
        left = left.min((in_use() - before) / count as i64);
        if left <= most {
            break;
        }
    }
    left
}

#[test]
fn nothing_of_a_client_that_is_gone_is_kept() {
    if !alone("bad::leavers::nothing_of_a_client_that_is_gone_is_kept") {
        return;
    }
    let mut kept: BTreeMap<String, i64> = BTreeMap::new();
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let mut seen = BTreeSet::new();
    for privilege in [Privilege::Shell, Privilege::Admin] {
        let globals = globals(&mut fixture, privilege);
        let first = makers(&live(&mut fixture, &globals, privilege, &[]));
        let mut paths = Vec::new();
        for maker in first.iter().filter(|maker| seen.insert(**maker)) {
            paths.push(vec![*maker]);
            let grown = makers(&live(&mut fixture, &globals, privilege, &[*maker]));
            paths.extend(grown.into_iter().filter(|next| !first.contains(next)).map(|next| vec![*maker, next]));
        }
        for path in paths {
            let left = left_by(LIVES, MAX_LEFT, || drop(live(&mut fixture, &globals, privilege, &path)));
            if left > MAX_LEFT {
                kept.insert(format!("{path:?}"), left);
            }
        }
    }
    bystander.assert_unharmed(&mut fixture);
    assert!(kept.is_empty(), "bytes that each client leaves behind: {kept:#?}");
}

/// Memory left by one object that was created and destroyed, bytes. libwayland's table of a client's ids takes 8 if the
/// client uses each id only once, as this one does.
const MAX_LEFT_OF_OBJECT: i64 = 40;

/// Objects without a destructor end by the server or with their client.
fn can_be_destroyed(things: &[Thing], (interface, opcode): Maker) -> bool {
    let maker = things.iter().find(|thing| thing.interface.name == interface);
    let made = maker.and_then(|maker| maker.interface.requests[opcode].child_interface);
    made.is_some_and(|made| made.requests.iter().any(|desc| desc.is_destructor))
}

/// Creates the objects and destroys them, the last first.
fn make_and_destroy(speaker: &mut Speaker, what: &[Maker]) {
    let before = speaker.things.len();
    for maker in what {
        make(speaker, *maker);
    }
    for thing in speaker.things.split_off(before).into_iter().rev() {
        let destructor =
            thing.interface.requests.iter().position(|desc| desc.is_destructor && desc.signature.is_empty());
        if let Some(opcode) = destructor {
            speaker.send(thing, opcode, |_, _, _| 0);
        }
    }
    speaker.dead.clear();
}

#[test]
fn nothing_of_an_object_that_is_gone_is_kept() {
    if !alone("bad::leavers::nothing_of_an_object_that_is_gone_is_kept") {
        return;
    }
    let mut kept: BTreeMap<String, i64> = BTreeMap::new();
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let mut seen = BTreeSet::new();
    for privilege in [Privilege::Shell, Privilege::Admin] {
        let globals = globals(&mut fixture, privilege);
        let things = live(&mut fixture, &globals, privilege, &[]);
        for maker in makers(&things) {
            if !can_be_destroyed(&things, maker) || !seen.insert(maker) {
                continue;
            }
            let mut speaker = Speaker::new(fixture.socket(privilege), &globals);
            prologue(&mut fixture, &mut speaker, Start::Mapped);
            let left = left_by(LIVES * 4, MAX_LEFT_OF_OBJECT, || {
                make_and_destroy(&mut speaker, &[maker]);
                fixture.turn(Duration::ZERO);
                speaker.listen();
            });
            if left > MAX_LEFT_OF_OBJECT {
                kept.insert(format!("{maker:?}"), left);
            }
            drop(speaker);
            fixture.turn(Duration::ZERO);
        }
    }
    bystander.assert_unharmed(&mut fixture);
    assert!(kept.is_empty(), "bytes that each object leaves behind: {kept:#?}");
}
