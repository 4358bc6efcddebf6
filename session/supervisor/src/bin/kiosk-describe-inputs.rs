//! Describes the input devices where no udev does, once, as root, before kioskd starts: see
//! [`kiosk_core::input_database`]. What is plugged in later needs another call and a restart of kioskd.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiosk_core::input_database;

/// Writes what udev would write about the input devices, so that kioskd hears them without udev. Where udev runs it does
/// nothing. Call it as root before kioskd starts, and again, with a restart of kioskd, for what is plugged in later.
#[derive(Parser)]
#[command(name = "kiosk-describe-inputs", version, max_term_width = 100)]
struct Arguments {
    /// Taken for /.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

fn main() -> ExitCode {
    match input_database::describe(&Arguments::parse().root) {
        Ok(described) if described.is_empty() => {
            println!("every input device is described already");
            ExitCode::SUCCESS
        }
        Ok(described) => {
            println!("described {}", described.join(", "));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kiosk-describe-inputs: the input devices can't be described in /run/udev/data: {error}");
            ExitCode::FAILURE
        }
    }
}
