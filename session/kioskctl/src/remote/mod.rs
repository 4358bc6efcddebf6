//! `--host`: the same verbs of another machine, by its kiosk-agent. The command line, the words and the exit codes are those
//! of the verbs here; [`connection`] asks, [`requests`] has the request of each verb, and what changes screens goes through
//! [`crate::screen`] as it does here.

mod config;
mod connection;
mod console;
mod inspect;
mod requests;
mod watch;

use std::path::PathBuf;

use clap::{Args, ValueHint};
use hyper::Response;
use hyper::body::Incoming;
use kiosk_client::change::{self, Change, Lasting};
use kiosk_client::inputs::InputState;
use kiosk_client::state::CompositorState;
use kiosk_client::{Exit, Failure, Outcome, Status};
use serde_json::Value;

pub use connection::{PORT, Remote, place};
use requests::{Plan, plan};

use super::cli::{ConfigVerb, Verb, lasting};
use super::screen::Screens;
use super::{apply, inputs, outputs, screen, screenshot, status};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

/// Another machine, and who asks it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Another machine")]
pub struct RemoteArgs {
    /// Do it on this device, over the network: a name or an address of its certificate
    #[arg(id = "remote-host", long = "host", global = true, value_name = "NAME[:PORT]", value_hint = ValueHint::Hostname)]
    pub host: Option<String>,
    /// With --host: your certificate, PEM
    #[arg(id = "remote-cert", long = "cert", global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cert: Option<PathBuf>,
    /// With --host: its key, PEM
    #[arg(id = "remote-key", long = "key", global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// With --host: the certificate of the authority that vouches for the device, PEM
    #[arg(id = "remote-ca", long = "ca", global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca: Option<PathBuf>,
}

/// Carries a verb out there.
pub async fn run(remote: &Remote, verb: &Verb, as_json: bool) -> Result<Outcome, Failure> {
    match verb {
        Verb::Status { watch: true, .. } => watch::status(remote, as_json).await,
        Verb::Wait { what, shell, stable, timeout } => {
            watch::wait(remote, *what, shell.as_deref(), *stable, *timeout).await
        }
        Verb::Status { slots: false, boot: false, frames: false, .. } => {
            let answer = remote.send("GET", "/v1/status", None, JSON).await?;
            let now = boot_time(&answer);
            let json = remote.json(answer).await?;
            let status = Status::told(&json).ok_or_else(|| remote.strange())?;
            Ok(Outcome::new(status::text(status, now), json))
        }
        Verb::Console(of) => console::console(remote, of.shell.as_deref(), as_json).await,
        Verb::Outputs { modes } => Ok(outputs::listed(&remote.state().await?, *modes)),
        Verb::Inputs { trust, untrust } if trust.is_empty() && untrust.is_empty() => {
            let json = remote.json(remote.send("GET", "/v1/inputs", None, JSON).await?).await?;
            let all: Vec<InputState> = serde_json::from_value(json).map_err(|_| remote.strange())?;
            Ok(inputs::listed(&all))
        }
        Verb::Rotate { to, change } => screen::rotate(remote, *to, change).await,
        Verb::Mode { mode, change } => screen::mode(remote, *mode, change).await,
        Verb::Scale { scale, change } => screen::scale(remote, *scale, change).await,
        Verb::Position { position, change } => screen::position(remote, *position, change).await,
        Verb::Mirror { source, change } => screen::mirror(remote, source, change).await,
        Verb::Brightness { percent, change } => screen::brightness(remote, *percent, change).await,
        Verb::Screen { power, outputs } => screen::power(remote, *power, outputs).await,
        Verb::Apply { file, verify: true, .. } => apply::apply(remote, file, Lasting::Verify).await,
        Verb::Apply { file, verify: false, lasting: args } => apply::apply(remote, file, lasting(args)).await,
        Verb::Screenshot { file, output } => {
            let path = requests::screenshot(output.as_deref());
            let answer = remote.send("GET", &path, None, "image/png").await?;
            screenshot::put(file, &remote.whole(answer).await?)
        }
        Verb::Config { what: ConfigVerb::Get { key } } => config::get(remote, key).await,
        Verb::Config { what: ConfigVerb::Set { key, value, undo } } => {
            config::set(remote, key, value, undo.revert_after).await
        }
        Verb::Config { what: ConfigVerb::Unset { key, undo } } => config::unset(remote, key, undo.revert_after).await,
        Verb::Confirm => config::confirm(remote, as_json).await,
        other => match plan(other)? {
            Plan::One(request) => remote.order(&request.method, &request.path, request.body, as_json).await,
            Plan::Several(requests) => {
                let (mut lines, mut all) = (Vec::new(), Vec::new());
                for request in requests {
                    let done = remote.order(&request.method, &request.path, request.body, as_json).await?;
                    lines.push(done.text);
                    all.extend(done.json.as_array().cloned().unwrap_or_default());
                }
                Ok(Outcome::new(lines.join("\n"), Value::Array(all)))
            }
            Plan::NotThere(why) => Err(Failure::new(Exit::Usage, why)),
        },
    }
}

impl Remote {
    async fn json(&self, answer: Response<Incoming>) -> Result<Value, Failure> {
        serde_json::from_slice(&self.whole(answer).await?).map_err(|_| self.strange())
    }

    /// Something to be done, whose words are the device's.
    async fn order(&self, method: &str, path: &str, body: Option<Value>, as_json: bool) -> Result<Outcome, Failure> {
        let kind = if as_json { JSON } else { TEXT };
        let answer = self.send(method, path, body.as_ref(), kind).await?;
        if as_json {
            return Ok(Outcome::new("", self.json(answer).await?));
        }
        let text = self.whole(answer).await?;
        let lines = String::from_utf8_lossy(&text);
        let lines: Vec<String> = lines.lines().map(super::outcome::printable).collect();
        Ok(Outcome::new(lines.join("\n"), Value::Null))
    }
}

impl Screens for Remote {
    async fn state(&self) -> Result<CompositorState, Failure> {
        let json = self.json(self.send("GET", "/v1/status", None, JSON).await?).await?;
        let status = Status::told(&json).ok_or_else(|| self.strange())?;
        Ok(status.compositor?)
    }

    async fn carry_out(&self, changes: Vec<Change>, lasting: Lasting) -> Result<Outcome, Failure> {
        let body = change::request(&changes, lasting);
        let json = self.json(self.send("POST", "/v1/outputs", Some(&body), JSON).await?).await?;
        Ok(Outcome::new(change::text(&changes, lasting), json))
    }
}

/// What the moments in an answer count from; `None`: it does not say.
fn boot_time(answer: &Response<Incoming>) -> Option<u64> {
    answer.headers().get("kiosk-boot-time")?.to_str().ok()?.parse().ok()
}
