//! kioskctl on one machine and kiosk-agent on another, with certificates of `kioskctl agent ca`: the same verbs, the same
//! words and the same exit codes as on the device itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod fleet;

use fake::{Fake, output, said};
use fleet::{Agent, kioskctl_program, put};

/// An authority, a device and people.
struct Fleet {
    folder: tempfile::TempDir,
    agent: Agent,
}

impl Fleet {
    fn new() -> Fleet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        ca(path, &["init"]);
        ca(path, &["sign", "device", "--device", "--address", "localhost", "--address", "127.0.0.1"]);
        for role in ["view", "operate", "admin"] {
            ca(path, &["sign", role, "--role", role]);
        }
        ca(path, &["sign", "anna", "--role", "admin"]);
        let agent = Agent::with(|to| {
            for (from, name) in [("device.pem", "certificate.pem"), ("device.key", "key.pem"), ("ca/ca.pem", "ca.pem")]
            {
                put(to, name, &std::fs::read_to_string(path.join(from)).unwrap());
            }
        });
        Fleet { folder, agent }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// kioskctl from afar, of somebody with this role.
    fn command(&self, role: &str, arguments: &[&str]) -> Command {
        let mut command = kioskctl_program();
        // What is here is not asked.
        command.env("KIOSK_RUNTIME_DIR", self.path("nothing")).current_dir(self.folder.path());
        command.args(["--host", &format!("localhost:{}", self.agent.port), "--ca", "ca/ca.pem"]);
        command.args(["--cert", &format!("{role}.pem"), "--key", &format!("{role}.key")]).args(arguments);
        command
    }

    fn run(&self, role: &str, arguments: &[&str]) -> (i32, String, String) {
        said(&output(&mut self.command(role, arguments)))
    }

    /// On the device itself.
    fn here(&self, arguments: &[&str]) -> (i32, String, String) {
        said(&output(kioskctl_program().env("KIOSK_RUNTIME_DIR", self.agent.directory()).args(arguments)))
    }
}

fn ca(folder: &Path, arguments: &[&str]) {
    let done = output(kioskctl_program().current_dir(folder).args(["agent", "ca", "--dir", "ca"]).args(arguments));
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A verb, and whether its output tells of time that goes on.
const VERBS: &[&[&str]] = &[
    &["outputs"],
    &["outputs", "--modes"],
    &["inputs"],
    &["inputs", "--trust", "A mouse", "--untrust", "Panel"],
    &["touch-map", "Elo@1-1", "DP-1"],
    &["reload", "--hard"],
    &["open", "http://localhost:3000/a%20b?c=d"],
    &["home", "--shell", "1"],
    &["restart"],
    &["stop"],
    &["start"],
    &["clear-data"],
    &["rotate", "90", "-o", "DP-1", "--temporary"],
    &["rotate", "next", "-o", "*"],
    &["mode", "1280x720@60"],
    &["mode", "custom 1280x720@60"],
    &["scale", "auto"],
    &["scale", "1.25", "-o", "DP-1"],
    &["position", "-10,5"],
    &["mirror", "DP-1"],
    &["mirror", "none"],
    &["brightness", "40"],
    &["screen", "toggle"],
    &["screen", "off", "-o", "Dell U2720Q S1920"],
    &["apply", "screens.toml"],
    &["apply", "screens.toml", "--verify"],
    &["confirm"],
    &["forget", "-o", "DP-1", "rotation"],
    &["forget"],
    &["message", "Back at nine"],
    &["message", "a long text", "--title", "Closed"],
    &["pairing"],
    &["pairing", "--code", "ABC-123", "--expires", "90s", "--url", "https://example.org"],
    &["accessibility", "invert", "on"],
    &["keyboard", "show"],
    &["dismiss"],
    &["vt", "2"],
    &["config", "reload"],
    &["wait", "screen"],
    // What is refused is refused in the same words.
    &["rotate", "90", "-o", "DP-9"],
    &["inputs", "--trust", "none"],
    &["home", "--shell", "7"],
];

#[test]
fn every_verb_does_from_afar_what_it_does_here() {
    let fleet = Fleet::new();
    let device = fleet.agent.directory().to_owned();
    let (session, compositor) = (Fake::session(&device), Fake::compositor(&device));
    session.second_shell("ready");
    let screens = "[output.\"DP-1\"]\nscale = 2\nrotation = 90\n[output.\"HDMI-A-1\"]\nmirror = \"DP-1\"\n";
    std::fs::write(fleet.path("screens.toml"), screens).unwrap();
    let calls = || (session.calls(), compositor.calls());
    let since = |(one, other): (usize, usize)| {
        let (session, compositor) = calls();
        (session[one..].to_vec(), compositor[other..].to_vec())
    };
    let count = || (session.calls().len(), compositor.calls().len());
    for json in [false, true] {
        for verb in VERBS {
            let words: Vec<&str> = verb.iter().copied().chain(json.then_some("--json")).collect();
            let file = fleet.path("screens.toml");
            let local: Vec<&str> =
                words.iter().map(|word| if *word == "screens.toml" { file.to_str().unwrap() } else { *word }).collect();
            let before = count();
            let (code, out, err) = fleet.here(&local);
            let here = since(before);
            let before = count();
            let (far_code, far_out, far_err) = fleet.run("admin", &words);
            assert_eq!(since(before), here, "{words:?}");
            // `wait` says how long it took; errors have the host before them, and the paths are not the same.
            if verb[0] != "wait" {
                assert_eq!((far_code, far_out.replace("localhost: ", "")), (code, out), "{words:?}: {far_err}");
            }
            assert_eq!(far_err.replace("localhost: ", ""), err, "{words:?}");
        }
    }
    // The words of the device's own state, with times that count from its own boot.
    let (here, far) = (fleet.here(&["status", "--json"]).1, fleet.run("view", &["status", "--json"]).1);
    let [here, far] = [here, far].map(|text| serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(far, here);
    let (code, text, _) = fleet.run("view", &["status"]);
    assert!(code == 0 && text.contains("Session") && text.contains(" for ") && text.contains("HDMI-A-1"), "{text}");
    let aids = fleet.run("view", &["accessibility", "--json"]).1;
    assert_eq!(serde_json::from_str::<Value>(&aids).unwrap()["slow-keys"], true);
    // A picture is a file here.
    let (code, out, _) = fleet.run("view", &["screenshot", "far.png", "-o", "DP-1"]);
    assert_eq!((code, out.as_str()), (0, "far.png\n"));
    assert!(std::fs::read(fleet.path("far.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn the_console_is_heard_from_afar_as_here() {
    let fleet = Fleet::new();
    let _session = Fake::session(fleet.agent.directory());
    let (code, _, err) = fleet.run("operate", &["console"]);
    assert!(code == 4 && err.contains("admin"), "{code} {err}");
    let mut command = fleet.command("admin", &["console"]);
    let mut console = command.stdout(Stdio::piped()).spawn().unwrap();
    let _limit = fake::Limit::of(&console);
    let mut lines = BufReader::new(console.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    // And begins again when the stream has ended.
    for _ in 0..2 {
        assert_eq!(next(), "warning: one (http://a/x.js:3)");
        assert_eq!(next(), "(3 lines were not read in time)");
    }
    let _ = console.kill();
    let _ = console.wait();
}

#[test]
fn devtools_are_for_a_front_end_on_this_machine_and_nobody_else_on_it() {
    use tokio_tungstenite::tungstenite::{Message, client};
    let fleet = Fleet::new();
    let session = Fake::session(fleet.agent.directory());
    let (code, _, err) = fleet.run("operate", &["inspect"]);
    assert!(code == 4 && err.contains("admin"), "{code} {err}");
    let mut here = kioskctl_program();
    here.env("KIOSK_RUNTIME_DIR", fleet.agent.directory()).env_remove("SUDO_USER").env("USER", "bert");
    here.args(["inspect", "--json", "--expires", "1m"]);
    for (mut command, who) in
        [(here, "bert"), (fleet.command("anna", &["inspect", "--json", "--expires", "1m"]), "anna")]
    {
        let mut bridge = command.stdout(Stdio::piped()).spawn().unwrap();
        let _limit = fake::Limit::of(&bridge);
        let mut line = String::new();
        BufReader::new(bridge.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let (address, front_end) = (told["websocket"].as_str().unwrap(), told["devtools"].as_str().unwrap());
        assert!(front_end.ends_with(&address.replace("ws://", "?ws=")), "{told}");
        let (method, arguments) = session.calls().last().unwrap().clone();
        assert!(method == "Inspect" && arguments.contains("60") && arguments.contains(who), "{method} {arguments}");
        let (host, secret) = address.strip_prefix("ws://").unwrap().split_once('/').unwrap();
        let ask = |path: &str, headers: &str| {
            let mut stream = std::net::TcpStream::connect(host).unwrap();
            write!(stream, "GET /{path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let own = format!("Host: {host}");
        let list = ask(&format!("{secret}/json/list"), &own);
        assert!(list.starts_with("HTTP/1.1 200") && list.contains(&format!("\"{address}\"")), "{list}");
        for (path, headers) in [
            ("json/list".to_owned(), own.clone()),
            ("json".to_owned(), own.clone()),
            (secret.replace(|c| c != '0', "0"), own.clone()),
            (format!("{secret}/json/list"), "Host: evil.example".to_owned()),
            (format!("{secret}/json/list"), format!("{own}\r\nOrigin: https://evil.example")),
        ] {
            let answer = ask(&path, &headers);
            assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains(secret), "{path} {headers}: {answer}");
        }
        // A front end that comes again gets another one.
        for id in 0..2 {
            let stream = std::net::TcpStream::connect(host).unwrap();
            let (mut front_end, _) = client(address, stream).unwrap();
            front_end.send(Message::text(format!("{{\"id\":{id}}}"))).unwrap();
            let said = front_end.read().unwrap().into_text().unwrap();
            assert_eq!(said.as_str(), format!("{{\"echo\":{{\"id\":{id}}}}}"));
        }
        let _ = bridge.kill();
        let _ = bridge.wait();
    }
}

#[test]
fn the_state_is_followed_and_waited_for_from_afar() {
    let fleet = Fleet::new();
    let device = fleet.agent.directory().to_owned();
    let (session, _compositor) = (Fake::session(&device), Fake::compositor(&device));
    let mut watch = fleet.command("view", &["status", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let _limit = fake::Limit::of(&watch);
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["session"]["state"], "loading");
    // Long enough for the first answer, whatever else the machine does.
    let patience = ["1s", "10s", "100s"];
    let told = patience.iter().map(|time| fleet.run("view", &["wait", "ready", "--timeout", time]));
    let told = told.inspect(|(code, ..)| assert_eq!(*code, 1)).find(|(_, _, err)| !err.contains("an answer")).unwrap();
    assert!(told.2.contains("the session is loading"), "{told:?}");
    let mut waiting = fleet.command("view", &["wait", "ready"]).spawn().unwrap();
    let _other = fake::Limit::of(&waiting);
    session.change(&[("State", "ready".into())]);
    assert_eq!(next()["session"]["state"], "ready");
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
    let _ = watch.kill();
    let _ = watch.wait();
}

#[test]
fn what_does_not_work_from_afar_is_said_in_one_sentence() {
    let fleet = Fleet::new();
    let (code, _, err) = fleet.run("view", &["home"]);
    assert!(code == 4 && err.contains("needs the role operate"), "{code} {err}");
    let (code, _, err) = fleet.run("view", &["status"]);
    assert!(code == 3 && err.contains("neither kioskd nor kiosk-session is running"), "{code} {err}");
    for verb in [&["doctor"][..], &["config", "show"], &["status", "--slots"], &["agent", "ca", "list"]] {
        let (code, _, err) = fleet.run("admin", verb);
        assert!(code == 2 && !err.is_empty(), "{verb:?}: {code} {err}");
    }
    ca(fleet.folder.path(), &["revoke", "operate"]);
    put(&fleet.agent.folder(), "revoked.pem", &std::fs::read_to_string(fleet.path("ca/revoked.pem")).unwrap());
    let until = std::time::Instant::now() + fleet::PATIENCE;
    let revoked = loop {
        let (code, _, err) = fleet.run("operate", &["home"]);
        if code == 4 || std::time::Instant::now() > until {
            break err;
        }
    };
    assert!(revoked.contains("refused your certificate: it was revoked"), "{revoked}");
    let other = |change: &dyn Fn(&mut Command)| {
        let mut command = kioskctl_program();
        command.current_dir(fleet.folder.path());
        change(&mut command);
        said(&output(&mut command))
    };
    let host = format!("localhost:{}", fleet.agent.port);
    let with = |host: &str, cert: &str, key: &str, ca: &str| {
        other(&|command| {
            command.args(["--host", host, "--cert", cert, "--key", key, "--ca", ca, "home"]);
        })
    };
    for ((code, _, err), exit, says) in [
        (
            other(&|command| {
                command.args(["--host", &host, "home"]);
            }),
            2,
            "--host needs --cert, --key and --ca",
        ),
        (
            other(&|command| {
                command.args(["--cert", "view.pem", "home"]);
            }),
            2,
            "go with --host",
        ),
        (with("a b", "view.pem", "view.key", "ca/ca.pem"), 2, "is no host"),
        (with("localhost:1", "view.pem", "view.key", "ca/ca.pem"), 3, "can't be reached at port 1"),
        (with(&host, "none.pem", "view.key", "ca/ca.pem"), 1, "none.pem can't be used"),
        (with(&host, "view.key", "view.key", "ca/ca.pem"), 1, "it has no certificate in PEM"),
        (with(&host, "view.pem", "admin.key", "ca/ca.pem"), 1, "does not go with admin.key"),
        (with(&host, "view.pem", "view.key", "view.pem"), 1, "its authority is not in the file of --ca"),
        (with(&host, "device.pem", "device.key", "ca/ca.pem"), 4, "it is no client's"),
        (with(&host.replace("localhost", "127.0.0.2"), "view.pem", "view.key", "ca/ca.pem"), 3, "can't be reached"),
    ] {
        assert!(code == exit && err.contains(says), "{says}: {code} {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    assert_eq!(json!(fleet.run("view", &["outputs"]).0), json!(3));
}
