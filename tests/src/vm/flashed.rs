//! A machine that boots a disk exactly as it was built: by itself, with UEFI and the image's own boot loader and kernel, or
//! with a kernel that it is given. Tests look at its screen and at its disk, use its keyboard and mouse, and log in where its
//! `kiosk.toml` lets them; nothing of theirs runs in it.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tempfile::TempDir;

use super::qmp::Qmp;
use super::{Picture, hands};

/// Debian's package ovmf.
const FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/// The one that has Secure Boot. With the same variables it has no keys yet, so that it takes those of the disk.
const SECURE_FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
/// QEMU's socket exists well before this after its start.
const QEMU_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at a screen or a disk that is waited for, unless it is told otherwise: neither has an event.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// From the page to a login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(300);
/// Between two tries.
const BETWEEN_LOGINS: Duration = Duration::from_secs(2);
/// Power button to off, on a busy two-core host.
const OFF_TIMEOUT: Duration = Duration::from_secs(180);
/// Set by whoever looks for a fault: the machine's journal goes to `serial.log` beside the pictures. The kernel takes this
/// from the firmware, since the image has its command line in itself.
const JOURNAL_ENV: &str = "KIOSKD_IMAGES_JOURNAL";
/// What a machine says on its serial line, beside its pictures.
const SERIAL: &str = "serial.log";
const JOURNAL: &str = "io.systemd.stub.kernel-cmdline-extra=console=ttyS0 plymouth.ignore-serial-consoles \
    systemd.journald.forward_to_console=1 systemd.journald.max_level_console=debug";

/// What kind of machine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    Amd64,
    /// QEMU's `virt`. There is no firmware for it here: it takes a [`Kernel`].
    Arm64,
}

/// What to boot.
pub struct FlashedPlan<'a> {
    pub processor: Processor,
    /// The disk, written to.
    pub disk: &'a Path,
    /// Memory, as QEMU takes it.
    pub memory: &'a str,
    /// Credentials for its systemd, name and content: drop-ins that make it hurry.
    pub credentials: &'a [(&'a str, &'a str)],
    /// A second disk, such as a stick with updates; read-only.
    pub stick: Option<&'a Path>,
    /// Whether its disk is write-protected, as a card is by its switch or at the end of its life.
    pub protected: bool,
    /// Loaded in place of what UEFI finds on the disk.
    pub kernel: Option<Kernel<'a>>,
    /// Whether its firmware has Secure Boot, as delivered without any keys.
    pub secure: bool,
    /// Between two looks at its screen.
    pub look_again: Duration,
    /// Where pictures and QEMU's own log go; one that exists is emptied.
    pub out: &'a Path,
}

/// As a boot loader has it. What the kernel and the programs say on `ttyS0`, or `ttyAMA0` of arm64, is [`Flashed::said`].
#[derive(Clone, Copy)]
pub struct Kernel<'a> {
    pub kernel: &'a Path,
    pub initrd: &'a Path,
    pub arguments: &'a str,
}

impl<'a> FlashedPlan<'a> {
    /// A disk in a machine with 4 GB of memory and nothing else.
    pub fn new(disk: &'a Path, out: &'a Path) -> Self {
        Self {
            processor: Processor::Amd64,
            disk,
            memory: "4G",
            credentials: &[],
            stick: None,
            protected: false,
            kernel: None,
            secure: false,
            look_again: LOOK_AGAIN,
            out,
        }
    }
}

/// A running machine; QEMU ends when it is dropped.
pub struct Flashed {
    qemu: Child,
    qmp: Qmp,
    files: TempDir,
    started: Instant,
    look_again: Duration,
    out: PathBuf,
    /// Of this machine, on the loopback: leads to the guest's port 22.
    login: u16,
}

/// Who logs in, as root.
pub enum Login<'a> {
    /// By the private key in this file.
    Key(&'a Path),
    Password(&'a str),
}

impl Flashed {
    /// Switches it on.
    pub fn start(plan: &FlashedPlan) -> Result<Self> {
        let firmware = if plan.secure { SECURE_FIRMWARE } else { FIRMWARE };
        ensure!(plan.kernel.is_some() || Path::new(firmware).exists(), "{firmware} is not there (Debian: ovmf)");
        ensure!(plan.kernel.is_some() || plan.processor == Processor::Amd64, "there is no firmware for arm64");
        if plan.out.exists() {
            fs::remove_dir_all(plan.out)?;
        }
        fs::create_dir_all(plan.out)?;
        let files = tempfile::tempdir()?;
        let variables = files.path().join("variables");
        if plan.kernel.is_none() {
            fs::copy(VARIABLES, &variables)?;
        }
        let socket = files.path().join("qmp");
        // Only system management mode may write what says which keys count. Pointers are signed on arm64 by a slow cipher
        // unless told otherwise.
        let (qemu, machine, cpu, display) = match plan.processor {
            Processor::Amd64 if plan.secure => ("qemu-system-x86_64", "q35,smm=on", "max", "virtio-vga"),
            Processor::Amd64 => ("qemu-system-x86_64", "q35", "max", "virtio-vga"),
            Processor::Arm64 => ("qemu-system-aarch64", "virt", "max,pauth-impdef=on", "virtio-gpu-pci"),
        };
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", qemu]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(plan.out.join("qemu.log"))?);
        let drive = |path: &Path, rest: &str| format!("file={},format=raw,{rest}", path.display());
        if plan.secure {
            command.args(["-global", "driver=cfi.pflash01,property=secure,value=on"]);
        }
        command.args(["-accel", "tcg,thread=multi", "-machine", machine, "-cpu", cpu, "-smp", "2", "-m", plan.memory]);
        command.args(["-no-user-config", "-nodefaults", "-display", "none", "-vga", "none", "-device", display]);
        command.args(["-device", "virtio-keyboard-pci", "-device", "virtio-tablet-pci"]);
        if let Some(Kernel { kernel, initrd, arguments }) = plan.kernel {
            command.arg("-kernel").arg(kernel).arg("-initrd").arg(initrd).args(["-append", arguments]);
        } else {
            command.args(["-drive", &drive(Path::new(firmware), "if=pflash,readonly=on")]);
            command.args(["-drive", &drive(&variables, "if=pflash")]);
        }
        // The firmware looks nowhere else, such as on the network, for minutes.
        let protected = if plan.protected { "if=none,id=disk,readonly=on" } else { "if=none,id=disk" };
        command.args(["-drive", &drive(plan.disk, protected), "-device", "virtio-blk-pci,drive=disk,bootindex=1"]);
        if let Some(stick) = plan.stick {
            command.args(["-drive", &drive(stick, "if=none,id=stick,readonly=on")]);
            command.args(["-device", "virtio-blk-pci,drive=stick,serial=stick"]);
        }
        // Free a moment ago: QEMU itself takes only a number.
        let login = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let nic = format!("user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{login}-:22");
        command.args(["-nic", &nic, "-device", "virtio-rng-pci"]);
        command.args(["-qmp", &format!("unix:{},server=on,wait=off", socket.display())]);
        for (name, content) in plan.credentials {
            let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, content);
            command.args(["-smbios", &format!("type=11,value=io.systemd.credential.binary:{name}={encoded}")]);
        }
        let journal = std::env::var_os(JOURNAL_ENV).is_some();
        if plan.kernel.is_some() || journal {
            command.args(["-serial", &format!("file:{}", plan.out.join(SERIAL).display())]);
        }
        if journal {
            command.args(["-smbios", &format!("type=11,value={JOURNAL}")]);
        }
        let started = Instant::now();
        let mut qemu =
            command.spawn().with_context(|| format!("{qemu} (packages qemu-system-x86, qemu-system-arm)"))?;
        match connect(&mut qemu, &socket, plan.out) {
            Ok(qmp) => {
                let (look_again, out) = (plan.look_again, plan.out.to_owned());
                Ok(Self { qemu, qmp, files, started, look_again, out, login })
            }
            Err(error) => {
                let _ = qemu.kill();
                let _ = qemu.wait();
                Err(error)
            }
        }
    }

    /// Since it was switched on.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// What its screen shows now.
    pub fn screen(&self) -> Result<Picture> {
        let path = self.files.path().join("screen.ppm");
        self.qmp.execute("screendump", &json!({ "filename": path }))?;
        Picture::from_ppm(&fs::read(&path)?)
    }

    /// Looks until screen and disk are as `wanted`, which is given the picture. Each picture that differs much from the
    /// one before is kept, as a film strip: `NAME-SECONDS.png`. After `timeout` the last one is kept and this fails.
    pub fn wait(
        &mut self,
        what: &str,
        timeout: Duration,
        mut wanted: impl FnMut(&Picture) -> Result<bool>,
    ) -> Result<Duration> {
        let deadline = Instant::now() + timeout;
        let mut kept: Option<Picture> = None;
        loop {
            if let Some(status) = self.qemu.try_wait()? {
                bail!("QEMU ended with {status} before {what}: see {}", self.out.join("qemu.log").display());
            }
            let picture = self.screen()?;
            let changed = kept.as_ref().is_none_or(|last| *last != picture && last.differs(&picture));
            let done = wanted(&picture)?;
            let late = Instant::now() > deadline;
            let at = self.uptime();
            if changed || done || late {
                let name = if done { what } else { "film" };
                picture.save_png(&self.out.join(format!("{name}-{:04}.png", at.as_secs())))?;
                kept = Some(picture);
            }
            if done {
                return Ok(at);
            }
            ensure!(!late, "{what} did not come in {timeout:?}: see {}", self.out.display());
            std::thread::sleep(self.look_again);
        }
    }

    /// Waits until it lets in: it may do so after the page.
    pub fn log_in(&mut self, login: &Login) -> Result<()> {
        let deadline = Instant::now() + LOGIN_TIMEOUT;
        while let Err(error) = self.run(login, "true") {
            let ended = self.qemu.try_wait()?;
            ensure!(ended.is_none(), "QEMU has ended: see {}", self.out.join("qemu.log").display());
            ensure!(Instant::now() < deadline, "the login is refused: {error:#}");
            // QEMU's network takes each connection at once, whether or not anybody listens in the machine.
            std::thread::sleep(BETWEEN_LOGINS);
        }
        Ok(())
    }

    /// Runs a command in it, by ssh, and gives what it says; fails as the command does, or where the login is refused.
    pub fn run(&self, login: &Login, command: &str) -> Result<String> {
        let ask = self.files.path().join("ask");
        let mut ssh = Command::new("ssh");
        ssh.args([
            "-p",
            &self.login.to_string(),
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]);
        ssh.args(["-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", "-F", "none"]).stdin(Stdio::null());
        match login {
            Login::Key(file) => {
                ssh.args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i"]).arg(file);
            }
            Login::Password(password) => {
                fs::write(&ask, format!("#!/bin/sh\nprintf '%s\\n' '{password}'\n"))?;
                fs::set_permissions(&ask, PermissionsExt::from_mode(0o700))?;
                ssh.args(["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"]);
                ssh.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force");
            }
        }
        let output = ssh.args(["root@127.0.0.1", command]).output().context("ssh (Debian: openssh-client)")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command}: {}\n{said}{errors}", output.status);
        Ok(said)
    }

    /// What it has said on its serial line.
    pub fn said(&self) -> Result<String> {
        let path = self.out.join(SERIAL);
        Ok(String::from_utf8_lossy(&fs::read(&path).with_context(|| path.display().to_string())?).into_owned())
    }

    /// Presses a key and lets it go; `name` is QEMU's, such as `a`.
    pub fn press(&self, name: &str) -> Result<()> {
        hands::chord(&self.qmp, &[name])
    }

    /// Clicks with the left button there, in pixels of its screen.
    pub fn click(&self, x: f64, y: f64) -> Result<()> {
        let picture = self.screen()?;
        hands::click(&self.qmp, (picture.width, picture.height), x, y)
    }

    /// As a person who holds the reset button.
    pub fn reset(&self) -> Result<()> {
        self.qmp.execute("system_reset", &json!({})).map(drop)
    }

    /// Takes its power away, whatever it does. What it has written is on the disk.
    pub fn cut(self) {
        drop(self);
    }

    /// Presses the power button and waits until it is off, its file systems unmounted.
    pub fn power_off(mut self) -> Result<()> {
        self.qmp.execute("system_powerdown", &json!({}))?;
        let deadline = Instant::now() + OFF_TIMEOUT;
        while self.qemu.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "the power button did not switch it off in {OFF_TIMEOUT:?}");
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}

impl Drop for Flashed {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

fn connect(qemu: &mut Child, socket: &Path, out: &Path) -> Result<Qmp> {
    let deadline = Instant::now() + QEMU_TIMEOUT;
    loop {
        if let Some(status) = qemu.try_wait()? {
            let errors = fs::read_to_string(out.join("qemu.log")).unwrap_or_default();
            bail!("QEMU ended with {status}: {}", errors.trim());
        }
        match Qmp::connect(socket) {
            Ok(qmp) => return Ok(qmp),
            Err(error) if Instant::now() > deadline => return Err(error),
            // QEMU says nothing when its socket is ready.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
