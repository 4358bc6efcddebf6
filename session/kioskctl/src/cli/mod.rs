//! The definition of the command line: what is parsed, what `--help` says, and what the man pages and
//! completions are made from.

mod args;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueHint};
use kiosk_core::config::{Aid, Brightness, ModeChoice, Position, Scale, Url, VtNumber};

pub use args::{
    AidState, ChangeArgs, Condition, ConfigArgs, ConfigVerb, Generated, KeyboardMode, LastingArgs, Power, RotateTo,
    ShellArgs, UndoArgs, lasting,
};

use super::agent::cli::AgentVerb;
use super::remote::RemoteArgs;
use super::values::{duration, mode, rotate_to, url};

const AFTER_HELP: &str = "\
Exit status:
  0  done
  1  failed
  2  usage: an unknown verb, option or value
  3  kioskd or kiosk-session is not running
  4  not allowed

Environment:
  KIOSK_RUNTIME_DIR  directory of the sockets; set, the system bus is not used

JSON:
  Each document of --json has a JSON Schema with the meaning and unit of every key in
  /usr/share/kiosk/schemas; docs/json.md of the source says which is whose, and what is stable";

/// Control the kiosk: its page, its screens, its configuration
#[derive(Debug, Parser)]
#[command(name = "kioskctl", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// Print JSON for machines
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub remote: RemoteArgs,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show what the kiosk does: stage, URL, since when, outputs, last failure
    Status {
        /// Go on, and show it again whenever something changes
        #[arg(long)]
        watch: bool,
        /// And the versions of an image with two slots: which runs, which is on trial, which had no page
        #[arg(long, conflicts_with = "watch")]
        slots: bool,
        /// And how long the start took, from power-on to the logo and to the page, by stage
        #[arg(long, conflicts_with = "watch")]
        boot: bool,
        /// And what became of each output's frames, and where the time of the last ones went
        #[arg(long, conflicts_with = "watch")]
        frames: bool,
    },
    /// Reload the page
    Reload {
        /// Past all caches
        #[arg(long)]
        hard: bool,
        #[command(flatten)]
        of: ShellArgs,
    },
    /// Open another page, until `home` or a restart
    Open {
        #[arg(value_parser = url, value_hint = ValueHint::Url)]
        url: Url,
        #[command(flatten)]
        of: ShellArgs,
    },
    /// Go back to the configured page
    Home(ShellArgs),
    /// Restart the browser
    Restart(ShellArgs),
    /// Stop the browser; the splash comes back
    Stop(ShellArgs),
    /// Start the browser after `stop`
    Start(ShellArgs),
    /// Forget cookies, caches, storage and history, and go back to the configured page
    ClearData(ShellArgs),
    /// Show what the page's console says, until it is interrupted
    Console(ShellArgs),
    /// Look into the page by DevTools, from a browser on this machine; the page's screen says so meanwhile
    Inspect {
        /// For this long: 1s to 1h
        #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
        expires: Duration,
        #[command(flatten)]
        of: ShellArgs,
    },
    /// List the outputs
    Outputs {
        /// And the modes that each display lists
        #[arg(long)]
        modes: bool,
    },
    /// List the input devices, or say which are heard
    Inputs {
        /// Hear this device from now on, by the name that `inputs` lists (repeatable); kept
        #[arg(long, value_name = "DEVICE")]
        trust: Vec<String>,
        /// Do not hear this device any more, whatever the configuration says (repeatable); kept
        #[arg(long, value_name = "DEVICE")]
        untrust: Vec<String>,
    },
    /// Lay a touch panel, tablet or absolute pointer on an output; kept
    TouchMap {
        /// As `inputs` lists it
        device: String,
        /// A connector or "Make Model Serial"; auto: found by itself
        output: String,
    },
    /// Rotate the picture, clockwise as the viewer sees it
    Rotate {
        #[arg(value_name = "0|90|180|270|next", value_parser = rotate_to)]
        to: RotateTo,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Choose the resolution and refresh rate
    Mode {
        /// preferred, max, WIDTHxHEIGHT, WIDTHxHEIGHT@HZ or "custom WIDTHxHEIGHT@HZ"
        #[arg(value_parser = mode)]
        mode: ModeChoice,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Choose how much larger things are drawn
    Scale {
        /// auto: from the display's density; or 1.0 to 4.0
        #[arg(value_name = "auto|N")]
        scale: Scale,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Place an output in the layout
    Position {
        /// In logical pixels
        #[arg(value_name = "X,Y", allow_hyphen_values = true)]
        position: Position,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Show on an output what another one shows
    Mirror {
        /// The other one, a connector or "Make Model Serial"; none: its own picture again
        #[arg(value_name = "OUTPUT|none")]
        source: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Set how bright a display shines, where it lets itself be told
    Brightness {
        /// Per cent
        #[arg(value_name = "0..100")]
        percent: Brightness,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Change several outputs at once, all of it or nothing
    Apply {
        /// TOML with [output."NAME"] tables as in the configuration
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Only say whether it is possible
        #[arg(long, conflicts_with_all = ["temporary", "revert_after"])]
        verify: bool,
        #[command(flatten)]
        lasting: LastingArgs,
    },
    /// Keep a temporary change
    Confirm,
    /// Forget what was kept of outputs, so that the configuration counts again
    Forget {
        /// Only this (repeatable), a connector or "Make Model Serial"; without it: of all, also of those not connected
        #[arg(short = 'o', long = "output", value_name = "OUTPUT")]
        outputs: Vec<String>,
        /// Only this key, such as rotation; without it: everything
        key: Option<String>,
    },
    /// Switch screens on or off; the page goes on meanwhile
    Screen {
        #[arg(value_enum)]
        power: Power,
        /// Only this output (repeatable); without it: all
        #[arg(short = 'o', long = "output", value_name = "OUTPUT")]
        outputs: Vec<String>,
    },
    /// Save what an output shows as a PNG
    Screenshot {
        /// Replaced if it is there; - for standard output
        #[arg(default_value = "screenshot.png", value_name = "FILE.png", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Without it: the primary output
        #[arg(short, long)]
        output: Option<String>,
    },
    /// Show a text over everything, until `dismiss`
    Message {
        text: String,
        /// Above the text, larger
        #[arg(long)]
        title: Option<String>,
    },
    /// Show how to reach or pair the device, with a QR code, until `dismiss`; without options: the device's own address
    Pairing {
        /// What the QR code opens, http or https; without it: the device's own address
        #[arg(long, value_hint = ValueHint::Url)]
        url: Option<String>,
        /// A code to be typed, such as ABC-123
        #[arg(long)]
        code: Option<String>,
        /// Take the screen away after this time: 1s to 24h
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
        /// The name of a Wi-Fi network, for a second QR code that joins it
        #[arg(long, value_name = "NAME")]
        wifi: Option<String>,
        /// A file with its password, - for standard input; without it the network is open
        #[arg(long, value_name = "FILE", requires = "wifi", value_hint = ValueHint::FilePath)]
        wifi_password: Option<PathBuf>,
        /// At the top of the screen
        #[arg(long)]
        title: Option<String>,
    },
    /// Show the keyboard on the screen, hide it, or let it follow the text fields again
    Keyboard {
        #[arg(value_enum)]
        state: KeyboardMode,
    },
    /// Switch an aid for people whom a keyboard or a screen does not suit as it is, for good; without one: which are on
    Accessibility {
        /// sticky-keys, slow-keys, bounce-keys, magnifier, contrast or invert
        #[arg(requires = "state")]
        aid: Option<Aid>,
        #[arg(value_enum)]
        state: Option<AidState>,
    },
    /// Take the message or pairing screen away
    Dismiss,
    /// Wait until something is so
    Wait {
        #[arg(value_enum)]
        what: Condition,
        /// Of this one of several [[shells]]: its number as `status` shows it, or its output; without it: all of them
        #[arg(short, long, value_name = "N|OUTPUT")]
        shell: Option<String>,
        /// For this long without interruption
        #[arg(long, value_name = "TIME", value_parser = duration)]
        stable: Option<Duration>,
        /// Give up after this time; without it: wait for ever
        #[arg(long, value_name = "TIME", value_parser = duration)]
        timeout: Option<Duration>,
    },
    /// Switch to a virtual terminal
    Vt { number: VtNumber },
    /// Check the configuration, or show it
    Config {
        #[command(subcommand)]
        what: ConfigVerb,
    },
    /// Who may command this and other devices over the network
    Agent {
        #[command(subcommand)]
        what: AgentVerb,
    },
    /// Say what is used, what is missing or contradicts, and what to do about it
    Doctor {
        /// And write it with status, configuration and journal, secrets removed, to be sent on
        #[arg(long, value_name = "FILE.tar.gz", value_hint = ValueHint::FilePath)]
        bundle: Option<PathBuf>,
    },
    /// Make a Wayland socket whose programs have what [privilege."APP-ID"] allows, until kioskd ends
    Confine {
        /// Under which name the configuration knows them
        app_id: String,
        /// Where the socket is made
        #[arg(value_hint = ValueHint::FilePath)]
        socket: PathBuf,
    },
    /// Write man pages or shell completions to a directory
    #[command(hide = true)]
    Generate {
        #[arg(value_enum)]
        what: Generated,
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn negative_positions_are_no_options() {
        let cli = Cli::try_parse_from(["kioskctl", "position", "-10,5"]).unwrap();
        let place = Position::try_from((-10, 5)).unwrap();
        assert!(matches!(cli.verb, Verb::Position { position, .. } if position == place));
    }
}
