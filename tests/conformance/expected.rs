//! The list of what may fail, `tests/wlcs/expected.toml`.

use toml_edit::{DocumentMut, Item, Table};

/// The list.
pub struct Expected {
    /// The release of the suite that it is of: how its version begins.
    pub release: String,
    /// So many tests are run at least and not skipped: what is offered no more does not go unnoticed.
    pub ran: usize,
    because: Vec<(String, Vec<String>)>,
}

impl Expected {
    /// Of the file's text; or what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
        let release = document.get("release").and_then(Item::as_str).ok_or("no `release` of the suite")?.to_owned();
        let ran = document.get("ran").and_then(Item::as_integer).and_then(|ran| usize::try_from(ran).ok());
        let tables = document.get("because").and_then(Item::as_array_of_tables);
        let because = tables.into_iter().flatten().map(entry).collect::<Result<_, _>>()?;
        Ok(Self { release, ran: ran.ok_or("`ran` is no number of tests")?, because })
    }

    /// Why this test may fail; `None`: it may not.
    pub fn reason(&self, test: &str) -> Option<&str> {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, test));
        self.because.iter().find(|(_, patterns)| named(patterns)).map(|(reason, _)| reason.as_str())
    }
}

fn entry(table: &Table) -> Result<(String, Vec<String>), String> {
    let reason = table.get("reason").and_then(Item::as_str).filter(|reason| !reason.is_empty());
    let tests = table.get("tests").and_then(Item::as_array).into_iter().flatten();
    let tests: Vec<String> = tests.filter_map(|test| test.as_str().map(str::to_owned)).collect();
    let reason = reason.ok_or_else(|| format!("no reason for {tests:?}"))?;
    if tests.is_empty() { Err(format!("no tests: {reason}")) } else { Ok((reason.to_owned(), tests)) }
}

/// Whether a name is one of those that the pattern stands for: `*` is any number of characters.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name
            .strip_prefix(start)
            .is_some_and(|name| (0..=name.len()).any(|skip| name.get(skip..).is_some_and(|name| matches(rest, name)))),
    }
}

#[test]
fn patterns_stand_for_names() {
    assert!(matches("A.*", "A.b") && matches("A.*c", "A.bc") && matches("*/1", "A/b/1") && matches("A", "A"));
    assert!(!matches("A.*c", "A.b") && !matches("A", "A.b") && !matches("*/1", "A/b/12"));
}

#[test]
fn a_list_without_a_reason_is_refused() {
    assert!(Expected::read("release = \"1\"\nran = 1\n[[because]]\ntests = [\"A\"]").is_err());
    assert!(Expected::read("release = \"1\"\nran = 1\n[[because]]\nreason = \"so\"").is_err());
    assert!(Expected::read("release = \"1\"\n[[because]]\nreason = \"so\"\ntests = [\"A\"]").is_err());
}
