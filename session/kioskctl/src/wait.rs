//! `wait`: waits until the page of every shell, or of one, is ready or visible, or there is a screen; by events,
//! without polling.

use std::ops::Range;
use std::time::Duration;

use kiosk_client::page::number;
use kiosk_client::{Client, Exit, Link, Service};
use kiosk_core::config::syntax;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::cli::Condition;
use super::outcome::{Failure, Outcome};
use kiosk_client::state::{CompositorState, SessionState};

/// The start of each shell's state, and its number of browser restarts.
type Stamp = Vec<(i64, i64)>;

/// The condition's current value.
enum Now {
    /// It holds, with a stamp that must not change for it to count as uninterrupted.
    Holds(Stamp),
    /// It does not, with what is missing.
    Not(String),
}

pub async fn wait(
    client: &Client,
    what: Condition,
    shell: Option<&str>,
    stable: Option<Duration>,
    timeout: Option<Duration>,
) -> Result<Outcome, Failure> {
    if what == Condition::Screen && shell.is_some() {
        return Err(Failure::new(Exit::Usage, "--shell goes with `wait ready` and `wait page-visible` only"));
    }
    let started = Instant::now();
    let mut waiting = Waiting { missing: String::from("an answer"), error: None };
    let held = waiting.until(client, what, shell, stable.unwrap_or_default());
    let result = match timeout {
        Some(timeout) => timeout_at(started + timeout, held).await,
        None => Ok(held.await),
    };
    match result {
        Ok(Ok(())) => Ok(Outcome::new("", json!({ "done": true, "waited-seconds": started.elapsed().as_secs_f64() }))),
        Ok(Err(failure)) => Err(failure),
        Err(_) => {
            let time = syntax::duration_text(timeout);
            match waiting.error {
                Some(failure) => Err(failure.about(&format!("gave up after {time}"))),
                None => Err(Failure::new(Exit::Failed, format!("gave up after {time}: {}", waiting.missing))),
            }
        }
    }
}

/// The missing condition, reported at a timeout.
struct Waiting {
    missing: String,
    error: Option<Failure>,
}

impl Waiting {
    async fn until(
        &mut self,
        client: &Client,
        what: Condition,
        shell: Option<&str>,
        stable: Duration,
    ) -> Result<(), Failure> {
        let services: &[Service] = match what {
            Condition::Ready => &[Service::Session],
            Condition::Screen => &[Service::Compositor],
            Condition::PageVisible => &[Service::Session, Service::Compositor],
        };
        let mut links = Vec::new();
        for service in services {
            links.push(Link::open(client, *service).await);
        }
        let mut holding: Option<(Stamp, Instant)> = None;
        loop {
            match look(&links, what, shell).await {
                Err(failure) if failure.is_final() => return Err(failure),
                Err(failure) => {
                    holding = None;
                    self.error = Some(failure);
                }
                Ok(Now::Not(missing)) => {
                    holding = None;
                    (self.missing, self.error) = (missing, None);
                }
                Ok(Now::Holds(stamp)) => {
                    let since =
                        holding.take().filter(|(held, _)| *held == stamp).map_or_else(Instant::now, |(_, at)| at);
                    holding = Some((stamp, since));
                    let missing =
                        format!("it was not so for {} without interruption", syntax::duration_text(Some(stable)));
                    (self.missing, self.error) = (missing, None);
                }
            }
            let end = holding.as_ref().map(|(_, since)| *since + stable);
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

async fn look(links: &[Link], what: Condition, shell: Option<&str>) -> Result<Now, Failure> {
    let mut stamp = Stamp::new();
    let mut links = links.iter();
    let mut wanted = 0..0;
    if what != Condition::Screen
        && let Some(link) = links.next()
    {
        let sessions = SessionState::read_all(link.peer()?).await?;
        wanted = match shell {
            None => 0..sessions.len(),
            Some(shell) => {
                let outputs: Vec<String> = sessions.iter().map(|session| session.output.clone()).collect();
                let number = number(&outputs, shell)?;
                number..number + 1
            }
        };
        for (number, session) in sessions.iter().enumerate().filter(|(number, _)| wanted.contains(number)) {
            if session.state != "ready" {
                let of = of_shell(number, sessions.len());
                return Ok(Now::Not(format!(
                    "the page{of} at {} is not ready, the session is {}",
                    session.url, session.state
                )));
            }
            stamp.push((session.since, session.restarts));
        }
    }
    if what != Condition::Ready
        && let Some(link) = links.next()
    {
        let compositor = CompositorState::read(link.peer()?).await?;
        if compositor.outputs.is_empty() {
            return Ok(Now::Not("kioskd has no screen".into()));
        }
        if what == Condition::PageVisible
            && let Some(missing) = hidden(&compositor, wanted)
        {
            return Ok(Now::Not(missing));
        }
    }
    Ok(Now::Holds(stamp))
}

/// Why one of these shells is not visible; `None`: all are.
fn hidden(compositor: &CompositorState, wanted: Range<usize>) -> Option<String> {
    let places = &compositor.shells;
    if places.is_empty() {
        return (compositor.stage != "shell")
            .then(|| format!("kioskd shows the {} and not the page", compositor.stage));
    }
    wanted.into_iter().find_map(|number| match places.get(number) {
        None => Some(format!("kioskd does not know of shell {number}; it must be restarted with this configuration")),
        Some(place) if place.output.is_empty() => {
            Some(format!("shell {number} is on no output: every one is another shell's"))
        }
        Some(place) if place.stage != "shell" => {
            let of = of_shell(number, places.len());
            Some(format!("kioskd shows the {} and not the page{of}", place.stage))
        }
        Some(_) => None,
    })
}

/// Which one of several.
fn of_shell(number: usize, shells: usize) -> String {
    if shells > 1 { format!(" of shell {number}") } else { String::new() }
}
