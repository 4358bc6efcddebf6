//! `kioskctl wait` and `status --watch`: driven by what the services say, asleep in between, and not shaken by
//! services that come and go.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod kioskctl_fake;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kiosk_client::Service;
use kioskctl_fake::{Fake, Limit, Running, json, output, run, said};
use tempfile::tempdir;

const SHORT: Duration = Duration::from_millis(300);

fn wait_for_end(running: &mut Running) -> i32 {
    running.child.wait().unwrap().code().expect("it was killed: it did not end")
}

#[test]
fn wait_ready_ends_with_the_signal() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    let mut running = Running::start(dir.path(), &["wait", "ready"]);
    assert!(running.runs_for(SHORT), "the session is loading");
    session.change(&[("Restarts", 2u32.into())]);
    assert!(running.runs_for(SHORT), "it is loading still");
    session.change(&[("State", "ready".into())]);
    assert_eq!(wait_for_end(&mut running), 0);
    assert_eq!(json(dir.path(), &["wait", "ready"])["done"], true);
}

#[test]
fn wait_sees_a_service_come_and_go() {
    let dir = tempdir().unwrap();
    let place = dir.path().join("run/kiosk");
    let mut running = Running::start(&place, &["wait", "ready"]);
    assert!(running.runs_for(SHORT));
    // Even the directory comes later.
    std::fs::create_dir_all(&place).unwrap();
    let session = Fake::session(&place);
    assert!(running.runs_for(SHORT));
    drop(session);
    assert!(running.runs_for(SHORT));
    let session = Fake::session(&place);
    session.change(&[("State", "ready".into())]);
    assert_eq!(wait_for_end(&mut running), 0);
}

#[test]
fn page_visible_needs_the_stage_too() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    let compositor = Fake::compositor(dir.path());
    session.change(&[("State", "ready".into())]);
    assert_eq!(said(&run(dir.path(), &["wait", "ready"])).0, 0);
    let mut running = Running::start(dir.path(), &["wait", "page-visible"]);
    assert!(running.runs_for(SHORT));
    compositor.change(&[("Stage", "shell".into())]);
    assert_eq!(wait_for_end(&mut running), 0);
    assert_eq!(said(&run(dir.path(), &["wait", "screen"])).0, 0);
}

#[test]
fn wait_is_for_all_shells_or_for_the_one_that_is_named() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    let compositor = Fake::compositor(dir.path());
    let shells = |stages: [(&'static str, &'static str); 2]| [("Shells", stages.to_vec().into())];
    session.change(&[("State", "ready".into())]);
    session.second_shell("loading");
    compositor.change(&shells([("HDMI-A-1", "shell"), ("DP-1", "splash")]));
    let given_up = |arguments: &[&str]| {
        let (code, _, error) = said(&run(dir.path(), &[arguments, &["--timeout", "200ms"]].concat()));
        assert_eq!(code, 1, "{error}");
        error
    };
    let error = given_up(&["wait", "ready"]);
    assert!(error.contains("the page of shell 1 at http://second is not ready, the session is loading"), "{error}");
    for one in ["0", "HDMI-A-1"] {
        assert_eq!(json(dir.path(), &["wait", "ready", "-s", one])["done"], true);
        assert_eq!(json(dir.path(), &["wait", "page-visible", "--shell", one])["done"], true);
    }
    let mut running = Running::start(dir.path(), &["wait", "ready"]);
    let mut visible = Running::start(dir.path(), &["wait", "page-visible"]);
    assert!(running.runs_for(SHORT));
    session.second_shell("ready");
    assert_eq!(wait_for_end(&mut running), 0);
    assert!(visible.runs_for(SHORT));
    let error = given_up(&["wait", "page-visible", "-s", "DP-1"]);
    assert!(error.contains("kioskd shows the splash and not the page of shell 1"), "{error}");
    compositor.change(&shells([("HDMI-A-1", "shell"), ("", "shell")]));
    assert!(given_up(&["wait", "page-visible"]).contains("shell 1 is on no output"));
    compositor.change(&[("Shells", vec![("HDMI-A-1", "shell")].into())]);
    assert!(given_up(&["wait", "page-visible"]).contains("kioskd does not know of shell 1"));
    assert!(visible.runs_for(SHORT));
    compositor.change(&shells([("HDMI-A-1", "shell"), ("DP-1", "shell")]));
    assert_eq!(wait_for_end(&mut visible), 0);

    let (code, _, error) = said(&run(dir.path(), &["wait", "ready", "-s", "2"]));
    assert_eq!(
        (code, error.contains("there is no shell \"2\"; there are: 0 (output \"HDMI-A-1\")")),
        (1, true),
        "{error}"
    );
    assert_eq!(said(&run(dir.path(), &["wait", "screen", "-s", "0"])).0, 2);
}

#[test]
fn a_timeout_says_what_was_still_missing() {
    let dir = tempdir().unwrap();
    let (code, _, error) = said(&run(dir.path(), &["wait", "screen", "--timeout", "100ms"]));
    assert_eq!((code, error.contains("gave up after 100ms: kioskd is not running")), (3, true), "{error}");
    let session = Fake::session(dir.path());
    let (code, _, error) = said(&run(dir.path(), &["wait", "ready", "--timeout", "100ms"]));
    let sentence = "gave up after 100ms: the page at http://localhost:3000 is not ready, the session is loading";
    assert_eq!((code, error.contains(sentence)), (1, true), "{error}");
    session.change(&[("State", "ready".into())]);
    let (code, _, error) = said(&run(dir.path(), &["wait", "ready", "--stable", "1m", "--timeout", "200ms"]));
    assert_eq!((code, error.contains("it was not so for 1m without interruption")), (1, true), "{error}");
}

#[test]
fn stable_counts_from_the_last_interruption() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    session.change(&[("State", "ready".into())]);
    let started = Instant::now();
    let mut running = Running::start(dir.path(), &["wait", "ready", "--stable", "600ms"]);
    assert!(running.runs_for(SHORT));
    // Crashed and recovered between two looks: only the moment of the last change tells.
    session.change(&[("Since", 9_000_000u64.into())]);
    let interrupted = Instant::now();
    assert_eq!(wait_for_end(&mut running), 0);
    assert!(interrupted.elapsed() >= Duration::from_millis(580), "{:?}", started.elapsed());
}

#[test]
fn a_signal_that_changes_nothing_does_not_restart_stable() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    session.change(&[("State", "ready".into())]);
    let mut running = Running::start(dir.path(), &["wait", "ready", "--stable", "1s"]);
    let started = Instant::now();
    while running.runs_for(Duration::from_millis(100)) {
        session.change(&[("MemoryBytes", 1u64.into())]);
        assert!(started.elapsed() < Duration::from_secs(10), "it never counted as stable");
    }
}

#[test]
fn watch_shows_changes_and_sleeps_between_them() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    let compositor = Fake::compositor(dir.path());
    let mut running = Running::start(dir.path(), &["status", "--watch", "--json"]);
    assert_eq!(running.line()["session"]["state"], "loading");
    session.change(&[("State", "ready".into())]);
    assert_eq!(running.line()["session"]["state"], "ready");

    std::thread::sleep(SHORT);
    let before = running.wakeups();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(running.wakeups(), before, "it woke up with nothing to do");
    // What would not be visible is no line.
    session.change(&[("Whatever", 1u32.into())]);
    std::thread::sleep(SHORT);
    assert!(running.wakeups() > before);

    compositor.change(&[("Stage", "shell".into())]);
    assert_eq!(running.line()["compositor"]["stage"], "shell");
    drop(session);
    assert!(running.line()["session"].is_null());
    let _session = Fake::session(dir.path());
    assert_eq!(running.line()["session"]["state"], "loading");
}

#[test]
fn a_burst_of_signals_loses_no_change() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    let mut running = Running::start(dir.path(), &["status", "--watch", "--json"]);
    running.line();
    std::thread::scope(|scope| {
        // Read at the same time: with both pipes full, each side would wait for the other for ever.
        let reader = scope.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                let line = running.line();
                if line["session"]["state"] == "crashed" && line["session"]["restarts"] == 1999 {
                    return;
                }
                assert!(Instant::now() < deadline, "{line}");
            }
        });
        for restarts in 0..2000u32 {
            session.change(&[("Restarts", restarts.into())]);
        }
        session.change(&[("State", "crashed".into())]);
        reader.join().unwrap();
    });
}

#[test]
fn a_closed_standard_output_ends_the_watch_without_an_error() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    let mut running = Running::start(dir.path(), &["status", "--watch", "--json"]);
    running.line();
    running.stop_reading();
    session.change(&[("State", "ready".into())]);
    // A program that another test starts at this moment has our end of the pipe until it is that program: what is
    // written meanwhile is taken, and no message says that the reader has gone.
    for restarts in 1u32.. {
        if !running.runs_for(SHORT) {
            break;
        }
        session.change(&[("Restarts", restarts.into())]);
    }
    assert_eq!(wait_for_end(&mut running), 0);
}

/// A bus of our own, ended with the test.
struct Bus {
    daemon: std::process::Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl Bus {
    fn start() -> Bus {
        let directory = tempdir().unwrap();
        let address = format!("unix:path={}/bus", directory.path().display());
        let config = directory.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
             <allow user=\"*\"/><allow own=\"*\"/><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>\
             </policy></busconfig>"
        );
        std::fs::write(&config, text).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg("--nofork")
            .arg("--print-address")
            .arg(format!("--config-file={}", config.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon is installed (package dbus-daemon)");
        let _limit = Limit::of(&daemon);
        // It listens once it has said where.
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(daemon.stdout.take().unwrap()), &mut line).unwrap();
        assert!(line.contains("unix:path="), "{line}");
        Bus { daemon, address, _directory: directory }
    }

    fn kioskctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kioskctl"));
        command.args(arguments).env_remove("KIOSK_RUNTIME_DIR").stdin(Stdio::null());
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &self.address);
        command
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[test]
fn the_system_bus_is_used_where_the_service_has_its_name() {
    let bus = Bus::start();
    assert_eq!(said(&output(&mut bus.kioskctl(&["home"]))).0, 3, "the name has no owner");
    let mut waiting = bus.kioskctl(&["wait", "ready"]).spawn().unwrap();
    let _limit = Limit::of(&waiting);
    std::thread::sleep(SHORT);
    let session = Fake::on_bus(Service::Session, &bus.address);
    assert_eq!(said(&output(&mut bus.kioskctl(&["home"]))).0, 0);
    assert_eq!(session.calls().last().unwrap().0, "Home");
    assert!(waiting.try_wait().unwrap().is_none());
    session.change(&[("State", "ready".into())]);
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
}
