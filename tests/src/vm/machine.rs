//! QEMU as a machine with a power button: started with a guest, a stage and a display, ended when dropped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::qmp::Qmp;
use super::window::Window;
use super::{Agent, Cable, Disk, Film, Guest, Picture, Stage, initrd, panel};

/// The screen of every test machine.
const WIDTH: u16 = 1280;
const HEIGHT: u16 = 800;
/// Boot messages on the screen and in the log, and no boot splash.
const MESSAGES: &str = "console=ttyS0 console=tty0 loglevel=4 vt.global_cursor_default=0 plymouth.enable=0";
/// Power-on to an answering agent, on a busy two-core host.
const BOOT_TIMEOUT: Duration = Duration::from_secs(180);
/// QEMU's sockets exist well before this after its start.
const QEMU_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at a screen that is waited for: a screen has no event.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A window of QEMU that is black for so long has missed the guest's last frame.
const MISSED: Duration = Duration::from_secs(10);

/// What each instruction of a guest takes whose clock counts them, as a power of two of nanoseconds.
const INSTRUCTION_SHIFT: u32 = 2;

/// What drives the guest's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// The host's: two processors at a time.
    Host,
    /// The instructions that have been executed; while there is nothing to execute, time is skipped.
    Instructions,
}

/// What kind of display device the guest has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// virtio-gpu without 3D: the pixman path. The firmware says that its display is a built-in panel with a
    /// backlight.
    Virtio,
    /// virtio-gpu with virgl over the host's software GL: the GLES path.
    Virgl,
    /// A plain framebuffer device, which honours damage clips and has no vblank.
    Bochs,
    /// virtio-gpu without 3D and with two heads, whose cables can be plugged and pulled. The first is plugged in.
    TwoHeads,
    /// Two display devices with a screen each: the first is virtio-gpu without 3D, the second a plain framebuffer.
    TwoCards,
}

/// Heads of [`Display::TwoHeads`].
const HEADS: usize = 2;

/// What to boot.
pub struct Plan<'a> {
    /// Names the directory of logs and pictures.
    pub name: &'a str,
    pub display: Display,
    pub stage: &'a Stage,
    /// More kernel arguments. With `quiet` among them they are all that is said about the console and the boot splash;
    /// otherwise there are boot messages and no boot splash.
    pub arguments: &'a str,
}

/// A running machine.
pub struct Machine {
    qemu: Child,
    eye: Arc<Eye>,
    agent: Agent,
    started: Instant,
    /// Where logs and pictures go.
    pub out: PathBuf,
    /// Of each head that has one that can be pulled.
    pub cables: Vec<Cable>,
}

impl Machine {
    /// Switches a machine on; it has not booted yet when this returns. What it writes to its disk is lost.
    pub fn start(plan: &Plan) -> Result<Self> {
        Self::start_with(plan, None, Clock::Host)
    }

    /// The same with a disk for the kept state: see [`Disk::setup`].
    pub fn start_on(plan: &Plan, disk: &Disk) -> Result<Self> {
        Self::start_with(plan, Some(disk), Clock::Host)
    }

    fn start_with(plan: &Plan, disk: Option<&Disk>, clock: Clock) -> Result<Self> {
        let mut guest = Guest::obtain()?;
        let out = out_directory(plan.name)?;
        let files = tempfile::tempdir()?;
        plan.stage.pack(&files.path().join("stage.tar"))?;
        fs::write(files.path().join("panel.aml"), panel::table())?;
        if plan.arguments.split(' ').any(|argument| argument == "splash") {
            let initrd = files.path().join("initrd");
            initrd::with_boot_splash(&guest.initrd, plan.stage.tree(), &initrd)?;
            guest.initrd = initrd;
        }
        let window = match plan.display {
            Display::Virgl => Some(Window::open(WIDTH, HEIGHT)?),
            _ => None,
        };
        let mut command = command(plan, &guest, disk, clock, files.path(), &out);
        if let Some(window) = &window {
            command.env("DISPLAY", &window.display).env("LIBGL_ALWAYS_SOFTWARE", "1").env_remove("WAYLAND_DISPLAY");
        }
        let started = Instant::now();
        let mut qemu = command.spawn().context("qemu-system-x86_64 (package qemu-system-x86)")?;
        let connected = connect(&mut qemu, files.path(), &out);
        let (qmp, agent) = match connected {
            Ok(both) => both,
            Err(error) => {
                let _ = qemu.kill();
                let _ = qemu.wait();
                return Err(error);
            }
        };
        let eye = Arc::new(Eye {
            qmp,
            window,
            files,
            cards: if plan.display == Display::TwoCards { 2 } else { 1 },
            size: Mutex::new((WIDTH.into(), HEIGHT.into())),
            looking: Mutex::new(()),
        });
        let cables = match plan.display {
            Display::TwoHeads => 0..HEADS,
            _ => 0..0,
        };
        let cables: Result<Vec<Cable>> =
            cables.map(|head| Cable::connect(&eye.files.path().join(format!("head{head}")))).collect();
        // From here on QEMU ends with it.
        let mut machine = Self { qemu, eye, agent, started, out, cables: Vec::new() };
        machine.cables = cables?;
        if let Some(window) = &machine.eye.window {
            window.fill(QEMU_TIMEOUT)?;
        }
        Ok(machine)
    }

    /// Switches a machine on and waits until commands can be run in it.
    pub fn boot(plan: &Plan) -> Result<Self> {
        Self::start(plan)?.booted()
    }

    /// The same with a clock that counts instructions: processor time in it is [`Self::INSTRUCTION`] for each, however
    /// busy the host is. Waiting takes no time of the guest's, so that how long something takes means nothing.
    pub fn boot_counting(plan: &Plan) -> Result<Self> {
        Self::start_counting(plan)?.booted()
    }

    /// See [`Self::boot_counting`]; it has not booted yet when this returns.
    pub fn start_counting(plan: &Plan) -> Result<Self> {
        Self::start_with(plan, None, Clock::Instructions)
    }

    /// See [`Self::boot_counting`].
    pub const INSTRUCTION: Duration = Duration::from_nanos(1 << INSTRUCTION_SHIFT);

    fn booted(self) -> Result<Self> {
        self.agent.wait(BOOT_TIMEOUT)?;
        Ok(self)
    }

    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Since the machine was switched on.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Starts to film the screen.
    pub fn film(&self) -> Film {
        Film::roll(self.eye.clone(), self.started)
    }

    /// What the screen shows now.
    pub fn screen(&self) -> Result<Picture> {
        self.eye.look()
    }

    /// What the screen at that head, or of that card, shows now, counting from 0.
    pub fn screen_at(&self, head: usize) -> Result<Picture> {
        self.eye.look_at(head)
    }

    /// Width and height of the screen when it was last looked at.
    pub fn size(&self) -> (usize, usize) {
        *self.eye.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks until the screen is as `wanted`, and gives that picture; after `timeout` the last one is saved.
    pub fn wait_for_screen(&self, what: &str, timeout: Duration, wanted: impl Fn(&Picture) -> bool) -> Result<Picture> {
        self.wait_for_screen_at(0, what, timeout, wanted)
    }

    /// The same at another head.
    pub fn wait_for_screen_at(
        &self,
        head: usize,
        what: &str,
        timeout: Duration,
        wanted: impl Fn(&Picture) -> bool,
    ) -> Result<Picture> {
        let deadline = Instant::now() + timeout;
        let mut black_since: Option<Instant> = None;
        loop {
            let picture = self.screen_at(head)?;
            if wanted(&picture) {
                return Ok(picture);
            }
            if !self.is_missed(&picture) {
                black_since = None;
            } else if black_since.get_or_insert_with(Instant::now).elapsed() > MISSED {
                eprintln!(
                    "while waiting for {what}: QEMU's window has missed a frame; a key is pressed for another one"
                );
                self.chord(&["shift"])?;
                black_since = None;
            }
            if Instant::now() > deadline {
                let path = self.save(&picture, &format!("not-{what}"))?;
                bail!("the screen did not show {what} in {timeout:?}: see {}", path.display());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Whether QEMU may have missed the frame that the guest shows.
    ///
    /// WORKAROUND(qemu:gtk-egl-refresh) A modeset switches the scanout off and on. When QEMU's timer comes just then, its
    /// window leaves the guest's picture for an empty one of its own, until the guest's next frame. Fixed in later
    /// versions ("ui/gtk: Don't disable scanout when display is refreshed"). What the guest scans out is right
    /// meanwhile; a page that stands still draws no other frame.
    fn is_missed(&self, picture: &Picture) -> bool {
        self.eye.window.is_some() && picture.share_of([0, 0, 0], 0) == 1.0
    }

    /// Saves a picture among the machine's logs.
    pub fn save(&self, picture: &Picture, name: &str) -> Result<PathBuf> {
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
        let path = self.out.join(format!("{name}.png"));
        picture.save_png(&path)?;
        Ok(path)
    }

    /// Stops the whole machine between two instructions of any of its threads, for as long as `meanwhile` runs: to its
    /// disks that is a power cut.
    pub fn stopped<T>(&self, meanwhile: impl FnOnce() -> T) -> Result<T> {
        let qemu = Pid::from_child(&self.qemu);
        kill_process(qemu, Signal::STOP)?;
        // Returns when all its threads stand still.
        let stopped = waitpid(Some(qemu), WaitOptions::UNTRACED).map(|_| meanwhile());
        kill_process(qemu, Signal::CONT)?;
        Ok(stopped?)
    }

    /// Waits until the system in it restarts the machine, which ends then: it is never booted twice.
    pub fn restarts(&self, timeout: Duration) -> Result<()> {
        let told = self.eye.qmp.event("SHUTDOWN", timeout)?;
        ensure!(told["reason"] == "guest-reset", "the machine ended otherwise: {told}");
        Ok(())
    }

    pub(super) fn qmp(&self) -> &Qmp {
        &self.eye.qmp
    }

    pub(super) fn monitor(&self, command: &str, arguments: &Value) -> Result<Value> {
        self.eye.qmp.execute(command, arguments)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// A directory for logs and pictures, empty for the first machine of this name. One that is booted because the last
/// one failed leaves the pictures of that failure, and its logs as `NAME.before`.
fn out_directory(name: &str) -> Result<PathBuf> {
    static USED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(name);
    let mut used = USED.lock().unwrap_or_else(PoisonError::into_inner);
    if used.contains(&out) {
        for log in ["kernel.log", "journal.log", "qemu.log"].map(|log| out.join(log)) {
            if log.exists() {
                fs::rename(&log, log.with_extension("log.before"))?;
            }
        }
    } else {
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        used.push(out.clone());
    }
    fs::create_dir_all(&out)?;
    Ok(out)
}

/// Looks at the screen, from any thread.
pub(super) struct Eye {
    qmp: Qmp,
    window: Option<Window>,
    files: TempDir,
    /// With two, each has one head.
    cards: usize,
    size: Mutex<(usize, usize)>,
    looking: Mutex<()>,
}

impl Eye {
    pub fn look(&self) -> Result<Picture> {
        self.look_at(0)
    }

    fn look_at(&self, head: usize) -> Result<Picture> {
        let picture = match &self.window {
            Some(window) => window.look()?,
            None => {
                let _turn = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
                let path = self.files.path().join("screen.ppm");
                let (card, head) = if self.cards > 1 { (head, 0) } else { (0, head) };
                let device = format!("gpu{card}");
                self.qmp.execute("screendump", &json!({ "filename": path, "device": device, "head": head }))?;
                Picture::from_ppm(&fs::read(&path)?)?
            }
        };
        if head == 0 {
            *self.size.lock().unwrap_or_else(PoisonError::into_inner) = (picture.width, picture.height);
        }
        Ok(picture)
    }
}

fn command(plan: &Plan, guest: &Guest, disk: Option<&Disk>, clock: Clock, files: &Path, out: &Path) -> Command {
    let file = |name: &str| files.join(name).display().to_string();
    let log = |name: &str| out.join(name).display().to_string();
    // Ends with this process, however that ends.
    let mut qemu = Command::new("setpriv");
    qemu.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]);
    qemu.stdin(Stdio::null()).stdout(Stdio::null());
    if let Ok(errors) = File::create(out.join("qemu.log")) {
        qemu.stderr(errors);
    }
    let mut args = |list: &[&str]| {
        qemu.args(list);
    };
    // Hosts without working KVM are the rule where this runs, and one way is easier to trust than two.
    match clock {
        Clock::Host => args(&["-accel", "tcg,thread=multi"]),
        Clock::Instructions => {
            args(&["-accel", "tcg,thread=single", "-icount", &format!("shift={INSTRUCTION_SHIFT},sleep=off")]);
        }
    }
    args(&["-cpu", "max", "-smp", "2", "-m", "4G"]);
    args(&["-no-user-config", "-nodefaults", "-no-reboot"]);
    args(&["-kernel", &guest.kernel.display().to_string(), "-initrd", &guest.initrd.display().to_string()]);
    let messages = if plan.arguments.split(' ').any(|argument| argument == "quiet") { "" } else { MESSAGES };
    let arguments = format!("root=/dev/vda rw fsck.mode=skip {messages} {} {}", panel::ARGUMENTS, plan.arguments);
    args(&["-append", &arguments]);
    args(&["-drive", &format!("format=raw,if=none,id=root,file={},snapshot=on", guest.disk.display())]);
    args(&["-device", "virtio-blk-pci,drive=root"]);
    args(&["-drive", &format!("file={},format=raw,if=none,id=stage,readonly=on", file("stage.tar"))]);
    args(&["-device", "virtio-blk-pci,drive=stage,serial=stage"]);
    if let Some(disk) = disk {
        args(&["-drive", &format!("file={},format=raw,if=none,id=state", disk.file().display())]);
        args(&["-device", "virtio-blk-pci,drive=state"]);
    }
    args(&["-device", "virtio-rng-pci"]);
    args(&["-serial", &format!("file:{}", log("kernel.log"))]);
    args(&["-device", "virtio-serial-pci"]);
    args(&[
        "-chardev",
        &format!("file,id=journal,path={}", log("journal.log")),
        "-device",
        "virtconsole,chardev=journal",
    ]);
    args(&["-chardev", &format!("socket,id=agent,path={},server=on,wait=off", file("agent"))]);
    args(&["-device", &format!("virtserialport,chardev=agent,name={}", super::wire::PORT)]);
    args(&["-qmp", &format!("unix:{},server=on,wait=off", file("qmp"))]);
    // The tablet last: QEMU gives a button to the device that came up last, and it must not be the touchscreen.
    args(&["-device", "virtio-keyboard-pci", "-device", "virtio-multitouch-pci", "-device", "virtio-tablet-pci"]);
    match plan.display {
        Display::Virtio => {
            args(&["-vga", "none", "-display", "none"]);
            args(&["-acpitable", &format!("file={}", file("panel.aml"))]);
            let slot = panel::SLOT;
            args(&["-device", &format!("virtio-gpu-pci,id=gpu0,addr={slot},xres={WIDTH},yres={HEIGHT}")]);
        }
        Display::Bochs => {
            args(&["-vga", "none", "-display", "none"]);
            args(&["-device", &format!("bochs-display,id=gpu0,xres={WIDTH},yres={HEIGHT},edid=on")]);
        }
        Display::TwoCards => {
            args(&["-vga", "none", "-display", "none"]);
            args(&["-device", &format!("virtio-gpu-pci,id=gpu0,xres={WIDTH},yres={HEIGHT}")]);
            args(&["-device", &format!("bochs-display,id=gpu1,xres={WIDTH},yres={HEIGHT},edid=on")]);
        }
        Display::TwoHeads => {
            args(&["-vga", "none", "-display", "none"]);
            args(&["-device", &format!("virtio-gpu-pci,id=gpu0,max_outputs={HEADS},xres={WIDTH},yres={HEIGHT}")]);
            for head in 0..HEADS {
                args(&["-vnc", &format!("unix:{},display=gpu0,head={head}", file(&format!("head{head}")))]);
            }
        }
        Display::Virgl => {
            args(&["-vga", "none", "-display", "gtk,gl=on,show-menubar=off,show-tabs=off,zoom-to-fit=on"]);
            args(&["-device", &format!("virtio-gpu-gl-pci,id=gpu0,xres={WIDTH},yres={HEIGHT}")]);
        }
    }
    qemu
}

/// Connects to QEMU's sockets as soon as they are there.
fn connect(qemu: &mut Child, files: &Path, out: &Path) -> Result<(Qmp, Agent)> {
    let deadline = Instant::now() + QEMU_TIMEOUT;
    loop {
        if let Some(status) = qemu.try_wait()? {
            let errors = fs::read_to_string(out.join("qemu.log")).unwrap_or_default();
            bail!("QEMU ended with {status}: {}", errors.trim());
        }
        match Qmp::connect(&files.join("qmp")) {
            Ok(qmp) => return Ok((qmp, Agent::connect(&files.join("agent"))?)),
            Err(error) if Instant::now() > deadline => return Err(error),
            // QEMU says nothing when its sockets are ready.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
