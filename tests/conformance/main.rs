//! WLCS, the Wayland conformance suite, against kioskd as `tests/wlcs` makes a library of it: `make test-conformance`.
//!
//! What may fail is in `tests/wlcs/expected.toml`, with a reason each. A failure that is not there fails the run, and so
//! does one that is there and passes. The suite's own words are left in `tests/out/wlcs.log`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod expected;
mod suite;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use expected::Expected;
use suite::Verdict;

/// The library, as `make test-conformance` built it.
const LIBRARY: &str = "KIOSKD_WLCS";

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is wrong about these verdicts, a line each. Of another release than the list's only what dies is: others have other
/// tests, and some that are listed as the suite's own faults are mended there.
fn wrong(verdicts: &BTreeMap<String, Verdict>, expected: &Expected, of_the_list: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (test, verdict) in verdicts {
        match (verdict, expected.reason(test)) {
            (Verdict::Failed, None) if !of_the_list => println!("{test} {verdict}, and is not in the list"),
            (Verdict::Failed | Verdict::Died, None) => wrong.push(format!("{test} {verdict}")),
            (Verdict::Passed, Some(_)) if !of_the_list => println!("{test} passed, and is in the list"),
            (Verdict::Passed, Some(reason)) => wrong.push(format!("{test} passed, and is expected to fail: {reason}")),
            // A crash is never expected.
            (Verdict::Died, Some(_)) => wrong.push(format!("{test} {verdict}")),
            _ => {}
        }
    }
    let ran = verdicts.values().filter(|verdict| **verdict != Verdict::Skipped).count();
    if ran < expected.ran {
        wrong.push(format!("only {ran} tests were run and not skipped; they have been {} at least", expected.ran));
    }
    wrong
}

#[test]
fn kioskd_conforms_but_for_what_is_listed() {
    let library = PathBuf::from(std::env::var_os(LIBRARY).unwrap_or_else(|| {
        panic!("{LIBRARY} names no library: please run `make test-conformance`");
    }));
    let out = tests().join("out");
    fs::create_dir_all(&out).unwrap();
    let list = tests().join("wlcs/expected.toml");
    let expected = Expected::read(&fs::read_to_string(&list).unwrap()).unwrap();
    let verdicts = suite::run(&library, &out.join("wlcs.log"));
    for (verdict, count) in suite::count(&verdicts) {
        println!("{count:4} {verdict}");
    }
    let release = suite::release();
    let of_the_list = release.starts_with(&expected.release);
    if !of_the_list {
        println!("WLCS is {release:?}, and the list is of {}: what else differs is printed alone", expected.release);
    }
    let wrong = wrong(&verdicts, &expected, of_the_list);
    assert!(wrong.is_empty(), "{} ({} is what may fail):\n{}", out.display(), list.display(), wrong.join("\n"));
}

#[test]
fn what_is_not_as_the_list_says_is_told() {
    let expected =
        Expected::read("release = \"1.5\"\nran = 3\n[[because]]\nreason = \"so\"\ntests = [\"A.*\"]").unwrap();
    let of = |verdicts: &[(&str, Verdict)]| {
        let verdicts = verdicts.iter().map(|(test, verdict)| ((*test).to_owned(), *verdict)).collect();
        wrong(&verdicts, &expected, true)
    };
    use Verdict::{Died, Failed, Passed, Skipped};
    assert_eq!(of(&[("A.x", Failed), ("B.x", Passed), ("B.y", Passed), ("B.z", Skipped)]), Vec::<String>::new());
    assert_eq!(of(&[("A.x", Passed), ("B.x", Passed), ("B.y", Passed)]).len(), 1);
    assert_eq!(of(&[("A.x", Failed), ("B.x", Failed), ("B.y", Passed)]), ["B.x failed"]);
    assert_eq!(of(&[("A.x", Died), ("B.x", Passed), ("B.y", Passed)]).len(), 1);
    assert_eq!(of(&[("A.x", Failed), ("B.x", Passed), ("B.y", Skipped)]).len(), 1, "fewer ran than before");
    let others = [("A.x", Passed), ("B.x", Failed), ("B.y", Died)].map(|(test, verdict)| (test.to_owned(), verdict));
    assert_eq!(wrong(&others.into(), &expected, false), ["B.y ended or hung the suite"], "of another release");
}
