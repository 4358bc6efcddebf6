//! The definition of the verbs below `agent`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use kiosk_enrolment::local::SOCKET;

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
    /// Show a code on this device's screen, by which whoever reads it makes the device one of their fleet; as root
    Enrol(EnrolArgs),
    /// Ask the fleet's authority (agent.renew-at) for a new certificate of this device now, and not within a day; as root
    Renew(RenewOwnArgs),
}

#[derive(Debug, Args)]
pub struct EnrolArgs {
    /// Take the code away
    #[arg(long)]
    pub stop: bool,
    /// Where kiosk-agent takes the order
    #[arg(long, value_name = "PATH", default_value = SOCKET, value_hint = ValueHint::FilePath)]
    pub socket: PathBuf,
}

#[derive(Debug, Args)]
pub struct RenewOwnArgs {
    /// Where kiosk-agent takes the order
    #[arg(long, value_name = "PATH", default_value = SOCKET, value_hint = ValueHint::FilePath)]
    pub socket: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum CaVerb {
    /// Make an authority, or take one that there is
    Init(InitArgs),
    /// Make a certificate, of a person or program with --role, or of a device with --device
    Sign(SignArgs),
    /// Make a device one of the fleet that shows a code on its screen (`kioskctl agent enrol` there)
    Enrol(CaEnrolArgs),
    /// Give devices new certificates over the network, where two thirds of the time of theirs are over; for a timer
    Renew(RenewArgs),
    /// Let devices renew their certificates by themselves, and fetch the list of what was revoked (agent.renew-at there); runs
    /// until it is ended
    Serve(ServeArgs),
    /// Give the list of what was revoked to devices over the network
    PushCrl(PushArgs),
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

#[derive(Debug, Args)]
pub struct CaEnrolArgs {
    /// Its address, or what the QR code on its screen says
    #[arg(value_name = "ADDRESS[:PORT]|https://…")]
    pub device: String,
    /// The code on its screen; without it it is asked for, where no other program can see it
    #[arg(long)]
    pub code: Option<String>,
    /// What it is called in the list: letters, digits and . _ -; without it as it calls itself
    #[arg(long)]
    pub name: Option<String>,
    /// Another name or address by which it will be called (repeatable)
    #[arg(long = "address", value_name = "NAME|ADDRESS")]
    pub addresses: Vec<String>,
    /// For how long its certificate counts
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
}

#[derive(Debug, Args)]
pub struct RenewArgs {
    /// These, whether it is due or not
    #[arg(value_name = "NAME")]
    pub which: Vec<String>,
    /// All, whether it is due or not
    #[arg(long, conflicts_with = "which")]
    pub all: bool,
    /// For how long the new ones count
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// A name or an address by which devices call this machine (repeatable)
    #[arg(long = "address", required = true, value_name = "NAME|ADDRESS")]
    pub addresses: Vec<String>,
    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:8444")]
    pub listen: SocketAddr,
    /// For how long the new ones count
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
}

#[derive(Debug, Args)]
pub struct PushArgs {
    /// To these; without it to all
    #[arg(value_name = "NAME")]
    pub which: Vec<String>,
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
