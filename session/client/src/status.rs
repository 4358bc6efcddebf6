//! The state of both services together, as `status` tells it: what each answered, or why it did not.

use serde_json::{Value, json};

use super::boot::Boot;
use super::frames::OutputFrames;
use super::state::{CompositorState, SessionState};
use super::{Client, ClientError, Exit, Failure, Link, Service, ServiceManager};

/// Each service's answer, or its error.
#[derive(Debug)]
pub struct Status {
    /// Of each shell, by number.
    pub session: Result<Vec<SessionState>, ClientError>,
    /// With the outputs.
    pub compositor: Result<CompositorState, ClientError>,
}

impl Status {
    /// Asks both.
    pub async fn read(client: &Client) -> Self {
        let session = async { SessionState::read_all(&client.connect(Service::Session).await?).await };
        let compositor = async { CompositorState::read(&client.connect(Service::Compositor).await?).await };
        let (session, compositor) = tokio::join!(session, compositor);
        Status { session, compositor }
    }

    /// Asks both over connections that are there.
    pub async fn of(session: &Link, compositor: &Link) -> Self {
        let session = async { SessionState::read_all(session.peer()?).await };
        let compositor = async { CompositorState::read(compositor.peer()?).await };
        let (session, compositor) = tokio::join!(session, compositor);
        Status { session, compositor }
    }

    /// As another machine's kiosk-agent told it in [`Status::json`]; `None`: it is something else.
    pub fn told(json: &Value) -> Option<Self> {
        let errors: Vec<&str> = json.get("errors")?.as_array()?.iter().filter_map(Value::as_str).collect();
        let away = |place: usize| {
            let message = errors.get(place).copied().unwrap_or("it does not answer").to_owned();
            ClientError::Refused { name: "org.freedesktop.DBus.Error.ServiceUnknown".to_owned(), message }
        };
        let session = match json.get("shells")? {
            Value::Null => Err(away(0)),
            shells => Ok(serde_json::from_value(shells.clone()).ok()?),
        };
        let compositor = match json.get("compositor")? {
            // The second of two errors, else the only one.
            Value::Null => Err(away(usize::from(session.is_err()))),
            compositor => Ok(serde_json::from_value(compositor.clone()).ok()?),
        };
        Some(Status { session, compositor })
    }

    /// Whether any answered; the error is the one that a person can do something about.
    pub fn answered(&self) -> Result<(), Failure> {
        let (Err(session), Err(compositor)) = (&self.session, &self.compositor) else { return Ok(()) };
        Err(neither(session, compositor))
    }

    /// `docs/schemas/status.json`, with these slots, times and frames where they were asked for.
    pub fn json(&self, slots: Option<Value>, boot: Option<&Boot>, frames: Option<&[OutputFrames]>) -> Value {
        let errors = [self.session.as_ref().err(), self.compositor.as_ref().err()];
        let errors: Vec<String> = errors.into_iter().flatten().map(ToString::to_string).collect();
        json!({
            "session": self.session.as_ref().ok().and_then(|shells| shells.first()),
            "shells": self.session.as_ref().ok(),
            "compositor": self.compositor.as_ref().ok(),
            "errors": errors,
            "slots": slots,
            "boot": boot,
            "frames": frames,
        })
    }
}

fn neither(session: &ClientError, compositor: &ClientError) -> Failure {
    match (session.exit(), compositor.exit()) {
        (Exit::NotRunning, Exit::NotRunning) => Failure::new(
            Exit::NotRunning,
            format!(
                "neither kioskd nor kiosk-session is running; start them with {}",
                ServiceManager::here().start("kiosk")
            ),
        ),
        // The error that a person can resolve.
        (Exit::NotRunning, _) => compositor.clone().into(),
        _ => session.clone().into(),
    }
}
