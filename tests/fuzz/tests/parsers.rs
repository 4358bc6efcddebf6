//! The share of the fuzzing that each run of the tests has: the kept finds, the seeds, and a number of changes made to
//! them, the same each time. `PROPTEST_CASES` asks for more.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use kiosk_fuzz::{TARGETS, Target, finds, target};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Inputs of each target.
const CASES: u32 = 1000;
/// What takes longer hangs, on any machine, also in a build without optimisation.
const LONGEST: Duration = Duration::from_secs(10);

/// What is done to an input.
#[derive(Debug, Clone)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Word(Index, Index),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    /// From here on it is another seed.
    Continue(Index, Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => any::<(Index, u8)>().prop_map(|(at, byte)| Edit::Set(at, byte)),
        2 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..5)).prop_map(|(at, new)| Edit::Insert(at, new)),
        4 => any::<(Index, Index)>().prop_map(|(at, word)| Edit::Word(at, word)),
        2 => (any::<Index>(), 1usize..20).prop_map(|(at, length)| Edit::Remove(at, length)),
        2 => (any::<Index>(), 1usize..20, 1usize..40).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => any::<(Index, Index, Index)>().prop_map(|(at, seed, from)| Edit::Continue(at, seed, from)),
    ]
}

fn edited(target: &Target, seeds: &[Vec<u8>], seed: Index, edits: &[Edit]) -> Vec<u8> {
    let mut input = seed.get(seeds).clone();
    for edit in edits {
        // One more than the last: at the end, too.
        let end = input.len() + 1;
        match edit {
            Edit::Set(at, byte) => {
                if let Some(place) = input.get_mut(at.index(end)) {
                    *place = *byte;
                }
            }
            Edit::Insert(at, new) => drop(input.splice(at.index(end)..at.index(end), new.iter().copied())),
            Edit::Word(at, word) => {
                let at = at.index(end);
                input.splice(at..at, word.get(target.words).bytes());
            }
            Edit::Remove(at, length) => {
                let at = at.index(end);
                input.drain(at..(at + length).min(end - 1));
            }
            Edit::Repeat(at, length, times) => {
                let at = at.index(end);
                let piece = input[at..(at + length).min(end - 1)].repeat(*times);
                input.splice(at..at, piece);
            }
            Edit::Continue(at, seed, from) => {
                input.truncate(at.index(end));
                let other = seed.get(seeds);
                input.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
    input.truncate(target.longest);
    input
}

#[track_caller]
fn timed(target: &Target, input: &[u8]) {
    let begun = Instant::now();
    (target.run)(input);
    assert!(begun.elapsed() < LONGEST, "{:?} for {:?}", begun.elapsed(), String::from_utf8_lossy(input));
}

fn play(name: &str) {
    let begun = Instant::now();
    let target = target(name).unwrap();
    for (path, find) in finds(&target) {
        println!("{}", path.display());
        timed(&target, &find);
    }
    let seeds = (target.seeds)();
    seeds.iter().for_each(|seed| timed(&target, seed));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let inputs = (any::<Index>(), prop::collection::vec(edit(), 1..12));
    let found = TestRunner::new_with_rng(config, rng).run(&inputs, |(seed, edits)| {
        timed(&target, &edited(&target, &seeds, seed, &edits));
        Ok(())
    });
    if let Err(proptest::test_runner::TestError::Fail(why, (seed, edits))) = found {
        let input = edited(&target, &seeds, seed, &edits);
        panic!("{why}\nthe input, for finds/{name}: {:?}", String::from_utf8_lossy(&input));
    }
    println!("{cases} inputs in {:.1?}", begun.elapsed());
}

macro_rules! targets {
    ($($name:ident),*) => {
        $(#[test] fn $name() { play(stringify!($name)); })*

        #[test]
        fn every_target_is_played() {
            let played = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), played);
        }
    };
}

targets!(config, control, dbus, devtools, edid, logo, probe, screen, state, url, values);
