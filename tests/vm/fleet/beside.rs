//! The second device: kioskd without a display, and its kiosk-agent, on this host. Its shell is a program that does nothing.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Child;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::operator::{ANSWER, program};

pub struct Beside {
    kioskd: Child,
    agent: Child,
    directory: TempDir,
    /// Of this host's loopback, where its agent listens.
    pub port: u16,
}

impl Beside {
    pub fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path();
        for name in ["run", "state", "certificates", "etc"] {
            std::fs::create_dir(path.join(name))?;
        }
        let mut kioskd = command("kioskd", path)?;
        kioskd.args(["--backend", "headless", "--output", "800x600", "--", "sleep", "infinity"]);
        let kioskd = kioskd.spawn().context("kioskd")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut agent = command("kiosk-agent", path)?;
        agent.args(["--tls", &format!("127.0.0.1:{port}")]);
        agent
            .arg("--certificates")
            .arg(path.join("certificates"))
            .arg("--enrol-socket")
            .arg(path.join("run/enrol.sock"));
        let started = agent.spawn().context("kiosk-agent");
        let mut beside = Self { kioskd, agent: started?, directory, port };
        let deadline = Instant::now() + ANSWER;
        while beside.here(&["status"])?.0 != 0 || !beside.directory.path().join("run/enrol.sock").exists() {
            ensure!(beside.kioskd.try_wait()?.is_none() && beside.agent.try_wait()?.is_none(), "a program has ended");
            ensure!(Instant::now() < deadline, "the device on this host is not up in {ANSWER:?}");
            std::thread::yield_now();
        }
        Ok(beside)
    }

    /// kioskctl on the device itself: its exit status, and what it said.
    fn here(&self, arguments: &[&str]) -> Result<(i32, String)> {
        let output = command("kioskctl", self.directory.path())?.args(arguments).output()?;
        Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// Has a code shown: the code.
    pub fn code(&self) -> Result<String> {
        let socket = self.directory.path().join("run/enrol.sock");
        let (code, said) = self.here(&["agent", "enrol", "--json", "--socket", &socket.display().to_string()])?;
        ensure!(code == 0, "agent enrol ended with {code}");
        let deadline = Instant::now() + ANSWER;
        while self.status()?["compositor"]["system-screen"] != "pairing" {
            ensure!(Instant::now() < deadline, "the code is on no screen");
        }
        let told: Value = serde_json::from_str(&said)?;
        told["code"].as_str().map(str::to_owned).context("no code was told")
    }

    pub fn status(&self) -> Result<Value> {
        serde_json::from_str(&self.here(&["status", "--json"])?.1).context("the status of the device on this host")
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        for child in [&mut self.agent, &mut self.kioskd] {
            // Each ends what it has started.
            let _ = kill_process(Pid::from_child(child), Signal::TERM);
            let _ = child.wait();
        }
    }
}

fn command(name: &str, directory: &Path) -> Result<std::process::Command> {
    let mut command = program(name)?;
    command.env("KIOSK_RUNTIME_DIR", directory.join("run")).env("KIOSK_STATE_DIR", directory.join("state"));
    command.env("KIOSK_ROOT", directory).env("XDG_RUNTIME_DIR", directory.join("run"));
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    command.env_remove("RUNTIME_DIRECTORY").env_remove("STATE_DIRECTORY").env_remove("JOURNAL_STREAM");
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    Ok(command)
}
