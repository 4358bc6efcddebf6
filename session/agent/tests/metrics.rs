//! The metrics as Debian's Prometheus takes them, and the rules and the dashboard that are shipped for them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;

use fake::Fake;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PATIENCE: Duration = Duration::from_secs(120);
const MISSING: &str = "promtool and prometheus are needed: `apt-get install prometheus`";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn agent(folder: &Path) -> (Running, u16) {
    std::fs::write(folder.join("token"), TOKEN).unwrap();
    std::fs::set_permissions(folder.join("token"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let port = free_port();
    for file in ["efi/EFI/Linux/kiosk_1.efi", "efi/EFI/Linux/kiosk_2+2-1.efi", "proc/cmdline"] {
        std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        std::fs::write(folder.join(file), "root=PARTLABEL=kiosk_1 ro\n").unwrap();
    }
    let certificates = folder.join("certificates");
    std::fs::create_dir_all(&certificates).unwrap();
    let mut own = rcgen::CertificateParams::new(vec!["hall-3".to_owned()]).unwrap();
    own.not_after = rcgen::date_time_ymd(2100, 1, 1);
    let own = own.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    std::fs::write(certificates.join("certificate.pem"), own.pem()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk-agent"));
    command.env("KIOSK_ROOT", folder).arg("--certificates").arg(&certificates);
    command.args(["--http", &format!("127.0.0.1:{port}")]).env("KIOSK_RUNTIME_DIR", folder);
    let child = command.env("CREDENTIALS_DIRECTORY", folder).stdin(Stdio::null()).spawn().unwrap();
    let running = Running(child);
    until("the agent listens", || TcpStream::connect(("127.0.0.1", port)).ok());
    (running, port)
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The body of an answer.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let head = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/prometheus")
}

#[test]
fn prometheus_scrapes_the_metrics_and_promtool_finds_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let (_session, _compositor) = (Fake::session(folder.path()), Fake::compositor(folder.path()));
    let (_agent, port) = agent(folder.path());
    let text = get(port, "/metrics").unwrap();
    // promtool reads the older format alone: it has no information and names counters with their ending.
    let mut older = String::new();
    let counters: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    for line in text.lines().filter(|line| *line != "# EOF") {
        let family = line.split(' ').nth(2).unwrap_or_default();
        let line = match line.starts_with('#') {
            true if counters.contains(family) => line.replacen(family, &format!("{family}_total"), 1),
            true if line.ends_with(" info") => {
                line.replacen(family, &format!("{family}_info"), 1).replace(" info", " gauge")
            }
            true if text.contains(&format!("# TYPE {family} info")) => {
                line.replacen(family, &format!("{family}_info"), 1)
            }
            _ => line.to_owned(),
        };
        older.push_str(&line);
        older.push('\n');
    }
    let mut command = Command::new("promtool");
    let mut check =
        command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect(MISSING);
    check.stdin.take().unwrap().write_all(older.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{older}", String::from_utf8_lossy(&output.stderr));

    let server = free_port();
    let configuration = json!({
        "global": { "scrape_interval": "1s", "scrape_timeout": "1s" },
        "rule_files": [assets().join("kiosk-alerts.yaml")],
        "scrape_configs": [{
            "job_name": "kiosk",
            "authorization": { "credentials_file": folder.path().join("token") },
            "static_configs": [{ "targets": [format!("127.0.0.1:{port}")] }],
        }],
    });
    // JSON is YAML.
    let file = folder.path().join("prometheus.yml");
    std::fs::write(&file, configuration.to_string()).unwrap();
    let mut command = Command::new("prometheus");
    command.arg("--config.file").arg(&file).arg("--storage.tsdb.path").arg(folder.path().join("data"));
    command.args(["--web.listen-address", &format!("127.0.0.1:{server}"), "--log.level", "error"]);
    let _prometheus = Running(command.stdin(Stdio::null()).spawn().expect(MISSING));
    let query = |what: &str| {
        let answer: Value = serde_json::from_str(&get(server, &format!("/api/v1/query?query={what}"))?).ok()?;
        Some(answer["data"]["result"].as_array().filter(|found| !found.is_empty())?.clone())
    };
    let restarts = until("restarts", || query("kiosk_shell_restarts_total"));
    assert_eq!((&restarts[0]["metric"]["shell"], &restarts[0]["value"][1]), (&json!("0"), &json!("1")));
    let failures = until("failures", || query("kiosk_shell_failures_total{kind=%22page%22}"));
    assert_eq!(failures[0]["value"][1], "3");
    assert_eq!(until("causes", || query("kiosk_shell_restart_causes_total>0"))[0]["metric"]["cause"], "failure");
    let output = "{output=%22HDMI-A-1%22}";
    for (name, value) in [("flips_lost", "0"), ("latches_missed", "1")] {
        let found = until(name, || query(&format!("kiosk_output_{name}_total{output}")));
        assert_eq!(found[0]["value"][1], value, "{name}");
    }
    assert_eq!(until("slots", || query("kiosk_slots{state=%22trial%22}"))[0]["value"][1], "1");
    assert_eq!(until("slot", || query("kiosk_running_slot_info"))[0]["metric"]["version"], "kiosk_1");
    assert_eq!(until("stage", || query("kiosk_stage==1"))[0]["metric"]["stage"], "splash");
    assert_eq!(until("up", || query("up"))[0]["value"][1], "1");
    assert!(query("kiosk_device_memory_total_bytes>1e6").is_some());
}

#[test]
fn alerts_fire_when_they_should_and_speak_of_metrics_that_there_are() {
    let output =
        Command::new("promtool").args(["test", "rules", "kiosk-alerts.test.yaml"]).current_dir(assets()).output();
    let output = output.expect(MISSING);
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success(), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let (_session, compositor) = (Fake::session(folder.path()), Fake::compositor(folder.path()));
    for output in compositor.shared.outputs.lock().unwrap().values_mut() {
        output.insert("Brightness".into(), 80i32.into());
    }
    compositor.change(&[("Shells", vec![("HDMI-A-1", "shell")].into())]);
    let (_agent, port) = agent(folder.path());
    let served = get(port, "/metrics").unwrap();
    // Of the folder that its command line names: 2100-01-01.
    let end = served.lines().find_map(|line| line.strip_prefix("kiosk_agent_certificate_end_timestamp_seconds{} "));
    assert_eq!(end.and_then(|end| end.parse().ok()), Some(4_102_444_800.0), "{served}");
    // A device of its own may have no sensor.
    let served = format!("{served}kiosk_device_temperature_celsius 1\n");
    let names = |text: &str| -> BTreeSet<String> {
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        text.split(word).filter(|word| word.starts_with("kiosk_")).map(str::to_owned).collect()
    };
    let there = names(&served);
    for file in ["kiosk-alerts.yaml", "kiosk-alerts.test.yaml", "kiosk-dashboard.json"] {
        let text = std::fs::read_to_string(assets().join(file)).unwrap();
        let used = names(&text);
        assert!(used.len() > 8, "{file}: {used:?}");
        let unknown: Vec<&String> = used.difference(&there).collect();
        assert!(unknown.is_empty(), "{file} speaks of {unknown:?}, which /metrics has not");
    }
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(assets().join("kiosk-dashboard.json")).unwrap()).unwrap();
    // No panel lies on another.
    let panels = dashboard["panels"].as_array().unwrap();
    let mut cells = BTreeSet::new();
    for panel in panels {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert!(x < 24 && cells.insert((x, y)), "{}", panel["title"]);
        }
    }
}
