//! The verbs that change one setting of outputs: `rotate`, `mode`, `scale`, `position`, `mirror`, `brightness`,
//! `screen`.

use kiosk_client::change::{Change, Lasting, Setting, carry_out};
use kiosk_client::outputs::{find, select};
use kiosk_client::state::{CompositorState, OutputState};
use kiosk_client::{Client, Service};
use kiosk_core::config::{Brightness, ModeChoice, Position, Rotation, Scale};

use super::cli::{ChangeArgs, Power, RotateTo, lasting};
use super::outcome::{Failure, Outcome};

pub async fn rotate(client: &Client, to: RotateTo, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |output, _| {
        let rotation = match to {
            RotateTo::To(rotation) => rotation,
            RotateTo::Next => {
                let now = u32::try_from(output.rotation).ok().and_then(|degrees| Rotation::try_from(degrees).ok());
                now.unwrap_or_default().next_quarter()
            }
        };
        Ok(Setting::rotation(rotation))
    })
    .await
}

pub async fn mode(client: &Client, mode: ModeChoice, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, _| Ok(Setting::mode(mode))).await
}

pub async fn scale(client: &Client, scale: Scale, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, _| Ok(Setting::scale(scale))).await
}

pub async fn position(client: &Client, position: Position, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, _| Ok(Setting::position(position))).await
}

/// `none` ends mirroring, unless an output has that name.
pub async fn mirror(client: &Client, source: &str, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, state| match find(state, source) {
        Ok(source) => Ok(Setting::mirror(&source.name)),
        Err(_) if source == "none" => Ok(Setting::mirror("")),
        Err(unknown) => Err(unknown),
    })
    .await
}

pub async fn brightness(client: &Client, brightness: Brightness, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, _| Ok(Setting::brightness(brightness))).await
}

/// Without `-o` all screens.
pub async fn power(client: &Client, power: Power, outputs: &[String]) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let state = CompositorState::read(&peer).await?;
    let all = ["*".to_owned()];
    let chosen = select(&state, if outputs.is_empty() { &all } else { outputs })?;
    let on = match power {
        Power::On => true,
        Power::Off => false,
        Power::Toggle => !chosen.iter().any(|output| output.power),
    };
    let changes = chosen
        .iter()
        .map(|output| Change { output: output.name.clone(), settings: vec![Setting::power(on)] })
        .collect();
    carry_out(&peer, changes, Lasting::Keep).await
}

async fn change(
    client: &Client,
    args: &ChangeArgs,
    setting: impl Fn(&OutputState, &CompositorState) -> Result<Setting, Failure>,
) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let state = CompositorState::read(&peer).await?;
    let changes: Result<Vec<Change>, Failure> = select(&state, &args.outputs)?
        .into_iter()
        .map(|output| Ok(Change { output: output.name.clone(), settings: vec![setting(output, &state)?] }))
        .collect();
    carry_out(&peer, changes?, lasting(&args.lasting)).await
}
