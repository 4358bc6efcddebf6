//! Describes input devices in udev's database where no udev runs, as root: see [`kiosk_core::input_database`]. Once,
//! before kioskd starts, or continuously (`--watch`), and then it also sends hotplug events as udev does.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Parser;
use kiosk_core::device_events::{Action, EventSender};
use kiosk_core::device_watch::Devices;
use kiosk_core::input_database;

/// Polling interval: short enough for a person who plugs something in.
const INTERVAL: Duration = Duration::from_secs(2);

/// Writes what udev would write about the input devices, so that kioskd hears them without udev. Where udev runs it does
/// nothing. Call it as root before kioskd starts, and again, with a restart of kioskd, for what is plugged in later; or
/// leave that to --watch.
#[derive(Parser)]
#[command(name = "kiosk-describe-inputs", version, max_term_width = 100)]
struct Arguments {
    /// Taken for /.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Go on: describe what is plugged in later, and tell kioskd of it and of displays, as udev would.
    #[arg(long)]
    watch: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Read first, so that a device that is added in between is noticed.
    let before = Devices::look(&arguments.root);
    match input_database::describe(&arguments.root) {
        Ok(described) if described.is_empty() => println!("every input device is described already"),
        Ok(described) => println!("described {}", described.join(", ")),
        Err(error) => {
            eprintln!("kiosk-describe-inputs: the input devices can't be described in /run/udev/data: {error}");
            return ExitCode::FAILURE;
        }
    }
    if !arguments.watch {
        return ExitCode::SUCCESS;
    }
    match watch(&arguments.root, before) {
        Ok(()) => {
            println!("udev runs: it tells what comes and goes");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!(
                "kiosk-describe-inputs: what comes and goes can't be told (root may, with CAP_NET_ADMIN): {error}"
            );
            ExitCode::FAILURE
        }
    }
}

/// Until udev runs.
fn watch(root: &Path, mut before: Devices) -> std::io::Result<()> {
    let mut sender = EventSender::new()?;
    while !input_database::runs(root) {
        let now = Devices::look(root);
        if now != before {
            // A device that was replaced under the same name has other properties.
            for gone in now.since(&before, |_| Vec::new()) {
                if gone.action == Action::Remove && gone.subsystem == "input" {
                    input_database::forget(root, &gone.number);
                }
            }
            if let Err(error) = input_database::describe(root) {
                eprintln!("kiosk-describe-inputs: an input device can't be described: {error}");
            }
            for event in now.since(&before, |number| input_database::properties(root, number)) {
                println!("{:?} /dev/{}", event.action, event.node);
                match sender.send(&event) {
                    Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(error),
                    // The next event may succeed.
                    Err(error) => eprintln!("kiosk-describe-inputs: {} is not told: {error}", event.node),
                    Ok(()) => {}
                }
            }
            before = now;
        }
        sleep(INTERVAL);
    }
    Ok(())
}
