//! The kiosk that lives: kioskd without a display, the kiosk-session that it starts, the demo page and its browser.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{Running, program};

/// For a browser to start and show its page on a busy machine.
const BROWSER: &str = "180s";
/// Between two looks at what `/proc` or a log says.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// A page that opens a window of its own each time it is shown, and closes it.
const POPUPS: &str = "<body style='background:#264'><script>
    const popup = open('about:blank', '_blank', 'width=300,height=200');
    if (popup) { popup.document.body.style.background = '#842'; setTimeout(() => popup.close(), 700); }
</script>";

/// A process that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Daemon {
    pub name: &'static str,
    pub pid: u32,
}

pub struct Kiosk {
    // The compositor first: it ends the others.
    kioskd: Running,
    /// Of the demo page, for as long as the kiosk lives.
    server: Option<Running>,
    directory: TempDir,
    /// The address of the page that opens windows.
    pub popups: String,
}

impl Kiosk {
    /// Starts it with the demo page, and waits until that is there.
    pub fn start() -> Self {
        let mut server = Command::new(program("kiosk-demo-shell"));
        let server = Running::start({
            server.args(["--port", "0"]);
            server
        });
        let port = wait_for("the demo page's port", || {
            let log = server.log();
            let line: serde_json::Value = serde_json::from_str(log.lines().next()?).ok()?;
            line["port"].as_u64()
        });
        let popups = serve(POPUPS);
        let more = format!(
            "extra-args = [\"--disable-popup-blocking\"]\n\
             [browser]\nallow = [\"{popups}\"]\nnew-windows = \"popup\"\n"
        );
        let mut kiosk = Kiosk::start_at(&format!("http://localhost:{port}/?animate=1&clock=1"), &more);
        kiosk.server = Some(server);
        kiosk.popups = popups;
        kiosk
    }

    /// Starts it with the page at `url` and `more` lines of configuration behind that, and waits until it is there.
    pub fn start_at(url: &str, more: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["run", "state", "tmp"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        let config = format!("[shell]\nurl = \"{url}\"\n{more}");
        std::fs::write(directory.path().join("config.toml"), config).unwrap();
        let mut kioskd = Command::new(program("kioskd"));
        kioskd.args(["--backend", "headless", "--output", "1280x800", "--output", "800x600", "--config"]);
        kioskd.arg(directory.path().join("config.toml"));
        environment(&mut kioskd, directory.path());
        let kioskd = Running::start(kioskd);
        let pid = kioskd.id();
        wait_for("kiosk-session", || child_of(pid, "kiosk-session"));
        let kiosk = Self { kioskd, server: None, directory, popups: String::new() };
        wait_for("the control of the kiosk", || kiosk.try_kioskctl(&["status"]).status.success().then_some(()));
        kiosk.kioskctl(&["wait", "page-visible", "--timeout", BROWSER]);
        kiosk
    }

    /// As they run now.
    pub fn daemons(&self) -> [Daemon; 2] {
        let session = child_of(self.kioskd.id(), "kiosk-session").unwrap_or(0);
        [Daemon { name: "kioskd", pid: self.kioskd.id() }, Daemon { name: "kiosk-session", pid: session }]
    }

    /// The browser's process, while its page is up.
    pub fn browser(&self) -> u32 {
        self.running_browser().expect("the page is visible, so its browser runs")
    }

    /// None between the end of one and the start of the next.
    pub fn running_browser(&self) -> Option<u32> {
        let status = self.kioskctl(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
        status["session"]["browser-pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    /// The page as it was at first: visible, upright, alone.
    pub fn rest(&self) {
        self.kioskctl(&["home"]);
        self.wait_for_page();
        for _ in 0..2 {
            // What was begun is ended, and its answers are taken.
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    pub fn wait_for_page(&self) {
        self.kioskctl(&["wait", "page-visible", "--timeout", BROWSER]);
    }

    /// kioskctl, which must succeed.
    #[track_caller]
    pub fn kioskctl(&self, arguments: &[&str]) -> Output {
        let output = self.try_kioskctl(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kioskctl {arguments:?}: {error}\n{}", self.log_end());
        output
    }

    /// It may be refused, as long as it ends.
    pub fn try_kioskctl(&self, arguments: &[&str]) -> Output {
        self.command("kioskctl").args(arguments).output().unwrap()
    }

    /// A program of ours, as a tool of this kiosk.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        environment(&mut command, self.directory.path());
        command.env("WAYLAND_DISPLAY", self.run().join("wayland-0"));
        command
    }

    pub fn run(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The last of what both daemons said.
    pub fn log_end(&self) -> String {
        let log = self.kioskd.log();
        // The browser's own begin with a bracket.
        let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with('[')).collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Bytes to one of the sockets, and no more of it.
    pub fn shout(&self, socket: &str, bytes: &[u8]) {
        if let Ok(mut stream) = std::os::unix::net::UnixStream::connect(self.run().join(socket)) {
            let _ = stream.write_all(bytes);
        }
    }
}

/// However it ends, what both daemons and the browser said is kept: the moment that matters may be hours ago.
impl Drop for Kiosk {
    fn drop(&mut self) {
        let _ = std::fs::write(out().join(concat!(env!("CARGO_CRATE_NAME"), ".log")), self.kioskd.log());
    }
}

/// Where the series, its picture and the log are left.
pub fn out() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("out")
}

/// A server of this one page, for as long as this process lives; gives its address.
fn serve(page: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let length = page.len();
            // A browser that hangs up is no fault.
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
                Connection: close\r\n\r\n{page}"
            );
        }
    });
    format!("http://127.0.0.1:{port}")
}

fn environment(command: &mut Command, directory: &Path) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KIOSK_")) {
        command.env_remove(name);
    }
    command.env("KIOSK_RUNTIME_DIR", directory.join("run")).env("KIOSK_STATE_DIR", directory.join("state"));
    command.env("XDG_RUNTIME_DIR", directory.join("run")).env("TMPDIR", directory.join("tmp"));
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    command.env_remove("STATE_DIRECTORY").env_remove("CACHE_DIRECTORY").env_remove("JOURNAL_STREAM");
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
}

/// The child of this name.
fn child_of(parent: u32, name: &str) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    let named = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name);
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(named)
}

#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}
