//! The verbs that change one setting of outputs: `rotate`, `mode`, `scale`, `position`, `mirror`, `brightness`,
//! `screen`.

use kiosk_client::change::{Change, Lasting, Setting, carry_out};
use kiosk_client::outputs::{find, select};
use kiosk_client::state::{CompositorState, OutputState};
use kiosk_client::{Client, Service};
use kiosk_core::config::{Brightness, ModeChoice, Position, Rotation, Scale};

use super::cli::{ChangeArgs, Power, RotateTo, lasting};
use super::outcome::{Failure, Outcome};

/// Where the screens are that are changed.
pub trait Screens {
    /// As they are.
    async fn state(&self) -> Result<CompositorState, Failure>;

    /// Changes them, all of it or nothing.
    async fn carry_out(&self, changes: Vec<Change>, lasting: Lasting) -> Result<Outcome, Failure>;
}

impl Screens for Client {
    async fn state(&self) -> Result<CompositorState, Failure> {
        Ok(CompositorState::read(&self.connect(Service::Compositor).await?).await?)
    }

    async fn carry_out(&self, changes: Vec<Change>, lasting: Lasting) -> Result<Outcome, Failure> {
        carry_out(&self.connect(Service::Compositor).await?, changes, lasting).await
    }
}

pub async fn rotate(client: &impl Screens, to: RotateTo, args: &ChangeArgs) -> Result<Outcome, Failure> {
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

pub async fn mode(client: &impl Screens, mode: ModeChoice, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, _| Ok(Setting::mode(mode))).await
}

pub async fn scale(client: &impl Screens, scale: Scale, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, _| Ok(Setting::scale(scale))).await
}

pub async fn position(client: &impl Screens, position: Position, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, _| Ok(Setting::position(position))).await
}

/// `none` ends mirroring, unless an output has that name.
pub async fn mirror(client: &impl Screens, source: &str, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, state| match find(state, source) {
        Ok(source) => Ok(Setting::mirror(&source.name)),
        Err(_) if source == "none" => Ok(Setting::mirror("")),
        Err(unknown) => Err(unknown),
    })
    .await
}

pub async fn brightness(client: &impl Screens, brightness: Brightness, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_, _| Ok(Setting::brightness(brightness))).await
}

/// Without `-o` all screens.
pub async fn power(client: &impl Screens, power: Power, outputs: &[String]) -> Result<Outcome, Failure> {
    let state = client.state().await?;
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
    client.carry_out(changes, Lasting::Keep).await
}

async fn change(
    client: &impl Screens,
    args: &ChangeArgs,
    setting: impl Fn(&OutputState, &CompositorState) -> Result<Setting, Failure>,
) -> Result<Outcome, Failure> {
    let state = client.state().await?;
    let changes: Result<Vec<Change>, Failure> = select(&state, &args.outputs)?
        .into_iter()
        .map(|output| Ok(Change { output: output.name.clone(), settings: vec![setting(output, &state)?] }))
        .collect();
    client.carry_out(changes?, lasting(&args.lasting)).await
}
