//! `wait`: until the page is ready, or visible, or there is a screen; by events, on the monotonic clock.

use std::time::Duration;

use kiosk_session::client::{Client, ClientError, Exit, Service};
use kiosk_session::config::words;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::cli::Condition;
use super::link::Link;
use super::outcome::{Failure, Outcome};
use super::state::{CompositorState, SessionState};

/// Whether it is so.
enum Now {
    /// With what must stay the same for it to count as uninterrupted.
    Holds((i64, i64)),
    /// With what is missing.
    Not(String),
}

pub async fn wait(
    client: &Client,
    what: Condition,
    stable: Option<Duration>,
    timeout: Option<Duration>,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let mut waiting = Waiting { missing: String::from("an answer"), error: None };
    let held = waiting.until(client, what, stable.unwrap_or_default());
    let result = match timeout {
        Some(timeout) => timeout_at(started + timeout, held).await,
        None => Ok(held.await),
    };
    match result {
        Ok(Ok(())) => Ok(Outcome::new("", json!({ "done": true, "waited-seconds": started.elapsed().as_secs_f64() }))),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => {
            let time = words::duration_text(timeout);
            match waiting.error {
                Some(error) => Err(Failure::new(error.exit(), format!("gave up after {time}: {error}"))),
                None => Err(Failure::new(Exit::Failed, format!("gave up after {time}: {}", waiting.missing))),
            }
        }
    }
}

/// What is still waited for, to be told at a timeout.
struct Waiting {
    missing: String,
    error: Option<ClientError>,
}

impl Waiting {
    async fn until(&mut self, client: &Client, what: Condition, stable: Duration) -> Result<(), ClientError> {
        let services: &[Service] = match what {
            Condition::Ready => &[Service::Session],
            Condition::Screen => &[Service::Compositor],
            Condition::PageVisible => &[Service::Session, Service::Compositor],
        };
        let mut links = Vec::new();
        for service in services {
            links.push(Link::open(client, *service).await);
        }
        let mut holding: Option<((i64, i64), Instant)> = None;
        loop {
            match look(&links, what).await {
                // Rights do not come by waiting.
                Err(error @ ClientError::NotAllowed(_)) => return Err(error),
                Err(error) => {
                    holding = None;
                    self.error = Some(error);
                }
                Ok(Now::Not(missing)) => {
                    holding = None;
                    (self.missing, self.error) = (missing, None);
                }
                Ok(Now::Holds(stamp)) => {
                    let since = holding.filter(|(held, _)| *held == stamp).map_or_else(Instant::now, |(_, at)| at);
                    holding = Some((stamp, since));
                    let missing =
                        format!("it was not so for {} without interruption", words::duration_text(Some(stable)));
                    (self.missing, self.error) = (missing, None);
                }
            }
            let end = holding.map(|(_, since)| since + stable);
            if end.is_some_and(|end| end <= Instant::now()) {
                return Ok(());
            }
            tokio::select! {
                () = any_event(&mut links) => {}
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => {}
            }
            for link in &mut links {
                link.refresh(client).await;
            }
        }
    }
}

async fn any_event(links: &mut [Link]) {
    match links {
        [one] => one.event().await,
        [one, other, ..] => tokio::select! {
            () = one.event() => {}
            () = other.event() => {}
        },
        [] => {}
    }
}

async fn look(links: &[Link], what: Condition) -> Result<Now, ClientError> {
    let mut stamp = (0, 0);
    let mut links = links.iter();
    if what != Condition::Screen
        && let Some(link) = links.next()
    {
        let session = SessionState::read(link.peer()?).await?;
        if session.state != "ready" {
            return Ok(Now::Not(format!("the page at {} is not ready, the session is {}", session.url, session.state)));
        }
        stamp = (session.since, session.restarts);
    }
    if what != Condition::Ready
        && let Some(link) = links.next()
    {
        let compositor = CompositorState::read(link.peer()?).await?;
        if compositor.outputs.is_empty() {
            return Ok(Now::Not("kioskd has no screen".into()));
        }
        if what == Condition::PageVisible && compositor.stage != "shell" {
            return Ok(Now::Not(format!("kioskd shows the {} and not the page", compositor.stage)));
        }
    }
    Ok(Now::Holds(stamp))
}
