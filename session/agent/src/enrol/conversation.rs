//! One operator's connection: hello with a proof, welcome with ours and a request, an offer, and whether it was taken. The key
//! is made for it and is written nowhere before it is certified. Whoever stays silent is not waited for.

use std::time::Duration;

use kiosk_enrolment::{Answer, BINDING, Hello, MAX_FIRST, MAX_OFFER, Offer, Refusal, Welcome, read, write};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{AUTHORITIES, CERTIFICATE, Desk, IN_FORCE_TIMEOUT, KEY, REVOKED, check, place};
use crate::boot_clock;
use crate::tls::Material;

/// For the operator's hello: it is sent as soon as there is TLS.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// For what the operator signs, on a slow machine over a slow network.
const OFFER_TIMEOUT: Duration = Duration::from_secs(60);
/// For an answer to leave.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest name that a device tells of itself; a certificate's has as many characters.
const MAX_HOST: usize = 64;

type Stream = TlsStream<TcpStream>;

/// What somebody proves, who is nobody yet; `None`: nothing that can be read, or nothing in time.
pub async fn hear(stream: &mut Stream) -> Option<Hello> {
    let hello = tokio::time::timeout(HELLO_TIMEOUT, read(stream, MAX_FIRST)).await;
    hello.ok()?.inspect_err(|error| tracing::debug!(%error, "no proof of the code")).ok()
}

impl Desk {
    /// Answers one who has said hello, to the end.
    pub async fn converse(&self, mut stream: Stream, hello: Hello, from: &str) {
        let Ok(binding) = stream.get_ref().1.export_keying_material([0; 32], BINDING, None) else { return };
        let number = self.shared.conversations.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (proven, screen) = self.shared.machine().prove(number, &hello.proof, &binding, boot_clock::now());
        self.screen(screen).await;
        let answer = match proven {
            Ok(proof) => {
                let _held = Held { desk: self, number };
                self.certify(&mut stream, proof, from).await
            }
            Err(refusal) => {
                tracing::info!(from, ?refusal, "an enrolment was refused");
                Some(Answer::Refused(refusal))
            }
        };
        if let Some(answer) = answer {
            say(&mut stream, &answer).await;
        }
    }

    /// With somebody who knows the code; the last answer, where there is one to be given.
    async fn certify(&self, stream: &mut Stream, proof: kiosk_enrolment::Proof, from: &str) -> Option<Answer> {
        let host = host();
        let not_taken = |why: String| {
            tracing::warn!(from, why, "what was offered is not taken");
            Some(Answer::Refused(Refusal::NotTaken(why)))
        };
        let (key, request) = match request(&host) {
            Ok(made) => made,
            Err(error) => return not_taken(format!("no key can be made: {error}")),
        };
        if !say(stream, &Answer::Welcome(Welcome { proof, request, host })).await {
            return None;
        }
        let offer = tokio::time::timeout(OFFER_TIMEOUT, read::<Offer>(stream, MAX_OFFER)).await;
        let offer = match offer {
            Ok(Ok(offer)) => offer,
            Ok(Err(error)) => {
                tracing::info!(from, %error, "an enrolment ended before its end");
                return None;
            }
            Err(_) => return not_taken("nothing was offered in time".into()),
        };
        if let Err(why) = self.take(&offer, &key).await {
            return not_taken(why);
        }
        tracing::warn!(from, "the device is enrolled: who its authority certifies may command it");
        let screen = self.shared.machine().stop();
        self.screen(screen).await;
        Some(Answer::Done)
    }

    /// Puts an offer in force, all of it or nothing.
    pub(super) async fn take(&self, offer: &Offer, key: &KeyPair) -> Result<(), String> {
        check::offer(offer, key.public_key_raw()).map_err(|wrong| wrong.to_string())?;
        let private = key.serialize_pem();
        let files = [
            (AUTHORITIES, offer.authority.as_bytes()),
            (REVOKED, offer.revoked.as_bytes()),
            (KEY, private.as_bytes()),
            (CERTIFICATE, offer.certificate.as_bytes()),
        ];
        let mut in_force = self.shared.in_force.clone();
        in_force.mark_unchanged();
        // As the listener will read it.
        let good = |new: &std::path::Path| Material::read(new).map(drop).map_err(|error| error.to_string());
        place::replace(&self.shared.folder, &files, good).map_err(|error| error.to_string())?;
        if tokio::time::timeout(IN_FORCE_TIMEOUT, in_force.changed()).await.is_err() {
            tracing::warn!("new certificates are in their place, and not yet in force");
        }
        Ok(())
    }
}

/// The code is free again, where the conversation ends without an end.
struct Held<'a> {
    desk: &'a Desk,
    number: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let screen = self.desk.shared.machine().release(self.number, boot_clock::now());
        if screen != super::Screen::Stays {
            // A full queue has something that looks at the screen in it.
            let _ = self.desk.orders.try_send(super::Order::Screen(screen));
        }
    }
}

/// A new key, and the request for its certificate, PEM.
pub(super) fn request(host: &str) -> Result<(KeyPair, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, host);
    let request = params.serialize_request(&key)?.pem()?;
    Ok((key, request))
}

/// What the device calls itself, as a certificate's name may be.
pub(super) fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let fits = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let name: String = name.chars().filter(fits).skip_while(|c| !c.is_ascii_alphanumeric()).take(MAX_HOST).collect();
    if name.is_empty() { "kiosk".into() } else { name }
}

/// Whether it has left.
async fn say(stream: &mut Stream, answer: &Answer) -> bool {
    let said = async {
        write(stream, answer).await?;
        if !matches!(answer, Answer::Welcome(_)) {
            tokio::io::AsyncWriteExt::shutdown(stream).await?;
        }
        Ok::<(), kiosk_enrolment::Failed>(())
    };
    matches!(tokio::time::timeout(WRITE_TIMEOUT, said).await, Ok(Ok(())))
}
