//! kiosk-splash's program: arguments, and on to [`kioskd::boot_splash`].

use std::process::ExitCode;

use clap::Parser;
use kioskd::boot_splash::{self, Options};

fn main() -> ExitCode {
    match boot_splash::run(&Options::parse()) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kiosk-splash: {error:#}");
            ExitCode::FAILURE
        }
    }
}
