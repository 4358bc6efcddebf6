//! `agent`: the certificates by which kiosk-agent and those who command it know each other.

mod ask;
mod ca;
pub mod cli;

use cli::AgentVerb;

use super::outcome::{Failure, Outcome};

pub async fn run(verb: &AgentVerb, as_json: bool) -> Result<Outcome, Failure> {
    match verb {
        AgentVerb::Ca { dir, what } => ca::run(dir.as_deref(), what, as_json).await,
        AgentVerb::Enrol(args) => ask::enrol(args),
        AgentVerb::Renew(args) => ask::renew(args),
    }
}
