//! `docs/schemas/files/container.json`, by which editors check a definition of a shell in a container, against what the
//! kiosk reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod json_schema;

use std::path::Path;

use json_schema::{Schemas, Seen};
use kiosk_core::container;

const FULL: &str = r#"{
    "name": "hmi", "image": "localhost/hmi:1", "command": ["/usr/bin/hmi", "{url}"], "environment": { "LANG": "C" },
    "mounts": [{ "source": "/srv", "target": "/data", "write": true }], "network": "host", "gpu": false, "memory-mib": 64
}"#;

fn schemas() -> Schemas {
    Schemas::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/files"))
}

fn by_schema(text: &str, seen: &mut Seen) -> bool {
    schemas().wrong("container.json", &serde_json::from_str(text).unwrap(), seen).is_empty()
}

fn by_kiosk(text: &str) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shell.json");
    std::fs::write(&file, text).unwrap();
    container::read(&file).map(drop).map_err(|error| error.to_string())
}

#[test]
fn the_schema_has_every_key_that_is_read_and_no_other() {
    let mut seen = Seen::new();
    assert!(by_schema(FULL, &mut seen));
    by_kiosk(FULL).unwrap();
    let unused: Vec<_> = schemas().properties().into_iter().filter(|key| !seen.contains(key)).collect();
    assert!(unused.is_empty(), "read by the kiosk and not in the example: {unused:?}");
    // What is read says itself which keys there are.
    let told = by_kiosk(r#"{ "name": "a", "image": "b", "x": 1 }"#).unwrap_err();
    let keys: Vec<&str> = told.split('`').skip(3).step_by(2).collect();
    assert!(keys.contains(&"memory-mib") && keys.len() == 8, "{told}");
    let full: serde_json::Value = serde_json::from_str(FULL).unwrap();
    assert!(keys.iter().all(|key| full.get(key).is_some()), "{keys:?}");
}

#[test]
fn the_schema_and_the_parser_refuse_the_same_files() {
    for text in [
        r#"{ "name": "a" }"#,
        r#"{ "name": "a", "image": "b", "x": 1 }"#,
        r#"{ "name": "a", "image": "b", "network": "lan" }"#,
        r#"{ "name": "a", "image": "b", "memory-mib": 1 }"#,
        r#"{ "name": "a", "image": "b", "command": "hmi" }"#,
        r#"{ "name": "a", "image": "b", "mounts": [{ "source": "/a" }] }"#,
    ] {
        assert!(!by_schema(text, &mut Seen::new()), "the schema takes {text}");
        assert!(by_kiosk(text).is_err(), "the kiosk takes {text}");
    }
}

#[test]
fn every_key_is_explained() {
    assert_eq!(schemas().faults(), [""; 0]);
}
