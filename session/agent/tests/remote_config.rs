//! Single keys of a device's configuration from afar: kioskctl with `--host`, kiosk-agent on the network, and the helper that
//! writes the file on the device.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Instant;

use serde_json::{Value, json};

mod configurer;
#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod fleet;

use configurer::{Configurer, Running, SOCKET_ENV};
use fake::{Fake, output, said};
use fleet::{Agent, PATIENCE, kioskctl, put};

/// An authority with people, and a device that lets its configuration be changed.
struct Fleet {
    folder: tempfile::TempDir,
    agent: Agent,
    configurer: Configurer,
}

impl Fleet {
    fn new() -> Fleet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let ca = |arguments: &[&str]| {
            let done = output(kioskctl(path).args(["agent", "ca", "--dir", "ca"]).args(arguments));
            assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        };
        ca(&["init"]);
        ca(&["sign", "device", "--device", "--address", "localhost"]);
        ca(&["sign", "operate", "--role", "operate"]);
        ca(&["sign", "admin", "--role", "admin"]);
        let socket = path.join("configure.sock");
        let configurer = Configurer::at(&socket);
        let variables = [(SOCKET_ENV, socket.to_str().unwrap())];
        let agent = Agent::with_variables("[shell]\nurl = 'http://a'\n", &variables, |to| {
            for (from, name) in [("device.pem", "certificate.pem"), ("device.key", "key.pem"), ("ca/ca.pem", "ca.pem")]
            {
                put(to, name, &std::fs::read_to_string(path.join(from)).unwrap());
            }
        });
        Fleet { folder, agent, configurer }
    }

    fn helper(&self) -> Running {
        self.configurer.start(self.agent.directory())
    }

    /// On the device itself.
    fn here(&self, arguments: &[&str]) -> (i32, String, String) {
        let device = self.agent.directory();
        let mut command = kioskctl(device);
        command.env("KIOSK_ROOT", device).env("KIOSK_RUNTIME_DIR", device).args(arguments);
        said(&output(&mut command))
    }

    fn run(&self, role: &str, arguments: &[&str]) -> (i32, String, String) {
        let mut command = kioskctl(self.folder.path());
        command.args(["--host", &format!("localhost:{}", self.agent.port), "--ca", "ca/ca.pem"]);
        command.args(["--cert", &format!("{role}.pem"), "--key", &format!("{role}.key")]).args(arguments);
        said(&output(&mut command))
    }

    fn text(&self) -> String {
        configurer::text(self.agent.directory())
    }
}

#[test]
fn keys_are_read_set_and_unset_from_afar_as_they_are_here() {
    let fleet = Fleet::new();
    let _compositor = Fake::compositor(fleet.agent.directory());
    let _helper = fleet.helper();
    let run = |arguments: &[&str]| fleet.run("admin", arguments);
    assert_eq!(run(&["config", "get", "shell.url"]), (0, "http://a\n".into(), String::new()));
    // A number, a text that needs no quotation marks, and one that looks like a number.
    for (key, value, line) in [
        ("browser.zoom", "1.5", "zoom = 1.5"),
        ("shell.url", "http://b", "url = \"http://b\""),
        ("agent.mqtt.device", "7", "device = \"7\""),
        ("output.\"HDMI-A-1\".rotation", "90", "rotation = 90"),
    ] {
        let (code, _, err) = run(&["config", "set", key, value]);
        assert_eq!(code, 0, "{key}: {err}");
        assert!(fleet.text().contains(line), "{line}: {}", fleet.text());
    }
    let got: Value = serde_json::from_str(&run(&["config", "get", "shell.url", "--json"]).1).unwrap();
    assert_eq!(got["value"], "http://b");
    assert!(got["origin"].as_str().unwrap().contains("90-kioskctl.toml"), "{got}");
    let told: Value = serde_json::from_str(&run(&["config", "unset", "shell.url", "--json"]).1).unwrap();
    assert!(told["told"].is_array(), "{told}");
    assert_eq!(run(&["config", "get", "shell.url"]).1, "http://a\n");
    // What is wrong is said in the words of the key, and changes nothing.
    let before = fleet.text();
    for (arguments, exit, says) in [
        (&["config", "set", "idle.reset", "soon"][..], 2, "allowed is"),
        (&["config", "set", "shell.ulr", "http://c"], 2, "did you mean url"),
        (&["config", "get", "shell.ulr"], 1, "did you mean shell.url"),
        (&["config", "set", "shell.url", "http://c", "--revert-after", "4s"], 2, "allowed is 5s to 1h"),
    ] {
        let (code, _, err) = run(arguments);
        assert!(code == exit && err.contains(says), "{arguments:?}: {code} {err}");
    }
    for arguments in [&["config", "get", "shell.url"][..], &["config", "set", "shell.url", "http://c"]] {
        let (code, _, err) = fleet.run("operate", arguments);
        assert!(code == 4 && err.contains("needs the role admin"), "{code} {err}");
    }
    assert_eq!(fleet.text(), before);
    let mut here = kioskctl(fleet.folder.path());
    here.args(["config", "set", "shell.url", "http://c", "--revert-after", "1m"]).env("KIOSK_ROOT", "/nowhere");
    let (code, _, err) = said(&output(&mut here));
    assert!(code == 2 && err.contains("goes with --host"), "{err}");
}

#[test]
fn a_change_from_afar_is_undone_unless_it_is_confirmed() {
    let fleet = Fleet::new();
    let compositor = Fake::compositor(fleet.agent.directory());
    let _helper = fleet.helper();
    let run = |arguments: &[&str]| fleet.run("admin", arguments);
    let (code, out, _) = run(&["config", "set", "shell.url", "http://b", "--revert-after", "1h"]);
    assert!(code == 0 && out.contains("undone in 3600 s unless it is confirmed"), "{out}");
    // Who may not change the configuration does not confirm it either.
    let _ = fleet.run("operate", &["confirm"]);
    let (code, _, err) = run(&["config", "set", "shell.url", "http://c"]);
    assert!(code == 1 && err.contains("waits to be confirmed"), "{code} {err}");
    assert_eq!(run(&["confirm", "--json"]).1.trim(), json!({ "done": true }).to_string());
    assert!(fleet.text().contains("http://b"));
    // Nothing waits: it is the outputs that are meant.
    let before = compositor.calls().len();
    assert_eq!(run(&["confirm"]).0, 0);
    assert_eq!(compositor.calls()[before..].last().unwrap().0, "Confirm");
    assert_eq!(run(&["config", "unset", "shell.url", "--revert-after", "5s"]).0, 0);
    assert!(!fleet.text().contains("http://b"));
    let until = Instant::now() + PATIENCE;
    while !fleet.text().contains("http://b") {
        assert!(Instant::now() < until, "it is not undone");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_set_on_the_device_while_a_change_from_afar_waits_stays_when_that_is_undone() {
    let fleet = Fleet::new();
    let _compositor = Fake::compositor(fleet.agent.directory());
    let helper = fleet.helper();
    let done = |(code, out, err): (i32, String, String)| assert_eq!(code, 0, "{out}{err}");
    done(fleet.run("admin", &["config", "set", "browser.zoom", "1.5"]));
    done(fleet.run("admin", &["config", "set", "shell.url", "http://b", "--revert-after", "1h"]));
    // Somebody stands before it meanwhile, who knows nothing of that; the key of the change is not his.
    done(fleet.here(&["config", "set", "output.\"*\".rotation", "90"]));
    done(fleet.here(&["config", "set", "shell.url", "http://c"]));
    done(fleet.here(&["config", "unset", "browser.zoom"]));
    // A power cut is the end of its time.
    drop(helper);
    let _helper = fleet.helper();
    let until = Instant::now() + PATIENCE;
    while fleet.text().contains("http://") {
        assert!(Instant::now() < until, "it is not undone: {}", fleet.text());
        std::thread::yield_now();
    }
    let here = fleet.text();
    assert!(here.contains("rotation = 90") && !here.contains("zoom"), "{here}");
    assert_eq!(fleet.run("admin", &["config", "get", "shell.url"]).1, "http://a\n");
    // And whoever confirms keeps both.
    done(fleet.run("admin", &["config", "set", "shell.url", "http://d", "--revert-after", "1h"]));
    done(fleet.here(&["config", "set", "output.\"*\".rotation", "180"]));
    done(fleet.run("admin", &["confirm"]));
    let here = fleet.text();
    assert!(here.contains("rotation = 180") && here.contains("http://d"), "{here}");
}
