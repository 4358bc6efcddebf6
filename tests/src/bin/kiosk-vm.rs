//! A guest to play with: boots the machine tests' Debian and takes commands, one a line, from standard input.
//!
//! `run SCRIPT` runs it in the guest; `shot NAME` saves the screen; `key ctrl alt f2`; `click X Y`; `tap X Y`;
//! `plug HEAD WIDTH HEIGHT` and `pull HEAD`; `shot1 NAME` saves the second head's screen; `sleep` suspends
//! to memory and `wake` ends that, `nap SECONDS` ends by itself; `quit`. Programs named as arguments, as HOST_FILE:GUEST_PATH, are put onto its disk; `--kiosk` installs the kiosk.

//!
//! `--vkms` adds the kernel's virtual display driver, which has what the other displays lack: overlay and cursor
//! planes, and planes that rotate their picture. In the guest, as the only card, with
//! `target/debug/kiosk-bench-client:/usr/bin/bench-client` as an argument here:
//!
//! ```sh
//! cd /sys/bus/virtio/drivers/virtio_gpu && echo virtio* >unbind
//! modprobe -a drm_kms_helper drm_shmem_helper drm_client_lib configfs
//! insmod /usr/lib/kiosk-tests/vkms.ko enable_overlay=1
//! XDG_RUNTIME_DIR=/run seatd-launch -- kioskd --backend kms --renderer gles -- \
//!     bench-client still --marked --pointer --memory dmabuf --node /dev/dri/card1 &
//! cd /sys/kernel/debug/dri/1                      # what is on which plane is in `state`
//! echo auto >crtc-0/crc/control; head -n 3 crtc-0/crc/data    # a checksum of the picture
//! ```
//!
//! The checksums are those of `--renderer pixman` and of the client's shared memory, at each rotation and with the
//! pointer anywhere: what planes show is what is composed otherwise.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use kiosk_tests::vm::{Display, Guest, Machine, Picture, Plan, Sample, Stage, virtual_display_driver};

/// Power-on to an answering agent, on a busy host.
const BOOT: Duration = Duration::from_secs(180);

#[derive(Parser)]
struct Options {
    /// The GPU path.
    #[arg(long)]
    virgl: bool,
    /// A plain framebuffer device.
    #[arg(long)]
    bochs: bool,
    /// Two heads, whose cables `plug HEAD WIDTH HEIGHT` and `pull HEAD` move.
    #[arg(long)]
    heads: bool,
    /// Two display devices, of which `shot1` is the second.
    #[arg(long)]
    cards: bool,
    /// The guest's clock counts its instructions: what a profiler samples by time are instructions then.
    #[arg(long)]
    counting: bool,
    /// Puts the kiosk onto the disk as `make install` does.
    #[arg(long)]
    kiosk: bool,
    /// Puts the virtual display driver onto the disk, built for the guest's kernel.
    #[arg(long)]
    vkms: bool,
    /// Runs this in the guest's root before systemd starts; repeatable.
    #[arg(long)]
    setup: Vec<String>,
    /// More kernel arguments; with `quiet` there are no boot messages.
    #[arg(long, default_value = "")]
    arguments: String,
    /// Leaves a picture of the screen in DIRECTORY each time that it has changed, from power-on.
    #[arg(long, value_name = "DIRECTORY")]
    film: Option<PathBuf>,
    /// Of the directory of logs and pictures.
    #[arg(long, default_value = "vm")]
    name: String,
    /// HOST_FILE:GUEST_PATH
    programs: Vec<String>,
}

/// From the end of a sleep to an answering agent.
const GREETING: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let options = Options::parse();
    let own = std::env::current_exe()?;
    let agent = own.with_file_name("kiosk-guest-agent");
    let mut stage = Stage::new(&agent)?;
    if options.kiosk {
        stage.install_kiosk()?;
    }
    if options.vkms {
        let module = virtual_display_driver(&Guest::obtain()?)?;
        stage.program(&module, "/usr/lib/kiosk-tests/vkms.ko")?;
    }
    for program in &options.programs {
        let (host, guest) = program.split_once(':').context("HOST_FILE:GUEST_PATH")?;
        stage.program(Path::new(host), guest)?;
    }
    for command in &options.setup {
        stage.at_setup(command);
    }
    let display = match (options.virgl, options.bochs) {
        (true, _) => Display::Virgl,
        (_, true) => Display::Bochs,
        _ if options.heads => Display::TwoHeads,
        _ if options.cards => Display::TwoCards,
        _ => Display::Virtio,
    };
    let plan = Plan { name: &options.name, display, stage: &stage, arguments: &options.arguments };
    let machine = match options.counting {
        true => Machine::start_counting(&plan)?,
        false => Machine::start(&plan)?,
    };
    let film = options.film.as_ref().map(|_| machine.film());
    machine.agent().wait(BOOT)?;
    println!("up after {:?}", machine.uptime());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        if verb == "quit" {
            break;
        }
        if let Err(error) = step(&machine, verb, rest) {
            println!("error: {error:#}");
        }
        println!("-- {verb} done at {:?}", machine.uptime());
    }
    if let (Some(film), Some(directory)) = (film, &options.film) {
        develop(&film.cut(), directory)?;
    }
    Ok(())
}

/// Saves each picture that is another than the one before it, named for its time.
fn develop(film: &[Sample], directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut shown: Option<&Arc<Picture>> = None;
    for sample in film {
        if shown.is_none_or(|last| !Arc::ptr_eq(last, &sample.picture)) {
            sample.picture.save_png(&directory.join(format!("{:07.2}.png", sample.at.as_secs_f64())))?;
        }
        shown = Some(&sample.picture);
    }
    Ok(())
}

fn step(machine: &Machine, verb: &str, rest: &str) -> Result<()> {
    let place = || -> Result<(f64, f64)> {
        let (x, y) = rest.split_once(' ').context("X Y")?;
        Ok((x.parse()?, y.parse()?))
    };
    match verb {
        "" => {}
        "run" => {
            let output = machine.agent().run(rest)?;
            println!("{}\n{}[{}]", output.text(), output.stderr, output.code);
        }
        "shot" => println!("{}", machine.save(&machine.screen()?, rest)?.display()),
        "plug" => {
            let numbers = rest.split(' ').map(str::parse).collect::<Result<Vec<u16>, _>>()?;
            let [head, width, height] = numbers[..] else { bail!("HEAD WIDTH HEIGHT") };
            machine.cables.get(usize::from(head)).context("no such head")?.plug(width, height)?;
        }
        "pull" => machine.cables.get(rest.parse::<usize>()?).context("no such head")?.pull()?,
        "shot1" => println!("{}", machine.save(&machine.screen_at(1)?, rest)?.display()),
        "key" => machine.chord(&rest.split(' ').collect::<Vec<_>>())?,
        "click" => place().and_then(|(x, y)| machine.click(x, y))?,
        "nap" => machine.nap(Duration::from_secs(rest.parse()?)).and_then(|()| machine.agent().wait(GREETING))?,
        "sleep" => machine.fall_asleep()?,
        "wake" => {
            machine.wake()?;
            println!("{}", machine.save(&machine.screen()?, "woken")?.display());
            machine.agent().wait(GREETING)?;
        }
        "tap" => place().and_then(|(x, y)| machine.tap(x, y))?,
        other => bail!("{other:?} is none of run, shot, key, click, tap, quit"),
    }
    Ok(())
}
