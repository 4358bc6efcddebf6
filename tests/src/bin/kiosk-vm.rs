//! A guest to play with: boots the machine tests' Debian and takes commands, one a line, from standard input.
//!
//! `run SCRIPT` runs it in the guest; `shot NAME` saves the screen; `key ctrl alt f2`; `click X Y`; `tap X Y`;
//! `plug HEAD WIDTH HEIGHT` and `pull HEAD`; `shot1 NAME` saves the second head's screen; `quit`. Programs named as arguments, as HOST_FILE:GUEST_PATH, are put onto its disk; `--kiosk` installs the kiosk.

use std::io::BufRead;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Parser;
use kiosk_tests::vm::{Display, Machine, Plan, Stage};

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
    /// Puts the kiosk onto the disk as `make install` does.
    #[arg(long)]
    kiosk: bool,
    /// Runs this in the guest's root before systemd starts; repeatable.
    #[arg(long)]
    setup: Vec<String>,
    /// Of the directory of logs and pictures.
    #[arg(long, default_value = "vm")]
    name: String,
    /// HOST_FILE:GUEST_PATH
    programs: Vec<String>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let own = std::env::current_exe()?;
    let agent = own.with_file_name("kiosk-guest-agent");
    let mut stage = Stage::new(&agent)?;
    if options.kiosk {
        stage.install_kiosk()?;
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
        _ => Display::Virtio,
    };
    let machine = Machine::boot(&Plan { name: &options.name, display, stage: &stage, arguments: "" })?;
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
        "tap" => place().and_then(|(x, y)| machine.tap(x, y))?,
        other => bail!("{other:?} is none of run, shot, key, click, tap, quit"),
    }
    Ok(())
}
