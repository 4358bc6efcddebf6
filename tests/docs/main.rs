//! Holds the documents against the code: what they name exists, and what they draw is so. A document that is right when
//! it is written is wrong a month later, unless something fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Where paths in documents begin.
const ROOTS: [&str; 7] = ["compositor", "session", "splash", "assets", "tests", "docs", ".ci"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All documents, by their paths.
fn documents() -> Vec<String> {
    let in_docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut found: Vec<String> = in_docs.map(|name| format!("docs/{}", name.to_string_lossy())).collect();
    found.retain(|name| name.ends_with(".md"));
    found.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned));
    found
}

/// The paths that a text names, each with what it says is in that file (`path.rs::name`).
fn named_paths(text: &str) -> BTreeSet<(String, Option<String>)> {
    let part_of_path = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    let words = text.split(|c| !part_of_path(c)).map(|word| word.trim_end_matches(['.', ':', '/']));
    let in_tree = words.filter(|word| word.split_once('/').is_some_and(|(first, _)| ROOTS.contains(&first)));
    in_tree
        .map(|word| match word.split_once("::") {
            Some((path, name)) => (path.to_owned(), Some(name.to_owned())),
            None => (word.to_owned(), None),
        })
        .collect()
}

/// Built by tests and programs, not part of the tree.
fn is_made(path: &str) -> bool {
    path.starts_with("tests/out")
}

#[test]
fn what_documents_name_is_there() {
    let mut missing = Vec::new();
    for document in documents() {
        for (path, name) in named_paths(&read(&document)) {
            if is_made(&path) {
                continue;
            }
            if !root().join(&path).exists() {
                missing.push(format!("{document} names {path}, which is not there"));
            } else if let Some(name) = name {
                let is_word = |word: &str| word == name;
                if !read(&path).split(|c: char| !c.is_alphanumeric() && c != '_').any(is_word) {
                    missing.push(format!("{document} names {name} in {path}, which does not have it"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn modules_that_read_data_from_outside_deny_indexing() {
    let text = read("CONTRIBUTING.md");
    let list = text.split_once("read data from outside:").unwrap().1.split_once("and single files").unwrap().0;
    let modules: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert!(modules.len() > 5, "the list has gone");
    for module in modules {
        let file = read(&format!("compositor/src/{module}/mod.rs"));
        assert!(file.contains("#![deny(clippy::indexing_slicing)]"), "{module}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let text = read(&document);
        let folder = root().join(&document).parent().unwrap().to_owned();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            if !folder.join(target.split('#').next().unwrap()).exists() {
                dead.push(format!("{document}: {target}"));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:?}");
}

/// The crates of the workspace but for the tests, with those that each depends on.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    let workspace = read("Cargo.toml");
    let members = workspace.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    let members = members.split(',').map(|member| member.trim().trim_matches('"')).filter(|member| !member.is_empty());
    let mut crates = BTreeMap::new();
    for member in members.filter(|member| !member.starts_with("tests")) {
        let manifest = read(&format!("{member}/Cargo.toml"));
        let mut section = "";
        let (mut name, mut needs) = (String::new(), BTreeSet::new());
        for line in manifest.lines() {
            match line.split_once(" = ") {
                _ if line.starts_with('[') => section = line.trim(),
                Some(("name", value)) if section == "[package]" => value.trim_matches('"').clone_into(&mut name),
                Some((other, value)) if section == "[dependencies]" && value.contains("path = ") => {
                    needs.insert(other.to_owned());
                }
                _ => {}
            }
        }
        crates.insert(name, needs);
    }
    crates
}

/// The part of a document under this heading.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let rest = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}")).1;
    rest.split("\n## ").next().unwrap()
}

#[test]
fn the_picture_of_the_crates_is_that_of_the_manifests() {
    let text = read("docs/architecture.md");
    let drawn: BTreeSet<(String, String)> = section(&text, "Crates")
        .lines()
        .filter_map(|line| line.trim().split_once(" --> "))
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .collect();
    let real: BTreeSet<(String, String)> =
        crates().into_iter().flat_map(|(from, to)| to.into_iter().map(move |to| (from.clone(), to))).collect();
    assert!(!real.is_empty());
    assert_eq!(drawn, real);
}

/// The Rust files of a module of the compositor, tests left out.
fn files_of(module: &str) -> Vec<PathBuf> {
    fn collect(path: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if !path.to_string_lossy().ends_with("_tests.rs") {
                found.push(path);
            }
        }
    }
    let source = root().join("compositor/src");
    let mut found = Vec::new();
    let file = source.join(format!("{module}.rs"));
    if file.exists() {
        found.push(file);
    }
    let folder = source.join(module);
    if folder.is_dir() {
        collect(&folder, &mut found);
    }
    assert!(!found.is_empty(), "there is no module {module}");
    found
}

/// The modules of the own crate that a text names in code, not in comments.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = text.split("#[cfg(test)]").next().unwrap().lines().fold(String::new(), |mut code, line| {
        code.push_str(line.split("//").next().unwrap());
        code.push('\n');
        code
    });
    let mut found = BTreeSet::new();
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        // The names at the first level of a list of imports.
        let (mut depth, mut at_start) = (0, true);
        for (index, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => at_start = true,
                _ if at_start && !c.is_whitespace() => {
                    found.insert(word(&list[index..]));
                    at_start = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn modules_import_what_the_architecture_says() {
    let text = read("docs/architecture.md");
    let rows = section(&text, "The compositor's modules").lines().filter_map(|line| line.strip_prefix("| `"));
    let mut checked = 0;
    for row in rows {
        let (module, rest) = row.split_once('`').unwrap();
        let allowed: BTreeSet<&str> = rest.split('`').skip(1).step_by(2).collect();
        let mut real = BTreeSet::new();
        for file in files_of(module) {
            real.extend(imports(&fs::read_to_string(file).unwrap()));
        }
        real.remove(module);
        let real: BTreeSet<&str> = real.iter().map(String::as_str).collect();
        assert_eq!(real, allowed, "{module} imports other modules than docs/architecture.md says");
        checked += 1;
    }
    assert!(checked > 5, "the table has gone");
}

#[test]
fn imports_are_found_however_they_are_written() {
    let text = "use crate::{\n    a::{self, B, c::D},\n    e::F,\n};\n/// [`crate::g`]\nfn h() { crate::i::j() }\n";
    let expected = ["a", "e", "i"].map(str::to_owned);
    assert_eq!(imports(text), BTreeSet::from(expected));
}
