//! What each route does: checks what it was given, asks the services over connections of its own, and hands on their answer.
//! Nothing is kept from one request to the next, so a service that was restarted is simply asked again.

mod bodies;
mod outputs;

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use hyper::StatusCode;
use kiosk_client::inputs::{self, InputState};
use kiosk_client::state::CompositorState;
use kiosk_client::{Client, Options, Outcome, Service, Status, page, screen};
use kiosk_core::api::PAIRING_EXPIRES;
use kiosk_core::config::{Aid, Config, Sources, Url, VtNumber};
use serde_json::{Map, Value, json};

use super::answer::{self, Answer, Problem};
use super::configure::{self, Order};
use super::request::Given;
use super::routes::Verb;
use super::{metrics, openapi};

pub use bodies::whole;
use bodies::{
    AidChange, AidState, Forget, Input, Keyboard, KeyboardMode, Message, Open, Pairing, Reload, ShellQuery, Vt,
};

/// Carries it out; `certificates`: the folder of the device's. [`Verb::Events`] is not here: it does not end.
pub async fn carry(verb: Verb, given: &Given, certificates: &Path) -> Result<Answer, Problem> {
    let client = &Client::from_environment();
    let questions =
        [Verb::Status, Verb::Outputs, Verb::Inputs, Verb::Aids, Verb::Metrics, Verb::Document, Verb::Settings];
    if questions.contains(&verb) || verb == Verb::Screenshot {
        given.nothing()?;
    }
    if verb != Verb::Screenshot {
        given.only(&[])?;
    }
    let outcome = match verb {
        Verb::Status => {
            let status = Status::read(client).await;
            status.answered()?;
            return Ok(answer::since_boot(answer::json(&status.json(None, None, None))));
        }
        Verb::Metrics => return Ok(metrics::answer(&metrics::Found::read(client, certificates).await)),
        Verb::Document => return Ok(answer::json(&openapi::document())),
        Verb::Outputs => return Ok(answer::json(&json!(compositor(client).await?.outputs))),
        Verb::Inputs => {
            let peer = client.connect(Service::Compositor).await.map_err(kiosk_client::Failure::from)?;
            let inputs = InputState::read(&peer).await.map_err(kiosk_client::Failure::from)?;
            return Ok(answer::json(&json!(inputs)));
        }
        Verb::Aids => {
            let aids = screen::aids(client).await?.into_iter().map(|(aid, on)| (aid.as_str().to_owned(), json!(on)));
            return Ok(answer::json(&Value::Object(aids.collect::<Map<_, _>>())));
        }
        Verb::Screenshot => {
            let (file, length) = screen::picture_file(client, given.query("output")?.unwrap_or_default()).await?;
            return Ok(answer::file("image/png", file, length));
        }
        Verb::Change => outputs::change(client, &given.name, given.json()?).await?,
        Verb::Apply => outputs::apply(client, given.json()?).await?,
        Verb::Confirm => empty(given, screen::confirm(client)).await?,
        Verb::Forget => {
            let Forget { outputs, key } = given.json()?;
            screen::forget(client, &outputs, key.as_deref()).await?
        }
        Verb::Input => input(client, &given.name, given.json()?).await?,
        Verb::Reload => {
            let Reload { hard, shell } = given.json()?;
            page::reload(client, shell.as_deref(), hard).await?
        }
        Verb::Open => {
            let Open { url, shell } = given.json()?;
            let url = Url::parse(&url).map_err(|error| bad(format!("url: {error}")))?;
            page::open(client, shell.as_deref(), &url).await?
        }
        Verb::Home => page::home(client, shell(given)?.as_deref()).await?,
        Verb::Restart => page::restart(client, shell(given)?.as_deref()).await?,
        Verb::Stop => page::stop(client, shell(given)?.as_deref()).await?,
        Verb::Start => page::start(client, shell(given)?.as_deref()).await?,
        Verb::ClearData => page::clear_data(client, shell(given)?.as_deref()).await?,
        Verb::Message => {
            let Message { text, title } = given.json()?;
            screen::message(client, &text, title.as_deref()).await?
        }
        Verb::Pairing => pairing(client, given.json()?).await?,
        Verb::Dismiss => empty(given, screen::dismiss(client)).await?,
        Verb::Keyboard => {
            let Keyboard { keyboard } = given.json()?;
            let state = match keyboard {
                KeyboardMode::Show => "show",
                KeyboardMode::Hide => "hide",
                KeyboardMode::Auto => "auto",
            };
            screen::keyboard(client, state).await?
        }
        Verb::Aid => {
            let AidChange { aid, state } = given.json()?;
            let known = Aid::ALL.into_iter().find(|known| known.as_str() == aid);
            let words: Vec<&str> = Aid::ALL.into_iter().map(Aid::as_str).collect();
            let aid = known.ok_or_else(|| bad(format!("aid: allowed is {}", words.join(", "))))?;
            let state = match state {
                AidState::On => "on",
                AidState::Off => "off",
                AidState::Auto => "auto",
            };
            screen::accessibility(client, aid.as_str(), state).await?
        }
        Verb::Vt => {
            let Vt { vt } = given.json()?;
            let vt = vt.ok_or_else(|| bad("vt: say which".to_owned()))?;
            let number = VtNumber::try_from(vt).map_err(|error| bad(format!("vt: {error}")))?;
            screen::switch_vt(client, number).await?
        }
        Verb::Configuration => empty(given, screen::reload_configuration(client)).await?,
        Verb::Settings => {
            let loaded = Config::load(&Sources::system());
            let errors: Vec<String> = loaded.errors.iter().map(ToString::to_string).collect();
            return Ok(answer::json(&json!({ "settings": loaded.settings(), "errors": errors })));
        }
        Verb::Configure => {
            let change = given.json()?;
            return Ok(answer::json(&configure::ask(&Order::Change(change)).await?));
        }
        Verb::ConfirmConfiguration => {
            given.empty()?;
            return Ok(answer::json(&configure::ask(&Order::Confirm).await?));
        }
        Verb::Events | Verb::Console | Verb::Inspect => {
            return Err(Problem::new(StatusCode::NOT_FOUND, "this is a stream, over HTTP alone"));
        }
        Verb::CertificateRequest | Verb::Certificate | Verb::Revoked => {
            let detail = "the device's certificate is that of the network's door: ask there (agent.listen-tls)";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
    };
    if given.as_text {
        return Ok(answer::of(StatusCode::OK, "text/plain; charset=utf-8", outcome.text.into()));
    }
    Ok(answer::json(&outcome.json))
}

fn bad(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

/// That a time is one of those that are allowed.
fn within(key: &str, seconds: u64, allowed: &RangeInclusive<Duration>) -> Result<(), Problem> {
    if allowed.contains(&Duration::from_secs(seconds)) {
        return Ok(());
    }
    let [least, most] = [allowed.start(), allowed.end()].map(|time| time.as_secs());
    Err(bad(format!("{key}: allowed is {least} to {most} seconds")))
}

/// The shell that is named in the body.
fn shell(given: &Given) -> Result<Option<String>, Problem> {
    given.json().map(|ShellQuery { shell }| shell)
}

/// An order whose body says nothing.
async fn empty(
    given: &Given,
    order: impl Future<Output = Result<Outcome, kiosk_client::Failure>>,
) -> Result<Outcome, Problem> {
    given.empty()?;
    Ok(order.await?)
}

async fn compositor(client: &Client) -> Result<CompositorState, kiosk_client::Failure> {
    Ok(CompositorState::read(&client.connect(Service::Compositor).await?).await?)
}

async fn input(client: &Client, device: &str, change: Input) -> Result<Outcome, Problem> {
    let device = device.to_owned();
    match change {
        Input { trusted: Some(true), output: None } => Ok(inputs::trust(client, &[device], &[]).await?),
        Input { trusted: Some(false), output: None } => Ok(inputs::trust(client, &[], &[device]).await?),
        Input { trusted: None, output: Some(output) } => Ok(inputs::touch_map(client, &device, &output).await?),
        _ => Err(bad("say either trusted or output".to_owned())),
    }
}

async fn pairing(client: &Client, pairing: Pairing) -> Result<Outcome, Problem> {
    let mut options = Options::new();
    for (name, text) in [("wifi", &pairing.wifi), ("wifi-password", &pairing.wifi_password), ("title", &pairing.title)]
    {
        if let Some(text) = text {
            options.insert(name, text.as_str().into());
        }
    }
    if let Some(seconds) = pairing.expires {
        within("expires", seconds.into(), &PAIRING_EXPIRES)?;
        options.insert("expires", seconds.into());
    }
    Ok(screen::pairing(client, &pairing.url, &pairing.code, options).await?)
}
