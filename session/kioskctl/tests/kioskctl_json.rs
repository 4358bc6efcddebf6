//! What kioskctl prints with `--json`, held against `docs/schemas`: every verb has a schema in the table of
//! `docs/json.md`, every document is as its schema says, and every key that a schema has is really printed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod enrolment_fake;
mod json_schema;
mod kioskctl_fake;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use json_schema::{Schemas, Seen};
use kiosk_enrolment::Answer;
use kioskctl_fake::{Fake, Running, kioskctl, output, said, security_context};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

/// Of any verb that fails.
const FAILURE: &str = "error.json";

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn schemas() -> Schemas {
    Schemas::read(&documents().join("schemas"))
}

/// The schema of each verb, from the table: `config check` is a verb, options are not.
fn table() -> BTreeMap<String, String> {
    let text = fs::read_to_string(documents().join("json.md")).unwrap();
    let mut table = BTreeMap::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (verbs, schema) = row.split_once(" | [").unwrap();
        let file = schema.split(']').next().unwrap();
        for verb in verbs.split('`').step_by(2).filter(|verb| !verb.is_empty()) {
            assert!(table.insert(verb.to_owned(), file.to_owned()).is_none(), "{verb} is there twice");
        }
    }
    table
}

/// All that the command line has, from its man pages; and the verb that makes those.
fn verbs() -> BTreeSet<String> {
    let dir = tempdir().unwrap();
    let made = output(&mut kioskctl(dir.path(), &["generate", "man", dir.path().to_str().unwrap()]));
    assert!(made.status.success());
    let pages = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> =
        pages.filter_map(|page| Some(page.strip_prefix("kioskctl-")?.strip_suffix(".1")?.to_owned())).collect();
    assert!(names.len() > 20, "{names:?}");
    let is_in = |name: &str, group: &str| name.strip_prefix(group).is_some_and(|rest| rest.starts_with('-'));
    let is_group = |name: &str| names.iter().any(|other| is_in(other, name));
    // `agent-ca-init`: what is below a group is a word of its own.
    let verb = |name: &String| {
        let mut words = name.clone();
        for group in names.iter().filter(|group| is_in(name, group)) {
            words.replace_range(group.len()..=group.len(), " ");
        }
        words
    };
    names.iter().filter(|name| !is_group(name)).map(verb).chain(["generate".to_owned()]).collect()
}

/// Runs verbs and holds what they print against their schemas.
struct Bench {
    dir: TempDir,
    schemas: Schemas,
    table: BTreeMap<String, String>,
    seen: Seen,
    ran: BTreeSet<String>,
}

impl Bench {
    fn new() -> Bench {
        Bench { dir: tempdir().unwrap(), schemas: schemas(), table: table(), seen: Seen::new(), ran: BTreeSet::new() }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn verb(&self, arguments: &[&str]) -> String {
        let first = |count: usize| arguments[..arguments.len().min(count)].join(" ");
        let verb = [3, 2, 1].map(first).into_iter().find(|verb| self.table.contains_key(verb));
        verb.unwrap_or_else(|| panic!("docs/json.md does not have {arguments:?}"))
    }

    fn hold(&mut self, file: &str, value: &Value, arguments: &[&str]) {
        let wrong = self.schemas.wrong(file, value, &mut self.seen);
        assert!(wrong.is_empty(), "{arguments:?} against {file}:\n{}", wrong.join("\n"));
    }

    /// The exit status, and the only document.
    fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = kioskctl(self.path(), arguments);
        command.arg("--json").env("KIOSK_ROOT", self.path()).env("KIOSK_STATE_DIR", self.path());
        command.env("WAYLAND_DISPLAY", self.path().join("wayland-admin")).env("KIOSK_POWER_SCHEDULE", "nonsense");
        let (code, out, _) = said(&output(&mut command));
        (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}")))
    }

    /// A document of the verb's own, whatever the exit status says of what it found.
    fn document(&mut self, arguments: &[&str], exit: i32) -> Value {
        let verb = self.verb(arguments);
        let (code, value) = self.run(arguments);
        assert_eq!(code, exit, "{arguments:?}: {value}");
        let file = self.table[&verb].clone();
        self.hold(&file, &value, arguments);
        self.ran.insert(verb);
        value
    }

    fn done(&mut self, arguments: &[&str]) -> Value {
        self.document(arguments, 0)
    }

    fn failure(&mut self, arguments: &[&str], exit: i32) {
        let (code, value) = self.run(arguments);
        assert_eq!((code, &value["error"]["exit"]), (exit, &exit.into()), "{arguments:?}: {value}");
        self.hold(FAILURE, &value, arguments);
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

#[test]
fn every_verb_has_a_schema_and_every_schema_a_verb() {
    let table = table();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), verbs());
    let named: BTreeSet<String> = table.into_values().chain([FAILURE.to_owned()]).collect();
    assert_eq!(named, schemas().0.into_keys().collect());
}

#[test]
fn schemas_explain_every_key_in_words_that_are_checked() {
    let faults = schemas().faults();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_every_verb_prints_is_what_its_schema_says() {
    let mut bench = Bench::new();
    nothing_runs(&mut bench);
    confined(&mut bench);
    let session = Fake::session(bench.path());
    let compositor = Fake::compositor(bench.path());
    of_the_page(&mut bench, &session, &compositor);
    of_screens(&mut bench);
    of_the_rest(&mut bench);
    of_the_configuration(&mut bench);
    of_the_authority(&mut bench);

    assert_eq!(bench.ran, verbs(), "a verb was not tried");
    let never: Vec<_> = bench.schemas.properties().into_iter().filter(|key| !bench.seen.contains(key)).collect();
    assert!(never.is_empty(), "explained, and never printed: {never:?}");
}

fn nothing_runs(bench: &mut Bench) {
    bench.failure(&["status"], 3);
    bench.failure(&["status", "--slots"], 1);
    bench.failure(&["status", "--frames"], 3);
    bench.failure(&["rotate", "90"], 3);
    bench.failure(&["rotate", "45"], 2);
    let found = bench.document(&["doctor"], 1);
    assert_eq!(found["ok"], false);
    let bundle = bench.path().join("report.tar.gz");
    bench.document(&["doctor", "--bundle", bundle.to_str().unwrap()], 1);
}

fn of_the_page(bench: &mut Bench, session: &Fake, compositor: &Fake) {
    for verb in ["reload", "home", "restart", "stop", "start", "clear-data"] {
        bench.done(&[verb]);
    }
    bench.done(&["open", "http://a.example"]);
    session.change(&[("LastFailure", ("page crashed", "reload", 4_000_000u64).into())]);
    bench.done(&["status"]);
    bench.write("efi/EFI/Linux/kiosk_1.efi", "");
    bench.write("efi/EFI/Linux/kiosk_2+2-1.efi", "");
    assert_eq!(bench.done(&["status", "--slots"])["slots"]["versions"][1]["tries-left"], json!(2));
    assert_eq!(bench.done(&["status", "--boot"])["boot"]["page"], json!(6_000_000));
    let frames = &bench.done(&["status", "--frames"])["frames"][0];
    assert_eq!((&frames["direct"], &frames["handling"]["max"]), (&json!(7), &json!(400)));
    session.change(&[("LastFailure", ("", "", 0u64).into()), ("State", "ready".into())]);
    session.second_shell("offline");
    compositor.change(&[("Shells", vec![("HDMI-A-1", "shell"), ("", "splash")].into())]);
    assert_eq!(bench.done(&["status"])["session"]["last-failure"], json!(null));
    let mut watch = Running::start(bench.path(), &["status", "--watch", "--json"]);
    let line = watch.line();
    bench.hold("status.json", &line, &["status", "--watch"]);
    let mut console = Running::start(bench.path(), &["console", "--json"]);
    for _ in 0..2 {
        let line = console.line();
        bench.hold("console.json", &line, &["console"]);
    }
    let mut inspect = Running::start(bench.path(), &["inspect", "--json"]);
    let line = inspect.line();
    bench.hold("inspect.json", &line, &["inspect"]);
    bench.failure(&["inspect", "--expires", "2h"], 2);
    bench.ran.extend(["console".into(), "inspect".into()]);
    bench.done(&["wait", "ready", "-s", "0"]);
    bench.failure(&["wait", "ready", "--timeout", "100ms"], 1);
    *session.shared.error.lock().unwrap() = Some(("org.kioskd.Error.NotAuthorized", "this is why"));
    bench.failure(&["reload"], 4);
}

fn of_screens(bench: &mut Bench) {
    bench.done(&["outputs"]);
    bench.done(&["outputs", "--modes"]);
    bench.done(&["rotate", "90", "-o", "*"]);
    bench.done(&["rotate", "next", "--temporary"]);
    for mode in ["preferred", "max", "1280x720@59.94", "custom 1280x720@60"] {
        bench.done(&["mode", mode]);
    }
    bench.done(&["scale", "auto"]);
    bench.done(&["scale", "1.25"]);
    bench.done(&["position", "-5,10"]);
    bench.done(&["mirror", "DP-1"]);
    bench.done(&["mirror", "none"]);
    bench.done(&["brightness", "40", "--revert-after", "1m"]);
    bench.done(&["screen", "off"]);
    let file =
        bench.write("screens.toml", "[output.\"DP-1\"]\nscale = 2\nrotation = 90\nmode = \"max\"\nposition = [1, 2]\n");
    bench.done(&["apply", &file]);
    bench.done(&["apply", &file, "--verify"]);
    bench.done(&["confirm"]);
    bench.done(&["forget"]);
    bench.done(&["forget", "-o", "DP-1", "rotation"]);
    let picture = bench.path().join("a.png");
    bench.done(&["screenshot", picture.to_str().unwrap()]);
}

fn of_the_rest(bench: &mut Bench) {
    bench.done(&["inputs"]);
    bench.done(&["inputs", "--trust", "A mouse", "--untrust", "Panel"]);
    bench.failure(&["inputs", "--trust", "none"], 1);
    bench.done(&["touch-map", "Panel", "auto"]);
    bench.done(&["message", "Back at nine"]);
    bench.done(&["message", "a long text"]);
    bench.done(&["pairing"]);
    bench.done(&["accessibility"]);
    bench.done(&["accessibility", "invert", "on"]);
    bench.done(&["keyboard", "show"]);
    bench.done(&["dismiss"]);
    bench.done(&["vt", "2"]);
    let place = bench.path().join("made");
    for what in ["man", "config-man", "bash"] {
        bench.done(&["generate", what, place.to_str().unwrap()]);
    }
}

fn of_the_configuration(bench: &mut Bench) {
    bench.done(&["config", "reload"]);
    bench.write("state.toml", "version = 1\n[output.\"HDMI-A-1\"]\nrotation = 0\n");
    let file = bench.write("etc/kiosk/config.toml", "[shell]\nurl = 3\n");
    let found = bench.document(&["config", "check"], 1);
    // One in a file, and one in the environment.
    assert_eq!(
        (&found["errors"][0]["line"], &found["errors"][1]["variable"]),
        (&2.into(), &"KIOSK_POWER_SCHEDULE".into())
    );
    assert!(!bench.done(&["config", "show"])["kept"].as_array().unwrap().is_empty());
    bench.document(&["config", "check", "--config", "/none.toml"], 1);
    fs::write(&file, "[shell]\nurl = \"http://a\"\n").unwrap();
    bench.done(&["config", "get", "shell.url"]);
    bench.done(&["config", "get", "power.schedule"]);
    bench.failure(&["config", "get", "shell.ulr"], 1);
    bench.done(&["config", "set", "shell.url", "http://b"]);
    let stronger = bench.write("etc/kiosk/config.d/99-mine.toml", "[shell]\nurl = \"http://mine\"\n");
    assert!(bench.done(&["config", "set", "shell.url", "http://c"])["overruled-by"].is_string());
    fs::remove_file(stronger).unwrap();
    bench.done(&["config", "unset", "shell.url"]);
    bench.write("etc/kiosk/config.d/90-kioskctl.toml", "[splash]\ncolour = 1\n");
    bench.document(&["config", "set", "shell.url", "http://c"], 1);
    bench.failure(&["config", "set", "shell.ulr", "x"], 2);
}

fn of_the_authority(bench: &mut Bench) {
    let place = |name: &str| bench.path().join(name).to_str().unwrap().to_owned();
    let (ca, out, socket) = (place("ca"), place("."), place("enrol.sock"));
    let dir = ["--dir", ca.as_str()];
    bench.failure(&[&["agent", "ca", "list"], &dir[..]].concat(), 1);
    bench.done(&[&["agent", "ca", "init"], &dir[..]].concat());
    bench.done(&[&["agent", "ca", "sign", "anna", "--role", "view", "--out", &out], &dir[..]].concat());
    bench.done(&[&["agent", "ca", "sign", "x", "--device", "--address", "x", "--out", &out], &dir[..]].concat());
    let agent = enrolment_fake::agent(Path::new(&socket));
    let code = bench.done(&["agent", "enrol", "--socket", &socket])["code"].as_str().unwrap().to_owned();
    bench.done(&["agent", "enrol", "--stop", "--socket", &socket]);
    bench.done(&["agent", "renew", "--socket", &socket]);
    agent.join().unwrap();
    let (at, device) = enrolment_fake::device(&code, Answer::Done);
    bench.done(&[&["agent", "ca", "enrol", &at, "--code", &code], &dir[..]].concat());
    device.join().unwrap();
    let serve = [&["agent", "ca", "serve", "--json", "--address", "localhost", "--listen", "127.0.0.1:0"], &dir[..]];
    let line = Running::start(bench.path(), &serve.concat()).line();
    bench.hold("agent-ca-serve.json", &line, &["agent", "ca", "serve"]);
    bench.ran.insert("agent ca serve".into());
    // It is no device any more.
    assert_eq!(bench.document(&[&["agent", "ca", "renew", "hall-7"], &dir[..]].concat(), 1)[0]["done"], false);
    bench.document(&[&["agent", "ca", "push-crl", "hall-7"], &dir[..]].concat(), 1);
    bench.done(&[&["agent", "ca", "revoke", "anna"], &dir[..]].concat());
    bench.done(&[&["agent", "ca", "list"], &dir[..]].concat());
}

/// kioskd as `confine` sees it: it has a manager of security contexts, and ends when one has been made.
fn confined(bench: &mut Bench) {
    let listener = UnixListener::bind(bench.path().join("wayland-admin")).unwrap();
    let server = std::thread::spawn(move || security_context::manage(&listener));
    let socket = bench.path().join("confined");
    bench.done(&["confine", "org.example.App", socket.to_str().unwrap()]);
    server.join().unwrap();
    assert!(!socket.exists(), "it goes with kioskd");
}
