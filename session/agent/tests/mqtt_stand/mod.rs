//! Debian's mosquitto, somebody who listens to it and talks over it, and an agent between it and stand-ins for both services.

#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Far more than any answer takes on the busiest machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The device's name in its topics.
pub const BASE: &str = "kiosk/hall";

/// Ends with its owner.
pub struct Program(Child);

impl Program {
    pub fn start(command: &mut Command) -> Program {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).spawn();
        Program(child.unwrap_or_else(|error| panic!("{name}: {error}; `apt-get install mosquitto mosquitto-clients`")))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub struct Mosquitto {
    program: Option<Program>,
    configuration: PathBuf,
    pub port: u16,
    pub folder: tempfile::TempDir,
    /// For mosquitto's clients.
    pub access: Vec<String>,
}

impl Mosquitto {
    /// For everybody.
    pub fn start() -> Mosquitto {
        Mosquitto::with("allow_anonymous true\n", &[])
    }

    /// With these further lines, in which `FOLDER` stands for its folder; files by name and content.
    pub fn with(lines: &str, files: &[(&str, &str)]) -> Mosquitto {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let port = free_port();
        let configuration = folder.path().join("mosquitto.conf");
        let user = "user root\npersistence false\nlog_dest none\nset_tcp_nodelay true\n";
        let lines = lines.replace("FOLDER", &folder.path().display().to_string());
        std::fs::write(&configuration, format!("{user}listener {port} 127.0.0.1\n{lines}")).unwrap();
        let mut mosquitto = Mosquitto { program: None, configuration, port, folder, access: Vec::new() };
        mosquitto.up();
        mosquitto
    }

    pub fn up(&mut self) {
        let mut program =
            Program::start(Command::new("mosquitto").arg("-c").arg(&self.configuration).env("PATH", path()));
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(!program.has_ended(), "mosquitto has ended");
            assert!(Instant::now() < until, "mosquitto does not listen");
            std::thread::yield_now();
        }
        self.program = Some(program);
    }

    /// With what it kept.
    pub fn down(&mut self) {
        self.program.take().unwrap().kill();
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-V", "5", "-h", "127.0.0.1", "-p", &self.port.to_string()]).args(&self.access);
        command
    }

    pub fn listen(&self, filter: &str) -> Listener {
        let mut command = self.client("mosquitto_sub");
        command.args(["-t", filter, "-F", r#"{"topic":"%t","retain":%r,"payload":"%x","correlation":"%D"}"#]);
        command.args(["--retain-as-published"]);
        Listener::start(&mut command)
    }

    /// Publishes; more arguments are mosquitto_pub's.
    pub fn say(&self, topic: &str, payload: &[u8], more: &[&str]) {
        let mut command = self.client("mosquitto_pub");
        let mut child = command.args(["-q", "1", "-t", topic, "-s"]).args(more).stdin(Stdio::piped()).spawn().unwrap();
        // One that is not let in does not read.
        let _ = child.stdin.take().unwrap().write_all(payload);
        child.wait().unwrap();
    }
}

/// Programs of administrators are not in everybody's path.
fn path() -> String {
    format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub topic: String,
    pub retain: bool,
    pub payload: Vec<u8>,
}

impl Heard {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }
}

pub struct Listener {
    _program: Program,
    lines: Receiver<String>,
    /// The last of each topic.
    pub last: BTreeMap<String, Heard>,
}

impl Listener {
    fn start(command: &mut Command) -> Listener {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Listener { _program: Program(child), lines, last: BTreeMap::new() }
    }

    /// The next message, within a time.
    pub fn next_within(&mut self, time: Duration) -> Option<Heard> {
        let line = self.lines.recv_timeout(time).ok()?;
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let hex = told["payload"].as_str().unwrap();
        let payload = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let heard = Heard { topic: told["topic"].as_str().unwrap().into(), retain: told["retain"] == 1, payload };
        self.last.insert(heard.topic.clone(), heard.clone());
        Some(heard)
    }

    /// The next message that is this.
    #[track_caller]
    pub fn until(&mut self, what: &str, is: impl Fn(&Heard) -> bool) -> Heard {
        let until = Instant::now() + PATIENCE;
        while let Some(heard) = self.next_within(until.saturating_duration_since(Instant::now())) {
            if is(&heard) {
                return heard;
            }
        }
        panic!(
            "{what} does not come; last was {:#?}",
            self.last.values().map(|h| (&h.topic, h.text())).collect::<Vec<_>>()
        );
    }

    /// The next message of the device's topic with this content.
    #[track_caller]
    pub fn state(&mut self, topic: &str, payload: &str) -> Heard {
        let whole = format!("{BASE}/{topic}");
        self.until(&format!("{topic} {payload}"), |heard| heard.topic == whole && heard.payload == payload.as_bytes())
    }

    /// The answer to a request.
    #[track_caller]
    pub fn answer(&mut self, id: &Value) -> Value {
        let topic = format!("{BASE}/response");
        self.until(&format!("the answer to {id}"), |heard| heard.topic == topic && heard.json()["id"] == *id).json()
    }
}

/// An agent that talks to the broker and nobody else.
pub struct Agent {
    program: Program,
    pub folder: tempfile::TempDir,
    log: Receiver<String>,
}

impl Agent {
    pub fn start(port: u16) -> Agent {
        Agent::with(&format!("server = \"mqtt://127.0.0.1:{port}\"\n"), &[])
    }

    /// With these lines of `[agent.mqtt]`, and credentials by name and content.
    pub fn with(lines: &str, credentials: &[(&str, &str)]) -> Agent {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Agent::command(folder.path(), lines, credentials);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                eprintln!("agent: {line}");
                let _ = sender.send(line);
            }
        });
        Agent { program: Program(child), folder, log }
    }

    pub fn command(folder: &Path, lines: &str, credentials: &[(&str, &str)]) -> Command {
        std::fs::create_dir_all(folder.join("etc/kiosk")).unwrap();
        let file = format!("[agent.mqtt]\ndevice = \"hall\"\n{lines}");
        std::fs::write(folder.join("etc/kiosk/config.toml"), file).unwrap();
        for (name, content) in credentials {
            std::fs::write(folder.join(name), content).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk-agent"));
        command.arg("--mqtt").env("KIOSK_ROOT", folder).env("KIOSK_RUNTIME_DIR", folder);
        command.env("CREDENTIALS_DIRECTORY", folder).env("AGENT_CONFIGURE_SOCKET", folder.join("configure.sock"));
        command
    }

    pub fn directory(&self) -> &Path {
        self.folder.path()
    }

    pub fn id(&self) -> u32 {
        self.program.id()
    }

    pub fn is_alive(&mut self) -> bool {
        !self.program.has_ended()
    }

    pub fn kill(self) -> tempfile::TempDir {
        self.program.kill();
        self.folder
    }

    /// Waits for a line of the log.
    #[track_caller]
    pub fn says(&mut self, what: &str) -> String {
        let until = Instant::now() + PATIENCE;
        while let Ok(line) = self.log.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if line.contains(what) {
                return line;
            }
        }
        panic!("the agent does not say {what:?}");
    }
}

/// A request as JSON.
pub fn request(id: u32, method: &str, path: &str, body: Value) -> Vec<u8> {
    json!({ "id": id, "method": method, "path": path, "body": body }).to_string().into_bytes()
}
