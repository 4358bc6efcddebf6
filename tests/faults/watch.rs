//! What the kiosk says of itself, line by line, and when it said it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kiosk::Kiosk;

/// For anything to happen: the ladder may have to climb.
const PATIENCE: Duration = Duration::from_secs(120);

/// The kiosk at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub at: Instant,
    /// Of the session; empty: it does not answer.
    pub state: String,
    /// `splash`, `shell` or another screen.
    pub stage: String,
    /// When something failed last, of the session's clock.
    pub failed_at: u64,
    pub refused: u64,
}

impl Seen {
    /// The page is what people see, and the session says so.
    pub fn is_page(&self) -> bool {
        self.state == "ready" && self.stage == "shell"
    }
}

pub struct Watch {
    child: Child,
    lines: Receiver<Seen>,
    pub last: Seen,
}

impl Watch {
    pub fn start(kiosk: &Kiosk) -> Watch {
        let mut command = kiosk.command("kioskctl");
        let mut child = command.args(["status", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let at = Instant::now();
                let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let session = &value["session"];
                let seen = Seen {
                    at,
                    state: text(&session["state"]),
                    stage: text(&value["compositor"]["stage"]),
                    failed_at: session["last-failure"]["at"].as_u64().unwrap_or(0),
                    refused: session["refused"].as_u64().unwrap_or(0),
                };
                if sender.send(seen).is_err() {
                    return;
                }
            }
        });
        let last = lines.recv_timeout(PATIENCE).unwrap();
        Watch { child, lines, last }
    }

    /// Until the kiosk is as wanted. Tells `each` of all that is seen on the way.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut each: impl FnMut(&Seen) -> bool) -> Seen {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let seen =
                self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("{what}: not in time; last {:?}", self.last));
            self.last = seen.clone();
            if each(&seen) {
                return seen;
            }
        }
    }

    /// What was said so far is taken.
    pub fn catch_up(&mut self) {
        while let Ok(seen) = self.lines.try_recv() {
            self.last = seen;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
