//! `agent ca enrol`: a device that shows a code on its screen gets a certificate. Both prove to know the code, each bound to
//! this connection; only then is anything signed. What the device says afterwards decides whether the certificate stands.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use kiosk_client::Exit;
use kiosk_enrolment::{
    Answer, BINDING, Code, Failed, Hello, MAX_FIRST, Offer, Refusal, Secret, Side, Welcome, operator_tls, read, write,
};
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::{Subject, host_name, is_host};
use super::store::Store;
use super::{CaError, issue, revocations, revoke_serial};
use crate::agent::cli::CaEnrolArgs;
use crate::outcome::{Failure, Outcome, printable};
use crate::remote::place;

/// For the connection with its handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For an answer: the device makes a key, and writes files.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest line with a code, bytes.
const MAX_LINE: u64 = 1024;

/// Where the device is, and the code where its QR code said it.
struct Device {
    host: String,
    port: u16,
    code: Option<String>,
}

pub async fn run(folder: &std::path::Path, args: &CaEnrolArgs) -> Result<Outcome, Failure> {
    let device = device(&args.device).ok_or_else(|| {
        usage(format!("{:?} is neither an address[:PORT] nor what a device's QR code says", args.device))
    })?;
    let code = match args.code.as_ref().or(device.code.as_ref()) {
        Some(code) => code.clone(),
        None => asked()?,
    };
    let code: Code = code.parse().map_err(|error: kiosk_enrolment::WrongCode| usage(error.to_string()))?;
    for address in &args.addresses {
        host_name(address)?;
    }
    let store = Store::open(folder)?;
    if let Some(name) = &args.name {
        unknown(&store, name)?;
    }
    let secret = Secret::of(&code);
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, connect(&device)).await;
    let mut stream = connected.map_err(|_| away(&device, &"it does not answer"))??;
    let welcome = welcomed(&mut stream, &device, &secret).await?;
    // From here on it is certain who is at the other end.
    let host = printable(&welcome.host);
    let name = args.name.clone().unwrap_or_else(|| host.clone());
    unknown(&store, &name)?;
    let hosts = hosts(&device.host, &args.addresses, &host);
    let subject = Subject { name: &name, role: None, hosts: &hosts };
    let (issued, signed) = issue(&store, &subject, args.days, Some(&welcome.request), Some(device.port))?;
    let authority = store.authority()?;
    let offer = Offer {
        certificate: signed.certificate,
        authority: authority.certificate.clone(),
        revoked: revocations(&store)?,
    };
    let answered = async {
        write(&mut stream, &offer).await?;
        read(&mut stream, MAX_FIRST).await
    };
    match tokio::time::timeout(ANSWER_TIMEOUT, answered).await {
        Ok(Ok(Answer::Done)) => {
            let said = format!(
                "{name} is enrolled, until {}: kioskctl --host {} --cert … --key … --ca {} status",
                issued.not_after,
                hosts.first().map_or(name.as_str(), String::as_str),
                folder.join("ca.pem").display()
            );
            Ok(Outcome::new(said, json!(issued)))
        }
        Ok(Ok(Answer::Refused(Refusal::NotTaken(why)))) => {
            // Nobody has its key.
            revoke_serial(&store, &issued.serial)?;
            Err(failed(format!("{} did not take its certificate: {}", device.host, printable(&why))))
        }
        _ => Err(failed(format!(
            "{} did not say whether it has taken its certificate; if it shows a code still, `kioskctl agent ca revoke {}` and try again",
            device.host, issued.serial
        ))),
    }
}

/// Proves the code, and is told the device's own proof.
async fn welcomed(stream: &mut TlsStream<TcpStream>, device: &Device, secret: &Secret) -> Result<Welcome, Failure> {
    let lost = |error: &Failed| match error {
        Failed::Io(_) => away(device, &"it ended the connection; does its screen show a code?"),
        _ => failed(format!("what answers at {} is no device that is being enrolled: {error}", device.host)),
    };
    let binding = stream.get_ref().1.export_keying_material([0; 32], BINDING, None);
    let binding = binding.map_err(|error| failed(format!("TLS with {} failed: {error}", device.host)))?;
    let hello = Hello { proof: secret.proof(Side::Operator, &binding) };
    let answered = async {
        write(stream, &hello).await?;
        read(stream, MAX_FIRST).await
    };
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, answered).await;
    let answer = answer.map_err(|_| away(device, &"it does not answer"))?.map_err(|error| lost(&error))?;
    let host = &device.host;
    match answer {
        Answer::Welcome(welcome) if secret.accepts(Side::Device, &binding, &welcome.proof) => Ok(welcome),
        Answer::Welcome(_) => Err(failed(format!(
            "what answers at {host} does not know the code: it is not the device before you, or somebody stands between"
        ))),
        Answer::Refused(Refusal::WrongCode { left: 0 }) => Err(failed(format!(
            "{host}: the code is wrong, and was too often; the screen shows another one in a moment"
        ))),
        Answer::Refused(Refusal::WrongCode { left }) => {
            Err(failed(format!("{host}: the code is wrong; it may be tried {left} times more")))
        }
        Answer::Refused(Refusal::NoCode) => Err(failed(format!("{host} shows no code now"))),
        Answer::Refused(Refusal::Busy) => Err(failed(format!("{host} is being enrolled by somebody else just now"))),
        Answer::Refused(Refusal::NotTaken(why)) => Err(failed(format!("{host}: {}", printable(&why)))),
        Answer::Done => Err(failed(format!("what answers at {host} is no device that is being enrolled"))),
    }
}

async fn connect(device: &Device) -> Result<TlsStream<TcpStream>, Failure> {
    let config = operator_tls().map_err(|error| failed(format!("TLS can't be started: {error}")))?;
    let stream = TcpStream::connect((device.host.as_str(), device.port)).await;
    let stream = stream.map_err(|error| away(device, &error))?;
    let name = ServerName::try_from(device.host.clone()).map_err(|error| away(device, &error))?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    connected.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => failed(format!("what answers at {} is no device that is being enrolled: {error}", device.host)),
        None => away(device, &"it ended the connection; does its screen show a code?"),
    })
}

/// `HOST[:PORT]`, or `https://HOST:PORT/#CODE`.
fn device(text: &str) -> Option<Device> {
    let Some(rest) = text.strip_prefix("https://") else {
        let (host, port) = place(text)?;
        return Some(Device { host, port, code: None });
    };
    let (at, code) = rest.split_once('#').map_or((rest, None), |(at, code)| (at, Some(code.to_owned())));
    let (host, port) = place(at.strip_suffix('/').unwrap_or(at))?;
    Some(Device { host, port, code })
}

/// By which the device may be called: as it was, as somebody says, as it calls itself.
fn hosts(called: &str, more: &[String], own: &str) -> Vec<String> {
    let mut all = vec![called.to_owned()];
    let own_names = [own.to_owned(), format!("{own}.local")];
    let own_names = own_names.into_iter().filter(|_| own != "localhost" && is_host(own));
    for name in more.iter().cloned().chain(own_names) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// That no other device has this name: it would be revoked with it.
fn unknown(store: &Store, name: &str) -> Result<(), CaError> {
    let index = store.index()?;
    let taken = index.issued.iter().any(|issued| issued.name == name && issued.revoked.is_none());
    if taken { Err(CaError::Taken(name.to_owned())) } else { Ok(()) }
}

/// The code, typed: on a command line every program could read it.
fn asked() -> Result<String, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        // A prompt that can't be written is none.
        let _ = write!(std::io::stderr(), "Code on the device's screen: ");
    }
    let mut line = String::new();
    let read = std::io::Read::take(input.lock(), MAX_LINE).read_line(&mut line);
    read.map_err(|error| failed(format!("the code can't be read: {error}")))?;
    Ok(line)
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn failed(message: String) -> Failure {
    Failure::new(Exit::Failed, message)
}

fn away(device: &Device, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::NotRunning, format!("{} can't be reached at port {}: {why}", device.host, device.port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_called_by_its_address_or_by_what_its_qr_code_says() {
        for (text, host, port, code) in [
            ("192.168.1.5", "192.168.1.5", 8443, None),
            ("hall:99", "hall", 99, None),
            ("https://192.168.1.5:8443/#K7WM-3PXA-9QTD", "192.168.1.5", 8443, Some("K7WM-3PXA-9QTD")),
            ("https://[fd00::1]:99/#X", "fd00::1", 99, Some("X")),
            ("https://hall.local/", "hall.local", 8443, None),
        ] {
            let told = device(text).unwrap();
            assert_eq!((told.host.as_str(), told.port, told.code.as_deref()), (host, port, code), "{text}");
        }
        for wrong in ["", "http://a", "https://", "https:///#A", "https://a/b#A", "a b"] {
            assert!(device(wrong).is_none(), "{wrong}");
        }
        let more = ["hall.example".to_owned(), "10.0.0.1".to_owned()];
        assert_eq!(hosts("10.0.0.1", &more, "hall"), ["10.0.0.1", "hall.example", "hall", "hall.local"]);
        assert_eq!(hosts("10.0.0.1", &[], "localhost"), ["10.0.0.1"]);
    }
}
