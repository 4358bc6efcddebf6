//! The device renews its certificate by itself: it asks the fleet's authority at `agent.renew-at`, with its present certificate
//! as the proof, now and then ([`super::schedule`]) or when root says so (`kioskctl agent renew`). What it takes is a certificate
//! for its own subject and a newer revocation list, both of the authority that it has; another authority it takes from an
//! operator alone. The old certificate is in use until the new one is whole on the disk.

use std::sync::Arc;
use std::time::Duration;

use kiosk_core::config::RenewAt;
use kiosk_enrolment::{MAX_OFFER, Offer, RENEWAL_PROTOCOL, Renewal, Renewed, read, write};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::schedule::Schedule;
use super::{AUTHORITIES, CERTIFICATE, Desk, REVOKED, check, conversation, place};
use crate::boot_clock;
use crate::jitter::random;
use crate::tls::{Material, MaterialError};

/// For all of it: the authority may be a small machine far away.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest reason of the authority's in the log, characters.
const MAX_REASON: usize = 300;
/// A variable for tests: the first question is not put off.
const SOON_ENV: &str = "AGENT_RENEW_SOON";

/// Why there is no answer, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("nobody is to be asked: set agent.renew-at, and restart kiosk-agent-tls")]
    Nobody,
    #[error("{0} can't be reached: {1}")]
    Away(RenewAt, String),
    #[error("what answers at {0} is no authority of this fleet: {1}")]
    Strange(RenewAt, String),
    #[error("{0} refused: {1}")]
    Refused(RenewAt, String),
    #[error("what {0} answered is not taken: {1}")]
    NotTaken(RenewAt, String),
    #[error("{0}")]
    Here(String),
}

impl From<MaterialError> for AskError {
    fn from(error: MaterialError) -> Self {
        AskError::Here(error.to_string())
    }
}

impl Desk {
    /// Asks for ever; ends where nobody is to be asked.
    pub async fn ask_daily(self) {
        if self.shared.renew_at.is_none() {
            return;
        }
        let mut schedule = Schedule::default();
        let mut last = None;
        let first = if std::env::var_os(SOON_ENV).is_some() { 0 } else { random() };
        let mut pause = Schedule::first(first);
        loop {
            boot_clock::sleep(pause).await;
            // Before a device is enrolled there is nothing to be renewed.
            let enrolled = self.shared.in_force.borrow().is_some();
            let result = if enrolled { self.ask().await.map(drop) } else { Ok(()) };
            pause = schedule.next(result.is_ok(), random());
            let failed = result.err();
            if failed != last
                && let Some(error) = &failed
            {
                // Once for each reason: it is tried for as long as it takes.
                tracing::warn!(%error, "the certificate can't be renewed now");
            }
            last = failed;
        }
    }

    /// Asks now. Whether there is a new certificate; without one the present one is good for longer.
    pub async fn ask(&self) -> Result<bool, AskError> {
        let at = self.shared.renew_at.as_ref().ok_or(AskError::Nobody)?;
        // Root and the daily question one after the other.
        let _turn = self.shared.asking.lock().await;
        let made = conversation::request(&conversation::host());
        let (key, request) = made.map_err(|error| AskError::Here(format!("no key can be made: {error}")))?;
        let config = Material::client(&self.shared.folder, RENEWAL_PROTOCOL)?;
        let answer = tokio::time::timeout(TIMEOUT, exchange(at, config, &Renewal { request })).await;
        let answer = answer.map_err(|_| AskError::Away(at.clone(), "it does not answer".into()))??;
        let here = |problem: crate::answer::Problem| AskError::Here(problem.detail);
        let not_taken = |why: String| AskError::NotTaken(at.clone(), why);
        let (present, authority) = (self.file(CERTIFICATE).map_err(here)?, self.file(AUTHORITIES).map_err(here)?);
        let list = self.file(REVOKED).ok();
        match answer {
            Renewed::Signed { certificate, revoked } => {
                check::same_subject(&certificate, &present).map_err(|wrong| not_taken(wrong.to_string()))?;
                check::not_older(&revoked, list.as_deref()).map_err(|wrong| not_taken(wrong.to_string()))?;
                self.take(&Offer { certificate, authority, revoked }, &key).await.map_err(not_taken)?;
                tracing::info!(by = %at, "the device's certificate is renewed");
                Ok(true)
            }
            Renewed::Early { revoked } => {
                tracing::debug!(by = %at, "the device's certificate is not due");
                if list.as_ref() == Some(&revoked) {
                    return Ok(false);
                }
                let checked = check::list(&revoked, list.as_deref(), &present, &authority);
                checked.map_err(|wrong| not_taken(wrong.to_string()))?;
                place::replace(&self.shared.folder, &[(REVOKED, revoked.as_bytes())], |_| Ok(()))
                    .map_err(|error| AskError::Here(error.to_string()))?;
                tracing::info!(by = %at, "a newer revocation list is taken");
                Ok(false)
            }
            Renewed::Refused(why) => {
                let why = why.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
                Err(AskError::Refused(at.clone(), why))
            }
        }
    }
}

/// One question and its answer.
async fn exchange(at: &RenewAt, config: ClientConfig, renewal: &Renewal) -> Result<Renewed, AskError> {
    let away = |error: &dyn std::fmt::Display| AskError::Away(at.clone(), error.to_string());
    let stream = TcpStream::connect((at.host.as_str(), at.port)).await.map_err(|error| away(&error))?;
    let name = ServerName::try_from(at.host.clone()).map_err(|error| away(&error))?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let told = |error: &std::io::Error| match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        // In TLS 1.3 it is told after the handshake.
        Some(rustls::Error::AlertReceived(alert)) => {
            AskError::Refused(at.clone(), format!("it does not take the device's certificate ({alert:?})"))
        }
        Some(error) => AskError::Strange(at.clone(), error.to_string()),
        None => away(error),
    };
    let mut stream = connected.map_err(|error| told(&error))?;
    let asked = async {
        write(&mut stream, renewal).await?;
        read(&mut stream, MAX_OFFER).await
    };
    asked.await.map_err(|error| match &error {
        kiosk_enrolment::Failed::Io(error) => told(error),
        _ => AskError::Strange(at.clone(), error.to_string()),
    })
}
