//! What verbs have in common, the words that they take, and the verbs below `config`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use kiosk_client::change::{DEFAULT_REVERT_SECONDS, Lasting};
use kiosk_core::config::Rotation;

use crate::values::{revert_after, undo_after};

/// What the verbs of the page have in common.
#[derive(Debug, Args)]
pub struct ShellArgs {
    /// Of this one of several [[shells]]: its number as `status` shows it, or its output; without it: the first
    #[arg(short, long, value_name = "N|OUTPUT")]
    pub shell: Option<String>,
}

/// What the verbs that change outputs have in common.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// Of this output (repeatable), a connector or "Make Model Serial"; '*' for all; without it: the first
    #[arg(short = 'o', long = "output", value_name = "OUTPUT")]
    pub outputs: Vec<String>,
    #[command(flatten)]
    pub lasting: LastingArgs,
}

/// For how long a change is.
#[derive(Debug, Args)]
pub struct LastingArgs {
    /// Not kept: undone after 15 s without `kioskctl confirm`
    #[arg(long)]
    pub temporary: bool,
    /// As --temporary, with another time: 1s to 1h
    #[arg(long, value_name = "TIME", value_parser = revert_after)]
    pub revert_after: Option<Duration>,
}

/// What the options say.
pub fn lasting(args: &LastingArgs) -> Lasting {
    match args.revert_after {
        Some(time) => Lasting::Temporary(time.as_secs()),
        None if args.temporary => Lasting::Temporary(DEFAULT_REVERT_SECONDS),
        None => Lasting::Keep,
    }
}

/// The rotation that `rotate` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateTo {
    To(Rotation),
    /// A quarter further.
    Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Power {
    On,
    Off,
    /// Off when any is on, else on
    Toggle,
}

/// What becomes of an aid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AidState {
    /// Kept over restarts
    On,
    /// Kept over restarts
    Off,
    /// As the configuration says
    Auto,
}

/// What the keyboard on the screen is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyboardMode {
    /// It stays until its hide key, `hide` or `auto`
    Show,
    /// It does not come
    Hide,
    /// It comes and goes with the text fields
    Auto,
}

impl KeyboardMode {
    /// As kioskd has it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyboardMode::Show => "show",
            KeyboardMode::Hide => "hide",
            KeyboardMode::Auto => "auto",
        }
    }
}

/// What `wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Condition {
    /// The page is ready; with several [[shells]] all pages are
    Ready,
    /// The page is ready and is what its screen shows
    PageVisible,
    /// The compositor runs and has a screen
    Screen,
}

#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Say what is wrong in the configuration, and where
    Check(ConfigArgs),
    /// Print the configuration in force, and where each value came from
    Show(ConfigArgs),
    /// Print the value of a key
    Get {
        /// As `config show` has it, with its section
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Set a key in a file of its own, /etc/kiosk/config.d/90-kioskctl.toml
    Set {
        /// Such as shell.url or 'output."HDMI-A-1".rotation'
        #[arg(value_name = "KEY")]
        key: String,
        /// As in TOML; a text needs no quotation marks
        #[arg(allow_hyphen_values = true)]
        value: String,
        #[command(flatten)]
        undo: UndoArgs,
    },
    /// Take a key out of that file again
    Unset {
        #[arg(value_name = "KEY")]
        key: String,
        #[command(flatten)]
        undo: UndoArgs,
    },
    /// Have the running kiosk read the configuration again
    Reload,
}

#[derive(Debug, Args)]
pub struct UndoArgs {
    /// With --host, where a change counts at once: undone after this time (5s to 1h) without `kioskctl confirm`
    #[arg(long, value_name = "TIME", value_parser = undo_after)]
    pub revert_after: Option<Duration>,
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// This file instead of the layers in /usr/lib/kiosk and /etc/kiosk
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    Man,
    /// kiosk.toml(5)
    ConfigMan,
    Bash,
    Zsh,
    Fish,
}
