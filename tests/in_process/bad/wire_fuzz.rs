//! Hostile clients one after another, from seeds: their requests are generated from the protocols' descriptions, valid
//! and not. A bystander must be served within a limited number of turns; memory, descriptors and the time of a turn
//! stay bounded. The tests run a limited number of clients; `make fuzz` runs for `FUZZ_SECONDS`.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use kioskd::privilege::Privilege;
use rustix::time::{ClockId, clock_gettime};

use super::{
    Bystander,
    floods::{alone, memory_in_use, open_files},
    fuzz::{Start, prologue},
    mangle::Dice,
    speaker::{Choice, Speaker},
};
use crate::fixture::{Fixture, Setup};

/// Clients in the default run, after those of the kept seeds.
const LIVES: u64 = 150;
/// Turns until the bystander gets its answer, beside one client.
const TURNS: usize = 3;
/// A turn that takes longer hangs, on any machine.
const LONGEST_TURN: Duration = Duration::from_secs(60);
/// Limit of a turn's processor time, independent of the machine's load.
const MOST_WORK: Duration = Duration::from_secs(2);
/// Clients for each kiosk; then it ends, and must leave nothing behind.
const LIVES_OF_A_KIOSK: u64 = 50;
/// Clients for each kiosk in a long run: what an ended kiosk keeps would use up the descriptors.
const LIVES_OF_A_LONG_KIOSK: u64 = 2000;
/// For work on another thread.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Memory kept of all clients of a kiosk: the allocator's caches.
const MAX_MEMORY_KIB: usize = 16 * 1024;

/// Of the current client.
static SEED: AtomicU64 = AtomicU64::new(0);

/// Prints the seed on a panic. Within libwayland's calls a panic is an abort, which cannot be caught.
fn tell_the_seed() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        eprintln!("the seed of this life: {:#x}", SEED.load(Relaxed));
        usual(panic);
    }));
}

const SEEDS: &str = include_str!("../seeds/wire.txt");

fn seeds() -> Vec<u64> {
    let lines = SEEDS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parse = |line: &str| match line.strip_prefix("0x") {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16).unwrap(),
        None => line.parse().unwrap(),
    };
    lines.map(parse).collect()
}

/// Results of a run.
#[derive(Default)]
struct Account {
    lives: u64,
    messages: u64,
    /// Processor time of the longest turn, and the seed of its client.
    longest: (Duration, u64),
    seed: u64,
}

/// Processor time of this thread.
fn work() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn turn(fixture: &mut Fixture, speaker: &mut Speaker, account: &mut Account) {
    let (started, worked) = (Instant::now(), work());
    fixture.turn(Duration::ZERO);
    let (took, worked) = (started.elapsed(), work() - worked);
    assert!(took < LONGEST_TURN, "a turn took {took:?}");
    assert!(worked < MOST_WORK, "a turn took {worked:?} of processor time");
    account.longest = account.longest.max((worked, account.seed));
    speaker.listen();
}

/// One hostile client, from its first request to its end.
fn live(fixture: &mut Fixture, bystander: &Bystander, seed: u64, account: &mut Account) {
    let dice = &mut Dice::new(seed);
    account.seed = seed;
    let privilege = if dice.one_in(4) { Privilege::Admin } else { Privilege::Shell };
    let guest = fixture.client_of(privilege);
    let globals = fixture[guest].seen.globals.clone();
    fixture.disconnect(guest);
    fixture.turn(Duration::ZERO);
    fixture.forget(guest);
    let mut speaker = Speaker::new(fixture.socket(privilege), &globals);
    let starts = [Start::Bound, Start::Surface, Start::Toplevel, Start::Mapped, Start::Popup];
    prologue(fixture, &mut speaker, starts[dice.below(starts.len())]);
    // From clients whose every request is wrong to ones that are mostly right.
    let wrong = [1, 8, 64, 1000][dice.below(4)];
    for _ in 0..dice.below(400) {
        if speaker.closed {
            break;
        }
        if dice.one_in(wrong) {
            speaker.mangle(dice);
        } else if dice.one_in(2) {
            speaker.probe(dice);
        } else {
            let mut arguments = [0; 6];
            arguments.iter_mut().for_each(|argument| *argument = dice.roll() as u16);
            speaker.babble(Choice { object: dice.roll() as u16, request: dice.roll() as u8, arguments });
        }
        if dice.one_in(12) {
            turn(fixture, &mut speaker, account);
        }
    }
    turn(fixture, &mut speaker, account);
    let wanted = fixture[bystander.client].sync();
    for _ in 0..TURNS {
        turn(fixture, &mut speaker, account);
    }
    assert!(fixture[bystander.client].seen.synced >= wanted, "the bystander waits");
    account.lives += 1;
    account.messages += speaker.sent;
    drop(speaker);
    let wanted = fixture[bystander.client].sync();
    for _ in 0..TURNS {
        fixture.turn(Duration::ZERO);
    }
    assert!(fixture[bystander.client].seen.synced >= wanted, "the bystander waits after it left");
}

/// Runs the clients of these seeds, beside one bystander on a kiosk of their own.
fn play(seeds: &[u64], account: &mut Account) {
    let mut setup = Setup::bare(&["320x200", "200x100"]);
    // Low, so that limits of nesting and numbers are reached.
    setup.config.limits.objects = 60;
    setup.config.limits.surfaces = 60;
    setup.config.limits.subsurface_depth = 8;
    let mut fixture = setup.start();
    fixture.offer_gpu();
    fixture.panels.offer_leases(&[41, 42]);
    fixture.kiosk.displays_changed();
    let bystander = Bystander::new(&mut fixture);
    // A kiosk that ends within a process keeps some memory, such as its keymap's file: so growth is measured within
    // each one's run.
    let (memory, files) = (memory_in_use(), open_files());
    for seed in seeds {
        SEED.store(*seed, Relaxed);
        live(&mut fixture, &bystander, *seed, account);
    }
    bystander.assert_unharmed(&mut fixture);
    let clients = fixture.kiosk.protocols.limits.clients();
    assert_eq!(clients, 1, "the bystander is the only client left");
    let grown = memory_in_use().saturating_sub(memory);
    assert!(grown < MAX_MEMORY_KIB, "{grown} KiB more are used");
    // The thread that unmaps pools may not have handled the last ones.
    let begun = Instant::now();
    while open_files() >= files + 30 {
        assert!(begun.elapsed() < LONGEST_WAIT, "{files} open files became {:?}", names_of_open_files());
        fixture.turn(Duration::from_millis(10));
    }
}

fn names_of_open_files() -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok()).collect()
}

#[test]
fn hostile_clients_hurt_no_other() {
    let seconds: Option<u64> = std::env::var("FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    if seconds.is_none() && !alone("bad::wire_fuzz::hostile_clients_hurt_no_other") {
        return;
    }
    tell_the_seed();
    let mut account = Account::default();
    play(&seeds(), &mut account);
    play(&seeds(), &mut account);
    let started = Instant::now();
    // The default run uses the same seeds each time.
    let mut next = match seconds {
        None => 1000,
        Some(_) => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64,
    };
    let go_on = |account: &Account| match seconds {
        None => account.lives < LIVES,
        Some(seconds) => started.elapsed() < Duration::from_secs(seconds),
    };
    while go_on(&account) {
        let count = if seconds.is_some() { LIVES_OF_A_LONG_KIOSK } else { LIVES_OF_A_KIOSK };
        let lives: Vec<u64> = (next..next + count).collect();
        play(&lives, &mut account);
        next += count;
    }
    println!(
        "{} messages of {} hostile clients in {:.0?}; the longest turn took {:.1?} of processor time (seed {:#x})",
        account.messages,
        account.lives,
        started.elapsed(),
        account.longest.0,
        account.longest.1,
    );
}
