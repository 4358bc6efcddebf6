//! What `--json` says of files: one with any name, and the one that is standard output.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod kioskctl_fake;

use std::fs;
use std::os::unix::ffi::OsStrExt;

use kioskctl_fake::{Fake, kioskctl, output, said};
use serde_json::Value;
use tempfile::tempdir;

#[test]
fn a_picture_on_standard_output_is_followed_by_nothing() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let picture = compositor.shared.picture.lock().unwrap().clone();
    assert_eq!(output(&mut kioskctl(dir.path(), &["screenshot", "-", "--json"])).stdout, picture);
}

#[test]
fn a_file_whose_name_is_no_utf_8_is_told_as_well_as_json_can() {
    let dir = tempdir().unwrap();
    let _compositor = Fake::compositor(dir.path());
    let name = std::ffi::OsStr::from_bytes(b"10-\xff.toml");
    let folder = dir.path().join("etc/kiosk/config.d");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), "[shell]\nurl = 3\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = kioskctl(dir.path(), arguments);
        command.arg("--json").env("KIOSK_ROOT", dir.path());
        command
    };
    let told = |command: &mut std::process::Command| {
        let (code, out, error) = said(&output(command));
        (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}")))
    };
    let (code, found): (i32, Value) = told(&mut run(&["config", "check"]));
    let file = found["errors"][0]["file"].as_str().unwrap();
    assert!(code == 1 && file.ends_with("10-\u{fffd}.toml"), "{found}");
    assert!(found["read"][0].as_str().unwrap().ends_with("10-\u{fffd}.toml"), "{found}");
    let (code, saved): (i32, Value) = told(run(&["screenshot"]).arg(folder.join(name)));
    assert_eq!((code, &saved["bytes"]), (0, &17.into()));
}
