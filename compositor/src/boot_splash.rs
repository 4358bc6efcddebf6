//! `kiosk-splash`: the boot splash from the configuration's `[splash]` or a logo that is named, written as files. Its
//! program calls [`run`]. It needs no GPU and no running kiosk, and selects no theme: that is done by the image's
//! build.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Parser;
use kiosk_core::config::{Config, Sources};
use kiosk_splash::{PLYMOUTH_THEMES, firmware_picture, plymouth_theme, uefi_picture};

use crate::{backend::headless::OutputSpec, options::parse_output, splash_style};

/// Makes the boot splash of a device from its logo: a theme for Plymouth, in which logo and dots are where kioskd's first
/// picture has them, and pictures for the kernel of a Raspberry Pi and for a machine with UEFI. What is not said here is
/// as the configuration has it for kioskd's first picture.
#[derive(Debug, Clone, Parser)]
#[command(name = "kiosk-splash", version, max_term_width = 100)]
pub struct Options {
    /// SVG, PNG or JPEG.
    #[arg(long, value_name = "FILE")]
    pub logo: Option<PathBuf>,

    /// Such as #1e293b.
    #[arg(long, value_name = "COLOR")]
    pub background: Option<String>,

    /// 5% to 80% of the screen's shorter side.
    #[arg(long, value_name = "PERCENT")]
    pub logo_size: Option<String>,

    /// center or top.
    #[arg(long, value_name = "PLACE")]
    pub position: Option<String>,

    /// Read this configuration instead of the layered one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Only say what of the configuration's logos and font can't be used.
    #[arg(long, exclusive = true)]
    pub check: bool,

    /// The theme's name; a theme of that name is replaced.
    #[arg(long, value_name = "NAME", default_value = "kiosk-own", value_parser = theme_name)]
    pub name: String,

    /// The theme goes to usr/share/plymouth/themes/NAME in here: of an image that is being made, say.
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,

    /// Write the picture for the kernel of a Raspberry Pi as well (TGA, for fullscreen_logo_name).
    #[arg(long, value_name = "FILE")]
    pub firmware: Option<PathBuf>,

    /// Write the picture that a kernel for UEFI shows as well (BMP, for `ukify --splash=`).
    #[arg(long, value_name = "FILE")]
    pub uefi: Option<PathBuf>,

    /// The screen that these pictures are for: the Raspberry Pi's is at most 1920x1080, UEFI's 3840x2160.
    #[arg(long, value_name = "WxH", default_value = "1920x1080", value_parser = parse_output)]
    pub screen: OutputSpec,
}

/// The longest name of a theme, bytes.
const MAX_NAME: usize = 64;

/// What was named can't be the name of a theme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {MAX_NAME} letters, digits and - _ . (not as the first)")]
pub struct ThemeNameError;

/// Checks a theme's name: it names a directory and appears in Plymouth's files.
fn theme_name(text: &str) -> Result<String, ThemeNameError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > MAX_NAME || text.starts_with(['.', '-']) || !text.chars().all(plain) {
        return Err(ThemeNameError);
    }
    Ok(text.to_owned())
}

/// Writes the files and returns a summary for the user.
///
/// # Errors
///
/// One sentence: a value that is not allowed, a logo that can't be used, a file that can't be written. The configuration
/// and the logo are looked at first: then nothing is written.
pub fn run(options: &Options) -> anyhow::Result<String> {
    if options.check {
        return match splash_style::unusable(&Config::load(&Sources::system()).config).as_slice() {
            [] => Ok("The logos and the font can be used".into()),
            wrong => Err(anyhow!(wrong.join("\n"))),
        };
    }
    let config = config(options)?;
    let mut problems = Vec::new();
    let style = splash_style::style(&config, &mut problems);
    if let Some(problem) = problems.first() {
        bail!("{problem}");
    }
    let firmware = match &options.firmware {
        Some(path) => Some((path, firmware_picture(&style, options.screen.width, options.screen.height)?)),
        None => None,
    };
    let uefi = match &options.uefi {
        Some(path) => Some((path, uefi_picture(&style, options.screen.width, options.screen.height)?)),
        None => None,
    };
    let files = plymouth_theme(&options.name, &style).context("the logo's picture can't be made")?;

    let directory = options.root.join(PLYMOUTH_THEMES).join(&options.name);
    replace(&directory, &options.name)?;
    for file in &files {
        write(&directory.join(&file.name), &file.content)?;
    }
    let mut told = format!(
        "The theme is in {}. Plymouth uses it after: plymouth-set-default-theme --rebuild-initrd {}",
        directory.display(),
        options.name
    );
    if let Some((path, picture)) = firmware {
        write(path, &picture)?;
        told.push_str(&format!(
            "\nThe picture for the Raspberry Pi is {}: `configure-splash {}` of rpi-splash-screen-support takes it.",
            path.display(),
            path.display()
        ));
    }
    if let Some((path, picture)) = uefi {
        write(path, &picture)?;
        told.push_str(&format!(
            "\nThe picture for UEFI is {}: `ukify build --splash={}` takes it.",
            path.display(),
            path.display()
        ));
    }
    Ok(told)
}

/// The configuration, with what the command line says on top.
fn config(options: &Options) -> anyhow::Result<Config> {
    let mut sources = match &options.config {
        Some(file) => Sources::file(file),
        None => Sources::system(),
    };
    let logo = match &options.logo {
        Some(logo) => {
            let path = std::path::absolute(logo).with_context(|| logo.display().to_string())?;
            Some(path.into_os_string().into_string().map_err(|path| anyhow!("the path {path:?} is not UTF-8"))?)
        }
        None => None,
    };
    let values = [
        ("KIOSK_SPLASH_LOGO", logo.as_ref()),
        ("KIOSK_SPLASH_BACKGROUND", options.background.as_ref()),
        ("KIOSK_SPLASH_LOGO_SIZE", options.logo_size.as_ref()),
        ("KIOSK_SPLASH_POSITION", options.position.as_ref()),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            sources = sources.with_variable(name, value);
        }
    }
    let loaded = Config::load(&sources);
    match loaded.errors.first() {
        Some(error) => bail!("{error}"),
        None => Ok(loaded.config),
    }
}

/// Creates the directory; from an existing theme it removes only the files that this program writes.
fn replace(directory: &Path, name: &str) -> anyhow::Result<()> {
    let told = || format!("{} can't be made", directory.display());
    std::fs::create_dir_all(directory).with_context(told)?;
    for entry in std::fs::read_dir(directory).with_context(told)? {
        let path = entry.with_context(told)?.path();
        let ours = path.file_name().and_then(|file| file.to_str()).is_some_and(|file| {
            let picture = (file.starts_with("logo") || file.starts_with("dot")) && file.ends_with(".png");
            picture || file == format!("{name}.script") || file == format!("{name}.plymouth")
        });
        if ours {
            std::fs::remove_file(&path).with_context(|| format!("{} can't be replaced", path.display()))?;
        }
    }
    Ok(())
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, content).with_context(|| format!("{} can't be written", path.display()))
}
