//! A Wayland client for what trusted tools do with screens and Debian's programs do not show: it captures one into a
//! buffer of the GPU or into shared memory, and it leases a connector and shows a colour on it by itself.
//!
//! Results are lines on the standard output.

mod capture;
mod lease;
mod pixels;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use wayland_client::Connection;

#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Prints a checksum of a screen's picture, or how the compositor refused.
    Capture(capture::Options),
    /// Leases a connector and shows a colour on it.
    Lease(lease::Options),
}

fn main() -> Result<()> {
    let options = Options::parse();
    let connection = Connection::connect_to_env().context("no Wayland compositor: WAYLAND_DISPLAY names none")?;
    match options.what {
        What::Capture(options) => capture::run(&connection, &options),
        What::Lease(options) => lease::run(&connection, &options),
    }
}
