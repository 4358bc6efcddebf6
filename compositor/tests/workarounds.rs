//! Every workaround in the sources is listed in `docs/workarounds.md`, and every one listed there is in the sources:
//! who raises a library's version finds all of them, and none that is long gone.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The tags of the files at and below a directory, with the file that has each: from the compositor's sources, or from the top.
fn tags(directory: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tags(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let (top, sources) = (repository(), repository().join("compositor/src"));
            let file = path.strip_prefix(&sources).or_else(|_| path.strip_prefix(&top)).unwrap().display().to_string();
            for part in fs::read_to_string(&path).unwrap().split("WORKAROUND(").skip(1) {
                let tag = part.split(')').next().unwrap().to_owned();
                found.entry(tag).or_default().push(file.clone());
            }
        }
    }
}

/// The first two columns of the table.
fn listed() -> BTreeMap<String, Vec<String>> {
    let page = fs::read_to_string(repository().join("docs/workarounds.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let row = |row: &str| {
        let (tag, rest) = row.split_once('`').unwrap();
        (tag.to_owned(), vec![rest.split('`').nth(1).unwrap().to_owned()])
    };
    rows.map(row).collect()
}

#[test]
fn the_list_of_workarounds_is_that_of_the_sources() {
    let mut found = BTreeMap::new();
    tags(&repository().join("compositor/src"), &mut found);
    tags(&repository().join("tests"), &mut found);
    assert!(found.len() > 10, "the tags are not found: {found:?}");
    assert_eq!(found, listed());
}

#[test]
fn every_tag_names_a_project_and_an_issue_or_a_subject() {
    for tag in listed().keys() {
        let numbered = tag.split_once('#').is_some_and(|(_, number)| number.parse::<u32>().is_ok());
        let named = tag.split_once(':').is_some_and(|(project, name)| !project.is_empty() && !name.is_empty());
        assert!(numbered || named, "{tag}");
    }
}
