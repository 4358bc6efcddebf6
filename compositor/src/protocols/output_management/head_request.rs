//! Turns a tool's configuration of each head into changes of the screens, or an error. Pure.
//!
//! Tools send the complete state of every head. Only differences are changes: an automatic position does not become
//! fixed because a tool read it and sent it back.

use kiosk_core::{
    config::{ModeChoice, Position, Scale},
    quantities::QuantityError,
};
use smithay::utils::Transform;

use super::head::HeadState;
use crate::{
    command::OutputChange,
    screens::{
        HeadMode, ScreenId,
        rotation::{Rotation, RotationExt},
    },
};

/// The protocol's scales are multiples of 1/256: smaller differences are ignored.
const SCALE_STEP: f64 = 1.0 / 256.0;

/// The requested state of a head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum HeadRequest {
    Off,
    On(HeadChange),
}

/// `None`: unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct HeadChange {
    /// One of the list, or a custom one.
    pub mode: Option<ModeRequest>,
    /// Logical pixels.
    pub position: Option<(i32, i32)>,
    /// As the protocol has it: anticlockwise.
    pub transform: Option<Transform>,
    /// As the client sent it, not checked yet.
    pub scale: Option<f64>,
    /// No screen supports it: only `false` is possible.
    pub adaptive_sync: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ModeRequest {
    /// One of the head's list.
    Listed(HeadMode),
    /// Pixels and millihertz; `None`: any rate.
    Custom { width: u32, height: u32, refresh: Option<u32> },
}

/// A request that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[error("{output}: {why}")]
pub(super) struct HeadRequestError {
    output: String,
    why: Unsupported,
}

#[derive(Debug, thiserror::Error)]
enum Unsupported {
    #[error("adaptive sync is not possible")]
    AdaptiveSync,
    #[error("a flipped picture is not possible")]
    Flipped,
    #[error(transparent)]
    Quantity(#[from] QuantityError),
}

/// The changes for these requests, or the first error.
pub(super) fn changes(
    heads: &[HeadState],
    requests: &[(ScreenId, HeadRequest)],
) -> Result<Vec<(String, OutputChange)>, HeadRequestError> {
    let find = |id: ScreenId| heads.iter().find(|head| head.screen == id);
    let moved = requests.iter().any(|(id, request)| match (find(*id), request) {
        (Some(head), HeadRequest::On(request)) => {
            request.position.is_some_and(|position| position != head.now.position)
        }
        _ => false,
    });
    let mut changes = Vec::new();
    for (id, request) in requests {
        let Some(head) = find(*id) else { continue };
        let change = match request {
            HeadRequest::Off => OutputChange { power: head.on.then_some(false), ..OutputChange::default() },
            HeadRequest::On(request) => {
                on(head, request, moved).map_err(|why| HeadRequestError { output: head.name.clone(), why })?
            }
        };
        if change != OutputChange::default() {
            changes.push((head.name.clone(), change));
        }
    }
    Ok(changes)
}

/// `moved`: some head gets another position, so all positions apply.
fn on(head: &HeadState, request: &HeadChange, moved: bool) -> Result<OutputChange, Unsupported> {
    if request.adaptive_sync == Some(true) {
        return Err(Unsupported::AdaptiveSync);
    }
    let rotation = match request.transform.filter(|transform| *transform != head.now.transform) {
        None => None,
        Some(transform) => Some(rotation(transform).ok_or(Unsupported::Flipped)?),
    };
    let position = request.position.map(Position::try_from).transpose()?;
    let rescaled = request.scale.filter(|scale| (scale - head.now.scale).abs() >= SCALE_STEP);
    let scale = rescaled.map(Scale::fixed).transpose()?;
    Ok(OutputChange {
        power: (!head.on).then_some(true),
        rotation,
        scale,
        mode: request.mode.and_then(|mode| choice(head, mode)),
        position: position.filter(|_| moved),
        ..OutputChange::default()
    })
}

fn rotation(transform: Transform) -> Option<Rotation> {
    let all = [Rotation::R0, Rotation::R90, Rotation::R180, Rotation::R270];
    all.into_iter().find(|rotation| rotation.transform() == transform)
}

/// `None`: the mode is in force already.
fn choice(head: &HeadState, request: ModeRequest) -> Option<ModeChoice> {
    let exact = |mode: &HeadMode| match mode.custom {
        None => ModeChoice::Exact {
            width: mode.width.unsigned_abs(),
            height: mode.height.unsigned_abs(),
            refresh: Some(mode.refresh.unsigned_abs()).filter(|refresh| *refresh > 0),
        },
        Some(refresh) => ModeChoice::Custom {
            width: mode.width.unsigned_abs(),
            height: mode.height.unsigned_abs(),
            refresh: Some(refresh),
        },
    };
    match request {
        ModeRequest::Listed(mode) => (head.now.mode != Some(mode)).then(|| exact(&mode)),
        ModeRequest::Custom { width, height, refresh } => {
            let fits = |mode: &&HeadMode| {
                (mode.width.unsigned_abs(), mode.height.unsigned_abs()) == (width, height)
                    && refresh.is_none_or(|wanted| mode.refresh.unsigned_abs() == wanted || mode.custom == Some(wanted))
            };
            match head.now.mode.as_ref().filter(fits) {
                Some(_) => None,
                // The monitor's own timings are better than computed ones.
                None => Some(match head.modes.iter().find(fits) {
                    Some(mode) => exact(mode),
                    None => ModeChoice::Custom { width, height, refresh },
                }),
            }
        }
    }
}
