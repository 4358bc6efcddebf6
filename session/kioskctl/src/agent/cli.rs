//! The definition of the verbs below `agent`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

#[derive(Debug, Subcommand)]
pub enum AgentVerb {
    /// The fleet's own small authority: who may command its devices over the network, and which devices are its own
    Ca {
        /// Where it is kept; without it: kiosk-ca below $XDG_DATA_HOME or ~/.local/share
        #[arg(long, global = true, value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
        #[command(subcommand)]
        what: CaVerb,
    },
}

#[derive(Debug, Subcommand)]
pub enum CaVerb {
    /// Make an authority, or take one that there is
    Init(InitArgs),
    /// Make a certificate, of a person or program with --role, or of a device with --device
    Sign(SignArgs),
    /// Have certificates count no more; the list of them is for the devices' revoked.pem
    Revoke {
        /// Names, which mean all of their certificates, or serial numbers
        #[arg(required = true, value_name = "NAME|SERIAL")]
        which: Vec<String>,
    },
    /// List what was signed, and what of it was revoked
    List,
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// What it is called
    #[arg(long, default_value = "Kiosk fleet")]
    pub name: String,
    /// For how long it lasts
    #[arg(long, default_value_t = 7300, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
    /// The certificate of an authority that there is, PEM
    #[arg(long, value_name = "FILE", requires = "certificate_key", value_hint = ValueHint::FilePath)]
    pub certificate: Option<PathBuf>,
    /// The key of that certificate, PEM (PKCS #8)
    #[arg(long, value_name = "FILE", requires = "certificate", value_hint = ValueHint::FilePath)]
    pub certificate_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SignArgs {
    /// Of the person, program or device: letters, digits and . _ -
    pub name: String,
    /// What its owner may do
    #[arg(long, value_enum, required_unless_present = "device", conflicts_with = "device")]
    pub role: Option<RoleName>,
    /// It is a device's own
    #[arg(long, requires = "addresses")]
    pub device: bool,
    /// A name or an address by which the device is called (repeatable)
    #[arg(long = "address", value_name = "NAME|ADDRESS", requires = "device")]
    pub addresses: Vec<String>,
    /// For how long it counts
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
    /// A request (PKCS #10, PEM) with the owner's public key, whose names are not looked at; without it a key is made, too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub request: Option<PathBuf>,
    /// Where NAME.pem and NAME.key are written
    #[arg(long, value_name = "DIRECTORY", default_value = ".", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// As in certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// May look
    View,
    /// May also do what concerns page and screens
    Operate,
    /// May also change what the device is
    Admin,
}

impl RoleName {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}
