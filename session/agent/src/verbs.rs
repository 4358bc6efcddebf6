//! What each route does: checks what it was given, asks the services over connections of its own, and hands on their answer.
//! Nothing is kept from one request to the next, so a service that was restarted is simply asked again.

use std::ops::RangeInclusive;
use std::time::Duration;

use hyper::StatusCode;
use kiosk_client::change::{Change, DEFAULT_REVERT_SECONDS, Lasting, Setting, carry_out};
use kiosk_client::inputs::{self, InputState};
use kiosk_client::outputs::{find, select};
use kiosk_client::state::{CompositorState, OutputState};
use kiosk_client::{Client, Options, Outcome, Service, Status, page, screen};
use kiosk_core::api::{PAIRING_EXPIRES, REVERT_AFTER};
use kiosk_core::config::{Aid, Brightness, Config, Position, Rotation, Scale, Sources, Url, VtNumber, syntax};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::answer::{self, Answer, Problem};
use super::configure::{self, Order};
use super::device::Device;
use super::request::Given;
use super::routes::Verb;
use super::{metrics, openapi};

/// Outputs that are changed at once; no device has more.
const MAX_CHANGES: usize = 64;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ShellQuery {
    #[serde(deserialize_with = "some")]
    shell: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Reload {
    hard: bool,
    #[serde(deserialize_with = "some")]
    shell: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    url: String,
    #[serde(default, deserialize_with = "some")]
    shell: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Forget {
    outputs: Vec<String>,
    #[serde(deserialize_with = "some")]
    key: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Changes {
    #[serde(deserialize_with = "some")]
    power: Option<Power>,
    #[serde(deserialize_with = "some")]
    mode: Option<String>,
    #[serde(deserialize_with = "whole")]
    rotation: Option<u32>,
    #[serde(deserialize_with = "number_or_word")]
    scale: Option<String>,
    #[serde(deserialize_with = "some")]
    position: Option<(i32, i32)>,
    #[serde(deserialize_with = "some")]
    mirror: Option<String>,
    #[serde(deserialize_with = "whole")]
    brightness: Option<u32>,
    lasting: How,
    #[serde(deserialize_with = "whole")]
    revert_after: Option<u64>,
}

/// Several outputs at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct All {
    changes: Vec<OfOne>,
    #[serde(default)]
    lasting: How,
    #[serde(default, deserialize_with = "whole")]
    revert_after: Option<u64>,
}

/// What [`Changes`] has, beside the output.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct OfOne {
    output: String,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Power {
    On,
    Off,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    Verify,
    Temporary,
    #[default]
    Keep,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Input {
    #[serde(deserialize_with = "some")]
    trusted: Option<bool>,
    #[serde(deserialize_with = "some")]
    output: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    text: String,
    #[serde(default, deserialize_with = "some")]
    title: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Pairing {
    url: String,
    code: String,
    #[serde(deserialize_with = "whole")]
    expires: Option<u32>,
    #[serde(deserialize_with = "some")]
    wifi: Option<String>,
    #[serde(deserialize_with = "some")]
    wifi_password: Option<String>,
    #[serde(deserialize_with = "some")]
    title: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keyboard {
    keyboard: KeyboardMode,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KeyboardMode {
    Show,
    Hide,
    Auto,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AidChange {
    aid: String,
    state: AidState,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AidState {
    On,
    Off,
    Auto,
}

/// A body that says nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vt {
    #[serde(deserialize_with = "whole")]
    vt: Option<u32>,
}

/// As JSON has it: `1.5` or `"auto"`.
fn number_or_word<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    Ok(Some(match Value::deserialize(value)? {
        Value::String(word) => word,
        other => other.to_string(),
    }))
}

/// What is there is not null.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// A whole number, also where it is written as 90.0: JSON has one kind of number.
fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(value: D) -> Result<Option<T>, D::Error> {
    let number = f64::deserialize(value)?;
    // Exact up to 2^53, which is far beyond what any of them may be.
    let number = (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    let number = number.and_then(|number| T::try_from(number).ok());
    number.map(Some).ok_or_else(|| serde::de::Error::custom("allowed is a whole number, 0 or more"))
}

/// Carries it out. [`Verb::Events`] is not here: it does not end.
pub async fn carry(verb: Verb, given: &Given) -> Result<Answer, Problem> {
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
        Verb::Metrics => return Ok(metrics::answer(&Status::read(client).await, &Device::read())),
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
            let png = screen::picture(client, given.query("output")?.unwrap_or_default()).await?;
            return Ok(answer::of(StatusCode::OK, "image/png", png.into()));
        }
        Verb::Change => change(client, &given.name, given.json()?).await?,
        Verb::Apply => apply(client, given.json()?).await?,
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
            let Nothing {} = given.json()?;
            return Ok(answer::json(&configure::ask(&Order::Confirm).await?));
        }
        Verb::Events => return Err(Problem::new(StatusCode::NOT_FOUND, "events are a stream")),
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
    let Nothing {} = given.json()?;
    Ok(order.await?)
}

async fn compositor(client: &Client) -> Result<CompositorState, kiosk_client::Failure> {
    Ok(CompositorState::read(&client.connect(Service::Compositor).await?).await?)
}

/// How long a change lasts.
fn lasting(how: How, revert_after: Option<u64>) -> Result<Lasting, Problem> {
    Ok(match (how, revert_after) {
        (How::Keep, None) => Lasting::Keep,
        (How::Verify, None) => Lasting::Verify,
        (How::Temporary, seconds) => {
            let seconds = seconds.unwrap_or(DEFAULT_REVERT_SECONDS);
            within("revert-after", seconds, &REVERT_AFTER)?;
            Lasting::Temporary(seconds)
        }
        (_, Some(_)) => return Err(bad("revert-after goes with \"lasting\": \"temporary\" only".to_owned())),
    })
}

async fn change(client: &Client, output: &str, changes: Changes) -> Result<Outcome, Problem> {
    let lasting = lasting(changes.lasting, changes.revert_after)?;
    carry_all(client, &[(output.to_owned(), changes)], lasting).await
}

/// All of it or nothing.
async fn apply(client: &Client, all: All) -> Result<Outcome, Problem> {
    let lasting = lasting(all.lasting, all.revert_after)?;
    if all.changes.len() > MAX_CHANGES {
        return Err(bad(format!("changes: allowed are at most {MAX_CHANGES}")));
    }
    let read = |OfOne { output, settings }| {
        let keys = ["lasting", "revert-after"];
        if let Some(key) = keys.into_iter().find(|key| settings.contains_key(*key)) {
            return Err(bad(format!("{key} is for all changes, beside them")));
        }
        let changes: Result<Changes, _> = serde_json::from_value(Value::Object(settings));
        let changes = changes.map_err(|error| bad(format!("the change of {output:?} can't be used: {error}")))?;
        Ok((output, changes))
    };
    let changes = all.changes.into_iter().map(read).collect::<Result<Vec<_>, Problem>>()?;
    if changes.is_empty() {
        return Err(bad("changes: say at least one".to_owned()));
    }
    carry_all(client, &changes, lasting).await
}

async fn carry_all(client: &Client, wanted: &[(String, Changes)], lasting: Lasting) -> Result<Outcome, Problem> {
    // Checked before anybody is asked.
    for (_, changes) in wanted {
        settings(changes, |_| Ok(String::new()))?;
    }
    let peer = client.connect(Service::Compositor).await.map_err(kiosk_client::Failure::from)?;
    let state = CompositorState::read(&peer).await.map_err(kiosk_client::Failure::from)?;
    let mut all: Vec<Change> = Vec::new();
    for (output, changes) in wanted {
        let chosen: Vec<&OutputState> = select(&state, std::slice::from_ref(output))?;
        for output in chosen {
            if all.iter().any(|change| change.output == output.name) {
                return Err(bad(format!("{} is named twice", output.name)));
            }
            let settings = settings(changes, |source| Ok(find(&state, source)?.name.clone()))?;
            all.push(Change { output: output.name.clone(), settings });
        }
    }
    Ok(carry_out(&peer, all, lasting).await?)
}

/// At least one setting; `named`: the connector of an output's name.
fn settings(
    changes: &Changes,
    named: impl Fn(&str) -> Result<String, kiosk_client::Failure>,
) -> Result<Vec<Setting>, Problem> {
    let mut settings = Vec::new();
    if let Some(power) = changes.power {
        settings.push(Setting::power(matches!(power, Power::On)));
    }
    if let Some(mode) = &changes.mode {
        let mode = syntax::parse_mode(mode).ok_or_else(|| bad(format!("mode: allowed is {}", syntax::MODE)))?;
        settings.push(Setting::mode(mode));
    }
    if let Some(degrees) = changes.rotation {
        let rotation = Rotation::try_from(degrees);
        let rotation = rotation.map_err(|_| bad(format!("rotation: allowed is {}", Rotation::ALLOWED)))?;
        settings.push(Setting::rotation(rotation));
    }
    if let Some(scale) = &changes.scale {
        let scale: Scale = scale.parse().map_err(|error| bad(format!("scale: {error}")))?;
        settings.push(Setting::scale(scale));
    }
    if let Some(place) = changes.position {
        let position = Position::try_from(place).map_err(|error| bad(format!("position: {error}")))?;
        settings.push(Setting::position(position));
    }
    if let Some(source) = &changes.mirror {
        settings.push(Setting::mirror(&if source.is_empty() { String::new() } else { named(source)? }));
    }
    if let Some(percent) = changes.brightness {
        let brightness: Brightness =
            percent.to_string().parse().map_err(|error| bad(format!("brightness: {error}")))?;
        settings.push(Setting::brightness(brightness));
    }
    if settings.is_empty() {
        let keys = "power, mode, rotation, scale, position, mirror, brightness";
        return Err(bad(format!("nothing is to be changed; there are {keys}")));
    }
    Ok(settings)
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
