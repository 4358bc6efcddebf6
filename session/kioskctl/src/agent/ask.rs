//! `agent enrol` and `agent renew`: what root on the device asks of its kiosk-agent, over its socket for root.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use kiosk_client::Exit;
use kiosk_enrolment::local::{LocalAnswer, LocalOrder, MAX_ORDER};
use serde_json::json;

use super::cli::{EnrolArgs, RenewOwnArgs};
use crate::outcome::{Failure, Outcome, printable};

/// kioskd has 30 s to show a code, an authority 30 s to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

pub fn enrol(args: &EnrolArgs) -> Result<Outcome, Failure> {
    order(&args.socket, if args.stop { LocalOrder::Stop } else { LocalOrder::Start })
}

pub fn renew(args: &RenewOwnArgs) -> Result<Outcome, Failure> {
    order(&args.socket, LocalOrder::Renew)
}

fn order(socket: &Path, order: LocalOrder) -> Result<Outcome, Failure> {
    let answer = ask(socket, order).map_err(|error| failure(socket, &error))?;
    match answer {
        LocalAnswer::Shown { code, url, seconds } => {
            let place = if url.is_empty() { "ADDRESS-OF-THIS-DEVICE".to_owned() } else { printable(&url) };
            let said = format!(
                "{code} is on the screen for {} minutes; where the authority is:\nkioskctl agent ca enrol '{place}'",
                seconds / 60
            );
            Ok(Outcome::new(said, json!({ "shown": true, "code": code, "url": url, "seconds": seconds })))
        }
        LocalAnswer::Stopped(was) => {
            let said = if was { "the code is gone" } else { "there was no code" };
            Ok(Outcome::new(said, json!({ "shown": false })))
        }
        LocalAnswer::Renewed(renewed) => {
            let said = match renewed {
                true => "the device has a new certificate",
                false => "the certificate is good for longer: it is renewed when two thirds of its time are over",
            };
            Ok(Outcome::new(said, json!({ "renewed": renewed })))
        }
        LocalAnswer::Refused(why) => Err(Failure::new(Exit::Failed, printable(&why))),
    }
}
fn ask(socket: &Path, order: LocalOrder) -> std::io::Result<LocalAnswer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    stream.write_all(&serde_json::to_vec(&order)?)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.take(MAX_ORDER).read_to_end(&mut answer)?;
    Ok(serde_json::from_slice(&answer)?)
}

fn failure(socket: &Path, error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Failure::new(
            Exit::NotRunning,
            "kiosk-agent does not serve the network: set agent.listen-tls and `systemctl enable --now kiosk-agent-tls`",
        ),
        ErrorKind::PermissionDenied => Failure::new(Exit::NotAllowed, "only root may ask this"),
        _ => Failure::new(Exit::Failed, format!("kiosk-agent can't be asked at {}: {error}", socket.display())),
    }
}
