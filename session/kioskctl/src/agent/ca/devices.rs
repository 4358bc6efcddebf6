//! `agent ca renew` and `push-crl`: what enrolled devices get later, over the network. The authority is who may command
//! everything, so it makes itself a certificate for as long as this takes, whose key is written nowhere.

use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use kiosk_client::Exit;
use serde_json::{Value, json};

use super::certificate::{Authority, Subject};
use super::store::{self, Index, Issued, Store};
use super::{CaError, DAY, Signed, issue, revocations};
use crate::agent::cli::{PushArgs, RenewArgs};
use crate::outcome::{Failure, Outcome, printable};
use crate::remote::{PORT, Remote};

const JSON: &str = "application/json";

/// What became of one device.
struct Done<'a> {
    name: &'a str,
    /// What was done, or why it was not.
    result: Result<String, Failure>,
}

/// Devices whose certificates are due, or those that are named.
pub async fn renew(folder: &Path, args: &RenewArgs) -> Result<Outcome, Failure> {
    let (store, index) = opened(folder)?;
    let now = SystemTime::now();
    let devices = chosen(&index, &args.which, |issued| args.all || is_due(issued, now))?;
    let caller = Caller::new(&store)?;
    let mut all = Vec::new();
    for issued in &devices {
        let result = renewed(&store, &caller, issued, args.days).await;
        all.push(Done { name: &issued.name, result });
    }
    Ok(told(&all, "no certificate is due"))
}

/// The revocation list, to all devices or those that are named.
pub async fn push(folder: &Path, args: &PushArgs) -> Result<Outcome, Failure> {
    let (store, index) = opened(folder)?;
    let devices = chosen(&index, &args.which, |_| true)?;
    let caller = Caller::new(&store)?;
    let body = json!({ "revoked": revocations(&store)? });
    let mut all = Vec::new();
    for issued in &devices {
        let sent = caller.ask(issued, "PUT", "/v1/certificate/revoked", Some(&body)).await;
        all.push(Done { name: &issued.name, result: sent.map(|_| "has the revocation list".into()) });
    }
    Ok(told(&all, "there is no device"))
}

async fn renewed(store: &Store, caller: &Caller, former: &Issued, days: u32) -> Result<String, Failure> {
    let (remote, answer) = caller.ask(former, "POST", "/v1/certificate/request", Some(&json!({}))).await?;
    let request = answer.get("request").and_then(Value::as_str).ok_or_else(|| remote.strange())?;
    let (issued, signed) = signed_anew(store, former, request, days)?;
    let body = json!({
        "certificate": signed.certificate,
        "authority": store.authority()?.certificate,
        "revoked": revocations(store)?,
    });
    remote.ask("PUT", "/v1/certificate", Some(&body)).await?;
    Ok(format!("renewed until {}", issued.not_after))
}

/// A certificate for the name and the addresses of a former one, and the key of a request.
pub fn signed_anew(store: &Store, former: &Issued, request: &str, days: u32) -> Result<(Issued, Signed), CaError> {
    let subject = Subject { name: &former.name, role: None, hosts: &former.hosts };
    issue(store, &subject, days, Some(request), former.port)
}

fn opened(folder: &Path) -> Result<(Store, Index), CaError> {
    let store = Store::open(folder)?;
    let index = store.index()?;
    Ok((store, index))
}

/// Of each device its last certificate, unless it is revoked.
fn devices(index: &Index) -> Vec<&Issued> {
    let mut last: std::collections::BTreeMap<&str, &Issued> = std::collections::BTreeMap::new();
    for issued in index.issued.iter().filter(|issued| issued.role.is_none()) {
        last.insert(&issued.name, issued);
    }
    last.into_values().filter(|issued| issued.revoked.is_none()).collect()
}

fn chosen(index: &Index, which: &[String], wanted: impl Fn(&Issued) -> bool) -> Result<Vec<Issued>, CaError> {
    let all = devices(index);
    if which.is_empty() {
        return Ok(all.into_iter().filter(|issued| wanted(issued)).cloned().collect());
    }
    let one = |name: &String| {
        let found = all.iter().find(|issued| issued.name == *name).map(|issued| (*issued).clone());
        found.ok_or_else(|| CaError::Unknown(name.clone()))
    };
    which.iter().map(one).collect()
}

/// Two thirds of its time are over. One from before that was noted has a year.
pub fn is_due(issued: &Issued, now: SystemTime) -> bool {
    let Some(end) = time(&issued.not_after) else { return true };
    let begin = issued.signed.as_deref().and_then(time).unwrap_or(end - DAY * 365);
    let life = end.duration_since(begin).unwrap_or_default();
    now >= begin + life / 3 * 2
}

/// What the list has of a moment.
pub fn time(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().map(SystemTime::from)
}

fn told(all: &[Done<'_>], none: &str) -> Outcome {
    let line = |done: &Done<'_>| match &done.result {
        Ok(said) => format!("{}: {said}", done.name),
        Err(failure) => format!("{}: not done: {}", done.name, printable(failure.message())),
    };
    let lines: Vec<String> = all.iter().map(line).collect();
    let one = |done: &Done<'_>| {
        let said = done.result.as_ref().map_or_else(|failure| failure.message().to_owned(), Clone::clone);
        json!({ "name": done.name, "done": done.result.is_ok(), "message": said })
    };
    let json = Value::Array(all.iter().map(one).collect());
    let text = if lines.is_empty() { none.to_owned() } else { lines.join("\n") };
    let failed = all.iter().any(|done| done.result.is_err());
    Outcome { exit: if failed { Exit::Failed } else { Exit::Done }, ..Outcome::new(text, json) }
}

/// The authority as a caller.
struct Caller {
    certificate: String,
    key: String,
    authority: String,
}

impl Caller {
    fn new(store: &Store) -> Result<Self, CaError> {
        let authority: Authority = store.authority()?;
        let subject = Subject { name: "kioskctl-agent-ca", role: Some("admin"), hosts: &[] };
        // A day: clocks of devices may be wrong.
        let end = (SystemTime::now() + DAY).min(authority.not_after);
        let signed = authority.sign(&subject, &store::serial()?, end, None)?;
        let key = signed.key.unwrap_or_default();
        Ok(Caller { certificate: signed.certificate, key, authority: authority.certificate })
    }

    /// By the first of its names that answers.
    async fn ask(
        &self,
        device: &Issued,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Remote, Value), Failure> {
        let mut away = Failure::new(Exit::Failed, "its certificate has no address");
        for host in &device.hosts {
            let place = (host.clone(), device.port.unwrap_or(PORT));
            let remote = Remote::of(place, &self.certificate, &self.key, &self.authority)?;
            match remote.ask(method, path, body).await {
                Err(failure) if failure.exit == Exit::NotRunning => away = failure,
                answer => return answer.map(|answer| (remote, answer)),
            }
        }
        Err(away)
    }
}

impl Remote {
    /// A request whose answer is JSON.
    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let answer = self.send(method, path, body, JSON).await?;
        serde_json::from_slice(&self.whole(answer).await?).map_err(|_| self.strange())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(name: &str, signed: Option<&str>, end: &str, revoked: bool) -> Issued {
        Issued {
            serial: "40".into(),
            name: name.into(),
            role: None,
            hosts: vec![name.into()],
            port: None,
            signed: signed.map(str::to_owned),
            not_after: end.into(),
            revoked: revoked.then(|| end.to_owned()),
        }
    }

    #[test]
    fn a_certificate_is_due_when_two_thirds_of_its_time_are_over() {
        let at = |text: &str| SystemTime::from(text.parse::<Timestamp>().unwrap());
        let long = issued("a", Some("2026-01-01T00:00:00Z"), "2026-03-31T00:00:00Z", false);
        assert!(!is_due(&long, at("2026-02-28T00:00:00Z")) && is_due(&long, at("2026-03-02T00:00:00Z")));
        let old = issued("a", None, "2027-01-01T00:00:00Z", false);
        assert!(!is_due(&old, at("2026-08-01T00:00:00Z")) && is_due(&old, at("2026-09-10T00:00:00Z")));
        assert!(is_due(&issued("a", None, "nonsense", false), at("2026-08-01T00:00:00Z")));
    }

    #[test]
    fn of_each_device_its_last_certificate_counts_unless_it_is_revoked() {
        let end = "2027-01-01T00:00:00Z";
        let mut anna = issued("anna", None, end, false);
        anna.role = Some("view".into());
        let all = vec![
            issued("a", Some("old"), end, false),
            issued("b", None, end, false),
            issued("b", None, end, true),
            issued("a", Some("new"), end, false),
            anna,
        ];
        let index = Index::of(all);
        let found = devices(&index);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].signed.as_deref(), Some("new"));
        assert!(matches!(chosen(&index, &["b".into()], |_| true), Err(CaError::Unknown(_))));
    }
}
