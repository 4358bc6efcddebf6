//! Shared by the session's tests: kiosk-session as a process, a substitute for the compositor, and the demo page's
//! server.

#![allow(dead_code)] // Each test program uses a part of it.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use kiosk_core::api::{CONTROL_SOCKET, Notice, Report, State};
use kiosk_core::page_calls::PageCall;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub mod hand;
#[path = "../../../kioskctl/tests/limit/mod.rs"]
mod limit;
pub mod program;
pub mod server;
pub mod site;

/// For what is immediate on an idle machine. Generous: tests run in parallel on slow ones.
pub const SOON: Duration = Duration::from_secs(20);
/// For a browser to start and show a page.
pub const BROWSER: Duration = Duration::from_secs(90);

/// Log of kiosk-session and its browser, in the test's directory.
const LOG: &str = "log";

/// A kiosk-session with its own directories.
pub struct Session {
    pub child: Child,
    pub runtime_dir: PathBuf,
    base: tempfile::TempDir,
}

impl Session {
    /// Starts it with this configuration, in TOML.
    pub fn start(base: tempfile::TempDir, config: &str) -> Session {
        Session::start_with(base, config, &[])
    }

    /// The same, with these environment variables.
    pub fn start_with(base: tempfile::TempDir, config: &str, environment: &[(&str, &str)]) -> Session {
        let file = base.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let child = spawn(base.path(), &file, environment, None);
        Session { child, runtime_dir: base.path().to_owned(), base }
    }

    /// With `folder` bind-mounted over the browser's managed policies, for it alone.
    pub fn start_with_policies(base: tempfile::TempDir, config: &str, folder: &str) -> Session {
        Session::start_with_policies_and(base, config, folder, &[])
    }

    /// The same, with these environment variables.
    pub fn start_with_policies_and(
        base: tempfile::TempDir,
        config: &str,
        folder: &str,
        environment: &[(&str, &str)],
    ) -> Session {
        let file = base.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let bind = "mount -t tmpfs kiosk /etc/chromium && mkdir -p /etc/chromium/policies/managed && \
                    mount --bind \"$0\" /etc/chromium/policies/managed && exec \"$@\"";
        let child = spawn(base.path(), &file, environment, Some((bind, folder)));
        Session { child, runtime_dir: base.path().to_owned(), base }
    }

    /// With the mounts that the shell commands `mount` make in the test's directory, for it alone.
    pub fn start_in(base: tempfile::TempDir, config: &str, mount: &str) -> Session {
        let file = base.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let script = format!("cd \"$0\" && {mount} && exec \"$@\"");
        let child = spawn(base.path(), &file, &[], Some((&script, base.path().to_str().unwrap())));
        Session { child, runtime_dir: base.path().to_owned(), base }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.base.path().join(LOG)).unwrap_or_default()).into_owned()
    }

    /// A file of the browser's profile.
    pub fn profile(&self, name: &str) -> PathBuf {
        self.base.path().join("state/web/profile").join(name)
    }

    /// Whether a file in this directory of the browser's profile holds these bytes.
    pub fn profile_holds(&self, directory: &str, bytes: &str) -> bool {
        let files = std::fs::read_dir(self.base.path().join("state/web/profile").join(directory));
        files.into_iter().flatten().flatten().any(|file| {
            let content = std::fs::read(file.path()).unwrap_or_default();
            content.windows(bytes.len()).any(|part| part == bytes.as_bytes())
        })
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Writes its configuration again, for the next start.
    pub fn configure(&self, config: &str) {
        std::fs::write(self.base.path().join("config.toml"), config).unwrap();
    }

    /// Starts it again, as a service manager would.
    pub fn start_again(&mut self) {
        self.start_again_with(&[]);
    }

    /// The same, with these environment variables.
    pub fn start_again_with(&mut self, environment: &[(&str, &str)]) {
        self.child = spawn(self.base.path(), &self.base.path().join("config.toml"), environment, None);
    }

    /// Sends SIGTERM, and returns its exit status.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        kill_process(self.pid(), Signal::TERM).unwrap();
        self.wait(SOON)
    }

    pub fn wait(&mut self, limit: Duration) -> std::process::ExitStatus {
        let mut status = None;
        until("the end of kiosk-session", limit, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// The output of kioskctl, which must succeed.
    pub fn kioskctl(&self, arguments: &[&str]) -> String {
        let output = limit::output(&mut self.kioskctl_command(arguments));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kioskctl {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The socket that a method of the session's object hands out, to be read from; the error's sentence, where it is refused.
    pub fn socket_of<B>(&self, method: &str, body: &B) -> Result<UnixStream, String>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let end: OwnedFd = runtime.block_on(async {
            let stream = UnixStream::connect(self.runtime_dir.join("session.sock")).unwrap();
            let client = zbus::connection::Builder::unix_stream(stream).p2p().build().await.unwrap();
            let interface = Some("org.kioskd.Session1");
            let reply = client.call_method(None::<&str>, "/org/kioskd/Session1", interface, method, body).await;
            let reply = reply.map_err(|error| error.to_string())?;
            Ok::<OwnedFd, String>(reply.body().deserialize::<zbus::OwnedFd>().unwrap().into())
        })?;
        let stream = UnixStream::from(end);
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(BROWSER)).unwrap();
        Ok(stream)
    }

    pub fn kioskctl_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::kioskctl());
        command.args(arguments).env("KIOSK_RUNTIME_DIR", &self.runtime_dir);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
        command
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        let _ = kill_process(self.pid(), Signal::TERM);
        let ended = Instant::now() + Duration::from_secs(8);
        while self.child.try_wait().is_ok_and(|status| status.is_none()) {
            if Instant::now() > ended {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The configuration for a page in a Chromium that draws nothing: there is no Wayland compositor here.
pub fn headless(url: &str, more: &str) -> String {
    let flags = "extra-args = [\"--headless=new\", \"--ozone-platform=headless\"]";
    format!("[shell]\nurl = \"{url}\"\n{flags}\n{more}")
}

/// The reason of the last failure.
pub fn last_failure(session: &Session) -> String {
    let status: Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["session"]["last-failure"]["reason"].as_str().unwrap_or_default().to_owned()
}

/// `mounts`: a script that runs the program at its end, and its `$0`.
fn spawn(base: &Path, config: &Path, environment: &[(&str, &str)], mounts: Option<(&str, &str)>) -> Child {
    let program = env!("CARGO_BIN_EXE_kiosk-session");
    let mut command = match mounts {
        None => Command::new(program),
        Some((script, zero)) => {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-c", script, zero, program]);
            command
        }
    };
    command.arg("--config").arg(config);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KIOSK_")) {
        command.env_remove(name);
    }
    command.env("KIOSK_RUNTIME_DIR", base).env("KIOSK_STATE_DIR", base.join("state"));
    command.env("XDG_RUNTIME_DIR", base).env_remove("STATE_DIRECTORY").env_remove("CACHE_DIRECTORY");
    command.env_remove("JOURNAL_STREAM").env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    command.envs(environment.iter().copied());
    let log = std::fs::OpenOptions::new().create(true).append(true).open(base.join(LOG)).unwrap();
    command.stderr(log).spawn().unwrap()
}

/// The compositor's end of the control socket.
pub struct Compositor {
    listener: UnixListener,
    connection: Option<(UnixStream, Receiver<Report>)>,
    calls: Option<Receiver<PageCall>>,
    pub last: Option<Report>,
}

impl Compositor {
    pub fn listen(runtime_dir: &Path) -> Compositor {
        let path = runtime_dir.join(CONTROL_SOCKET);
        if path.symlink_metadata().is_ok_and(|data| data.file_type().is_socket()) {
            std::fs::remove_file(&path).unwrap();
        }
        Compositor { listener: UnixListener::bind(path).unwrap(), connection: None, calls: None, last: None }
    }

    /// A second one, for another shell's connection.
    pub fn another(&self) -> Compositor {
        Compositor { listener: self.listener.try_clone().unwrap(), connection: None, calls: None, last: None }
    }

    /// Accepts the session's connection and sends the names of the Wayland displays.
    #[track_caller]
    pub fn accept(&mut self) {
        let limit = rustix::event::Timespec::try_from(SOON).unwrap();
        let listening = rustix::event::PollFd::new(&self.listener, rustix::event::PollFlags::IN);
        assert_eq!(rustix::event::poll(&mut [listening], Some(&limit)), Ok(1), "kiosk-session does not connect");
        let (mut stream, _) = self.listener.accept().unwrap();
        let hello = serde_json::to_string(&Notice::Hello {
            wayland_display: "wayland-0".into(),
            wayland_displays: vec!["wayland-0".into(), "wayland-1".into()],
            // For a command whose window is not waited for.
            tells_windows: false,
            takes_calls: true,
        })
        .unwrap();
        writeln!(stream, "{hello}").unwrap();
        let (sender, reports) = channel();
        let (call_sender, calls) = channel();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("kiosk-session: {line}");
                if let Ok(call) = serde_json::from_str::<PageCall>(&line) {
                    // Few tests use them.
                    let _ = call_sender.send(call);
                    continue;
                }
                let report: Report = serde_json::from_str(&line).unwrap();
                if sender.send(report).is_err() {
                    return;
                }
            }
        });
        self.connection = Some((stream, reports));
        self.calls = Some(calls);
    }

    /// Waits for a report that is as wanted; returns all reports up to it.
    pub fn until(&mut self, limit: Duration, wanted: impl Fn(&Report) -> bool) -> Vec<Report> {
        let (_, reports) = self.connection.as_ref().unwrap();
        let end = Instant::now() + limit;
        let mut seen = Vec::new();
        loop {
            match reports.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(report) => {
                    seen.push(report.clone());
                    self.last = Some(report.clone());
                    if wanted(&report) {
                        return seen;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("not within {limit:?}; reports: {seen:#?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("kiosk-session is gone; reports: {seen:#?}"),
            }
        }
    }

    /// The next call of the page, which must come soon.
    #[track_caller]
    pub fn page_call(&mut self) -> PageCall {
        self.calls.as_ref().unwrap().recv_timeout(SOON).unwrap()
    }

    /// The page's calls since the last one.
    pub fn page_calls(&mut self) -> Vec<PageCall> {
        self.calls.as_ref().unwrap().try_iter().collect()
    }

    /// Sends this notice to the session.
    pub fn notify(&mut self, notice: &Notice) {
        let (stream, _) = self.connection.as_mut().unwrap();
        writeln!(stream, "{}", serde_json::to_string(notice).unwrap()).unwrap();
    }

    pub fn until_state(&mut self, state: State, limit: Duration) -> Report {
        self.until(limit, |report| report.state == state).pop().unwrap()
    }

    /// Fails if a report arrives within this time.
    pub fn stays_silent(&mut self, time: Duration) {
        let (_, reports) = self.connection.as_ref().unwrap();
        if let Ok(report) = reports.recv_timeout(time) {
            panic!("{report:?}");
        }
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        if let Some((stream, _)) = &self.connection {
            // The reading thread has it too.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// The demo page's server.
pub struct DemoShell {
    child: Child,
    pub port: u16,
    log: PathBuf,
}

impl DemoShell {
    /// On `port`; 0: any free one.
    pub fn start(directory: &Path, port: u16) -> DemoShell {
        let log = directory.join("demo.log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_kiosk-demo-shell"))
            .args(["--port", &port.to_string(), "--log"])
            .arg(&log)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let limit = limit::Limit::of(&child);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        drop(limit);
        std::thread::spawn(move || lines.count());
        DemoShell { child, port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(), log }
    }

    /// Its log of requests and reports.
    pub fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How often the browser has fetched the page.
    pub fn page_loads(&self) -> usize {
        let by_browser = |event: &&Value| event["agent"].as_str().is_some_and(|agent| agent.contains("Mozilla"));
        self.events().iter().filter(|event| event["event"] == "get").filter(by_browser).count()
    }
}

impl Drop for DemoShell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An unused port.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until `done`, by polling.
pub fn until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < end, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processes with `text` in their command line; zombies have none.
pub fn processes(text: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let named = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    };
    numbers.filter(named).filter(|pid| *pid != std::process::id()).collect()
}

pub fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
}
