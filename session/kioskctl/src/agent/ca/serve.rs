//! `agent ca serve`: devices renew their certificates by themselves. It listens for TLS 1.3 with a certificate of the fleet's
//! on both sides, and does one thing: for a device that is in the list and not revoked, it signs a new certificate for the same
//! name and addresses when two thirds of the present one's time are over, and hands out the revocation list in any case.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kiosk_client::Exit;
use kiosk_enrolment::{MAX_FIRST, Renewal, Renewed, read, write};
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::certificate::Subject;
use super::devices::{is_due, signed_anew};
use super::renewal_tls;
use super::store::{self, Issued, Store};
use crate::agent::cli::ServeArgs;
use crate::outcome::{Failure, Outcome, print, printable};

/// At a time; a device that finds no place comes again.
const MAX_CONNECTIONS: usize = 64;
/// For a handshake, for a question, and for an answer to leave.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Before the next connection when one could not be accepted: a shortage that lasts must not take all of a processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Between two certificates for one device, of which the first seems to be lost: the list does not grow at a device's will.
const SIGN_INTERVAL: Duration = Duration::from_secs(3600);

/// Serves until it is ended.
pub async fn run(folder: &Path, args: &ServeArgs, as_json: bool) -> Result<Outcome, Failure> {
    let acceptor = {
        // Others may be at work there while nobody asks.
        let authority = Store::open(folder)?.authority()?;
        let subject = Subject { name: "kioskctl-agent-ca", role: None, hosts: &args.addresses };
        // Its key is nowhere but in this process.
        let signed = authority.sign(&subject, &store::serial()?, authority.not_after, None)?;
        let config = renewal_tls::config(&authority.certificate, &signed);
        TlsAcceptor::from(Arc::new(
            config.map_err(|why| Failure::new(Exit::Failed, format!("TLS can't be started: {why}")))?,
        ))
    };
    let wrong = |error| Failure::new(Exit::Failed, format!("{} can't be listened at: {error}", args.listen));
    let listener = TcpListener::bind(args.listen).await.map_err(wrong)?;
    let at = listener.local_addr().map_err(wrong)?;
    say(as_json, None, &format!("{at}: devices can renew their certificates"))?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let (acceptor, folder, days) = (acceptor.clone(), folder.to_owned(), args.days);
        tokio::spawn(async move {
            let _place = place;
            serve(&acceptor, stream, from, &folder, days, as_json).await;
        });
    }
}

/// One device, which is told nothing before TLS has shown that it is one.
async fn serve(acceptor: &TlsAcceptor, stream: TcpStream, from: SocketAddr, folder: &Path, days: u32, as_json: bool) {
    let Ok(Ok(mut stream)) = tokio::time::timeout(TIMEOUT, acceptor.accept(stream)).await else { return };
    let Some(serial) = serial(&stream) else { return };
    let Ok(Ok(renewal)) = tokio::time::timeout(TIMEOUT, read::<Renewal>(&mut stream, MAX_FIRST)).await else { return };
    let (name, answer) = answer(folder, &serial, &renewal.request, days);
    let said = match &answer {
        Renewed::Signed { .. } => Some("renewed".to_owned()),
        Renewed::Early { .. } => None,
        Renewed::Refused(why) => Some(format!("refused: {why}")),
    };
    if let Some(said) = said {
        // Whoever reads it may have gone; the devices are served still.
        let _ = say(as_json, Some(&name), &format!("{name} ({}): {said}", from.ip()));
    }
    let answered = async {
        write(&mut stream, &answer).await?;
        Ok::<(), kiosk_enrolment::Failed>(stream.shutdown().await?)
    };
    // Who has gone asks again.
    let _ = tokio::time::timeout(TIMEOUT, answered).await;
}

/// Of the certificate that was verified, hexadecimal.
fn serial(stream: &TlsStream<TcpStream>) -> Option<String> {
    let own: &CertificateDer<'_> = stream.get_ref().1.peer_certificates()?.first()?;
    let read = Certificate::from_der(own).ok()?;
    Some(read.tbs_certificate.serial_number.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Who asks, and what is answered.
fn answer(folder: &Path, serial: &str, request: &str, days: u32) -> (String, Renewed) {
    let mut name = serial.to_owned();
    let answer = decide(folder, serial, request, days, &mut name);
    (printable(&name), answer.unwrap_or_else(Renewed::Refused))
}

fn decide(folder: &Path, serial: &str, request: &str, days: u32, name: &mut String) -> Result<Renewed, String> {
    let text = |error: super::CaError| error.to_string();
    let store = Store::open(folder).map_err(text)?;
    let index = store.index().map_err(text)?;
    let revoked = super::revocations(&store).map_err(text)?;
    let devices = || index.issued.iter().filter(|issued| issued.role.is_none());
    let present = devices().find(|issued| issued.serial == serial);
    let present = present.ok_or("the certificate is not in the authority's list of devices")?;
    name.clone_from(&present.name);
    if present.revoked.is_some() {
        return Err("the certificate was revoked".into());
    }
    let now = SystemTime::now();
    if !is_due(present, now) {
        return Ok(Renewed::Early { revoked });
    }
    // The device may have lost what was signed last, and asks with the one from before.
    let lately = |issued: &Issued| {
        let signed = issued.signed.as_deref().and_then(super::devices::time);
        issued.serial != serial && signed.is_some_and(|signed| now < signed + SIGN_INTERVAL)
    };
    if devices().any(|issued| issued.name == present.name && lately(issued)) {
        return Err("a certificate was signed for this device within the last hour".into());
    }
    let (_, signed) = signed_anew(&store, present, request, days).map_err(text)?;
    Ok(Renewed::Signed { certificate: signed.certificate, revoked })
}

/// A line, on standard output.
fn say(as_json: bool, device: Option<&str>, message: &str) -> Result<(), Failure> {
    if as_json { print(&json!({ "device": device, "message": message }).to_string()) } else { print(message) }
}
