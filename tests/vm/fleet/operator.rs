//! The operators' machine, which is this host: the fleet's authority in a folder, people with certificates of it, and their
//! kioskctl.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// For a device of emulated processors to answer anything.
pub const ANSWER: Duration = Duration::from_secs(60);

/// A program that `cargo build --workspace` has made.
pub fn program(name: &str) -> Result<Command> {
    let path = Path::new(env!("CARGO_BIN_EXE_kiosk-guest-agent")).with_file_name(name);
    ensure!(path.exists(), "{} is not there: `make test-machine` builds it", path.display());
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KIOSK_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// The authority and its people.
pub struct Operators {
    folder: TempDir,
}

impl Operators {
    pub fn new() -> Result<Self> {
        let operators = Self { folder: tempfile::tempdir()? };
        operators.ca(&["init"])?;
        Ok(operators)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `kioskctl agent ca`, which must succeed.
    pub fn ca(&self, arguments: &[&str]) -> Result<String> {
        let mut command = program("kioskctl")?;
        command.current_dir(self.folder.path()).args(["agent", "ca", "--dir", "ca"]).args(arguments);
        let (code, said) = ended(command)?;
        ensure!(code == 0, "agent ca {arguments:?} ended with {code}: {said}");
        Ok(said)
    }

    /// Somebody gets a certificate.
    pub fn sign(&self, name: &str, role: &str, days: u32) -> Result<()> {
        self.ca(&["sign", name, "--role", role, "--days", &days.to_string()]).map(drop)
    }

    /// kioskctl of somebody, for the device at this port of this host.
    pub fn command(&self, who: &str, port: u16, arguments: &[&str]) -> Result<Command> {
        let mut command = program("kioskctl")?;
        command.current_dir(self.folder.path()).args(["--host", &format!("127.0.0.1:{port}"), "--ca", "ca/ca.pem"]);
        command.args(["--cert", &format!("{who}.pem"), "--key", &format!("{who}.key")]).args(arguments);
        Ok(command)
    }

    /// Its exit status, and what it said.
    pub fn run(&self, who: &str, port: u16, arguments: &[&str]) -> Result<(i32, String)> {
        ended(self.command(who, port, arguments)?)
    }

    /// What it said; it must succeed.
    pub fn sh(&self, who: &str, port: u16, arguments: &[&str]) -> Result<String> {
        let (code, said) = self.run(who, port, arguments)?;
        ensure!(code == 0, "{who}'s {arguments:?} ended with {code}: {said}");
        Ok(said)
    }

    /// One that goes on.
    pub fn follow(&self, who: &str, port: u16, arguments: &[&str]) -> Result<Followed> {
        Followed::start(self.command(who, port, arguments)?)
    }
}

/// The exit status of a program, and all that it has said.
fn ended(mut command: Command) -> Result<(i32, String)> {
    let mut followed = Followed::start({
        command.stderr(Stdio::piped());
        command
    })?;
    let mut errors = followed.child.stderr.take().context("no standard error")?;
    let mut said = Vec::new();
    let code = followed.end(ANSWER, &mut said)?;
    let mut complaint = String::new();
    errors.read_to_string(&mut complaint)?;
    said.push(complaint.trim_end().to_owned());
    Ok((code, said.join("\n").trim().to_owned()))
}

/// A program whose lines are read while it runs; it ends with this.
pub struct Followed {
    child: Child,
    lines: Receiver<String>,
}

impl Followed {
    fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().context("kioskctl")?;
        let output = child.stdout.take().context("no standard output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// The next line for which `wanted` gives something.
    pub fn line<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(found) = wanted(&line) {
                        return Ok(found);
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("{what} was not told in {ANSWER:?}"),
                Err(RecvTimeoutError::Disconnected) => bail!("the program ended before it told {what}"),
            }
        }
    }

    /// Its exit status, once it has ended by itself.
    pub fn ends(mut self) -> Result<i32> {
        self.end(ANSWER, &mut Vec::new())
    }

    fn end(&mut self, timeout: Duration, said: &mut Vec<String>) -> Result<i32> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Timeout) => bail!("the program has not ended in {timeout:?}: {said:?}"),
                // Its output is closed, so it is about to end.
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(self.child.wait()?.code().unwrap_or(-1))
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
