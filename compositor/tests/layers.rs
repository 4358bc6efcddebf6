//! Which part of the compositor may look at which: read from the sources, so that the structure that the README and
//! `docs/` picture holds against the imports.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The parts that never look at the root (`kiosk.rs`): they are told what they need and say what is to be done.
const BELOW_THE_ROOT: [&str; 17] = [
    "backend",
    "brightness",
    "command.rs",
    "event_loop",
    "keyboard",
    "lifecycle.rs",
    "memory.rs",
    "night_light",
    "notify.rs",
    "options.rs",
    "paths.rs",
    "policy.rs",
    "power",
    "screens",
    "splash_style.rs",
    "stage",
    "trial.rs",
];

/// What else a part never looks at, beside the root: upwards in the order back end, input, stage, screens.
const NEVER: [(&str, &[&str]); 4] = [
    // What a screen is: nothing of what is shown on it or how.
    ("screens", &["backend", "input", "stage", "protocols", "control", "power", "brightness", "trial"]),
    // What is shown: not by which device, and not who points at it.
    ("stage", &["backend", "input", "protocols", "control", "power", "brightness", "trial"]),
    // How it is shown.
    ("backend", &["input", "protocols", "control", "power", "brightness", "trial"]),
    // What may be asked, and by whom is not its business.
    ("command.rs", &["backend", "input", "stage", "protocols", "control"]),
];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All Rust files at or below a path.
fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            files(&entry.unwrap().path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
}

/// The modules of the crate that a file's code names: `crate::x`, and each `x` of `crate::{x, y::z}`.
fn named(text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut fresh = true;
        for (index, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && !c.is_whitespace() => {
                    names.push(word(&group[index..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// `part` names one of `forbidden`: the files and what they name.
fn offences(part: &str, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let path = sources().join(part);
    assert!(path.exists(), "{part} is gone: this list is to follow");
    files(&path, &mut found);
    let mut offences = Vec::new();
    for file in found {
        for name in named(&fs::read_to_string(&file).unwrap()) {
            if forbidden.contains(&name.as_str()) {
                offences.push(format!("{} imports crate::{name}", file.strip_prefix(sources()).unwrap().display()));
            }
        }
    }
    offences
}

#[test]
fn what_is_below_the_root_does_not_import_it() {
    let offences: Vec<String> = BELOW_THE_ROOT.iter().flat_map(|part| offences(part, &["kiosk"])).collect();
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn modules_do_not_import_upward() {
    let offences: Vec<String> = NEVER.iter().flat_map(|(part, forbidden)| offences(part, forbidden)).collect();
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::kiosk::Kiosk;\n// crate::ghost\nuse crate::{\n    a::{self, b},\n    c,\n    d::{E, f::G},\n};\n\
        fn f(x: crate::h::I) {}\n";
    assert_eq!(named(text), ["kiosk", "a", "c", "d", "h"]);
}
