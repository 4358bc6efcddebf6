//! The host's end of the agent: commands in the guest, as many at once as a test likes.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::wire::{Order, Report};

/// Longest time a plain command may take: the guest is emulated, and slow.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// What a command in the guest left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit status, 128 + signal when killed, 127 when it could not be started.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Output {
    /// The standard output as text, without the last line end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }
}

/// Where reports with an id go.
type Waiting = Arc<Mutex<HashMap<u64, Sender<Report>>>>;

/// The agent in the guest.
pub struct Agent {
    port: Mutex<UnixStream>,
    waiting: Waiting,
    hello: Mutex<Receiver<()>>,
    next: AtomicU64,
}

impl Agent {
    /// Connects to QEMU's end of the port; the agent itself need not run yet.
    pub(super) fn connect(path: &Path) -> Result<Self> {
        let port = UnixStream::connect(path).with_context(|| path.display().to_string())?;
        let waiting = Waiting::default();
        let (greeted, hello) = channel();
        let (reader, for_reader) = (port.try_clone()?, waiting.clone());
        thread::spawn(move || {
            for line in BufReader::new(reader).lines() {
                let Ok(line) = line else { break };
                match serde_json::from_str::<Report>(&line) {
                    Ok(Report::Hello) => drop(greeted.send(())),
                    Ok(report) => deliver(&for_reader, report),
                    Err(_) => continue,
                }
            }
            // A caller that waits learns that the guest is gone.
            for_reader.lock().unwrap_or_else(PoisonError::into_inner).clear();
        });
        Ok(Self { port: Mutex::new(port), waiting, hello: Mutex::new(hello), next: AtomicU64::new(1) })
    }

    /// Waits until the agent has said hello.
    pub fn wait(&self, timeout: Duration) -> Result<()> {
        let hello = self.hello.lock().unwrap_or_else(PoisonError::into_inner);
        hello.recv_timeout(timeout).map_err(|_| anyhow::anyhow!("the guest's agent did not answer in {timeout:?}"))
    }

    /// Runs `script` with the guest's shell as root and gives what came out, whatever its status.
    pub fn run(&self, script: &str) -> Result<Output> {
        self.start(script, false)?.wait(COMMAND_TIMEOUT)
    }

    /// Runs `script` and gives its standard output; another status than 0 is an error.
    pub fn sh(&self, script: &str) -> Result<String> {
        let output = self.run(script)?;
        if output.code != 0 {
            bail!("in the guest, `{script}` ended with {}: {}{}", output.code, output.text(), output.stderr.trim_end());
        }
        Ok(output.text())
    }

    /// Starts `script`; its lines are read while it runs.
    pub fn stream(&self, script: &str) -> Result<Job<'_>> {
        self.start(script, true)
    }

    fn start(&self, script: &str, stream: bool) -> Result<Job<'_>> {
        let argv = ["/bin/bash", "-c", script].map(str::to_owned).to_vec();
        self.begin(script, |id| Order::Run { id, argv, stream })
    }

    /// Has an order other than a program carried out, and gives the id it had.
    pub(super) fn carry_out(&self, order: impl FnOnce(u64) -> Order) -> Result<u64> {
        let job = self.begin("an input device", order)?;
        let id = job.id;
        let output = job.wait(COMMAND_TIMEOUT)?;
        if output.code != 0 {
            bail!("in the guest: {}", output.stderr);
        }
        Ok(id)
    }

    /// Sends an order, whose reports go to the job; `script` names it in errors.
    fn begin(&self, script: &str, order: impl FnOnce(u64) -> Order) -> Result<Job<'_>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, reports) = channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
        self.send(&order(id))?;
        Ok(Job { agent: self, id, script: script.to_owned(), reports })
    }

    fn send(&self, order: &Order) -> Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        let mut port = self.port.lock().unwrap_or_else(PoisonError::into_inner);
        port.write_all(&line).context("the guest's agent is gone")
    }
}

/// Hands a report to the one who waits for it.
fn deliver(waiting: &Waiting, report: Report) {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    match report {
        Report::Line { id, .. } => {
            if let Some(sender) = waiting.get(&id) {
                drop(sender.send(report));
            }
        }
        Report::Done { id, .. } => {
            if let Some(sender) = waiting.remove(&id) {
                drop(sender.send(report));
            }
        }
        Report::Hello => {}
    }
}

/// A command that runs in the guest.
pub struct Job<'a> {
    agent: &'a Agent,
    id: u64,
    script: String,
    reports: Receiver<Report>,
}

impl Job<'_> {
    /// The next line for which `wanted` gives something.
    pub fn line<T>(&self, timeout: Duration, wanted: impl Fn(&str) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.next(deadline)? {
                Report::Line { text, .. } => {
                    if let Some(found) = wanted(&text) {
                        return Ok(found);
                    }
                }
                Report::Done { code, stderr, .. } => {
                    let stderr = STANDARD.decode(stderr).unwrap_or_default();
                    bail!("in the guest, `{}` ended with {code}: {}", self.script, String::from_utf8_lossy(&stderr));
                }
                Report::Hello => {}
            }
        }
    }

    /// Waits for its end.
    pub fn wait(self, timeout: Duration) -> Result<Output> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Report::Done { code, stdout, stderr, .. } = self.next(deadline)? {
                let stderr = String::from_utf8_lossy(&STANDARD.decode(stderr)?).into_owned();
                return Ok(Output { code, stdout: STANDARD.decode(stdout)?, stderr });
            }
        }
    }

    /// Asks it to end.
    pub fn stop(&self) -> Result<()> {
        self.agent.send(&Order::Stop { id: self.id })
    }

    fn next(&self, deadline: Instant) -> Result<Report> {
        match self.reports.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(report) => Ok(report),
            Err(RecvTimeoutError::Timeout) => bail!("in the guest, `{}` took too long", self.script),
            Err(RecvTimeoutError::Disconnected) => bail!("the guest went away during `{}`", self.script),
        }
    }
}
