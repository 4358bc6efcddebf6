//! A new certificate for a device that has one, and newer revocation lists: asked for by who holds the authority, over the
//! network with the role `admin` (`kioskctl agent ca renew`, `push-crl`). The device makes a new key each time, and takes a
//! certificate for its own subject alone.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hyper::StatusCode;
use kiosk_core::files::read_regular;
use kiosk_enrolment::Offer;
use rcgen::KeyPair;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AUTHORITIES, CERTIFICATE, Desk, REVOKED, check, conversation, place};
use crate::answer::Problem;
use crate::request::Given;

/// Of a file of ours, bytes.
const MAX_FILE: u64 = 1 << 20;

/// The key that was last asked for, until its certificate comes.
#[derive(Default)]
pub struct Asked(Mutex<Option<KeyPair>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    revoked: String,
}

impl Desk {
    /// A request for a certificate; one that was made before counts no more.
    pub fn request(&self, given: &Given) -> Result<Value, Problem> {
        given.empty()?;
        let made = conversation::request(&conversation::host());
        let (key, request) = made.map_err(|error| failed(format!("no key can be made: {error}")))?;
        *self.asked() = Some(key);
        Ok(json!({ "request": request }))
    }

    /// What was signed for it.
    pub async fn renew(&self, given: &Given) -> Result<Value, Problem> {
        let offer: Offer = given.json()?;
        let none = || conflict("no certificate was asked for: POST /v1/certificate/request comes first".into());
        let key = self.asked().take().ok_or_else(none)?;
        let present = self.file(CERTIFICATE)?;
        check::same_subject(&offer.certificate, &present).map_err(|wrong| conflict(wrong.to_string()))?;
        let present = self.file(REVOKED).ok();
        check::not_older(&offer.revoked, present.as_deref()).map_err(|wrong| conflict(wrong.to_string()))?;
        self.take(&offer, &key).await.map_err(conflict)?;
        tracing::info!("the device's certificate is renewed");
        Ok(json!({ "done": true }))
    }

    /// A newer list of what is revoked.
    pub fn revoke(&self, given: &Given) -> Result<Value, Problem> {
        let List { revoked } = given.json()?;
        let present = self.file(REVOKED).ok();
        let checked = check::list(&revoked, present.as_deref(), &self.file(CERTIFICATE)?, &self.file(AUTHORITIES)?);
        checked.map_err(|wrong| conflict(wrong.to_string()))?;
        place::replace(&self.shared.folder, &[(REVOKED, revoked.as_bytes())], |_| Ok(()))
            .map_err(|error| failed(error.to_string()))?;
        tracing::info!("a newer revocation list is taken");
        Ok(json!({ "done": true }))
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Option<KeyPair>> {
        self.shared.asked.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn file(&self, name: &str) -> Result<String, Problem> {
        let path: PathBuf = self.shared.folder.join(name);
        let read =
            read_regular(&path, MAX_FILE).and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
        read.map_err(|error| conflict(format!("{} can't be read: {error}", path.display())))
    }
}

fn conflict(detail: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, detail)
}

fn failed(detail: String) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}
