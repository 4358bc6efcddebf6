//! A headless kioskd, and programs beside it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::process::{PATIENCE, Running, program};

/// Polling interval for what has no event: another program's picture.
const LOOK: Duration = Duration::from_millis(100);

/// A kiosk with one screen of 800x600.
pub struct Stand {
    pub directory: tempfile::TempDir,
    kioskd: Running,
}

/// A picture of a screen, rows of R, G, B.
pub struct Shot {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl Shot {
    pub fn read(path: &Path) -> Self {
        let mut reader = png::Decoder::new(std::io::BufReader::new(File::open(path).unwrap())).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let step = info.color_type.samples();
        let rgb = bytes.chunks_exact(step).flat_map(|pixel| pixel[..3].to_vec()).collect();
        Self { width: info.width, height: info.height, rgb }
    }

    /// Whether it has light pixels, as text has.
    pub fn has_letters(&self) -> bool {
        self.rgb.chunks_exact(3).filter(|pixel| pixel.iter().all(|part| *part > 150)).count() > 20
    }
}

/// The path where a picture is saved.
pub fn kept(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("out/clients");
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(name)
}

/// Polls until `look` returns something.
#[track_caller]
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look)
}

/// The same for what takes long.
#[track_caller]
pub fn until_within<T>(timeout: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < timeout, "in vain waited for: {what}");
        std::thread::sleep(LOOK);
    }
}

impl Stand {
    pub fn new() -> Self {
        Self::with("")
    }

    /// With this configuration.
    pub fn with(configuration: &str) -> Self {
        Self::start(configuration, &["--session=none", "--no-splash"], &[])
    }

    /// With kiosk-session, and a splash.
    pub fn supervised(configuration: &str) -> Self {
        Self::start(configuration, &["--session=auto"], &[])
    }

    /// With a session that is a service of its own, and is not there, in this directory.
    pub fn external(configuration: &str, directory: tempfile::TempDir) -> Self {
        Self::start_in(directory, configuration, &["--session=external", "--no-splash"], &[])
    }

    /// With a command as the shell.
    pub fn in_cages_place(words: &[&str]) -> Self {
        Self::start("", &["--no-splash"], words)
    }

    fn start(configuration: &str, options: &[&str], words: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), configuration, options, words)
    }

    fn start_in(directory: tempfile::TempDir, configuration: &str, options: &[&str], words: &[&str]) -> Self {
        let config = directory.path().join("config.toml");
        std::fs::write(&config, configuration).unwrap();
        let mut command = Command::new(program("kioskd"));
        command.args(["--backend=headless", "--output=800x600", "--runtime-dir"]);
        command.arg(directory.path()).arg("--config").arg(config).args(options).args(words);
        // Independent of this machine: no bus, and its own state and home.
        let none = "unix:path=/nonexistent";
        command.env("DBUS_SYSTEM_BUS_ADDRESS", none).env("DBUS_SESSION_BUS_ADDRESS", none).env("LANG", "C.UTF-8");
        for name in ["HOME", "XDG_RUNTIME_DIR", "KIOSK_STATE_DIR"] {
            command.env(name, directory.path());
        }
        let kioskd = Running::start(command);
        let stand = Self { directory, kioskd };
        until("kioskd's sockets", || stand.directory.path().join("wayland-admin").exists().then_some(()));
        stand
    }

    /// A program as a client of this socket.
    pub fn command(&self, socket: &str, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env("XDG_RUNTIME_DIR", self.directory.path())
            .env("WAYLAND_DISPLAY", self.directory.path().join(socket));
        command
    }

    /// Runs a tool on the admin socket until it ends.
    #[track_caller]
    pub fn tool(&self, name: &str, arguments: &[&str]) -> Output {
        let mut command = self.command("wayland-admin", name);
        let output = command.args(arguments).stdin(Stdio::null()).output();
        let output =
            output.unwrap_or_else(|error| panic!("{name} could not be started ({error}): `make clients` installs it"));
        assert!(output.status.success(), "{name} {arguments:?}: {output:?}");
        output
    }

    /// foot with this shell script, shown once it has written something.
    pub fn foot(&self, script: &str) -> Running {
        let mut command = self.command("wayland-0", "foot");
        command.args(["--", "sh", "-c", script]).env("LANG", "C.UTF-8");
        let foot = Running::start(command);
        until("foot's letters on the screen", || self.grim(&[], "wait.png").has_letters().then_some(()));
        foot
    }

    /// A capture by grim.
    pub fn grim(&self, arguments: &[&str], name: &str) -> Shot {
        let path = self.directory.path().join(name);
        let mut all = arguments.to_vec();
        all.push(path.to_str().unwrap());
        self.tool("grim", &all);
        Shot::read(&path)
    }

    /// Keeps a file of the stand's for people to look at.
    pub fn keep(&self, name: &str, as_name: &str) {
        std::fs::copy(self.path(name), kept(as_name)).unwrap();
    }

    /// The content of a file that a program wrote.
    pub fn written(&self, name: &str) -> String {
        let path = self.directory.path().join(name);
        until(name, || std::fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n')))
    }

    /// A path for use in a script.
    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }
}
