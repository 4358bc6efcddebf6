//! The command line: kioskd's own options, and cage's, so that `kioskd -- COMMAND` takes its place.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use kiosk_core::{
    config::{Config, OutputRule, OutputSettings, Scale, ScaleFactor},
    quantities::{QuantityError, Rotation},
};

use crate::backend::{
    headless::{self, OutputSpec},
    winit,
};

/// Kiosk compositor: shows one shell per screen, from the first frame to the page.
#[derive(Debug, Clone, Parser)]
#[command(name = "kioskd", version, max_term_width = 100, disable_version_flag = true)]
pub struct Options {
    /// Read this configuration instead of the layered one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print the effective configuration with where each value came from, and exit (1 on any error).
    #[arg(long)]
    pub check_config: bool,

    /// How to reach a screen; auto: a window inside Wayland or X11, else the console's screens.
    #[arg(long, value_enum, default_value_t = BackendChoice::Auto)]
    pub backend: BackendChoice,

    /// How to draw; auto: with the GPU where there is a real one.
    #[arg(long, value_enum, default_value_t = RendererChoice::Auto)]
    pub renderer: RendererChoice,

    /// Size and scale of a headless or window screen; repeatable.
    #[arg(long, value_name = "WxH[@S]", value_parser = parse_output)]
    pub output: Vec<OutputSpec>,

    /// Who starts the shell; auto: COMMAND, else kiosk-session as a child; external: the service manager.
    #[arg(long, value_enum, default_value_t = SessionChoice::Auto)]
    pub session: SessionChoice,

    /// Show no splash: only its background until the shell is there.
    #[arg(long)]
    pub no_splash: bool,

    /// Directory of the sockets, instead of /run/kiosk or XDG_RUNTIME_DIR/kiosk.
    #[arg(long, value_name = "DIR", env = "KIOSK_RUNTIME_DIR")]
    pub runtime_dir: Option<PathBuf>,

    /// Allow VT switching, whatever the configuration says (as in cage; without it the configuration decides).
    #[arg(short = 's')]
    pub allow_vt_switch: bool,

    /// Ask clients not to draw decorations (as in cage; always so).
    #[arg(short = 'd')]
    pub no_decorations: bool,

    /// What to do with several screens (as in cage).
    #[arg(short = 'm', value_enum, value_name = "MODE")]
    pub multi: Option<MultiChoice>,

    /// Log more (as in cage).
    #[arg(short = 'D')]
    pub debug: bool,

    /// Print the version.
    #[arg(short = 'v', long = "version", action = clap::ArgAction::Version)]
    pub version: Option<bool>,

    /// Rotate the picture by 90 degrees, clockwise; up to three times (as in cage 0.1.4). What the
    /// configuration says of an output by name counts more.
    #[arg(short = 'r', action = clap::ArgAction::Count)]
    pub rotate: u8,

    /// The shell's command, in place of kiosk-session; kioskd exits with its status. It may manage outputs, as with
    /// wlr-randr.
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

impl Options {
    /// The configuration with the command line's settings on top.
    pub fn over(&self, mut config: Config) -> Config {
        config.outputs.extend(self.wanted_scales());
        config.outputs.extend(self.wanted_rotation());
        config.input.vt_switching |= self.allow_vt_switch;
        config
    }

    /// The rotation of `-r` as a rule for all screens; `None` for a full turn.
    fn wanted_rotation(&self) -> Option<OutputRule> {
        let quarters = self.rotate % 4;
        if quarters == 0 {
            return None;
        }
        let rotation = (0..quarters).fold(Rotation::R0, |turn, _| turn.next_quarter());
        let settings = OutputSettings { rotation: Some(rotation), ..OutputSettings::default() };
        Some(OutputRule { matcher: "*".into(), settings })
    }

    /// The scales of `--output WxH@SCALE` as rules for their screens.
    fn wanted_scales(&self) -> impl Iterator<Item = OutputRule> {
        let scaled = self.output.iter().enumerate().filter(|(_, spec)| spec.scale != ScaleFactor::ONE);
        scaled.flat_map(|(index, spec)| {
            let settings = OutputSettings { scale: Some(Scale::Fixed(spec.scale)), ..OutputSettings::default() };
            let names = [headless::name(index + 1), winit::NAME.into()];
            names.map(|matcher| OutputRule { matcher, settings: settings.clone() })
        })
    }

    /// Options that have no effect on this back end, a sentence each.
    pub fn without_effect(&self, backend: BackendChoice) -> Vec<&'static str> {
        let renderer = match (backend, self.renderer) {
            (BackendChoice::Winit, RendererChoice::Pixman) => "--renderer has no effect: a window is drawn with gles",
            (BackendChoice::Headless, RendererChoice::Gles) => {
                "--renderer has no effect: headless screens are drawn with pixman"
            }
            _ => "",
        };
        let output = match backend {
            BackendChoice::Kms if !self.output.is_empty() => {
                "--output has no effect on real screens: mode and scale are in [output.\"NAME\"] of the configuration"
            }
            _ => "",
        };
        let multi = match self.multi {
            Some(MultiChoice::Extend) => {
                "-m extend: a command is shown on one output, and not stretched over all of them as cage does; \
                 [output.\"NAME\"] mirror = \"OTHER\" shows it on another one too"
            }
            _ => "",
        };
        [renderer, output, multi].into_iter().filter(|sentence| !sentence.is_empty()).collect()
    }
}

/// `--backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackendChoice {
    /// A window if a desktop is running (`WAYLAND_DISPLAY`, `DISPLAY`), else the screens of this seat.
    Auto,
    /// The screens of this seat.
    Kms,
    /// A window of a desktop.
    Winit,
    /// Screens in memory, visible through screenshots.
    Headless,
}

/// `--renderer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RendererChoice {
    /// The GPU where there is one.
    Auto,
    /// The GPU; without one kioskd does not start.
    Gles,
    /// The CPU.
    Pixman,
}

/// `--session`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SessionChoice {
    /// kioskd starts kiosk-session, and restarts it when it exits.
    Auto,
    /// A service manager starts kiosk-session.
    External,
    /// No kiosk-session: only clients that connect.
    None,
}

/// `-m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MultiChoice {
    /// Only the screen that was connected last.
    Last,
    /// All of them.
    Extend,
}

/// Largest edge of a headless screen, pixels.
const MAX_OUTPUT_EDGE: u32 = 16_384;

/// Why a text does not describe a screen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum OutputSpecError {
    #[error("{0:?} is not WxH or WxH@SCALE, such as 1280x720 or 1920x1080@1.5")]
    Form(String),
    #[error("{0:?}: width and height are 1 to {MAX_OUTPUT_EDGE}")]
    Size(String),
    #[error("{0:?}: {1}")]
    Scale(String, QuantityError),
}

/// `1280x720` or `1280x720@1.5`.
pub(crate) fn parse_output(text: &str) -> Result<OutputSpec, OutputSpecError> {
    let form = || OutputSpecError::Form(text.into());
    let (size, scale) = text.split_once('@').unwrap_or((text, "1"));
    let (width, height) = size.split_once('x').ok_or_else(form)?;
    let width: u32 = width.parse().map_err(|_| form())?;
    let height: u32 = height.parse().map_err(|_| form())?;
    let scale: f64 = scale.parse().map_err(|_| form())?;
    let scale = ScaleFactor::try_from(scale).map_err(|error| OutputSpecError::Scale(text.into(), error))?;
    if !(1..=MAX_OUTPUT_EDGE).contains(&width) || !(1..=MAX_OUTPUT_EDGE).contains(&height) {
        return Err(OutputSpecError::Size(text.into()));
    }
    Ok(OutputSpec { width, height, scale })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kiosk_core::config::output_policy;
    use proptest::prelude::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn cages_command_line_is_taken() {
        let options = Options::parse_from(["kioskd", "-s", "-d", "-m", "last", "--", "foot", "-e", "top"]);
        assert_eq!(options.command, ["foot", "-e", "top"]);
        assert_eq!(options.multi, Some(MultiChoice::Last));
    }

    #[test]
    fn cages_commands_need_no_dashes_and_keep_their_own_options() {
        let options = Options::parse_from(["kioskd", "-d", "foot", "-e", "top", "--", "-s"]);
        assert_eq!(options.command, ["foot", "-e", "top", "--", "-s"]);
        assert!(!options.allow_vt_switch);
        assert!(Options::try_parse_from(["kioskd", "--sessoin=none"]).is_err(), "no command begins with dashes");
    }

    #[test]
    fn each_r_rotates_all_screens_by_a_quarter() {
        let rotated = |line: &str| {
            let config = Options::parse_from(line.split(' ')).over(Config::default());
            output_policy(&config.outputs, None, "", "DP-1").rotation
        };
        for (line, rotation) in [
            ("kioskd", Rotation::R0),
            ("kioskd -r", Rotation::R90),
            ("kioskd -rr", Rotation::R180),
            ("kioskd -r -r -r foot -r", Rotation::R270),
            ("kioskd -rrrr", Rotation::R0),
        ] {
            assert_eq!(rotated(line), rotation, "{line}");
        }
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let told = |line: &str, backend| Options::parse_from(line.split(' ')).without_effect(backend).join(" ");
        for (line, backend, option) in [
            ("kioskd --renderer gles", BackendChoice::Headless, "--renderer"),
            ("kioskd --renderer pixman", BackendChoice::Winit, "--renderer"),
            ("kioskd --output 800x480", BackendChoice::Kms, "--output"),
            ("kioskd -m extend foot", BackendChoice::Headless, "-m extend"),
        ] {
            assert!(told(line, backend).starts_with(option), "{line}");
        }
        assert_eq!(told("kioskd --renderer gles", BackendChoice::Kms), "");
        assert_eq!(told("kioskd --renderer pixman --output 800x480", BackendChoice::Headless), "");
    }

    #[test]
    fn sizes_are_read_and_bad_ones_explained() {
        assert_eq!(
            parse_output("800x480@1.5"),
            Ok(OutputSpec { width: 800, height: 480, scale: ScaleFactor::try_from(1.5).unwrap() })
        );
        for bad in ["", "800", "800x", "0x0", "800x480@9", "800x480@nan", "99999x1"] {
            assert!(parse_output(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_size_panics(text in ".*") {
            let _ = parse_output(&text);
        }
    }
}
