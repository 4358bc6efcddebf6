//! The hidden verb `generate`: man pages and completions from the definition in [`super::cli`], and the page of the
//! configuration, for packages.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use kiosk_client::Exit;
use serde_json::json;

use super::cli::{Cli, Generated};
use super::config_page;
use super::outcome::{Failure, Outcome, path_text};

const NAME: &str = "kioskctl";

pub fn run(what: Generated, directory: &Path) -> Result<Outcome, Failure> {
    write(what, directory)
        .map_err(|error| Failure::new(Exit::Failed, format!("writing to {} failed: {error}", directory.display())))?;
    Ok(Outcome::new("", json!({ "directory": path_text(directory) })))
}

fn write(what: Generated, directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut command = Cli::command();
    let shell = match what {
        Generated::ConfigMan => return std::fs::write(directory.join("kiosk.toml.5"), config_page::page()),
        Generated::Man => return clap_mangen::generate_to(command, directory),
        Generated::Bash => Shell::Bash,
        Generated::Zsh => Shell::Zsh,
        Generated::Fish => Shell::Fish,
    };
    clap_complete::generate_to(shell, &mut command, NAME, directory).map(drop)
}
