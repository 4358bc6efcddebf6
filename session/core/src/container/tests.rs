//! Definitions that are good, and that are not.

use std::path::{Path, PathBuf};

use super::podman::{Surroundings, run};
use super::*;

const GOOD: &str = r#"{
    "name": "hmi",
    "image": "localhost/hmi:1",
    "command": ["/usr/bin/hmi", "--at={url}"],
    "environment": { "LANG": "de_DE.UTF-8" },
    "mounts": [{ "source": "/srv/hmi", "target": "/data" }, { "source": "/srv/log", "target": "/log", "write": true }]
}"#;

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shell.json");
    std::fs::write(&file, text).unwrap();
    (directory, file)
}

fn told(text: &str) -> String {
    let (directory, file) = written(text);
    let told = read(&file).unwrap_err().to_string();
    let whole = told.clone();
    let told = told.strip_prefix(&format!("shell.container: {}", file.display())).map(str::to_owned);
    drop(directory);
    told.unwrap_or(whole)
}

fn surroundings() -> Surroundings {
    Surroundings {
        shell: 0,
        socket: "/run/kiosk-container/0".into(),
        render_nodes: vec!["/dev/dri/renderD128".into()],
        url: "http://localhost:3000/".into(),
        root: false,
        unit: true,
    }
}

fn words(text: &str, surroundings: &Surroundings) -> Vec<String> {
    let (_directory, file) = written(text);
    run(&read(&file).unwrap(), surroundings)
}

fn has(words: &[String], word: &str) -> bool {
    words.iter().any(|have| have == word)
}

#[test]
fn a_container_has_what_it_is_given_and_nothing_else_of_the_device() {
    let words = words(GOOD, &surroundings());
    assert_eq!(words[..2], ["--cgroup-manager=cgroupfs", "run"], "it has no systemd of its own");
    for wanted in [
        "--name=kiosk-hmi",
        "--pull=never",
        "--read-only",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        "--userns=keep-id",
        "--cgroups=split",
        "--network=none",
        "--mount=type=bind,source=/run/kiosk-container/0,target=/run/kiosk/wayland-0",
        "--mount=type=bind,source=/srv/hmi,target=/data,ro",
        "--mount=type=bind,source=/srv/log,target=/log",
        "--device=/dev/dri/renderD128",
        "--env=WAYLAND_DISPLAY=/run/kiosk/wayland-0",
        "--env=LANG=de_DE.UTF-8",
    ] {
        assert!(has(&words, wanted), "{wanted} is not in {words:?}");
    }
    let image = words.iter().position(|word| word == "localhost/hmi:1").unwrap();
    assert_eq!(words[image + 1..], ["/usr/bin/hmi", "--at=http://localhost:3000/"]);
    let seen = |word: &&String| word.starts_with("--mount=") || word.starts_with("--device=");
    assert_eq!(words.iter().filter(seen).count(), 4, "{words:?}");
    assert!(!words.iter().any(|word| word.contains("privileged") || word.starts_with("--volume")), "{words:?}");
}

#[test]
fn a_minimal_definition_is_valid() {
    let words = words(r#"{ "name": "a", "image": "b" }"#, &surroundings());
    assert_eq!(words.last().unwrap(), "b", "the image's own command");
    assert!(has(&words, "--network=none"));
}

#[test]
fn what_is_asked_for_in_addition_is_given() {
    let text = r#"{ "name": "a", "image": "b", "network": "host", "gpu": false, "memory-mib": 512 }"#;
    let got = words(text, &surroundings());
    assert!(has(&got, "--network=host") && has(&got, "--memory=512m"), "{got:?}");
    assert!(!got.iter().any(|word| word.starts_with("--device=") || word.starts_with("--group-add=")), "{got:?}");
    let private = words(r#"{ "name": "a", "image": "b", "network": "private" }"#, &surroundings());
    assert!(has(&private, "--network=slirp4netns"), "{private:?}");
}

#[test]
fn an_unknown_key_is_reported_with_its_line_and_the_known_keys() {
    let told = told("{\n\"name\": \"a\",\n\"image\": \"b\",\n\"superuser\": true }");
    assert!(told.contains("unknown field `superuser`, expected one of `name`, `image`, `command`"), "{told}");
    assert!(told.contains("at line 4 column"), "{told}");
}

#[test]
fn what_is_missing_or_no_json_is_said() {
    assert!(told(r#"{ "name": "a" }"#).contains("missing field `image`"));
    assert!(told("# name = a").contains("at line 1 column"));
    assert!(told("").contains("EOF while parsing"));
    let nothing = read(Path::new("/nonexistent/shell.json")).unwrap_err().to_string();
    assert!(nothing.starts_with("shell.container: /nonexistent/shell.json can't be read: No such file"), "{nothing}");
    let deep = "[".repeat(60_000);
    assert!(told(&deep).contains("line 1 column"), "deep nesting is an error, and no overflow");
}

#[test]
fn invalid_values_are_reported_by_key() {
    let with = |more: &str| told(&format!(r#"{{ "name": "a", "image": "b", {more} }}"#));
    let mount =
        |source: &str, target: &str| with(&format!(r#""mounts": [{{ "source": "{source}", "target": "{target}" }}]"#));
    for (told, wanted) in [
        (told(r#"{ "name": "A b", "image": "b" }"#), ": name is \"A b\"; allowed are"),
        (told(r#"{ "name": "a", "image": "--privileged" }"#), ": image is no image's name"),
        (told(r#"{ "name": "a", "image": "b --privileged" }"#), ": image is no image's name"),
        (told(r#"{ "name": "a", "image": "" }"#), ": image is no image's name"),
        (with(r#""command": [""]"#), ": command begins with an empty word"),
        (with(r#""memory-mib": 1"#), ": memory-mib is less than 32"),
        (with(r#""network": "lan""#), "unknown variant `lan`, expected one of `none`, `private`, `host`"),
        (with(r#""environment": { "A B": "1" }"#), ": environment.A B is no variable's name"),
        (with(r#""environment": { "WAYLAND_DISPLAY": "1" }"#), ": environment.WAYLAND_DISPLAY is set by the kiosk"),
        (with(r#""environment": { "A": "1\n2" }"#), ": environment.A has a value of several lines"),
        (mount("srv", "/data"), ": mounts[0].source srv is no absolute path"),
        (mount("/srv/../etc", "/data"), ": mounts[0].source /srv/../etc is no absolute path"),
        (mount("/srv,target=/", "/data"), ": mounts[0].source /srv,target=/ is no absolute path"),
        (mount("/", "/data"), ": mounts[0].source / is the whole device's"),
        (mount("/dev", "/data"), ": mounts[0].source /dev is the whole device's"),
        (mount("/srv", "/"), ": mounts[0].target / is the container's own"),
        (mount("/srv", "/run/kiosk/wayland-0"), ": mounts[0].target /run/kiosk/wayland-0 is the container's own"),
        (with(r#""mounts": [{ "source": "/a" }]"#), "missing field `target`"),
        (
            with(r#""mounts": [{"source":"/a","target":"/c"},{"source":"/b","target":"/c"}]"#),
            ": mounts[1].target /c is another",
        ),
    ] {
        assert!(told.contains(wanted), "{told} does not say {wanted}");
    }
}

#[test]
fn a_mount_that_is_not_there_is_told_with_its_place_in_the_file() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("srv/hmi")).unwrap();
    let (_directory, file) = written(GOOD);
    let told = missing(&file, &read(&file).unwrap(), root.path());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("mounts[1].source /srv/log is not there: No such file"), "{told:?}");
}
