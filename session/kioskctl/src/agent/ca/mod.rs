//! `agent ca`: a small authority in a folder. [`store`] keeps it, [`certificate`] makes certificates, [`enrol`], [`devices`]
//! and [`serve`] speak to devices.

mod certificate;
mod devices;
mod enrol;
mod renewal_tls;
mod serve;
mod store;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use kiosk_client::Exit;
use serde_json::json;

use super::cli::{CaVerb, InitArgs, SignArgs};
use crate::outcome::{Failure, Outcome, path_text};
use crate::table::table;
use certificate::{Authority, Subject};
use store::{Issued, Store};

/// Longest file of others that is read, bytes.
const MAX_FILE: u64 = 64 << 10;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Why it is not done, one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    #[error("{file} can't be {1}: {2}", file = .0.display())]
    File(PathBuf, &'static str, std::io::Error),
    #[error("there is no authority in {file}: make one with `kioskctl agent ca init`", file = .0.display())]
    None(PathBuf),
    #[error("{file} is there already; an authority is never overwritten", file = .0.display())]
    There(PathBuf),
    #[error("another kioskctl is at work in {file}", file = .0.display())]
    Busy(PathBuf),
    #[error("{file} is broken: {1}", file = .0.display())]
    Broken(PathBuf, String),
    #[error(
        "{0:?} is no name for a certificate, allowed are 1 to 64 letters, digits and . _ -, a letter or digit first"
    )]
    Name(String),
    #[error("{0:?} is neither a host's name nor its address")]
    Host(String),
    #[error("the authority ends on {0}, before the certificate would: ask for fewer --days")]
    TooLong(String),
    #[error("there is no certificate with the name or serial number {0:?}; `kioskctl agent ca list` lists them")]
    Unknown(String),
    #[error(
        "there is a device with the name {0} already: give this one another --name, or `kioskctl agent ca revoke {0}` first"
    )]
    Taken(String),
    #[error("where the authority is to be kept can't be told: $HOME is not set; use --dir")]
    NoHome,
    #[error("the certificate can't be made: {0}")]
    Make(#[from] rcgen::Error),
}

impl From<CaError> for Failure {
    fn from(error: CaError) -> Self {
        let message = error.to_string();
        match error {
            CaError::Name(_) | CaError::Host(_) | CaError::TooLong(_) | CaError::Taken(_) => {
                Failure::new(Exit::Usage, message)
            }
            CaError::None(_) | CaError::Unknown(_) => Failure::not_found(message),
            CaError::File(_, _, error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Failure::new(Exit::NotAllowed, message)
            }
            _ => Failure::new(Exit::Failed, message),
        }
    }
}

pub async fn run(dir: Option<&Path>, verb: &CaVerb, as_json: bool) -> Result<Outcome, Failure> {
    let folder = match dir {
        Some(dir) => dir.to_owned(),
        None => default_folder()?,
    };
    match verb {
        CaVerb::Init(args) => Ok(init(&folder, args)?),
        CaVerb::Sign(args) => Ok(sign(&folder, args)?),
        CaVerb::Enrol(args) => enrol::run(&folder, args).await,
        CaVerb::Renew(args) => devices::renew(&folder, args).await,
        CaVerb::Serve(args) => serve::run(&folder, args, as_json).await,
        CaVerb::PushCrl(args) => devices::push(&folder, args).await,
        CaVerb::Revoke { which } => Ok(revoke(&folder, which)?),
        CaVerb::List => Ok(list(&Store::open(&folder)?.index()?.issued)),
    }
}

fn default_folder() -> Result<PathBuf, CaError> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")));
    Ok(data.ok_or(CaError::NoHome)?.join("kiosk-ca"))
}

fn init(folder: &Path, args: &InitArgs) -> Result<Outcome, CaError> {
    let authority = match (&args.certificate, &args.certificate_key) {
        (Some(certificate), Some(key)) => {
            Authority::of(&text(certificate)?, &text(key)?).map_err(|why| CaError::Broken(certificate.clone(), why))?
        }
        _ => Authority::make(&args.name, built(), DAY * args.days)?,
    };
    Store::create(folder, &authority)?;
    let end = time_text(authority.not_after);
    let said = format!(
        "{}: the authority {:?} until {end}; keep its ca.key safe, and give its ca.pem to devices and people",
        folder.display(),
        authority.name
    );
    Ok(Outcome::new(said, json!({ "directory": path_text(folder), "name": authority.name, "not-after": end })))
}

fn sign(folder: &Path, args: &SignArgs) -> Result<Outcome, CaError> {
    let store = Store::open(folder)?;
    let request = args.request.as_deref().map(text).transpose()?;
    let subject = Subject { name: &args.name, role: args.role.map(|role| role.as_str()), hosts: &args.addresses };
    let (issued, signed) = issue(&store, &subject, args.days, request.as_deref(), None)?;
    let mut files = vec![args.out.join(format!("{}.pem", args.name))];
    store::write(&args.out, &format!("{}.pem", args.name), &signed.certificate, 0o644)?;
    if let Some(key) = &signed.key {
        store::write(&args.out, &format!("{}.key", args.name), key, 0o600)?;
        files.push(args.out.join(format!("{}.key", args.name)));
    }
    let files: Vec<String> = files.iter().map(|file| path_text(file)).collect();
    let said = format!("{}: {} until {}", files.join(", "), kind(&issued), issued.not_after);
    let mut json = json!(issued);
    if let Some(map) = json.as_object_mut() {
        map.insert("files".into(), json!(files));
    }
    Ok(Outcome::new(said, json))
}

/// A certificate and, where there was no request, its key.
pub struct Signed {
    pub certificate: String,
    pub key: Option<String>,
}

/// Signs, and notes it first: what is not in the list can't be revoked. `port`: where a device is called, if that is known.
fn issue(
    store: &Store,
    subject: &Subject<'_>,
    days: u32,
    request: Option<&str>,
    port: Option<u16>,
) -> Result<(Issued, Signed), CaError> {
    let authority = store.authority()?;
    let not_after = SystemTime::now() + DAY * days;
    if not_after > authority.not_after {
        return Err(CaError::TooLong(time_text(authority.not_after)));
    }
    let serial = store::serial()?;
    let signed = authority.sign(subject, &serial, not_after, request)?;
    let issued = Issued {
        serial: serial.iter().map(|byte| format!("{byte:02x}")).collect(),
        name: subject.name.to_owned(),
        role: subject.role.map(str::to_owned),
        hosts: subject.hosts.to_vec(),
        port,
        signed: Some(time_text(SystemTime::now())),
        not_after: time_text(not_after),
        revoked: None,
    };
    let mut index = store.index()?;
    index.issued.push(issued.clone());
    store.keep(&index)?;
    Ok((issued, signed))
}

fn revoke(folder: &Path, which: &[String]) -> Result<Outcome, CaError> {
    let store = Store::open(folder)?;
    let revoked = revoke_in(&store, which)?;
    let file = folder.join(store::REVOKED);
    let lines: Vec<String> =
        revoked.iter().map(|issued| format!("{} ({}): revoked", issued.name, issued.serial)).collect();
    let said = format!("{}\n{} is for the devices: `kioskctl agent ca push-crl`", lines.join("\n"), file.display());
    Ok(Outcome::new(said, json!({ "revoked": revoked, "file": path_text(&file) })))
}

/// A certificate that nobody has the key of.
fn revoke_serial(store: &Store, serial: &str) -> Result<(), CaError> {
    revoke_in(store, &[serial.to_owned()]).map(drop)
}

/// Notes it, and makes a new list.
fn revoke_in(store: &Store, which: &[String]) -> Result<Vec<Issued>, CaError> {
    let authority = store.authority()?;
    let mut index = store.index()?;
    let is = |issued: &Issued, word: &String| issued.name == *word || issued.serial.eq_ignore_ascii_case(word);
    if let Some(unknown) = which.iter().find(|word| !index.issued.iter().any(|issued| is(issued, word))) {
        return Err(CaError::Unknown(unknown.clone()));
    }
    let now = time_text(SystemTime::now());
    let mut revoked = Vec::new();
    for issued in index.issued.iter_mut().filter(|issued| which.iter().any(|word| is(issued, word))) {
        issued.revoked.get_or_insert_with(|| now.clone());
        revoked.push(issued.clone());
    }
    index.list_number += 1;
    let list = authority.revocations(&index)?;
    store.keep(&index)?;
    store.write_list(&list)?;
    Ok(revoked)
}

/// The list of revocations for devices. Where the power or the room on the disk went between the two files that a revocation
/// writes, it is made anew: devices are not told an old one for the new one.
fn revocations(store: &Store) -> Result<String, CaError> {
    let (index, text) = (store.index()?, store.text(store::REVOKED)?);
    if certificate::list_number(&text) == Some(index.list_number) {
        return Ok(text);
    }
    let list = store.authority()?.revocations(&index)?;
    store.write_list(&list)?;
    Ok(list)
}

fn list(issued: &[Issued]) -> Outcome {
    let mut rows = vec![["NAME", "OF", "UNTIL", "REVOKED", "SERIAL"].map(str::to_owned).to_vec()];
    rows.extend(issued.iter().map(|issued| {
        let revoked = issued.revoked.clone().unwrap_or_else(|| "-".into());
        vec![issued.name.clone(), kind(issued), issued.not_after.clone(), revoked, issued.serial.clone()]
    }));
    Outcome::new(table(&rows), json!(issued))
}

fn kind(issued: &Issued) -> String {
    issued.role.clone().unwrap_or_else(|| format!("the device {}", issued.hosts.join(", ")))
}

fn text(path: &Path) -> Result<String, CaError> {
    let bytes = kiosk_core::files::read_regular(path, MAX_FILE);
    let bytes = bytes.map_err(|error| CaError::File(path.to_owned(), "read", error))?;
    String::from_utf8(bytes).map_err(|_| CaError::Broken(path.to_owned(), "it is not text (PEM)".into()))
}

/// As RFC 3339 has it, in seconds.
fn time_text(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

/// When certificates begin: as early as the program itself, so that a device whose clock was never set, and which takes that
/// time for the earliest that it can be, does not think them of the future.
fn built() -> SystemTime {
    let made = std::env::current_exe().and_then(|file| file.metadata()?.modified());
    let now = SystemTime::now();
    made.ok().filter(|made| *made > SystemTime::UNIX_EPOCH + EARLIEST && *made < now).unwrap_or(now)
}

/// 2024-01-01, since the epoch: a file from before it has the time of a reproducible image and not its own.
const EARLIEST: Duration = Duration::from_secs(1_704_067_200);
