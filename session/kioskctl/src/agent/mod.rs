//! `agent`: the certificates by which kiosk-agent and those who command it know each other.

mod ca;
pub mod cli;
mod enrol;

use cli::AgentVerb;

use super::outcome::{Failure, Outcome};

pub async fn run(verb: &AgentVerb) -> Result<Outcome, Failure> {
    match verb {
        AgentVerb::Ca { dir, what } => ca::run(dir.as_deref(), what).await,
        AgentVerb::Enrol(args) => enrol::run(args),
    }
}
