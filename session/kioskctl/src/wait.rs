//! `wait`: waits until the page of every shell, or of one, is ready or visible, or there is a screen; by events,
//! without polling.

use std::ops::Range;
use std::time::Duration;

use kiosk_client::page::number;
use kiosk_client::{Client, Exit, Link, Service, Status};
use kiosk_core::config::syntax;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::cli::Condition;
use super::outcome::{Failure, Outcome};
use kiosk_client::state::CompositorState;

/// The start of each shell's state, and its number of browser restarts.
pub type Stamp = Vec<(i64, i64)>;

/// The condition's current value.
pub enum Now {
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
    check(what, shell)?;
    let begun = Instant::now();
    let mut waiting = Waiting::new(stable.unwrap_or_default());
    let held = async {
        let mut session = Link::open(client, Service::Session).await;
        let mut compositor = Link::open(client, Service::Compositor).await;
        loop {
            waiting.take(look(&Status::of(&session, &compositor).await, what, shell))?;
            if waiting.is_over() {
                return Ok(());
            }
            let end = waiting.until();
            tokio::select! {
                () = session.event() => {}
                () = compositor.event() => {}
                () = sleep_until(end.unwrap_or(begun)), if end.is_some() => {}
            }
            session.refresh(client).await;
            compositor.refresh(client).await;
        }
    };
    let result = within(begun, timeout, held).await;
    ended(result, begun, timeout, waiting)
}

/// That the words of the command line go together.
pub fn check(what: Condition, shell: Option<&str>) -> Result<(), Failure> {
    if what == Condition::Screen && shell.is_some() {
        return Err(Failure::new(Exit::Usage, "--shell goes with `wait ready` and `wait page-visible` only"));
    }
    Ok(())
}

/// `None`: the time is up.
pub async fn within(
    begun: Instant,
    timeout: Option<Duration>,
    held: impl Future<Output = Result<(), Failure>>,
) -> Option<Result<(), Failure>> {
    match timeout {
        Some(timeout) => timeout_at(begun + timeout, held).await.ok(),
        None => Some(held.await),
    }
}

/// How it ended.
pub fn ended(
    result: Option<Result<(), Failure>>,
    begun: Instant,
    timeout: Option<Duration>,
    waiting: Waiting,
) -> Result<Outcome, Failure> {
    match result {
        Some(Ok(())) => Ok(Outcome::new("", json!({ "done": true, "waited-seconds": begun.elapsed().as_secs_f64() }))),
        Some(Err(failure)) => Err(failure),
        None => {
            let time = syntax::duration_text(timeout);
            match waiting.error {
                Some(failure) => Err(failure.about(&format!("gave up after {time}"))),
                None => Err(Failure::new(Exit::Failed, format!("gave up after {time}: {}", waiting.missing))),
            }
        }
    }
}

/// For how long it has been so, and what was missing when it was not, which is told at a timeout. No I/O.
pub struct Waiting {
    stable: Duration,
    holding: Option<(Stamp, Instant)>,
    missing: String,
    error: Option<Failure>,
}

impl Waiting {
    /// Until it has been so for this long.
    pub fn new(stable: Duration) -> Self {
        Waiting { stable, holding: None, missing: "an answer".to_owned(), error: None }
    }

    /// Takes in how it is. Errors: waiting can't help.
    pub fn take(&mut self, now: Result<Now, Failure>) -> Result<(), Failure> {
        match now {
            Err(failure) if failure.is_final() => return Err(failure),
            Err(failure) => {
                self.holding = None;
                self.error = Some(failure);
            }
            Ok(Now::Not(missing)) => {
                self.holding = None;
                (self.missing, self.error) = (missing, None);
            }
            Ok(Now::Holds(stamp)) => {
                let held = self.holding.take().filter(|(held, _)| *held == stamp);
                self.holding = Some((stamp, held.map_or_else(Instant::now, |(_, since)| since)));
                let missing =
                    format!("it was not so for {} without interruption", syntax::duration_text(Some(self.stable)));
                (self.missing, self.error) = (missing, None);
            }
        }
        Ok(())
    }

    /// When it will have been so for long enough; `None`: it is not so.
    pub fn until(&self) -> Option<Instant> {
        self.holding.as_ref().map(|(_, since)| *since + self.stable)
    }

    /// Whether it has been so for long enough.
    pub fn is_over(&self) -> bool {
        self.until().is_some_and(|end| end <= Instant::now())
    }
}

/// Whether it is so.
pub fn look(status: &Status, what: Condition, shell: Option<&str>) -> Result<Now, Failure> {
    let mut stamp = Stamp::new();
    let mut wanted = 0..0;
    if what != Condition::Screen {
        let sessions = status.session.as_ref().map_err(Clone::clone)?;
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
    if what != Condition::Ready {
        let compositor = status.compositor.as_ref().map_err(Clone::clone)?;
        if compositor.outputs.is_empty() {
            return Ok(Now::Not("kioskd has no screen".into()));
        }
        if what == Condition::PageVisible
            && let Some(missing) = hidden(compositor, wanted)
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
