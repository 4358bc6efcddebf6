//! Debian's mosquitto and prometheus, started for the fleet, and what they take of the machine.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Of a process, since its start.
pub struct Usage {
    /// Seconds of a processor.
    pub processor: f64,
    /// Resident, bytes.
    pub memory: u64,
}

pub struct Server {
    pub name: &'static str,
    pub port: u16,
    folder: PathBuf,
    child: Child,
}

impl Server {
    /// As Debian starts it but for the port, and no limit of connections.
    pub fn mosquitto(folder: &Path) -> Server {
        let port = free_port();
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n");
        std::fs::write(folder.join("mosquitto.conf"), text).unwrap();
        let child = mosquitto(folder);
        // A fleet's broker was there before it.
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Server { name: "mosquitto", port, folder: folder.to_owned(), child }
    }

    /// Each device is a target, once a minute.
    pub fn prometheus(folder: &Path, count: usize, scraped_at: u16) -> Server {
        let targets = (0..count).map(|device| {
            let labels =
                serde_json::json!({ "__metrics_path__": format!("/d/{device}"), "instance": format!("d{device}") });
            serde_json::json!({ "targets": [format!("127.0.0.1:{scraped_at}")], "labels": labels })
        });
        let targets: Vec<_> = targets.collect();
        std::fs::write(folder.join("targets.json"), serde_json::to_vec(&targets).unwrap()).unwrap();
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/prometheus/kiosk-alerts.yaml");
        let configuration = serde_json::json!({
            "global": { "scrape_interval": "60s", "scrape_timeout": "10s", "evaluation_interval": "60s" },
            "rule_files": [rules],
            "scrape_configs": [{ "job_name": "kiosk", "file_sd_configs": [{ "files": [folder.join("targets.json")] }] }],
        });
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, configuration.to_string()).unwrap();
        let port = free_port();
        let mut command = Command::new("prometheus");
        command.arg("--config.file").arg(&file).arg("--storage.tsdb.path").arg(folder.join("data"));
        command.args(["--web.listen-address", &format!("127.0.0.1:{port}"), "--log.level", "error"]);
        let child = command.stdin(Stdio::null()).spawn().expect("prometheus is needed: apt-get install prometheus");
        Server { name: "prometheus", port, folder: folder.to_owned(), child }
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// mosquitto, at its port.
    pub fn start_again(&mut self) {
        self.child = mosquitto(&self.folder);
    }

    pub fn usage(&self) -> Usage {
        let text =
            |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default();
        let stat = text("stat");
        // Behind the name, which may have blanks in it: utime and stime, in hundredths.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        let status = text("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0);
        Usage { processor: (ticks(11) + ticks(12)) / 100.0, memory: kib << 10 }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn mosquitto(folder: &Path) -> Child {
    let mut command = Command::new("mosquitto");
    command.arg("-c").arg(folder.join("mosquitto.conf")).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).spawn().expect("mosquitto is needed: apt-get install mosquitto")
}

/// One that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
