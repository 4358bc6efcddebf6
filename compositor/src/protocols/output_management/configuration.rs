//! A tool's configuration of the heads: collected head by head, then tested or applied as one transaction. A protocol
//! error ends the client; what the hardware or our limits do not allow gets `failed`.

use smithay::{
    reexports::{
        wayland_protocols_wlr::output_management::v1::server::{
            zwlr_output_configuration_head_v1::{self, Error as HeadError, ZwlrOutputConfigurationHeadV1},
            zwlr_output_configuration_v1::{self, Error, ZwlrOutputConfigurationV1},
            zwlr_output_head_v1::{AdaptiveSyncState, ZwlrOutputHeadV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, New, Resource, WEnum,
            backend::{ClientId, ObjectId},
        },
    },
    utils::Transform,
};

use super::{
    MAX_CONFIGURATIONS, OutputManagement,
    head_request::{self, HeadChange, HeadRequest, ModeRequest},
};
use crate::{command::ApplyMode, kiosk::Kiosk, limits::refusal, screens::ScreenId};

/// A configuration that a client is building.
pub(super) struct Configuration {
    owner: ClientId,
    /// Serial of the heads' state that it is based on.
    serial: u32,
    /// It was tested or applied, and so answered.
    used: bool,
    /// It names a head or mode that is gone.
    stale: bool,
    requests: Vec<(ScreenId, HeadRequest)>,
}

/// Data of a head's object within a configuration.
pub(super) struct ConfiguredHead {
    configuration: ObjectId,
    /// `None`: the head is gone, and nothing can be set.
    screen: Option<ScreenId>,
}

impl OutputManagement {
    /// Adds a configuration; cancels it at once if the client has too many.
    pub(super) fn add_configuration(&mut self, client: &Client, resource: &ZwlrOutputConfigurationV1, serial: u32) {
        let owner = client.id();
        if self.configurations.values().filter(|other| other.owner == owner).count() >= MAX_CONFIGURATIONS {
            resource.cancelled();
            return;
        }
        let configuration = Configuration { owner, serial, used: false, stale: false, requests: Vec::new() };
        self.configurations.insert(resource.id(), configuration);
    }

    /// Notes what is requested of a head; each may be named once.
    fn note(
        &mut self,
        resource: &ZwlrOutputConfigurationV1,
        head: &ZwlrOutputHeadV1,
        request: HeadRequest,
    ) -> Option<ScreenId> {
        let screen = self.screen_of(head);
        let configuration = self.configurations.get_mut(&resource.id())?;
        let Some(screen) = screen else {
            configuration.stale = true;
            return None;
        };
        if configuration.requests.iter().any(|(other, _)| *other == screen) {
            refusal::post(resource, Error::AlreadyConfiguredHead, "this head is in the configuration already");
            return None;
        }
        configuration.requests.push((screen, request));
        Some(screen)
    }

    /// The requested state of a head, while the configuration is not used.
    fn change_of(&mut self, head: &ConfiguredHead) -> Option<&mut HeadChange> {
        let configuration = self.configurations.get_mut(&head.configuration).filter(|one| !one.used)?;
        let screen = head.screen?;
        configuration.requests.iter_mut().find_map(|(other, request)| match request {
            HeadRequest::On(request) if *other == screen => Some(request),
            _ => None,
        })
    }
}

/// Answers a configuration: `Verify` or `InForce`.
fn answer(kiosk: &mut Kiosk, resource: &ZwlrOutputConfigurationV1, how: ApplyMode) {
    // The client does not know yet what changed in this turn.
    kiosk.refresh_output_managers();
    let management = &mut kiosk.protocols.output_management;
    let serial = management.serial;
    let Some(configuration) = management.configurations.get_mut(&resource.id()) else { return };
    configuration.used = true;
    if configuration.stale || configuration.serial != serial {
        resource.cancelled();
        return;
    }
    let named = |screen: ScreenId| configuration.requests.iter().any(|(other, _)| *other == screen);
    if let Some(missing) = management.heads.iter().find(|head| !named(head.screen)) {
        let text = format!("the head {} is neither enabled nor disabled", missing.name);
        refusal::post(resource, Error::UnconfiguredHead, &text);
        return;
    }
    let changes = head_request::changes(&management.heads, &configuration.requests).map_err(|error| error.to_string());
    let done = changes.and_then(|changes| {
        if changes.is_empty() {
            return Ok(());
        }
        kiosk.apply(0, &changes, how).map(drop).map_err(|error| error.to_string())
    });
    match done {
        Ok(()) => resource.succeeded(),
        Err(reason) => {
            tracing::info!(reason, "a screen change by another tool was refused");
            resource.failed();
        }
    }
}

impl Dispatch<ZwlrOutputConfigurationV1, (), Kiosk> for OutputManagement {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &ZwlrOutputConfigurationV1,
        request: zwlr_output_configuration_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use zwlr_output_configuration_v1::Request;
        let management = &mut kiosk.protocols.output_management;
        let used = management.configurations.get(&resource.id()).is_some_and(|configuration| configuration.used);
        if used && !matches!(request, Request::Destroy) {
            if let Request::EnableHead { id, .. } = request {
                // The object must be created in any case.
                init_head(init, id, resource, None);
            }
            refusal::post(resource, Error::AlreadyUsed, "the configuration was tested or applied already");
            return;
        }
        match request {
            Request::EnableHead { id, head } => {
                let screen = management.note(resource, &head, HeadRequest::On(HeadChange::default()));
                init_head(init, id, resource, screen);
            }
            Request::DisableHead { head } => drop(management.note(resource, &head, HeadRequest::Off)),
            Request::Apply => answer(kiosk, resource, ApplyMode::InForce),
            Request::Test => answer(kiosk, resource, ApplyMode::Verify),
            _ => {}
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZwlrOutputConfigurationV1, (): &()) {
        kiosk.protocols.output_management.configurations.remove(&resource.id());
    }
}

fn init_head(
    init: &mut DataInit<'_, Kiosk>,
    id: New<ZwlrOutputConfigurationHeadV1>,
    configuration: &ZwlrOutputConfigurationV1,
    screen: Option<ScreenId>,
) {
    init.init(id, ConfiguredHead { configuration: configuration.id(), screen });
}

impl Dispatch<ZwlrOutputConfigurationHeadV1, ConfiguredHead, Kiosk> for OutputManagement {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &ZwlrOutputConfigurationHeadV1,
        request: zwlr_output_configuration_head_v1::Request,
        data: &ConfiguredHead,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let management = &mut kiosk.protocols.output_management;
        match set(management, request, data) {
            Ok(()) => {}
            Err(Refused::AlreadySet) => refusal::post(resource, HeadError::AlreadySet, "this was set already"),
            Err(Refused::Wrong(error, text)) => refusal::post(resource, error, &text),
        }
    }
}

enum Refused {
    AlreadySet,
    Wrong(HeadError, String),
}

/// Notes one property, if its value is valid.
fn set(
    management: &mut OutputManagement,
    request: zwlr_output_configuration_head_v1::Request,
    data: &ConfiguredHead,
) -> Result<(), Refused> {
    use zwlr_output_configuration_head_v1::Request;
    let wrong = |error, text: String| Err(Refused::Wrong(error, text));
    if management.change_of(data).is_none() {
        return Ok(());
    }
    let listed = match &request {
        Request::SetMode { mode } => management.mode_of(mode),
        _ => None,
    };
    if matches!(request, Request::SetMode { .. }) && listed.is_none() {
        // The mode is gone meanwhile; the client will be told.
        if let Some(configuration) = management.configurations.get_mut(&data.configuration) {
            configuration.stale = true;
        }
        return Ok(());
    }
    let Some(change) = management.change_of(data) else { return Ok(()) };
    match request {
        Request::SetMode { .. } => match listed {
            Some((screen, mode)) if Some(screen) == data.screen => once(&mut change.mode, ModeRequest::Listed(mode)),
            _ => wrong(HeadError::InvalidMode, "the mode is one of another head".into()),
        },
        Request::SetCustomMode { width, height, refresh } => {
            let side = |length: i32| u32::try_from(length).ok().filter(|length| *length > 0);
            match (side(width), side(height), u32::try_from(refresh)) {
                (Some(width), Some(height), Ok(refresh)) => {
                    let refresh = Some(refresh).filter(|refresh| *refresh > 0);
                    once(&mut change.mode, ModeRequest::Custom { width, height, refresh })
                }
                _ => wrong(HeadError::InvalidCustomMode, format!("{width}x{height} at {refresh} mHz is no mode")),
            }
        }
        Request::SetPosition { x, y } => once(&mut change.position, (x, y)),
        Request::SetTransform { transform: WEnum::Value(transform) } => {
            once(&mut change.transform, Transform::from(transform))
        }
        Request::SetTransform { transform: WEnum::Unknown(number) } => {
            wrong(HeadError::InvalidTransform, format!("there is no transform {number}"))
        }
        Request::SetScale { scale } if scale <= 0.0 => {
            wrong(HeadError::InvalidScale, format!("a scale of {scale} is not possible"))
        }
        Request::SetScale { scale } => once(&mut change.scale, scale),
        Request::SetAdaptiveSync { state: WEnum::Value(state) } => {
            once(&mut change.adaptive_sync, state == AdaptiveSyncState::Enabled)
        }
        Request::SetAdaptiveSync { state: WEnum::Unknown(number) } => {
            wrong(HeadError::InvalidAdaptiveSyncState, format!("there is no adaptive sync state {number}"))
        }
        _ => Ok(()),
    }
}

fn once<T>(field: &mut Option<T>, value: T) -> Result<(), Refused> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refused::AlreadySet),
    }
}
