//! Changes of configuration keys over HTTP, with the helper that writes them, on the agent's own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

mod configurer;
#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;

use configurer::{Configurer, Running, SOCKET_ENV};
use fake::Fake;

const PATIENCE: Duration = Duration::from_secs(120);

/// A device: its files below a folder, an agent, and a socket for the helper.
struct Device {
    folder: tempfile::TempDir,
    _agent: Running,
    configurer: Configurer,
}

impl Device {
    fn start() -> Device {
        let folder = tempfile::tempdir().unwrap();
        let configurer = Configurer::at(&folder.path().join("configure.sock"));
        let mut command = Device::command(folder.path());
        command.arg("--socket").arg(folder.path().join("http.sock"));
        command.env(SOCKET_ENV, folder.path().join("configure.sock"));
        let agent = Running(command.spawn().unwrap());
        let device = Device { folder, _agent: agent, configurer };
        until("the agent listens", || UnixStream::connect(device.folder.path().join("http.sock")).is_ok());
        device
    }

    fn command(folder: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk-agent"));
        command.env("KIOSK_ROOT", folder).env("KIOSK_RUNTIME_DIR", folder).env("STATE_DIRECTORY", folder.join("state"));
        command.stdin(Stdio::null());
        command
    }

    fn helper(&self) -> Running {
        self.configurer.start(self.folder.path())
    }

    fn text(&self) -> String {
        configurer::text(self.folder.path())
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut stream = UnixStream::connect(self.folder.path().join("http.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{kind}");
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
    }
}

fn until(what: &str, is: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < until, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn keys_are_set_over_http_and_in_force_at_once() {
    let device = Device::start();
    let compositor = Fake::compositor(device.folder.path());
    let _helper = device.helper();
    let change = json!({ "set": { "output.\"*\".rotation": 90, "shell.url": "http://b" } });
    let (status, told) = device.ask("PATCH", "/v1/config", &change);
    assert_eq!((status, &told["told"]), (200, &json!(["HDMI-A-1: rotation 0"])), "{told}");
    assert_eq!(compositor.calls().last().unwrap().0, "ReloadConfiguration");
    assert!(device.text().contains("rotation = 90") && device.text().contains("http://b"), "{}", device.text());
    let (_, shown) = device.ask("GET", "/v1/config", &Value::Null);
    let url = shown["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == "shell.url").unwrap();
    assert_eq!(url["value"], "http://b");
    // What is wrong changes nothing, and neither does what kioskd does not take.
    let before = device.text();
    let (status, problem) =
        device.ask("PATCH", "/v1/config", &json!({ "set": { "idle.screen-off": "soon", "shell.url": "http://c" } }));
    assert_eq!(status, 400, "{problem}");
    *compositor.shared.error.lock().unwrap() = Some(("org.kioskd.Error.ModeRejected", "no such mode"));
    let (status, problem) = device.ask("PATCH", "/v1/config", &json!({ "set": { "shell.url": "http://c" } }));
    assert_eq!((status, problem["detail"].as_str()), (409, Some("no such mode")), "{problem}");
    assert_eq!(device.text(), before);
    let (status, _) = device.ask("POST", "/v1/config/confirm", &Value::Null);
    assert_eq!(status, 409);
}

#[test]
fn a_change_that_nobody_confirms_is_undone_also_after_a_power_cut() {
    let device = Device::start();
    let _compositor = Fake::compositor(device.folder.path());
    let helper = device.helper();
    let set = |url: &str, seconds: u32| json!({ "set": { "shell.url": url }, "revert-after": seconds });
    assert_eq!(device.ask("PATCH", "/v1/config", &set("http://a", 3600)).0, 200);
    assert_eq!(device.ask("PATCH", "/v1/config", &set("http://x", 3600)).0, 409, "one at a time");
    assert_eq!(device.ask("POST", "/v1/config/confirm", &Value::Null).0, 200);
    assert_eq!(device.ask("PATCH", "/v1/config", &set("http://b", 5)).0, 200);
    assert!(device.text().contains("http://b"));
    until("it is undone", || device.text().contains("http://a"));
    assert_eq!(device.ask("PATCH", "/v1/config", &set("http://c", 3600)).0, 200);
    // As by a power cut.
    drop(helper);
    assert!(device.text().contains("http://c"));
    let _helper = device.helper();
    until("it is undone", || device.text().contains("http://a"));
    assert_eq!(device.ask("PATCH", "/v1/config", &set("http://d", 4)).0, 400);
}

#[test]
fn without_the_helper_the_sentence_says_how_it_is_allowed() {
    let device = Device::start();
    std::fs::remove_file(device.folder.path().join("configure.sock")).unwrap();
    let (status, problem) = device.ask("PATCH", "/v1/config", &json!({ "set": { "shell.url": "http://b" } }));
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("kiosk-configure.socket"), "{problem}");
}

#[test]
fn a_bundle_is_taken_from_who_has_the_key_and_no_older_one_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let minisign = |arguments: &[&str]| {
        let output = Command::new("minisign").args(arguments).current_dir(folder.path()).stdin(Stdio::null()).output();
        let output = output.expect("minisign is needed: `apt-get install minisign`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::create_dir_all(at("etc/kiosk")).unwrap();
    minisign(&["-G", "-W", "-p", "etc/kiosk/bundle.pub", "-s", "ours.key"]);
    minisign(&["-G", "-W", "-p", "theirs.pub", "-s", "theirs.key"]);
    let sign = |text: &str, key: &str, time: u32| {
        std::fs::write(at("kiosk.toml"), text).unwrap();
        minisign(&["-S", "-W", "-s", key, "-m", "kiosk.toml", "-t", &format!("timestamp:{time}\tfile:kiosk.toml")]);
    };
    let take = || {
        let output = fake::output(Device::command(folder.path()).arg("--bundle").arg(at("kiosk.toml")));
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let file = at("etc/kiosk/config.d/80-bundle.toml");
    let good = "[shell]\nurl = \"http://b\"\n";
    sign(good, "ours.key", 1000);
    assert_eq!(take().0, Some(0), "{}", take().1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), good);
    // The same stick again is no fault.
    assert!(take().1.contains("Same"));
    let refused = |says: &str| {
        let (code, said) = take();
        assert!(code == Some(2) && said.contains(says), "{says}: {said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), good);
    };
    sign("[shell]\nurl = \"http://old\"\n", "ours.key", 999);
    refused("one of 1000 was taken before");
    sign("[shell]\nurl = \"http://evil\"\n", "theirs.key", 2000);
    refused("is not signed by the key");
    sign("[shell]\nulr = 1\n", "ours.key", 2000);
    refused("did you mean url");
    sign(good, "ours.key", 2000);
    std::fs::write(at("kiosk.toml"), "[shell]\nurl = \"http://changed\"\n").unwrap();
    refused("is not signed by the key");
    minisign(&["-S", "-W", "-s", "ours.key", "-m", "kiosk.toml", "-t", "no time"]);
    refused("the signature has no time");
    std::fs::remove_file(at("kiosk.toml.minisig")).unwrap();
    refused("kiosk.toml.minisig");
}

#[test]
fn what_is_no_bundle_in_a_bundle_s_place_is_refused_at_once_and_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = |program: &str, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).current_dir(folder.path()).stdin(Stdio::null()).output();
        let done = done.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let sparse = |path: &Path| std::fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
    std::fs::create_dir_all(at("etc/kiosk")).unwrap();
    std::fs::write(at("secret"), "root:$y$not-for-everybody").unwrap();
    std::fs::write(at("signed.toml"), "[shell]\nurl = \"http://b\"\n").unwrap();
    run("minisign", &["-G", "-W", "-p", "etc/kiosk/bundle.pub", "-s", "ours.key"]);
    run("minisign", &["-S", "-W", "-s", "ours.key", "-m", "signed.toml"]);
    let signature = std::fs::read(at("signed.toml.minisig")).unwrap();
    let (bundle, signed) = (at("kiosk.toml"), at("kiosk.toml.minisig"));
    let good = || {
        for file in [&bundle, &signed] {
            let _ = std::fs::remove_dir_all(file).or_else(|_| std::fs::remove_file(file));
        }
        std::fs::copy(at("signed.toml"), &bundle).unwrap();
        std::fs::write(&signed, &signature).unwrap();
    };
    let link = |to: &Path, path: &Path| std::os::unix::fs::symlink(to, path).unwrap();
    let make = |kind: &[&str], path: &Path| run(kind[0], &[&[path.to_str().unwrap()], &kind[1..]].concat());
    type Fault<'a> = (&'a str, &'a dyn Fn(&Path));
    let faults: [Fault; 9] = [
        ("a link to a file of root's", &|path| link(&at("secret"), path)),
        ("a link to a device", &|path| link(Path::new("/dev/zero"), path)),
        ("a link to itself", &|path| link(path, path)),
        ("a FIFO", &|path| make(&["mkfifo"], path)),
        ("a directory", &|path| std::fs::create_dir(path).unwrap()),
        ("a terabyte", &sparse),
        ("nothing", &|path| std::fs::write(path, "").unwrap()),
        ("no text", &|path| std::fs::write(path, [0xff; 4096]).unwrap()),
        ("not there", &|_| ()),
    ];
    let refused = |what: &str| {
        let output = fake::output(Device::command(folder.path()).arg("--bundle").arg(&bundle));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{what}: {said}");
        assert!(!said.contains("not-for-everybody"), "{what}: {said}");
        assert!(!at("etc/kiosk/config.d/80-bundle.toml").exists(), "{what}");
    };
    for (what, fault) in faults {
        for file in [&bundle, &signed] {
            good();
            std::fs::remove_file(file).unwrap();
            fault(file);
            refused(what);
        }
    }
    // A stick that was pulled while it was written.
    for file in [&bundle, &signed] {
        good();
        let whole = std::fs::read(file).unwrap();
        for length in [1, whole.len() / 2, whole.len() - 2] {
            std::fs::write(file, &whole[..length]).unwrap();
            refused(&format!("{length} bytes of {}", file.display()));
        }
    }
    // A device of its own, which a test that is not root's can't make.
    good();
    std::fs::remove_file(&bundle).unwrap();
    if Command::new("mknod").arg(&bundle).args(["c", "1", "5"]).status().unwrap().success() {
        refused("a device");
    }
    good();
    assert!(fake::output(Device::command(folder.path()).arg("--bundle").arg(&bundle)).status.success());
}
