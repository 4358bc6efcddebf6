//! Who listens to a shell's console (`Session1.Console`): each has a socket of their own, on which there are lines of JSON until
//! they close it. One that does not read loses lines, and is told how many; nobody waits for them.

use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// Listeners of one shell at a time: kiosk-agent has 8 streams.
const MAX_LISTENERS: usize = 8;
/// Lines that wait for one listener, of some thousand characters each.
const MAX_WAITING: usize = 64;
/// For a line to be taken; who does not read for longer is left.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Of one shell.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

struct Inner {
    listeners: Mutex<Vec<Listener>>,
    /// Somebody listens, or nobody any more.
    tell: Box<dyn Fn() + Send + Sync>,
}

struct Listener {
    number: u64,
    lines: mpsc::Sender<String>,
    lost: u64,
}

impl Console {
    /// `tell` is called when somebody begins to listen, and when nobody does any more.
    pub fn new(tell: impl Fn() + Send + Sync + 'static) -> Self {
        Console(Arc::new(Inner { listeners: Mutex::default(), tell: Box::new(tell) }))
    }

    /// Whether somebody listens.
    pub fn is_wanted(&self) -> bool {
        !self.listeners().is_empty()
    }

    /// One more listener's end; `None`: there are [`MAX_LISTENERS`]. Errors: there is no socket to be had.
    pub fn open(&self) -> std::io::Result<Option<OwnedFd>> {
        let (ours, theirs) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let ours = UnixStream::from_std(ours)?;
        let (sender, lines) = mpsc::channel(MAX_WAITING);
        let number = {
            let mut listeners = self.listeners();
            if listeners.len() >= MAX_LISTENERS {
                return Ok(None);
            }
            let number = listeners.iter().map(|one| one.number).max().unwrap_or(0) + 1;
            listeners.push(Listener { number, lines: sender, lost: 0 });
            number
        };
        (self.0.tell)();
        let leaves = Leaves { console: self.clone(), number };
        tokio::spawn(async move {
            carry(ours, lines).await;
            drop(leaves);
        });
        Ok(Some(theirs.into()))
    }

    /// To all who listen.
    pub fn say(&self, line: &Value) {
        let text = format!("{line}\n");
        for listener in self.listeners().iter_mut() {
            if listener.lost > 0 {
                let lost = json!({ "lost": listener.lost });
                if listener.lines.try_send(format!("{lost}\n")).is_err() {
                    listener.lost += 1;
                    continue;
                }
                listener.lost = 0;
            }
            if listener.lines.try_send(text.clone()).is_err() {
                listener.lost += 1;
            }
        }
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Until the other side goes; it has nothing to say.
async fn carry(stream: UnixStream, mut lines: mpsc::Receiver<String>) {
    let (mut reader, mut writer) = stream.into_split();
    let writes = async {
        while let Some(line) = lines.recv().await {
            let written = tokio::time::timeout(WRITE_TIMEOUT, writer.write_all(line.as_bytes())).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
    };
    let mut byte = [0; 1];
    tokio::select! {
        () = writes => {}
        _ = reader.read(&mut byte) => {}
    }
}

/// A listener who goes.
struct Leaves {
    console: Console,
    number: u64,
}

impl Drop for Leaves {
    fn drop(&mut self) {
        let empty = {
            let mut listeners = self.console.listeners();
            listeners.retain(|one| one.number != self.number);
            listeners.is_empty()
        };
        if empty {
            (self.console.0.tell)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    fn console() -> (Console, mpsc::UnboundedReceiver<()>) {
        let (sender, told) = mpsc::unbounded_channel();
        (
            Console::new(move || {
                let _ = sender.send(());
            }),
            told,
        )
    }

    #[tokio::test]
    async fn listeners_come_and_go_and_there_are_not_too_many() {
        let (console, mut told) = console();
        let ends: Vec<_> = (0..MAX_LISTENERS).map(|_| console.open().unwrap().unwrap()).collect();
        assert!(console.open().unwrap().is_none() && console.is_wanted());
        for _ in 0..MAX_LISTENERS {
            told.recv().await.unwrap();
        }
        drop(ends);
        told.recv().await.unwrap();
        assert!(!console.is_wanted());
        assert!(console.open().unwrap().is_some(), "there is a place again");
    }

    #[tokio::test]
    async fn who_does_not_read_loses_lines_and_is_told_so() {
        let (console, _told) = console();
        let end = console.open().unwrap().unwrap();
        let long = "x".repeat(4000);
        for number in 0..1000 {
            console.say(&json!({ "number": number, "text": long }));
            tokio::task::yield_now().await;
        }
        // Whoever reads again gets what was kept, and how much was not.
        let reads = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(net::UnixStream::from(end)).lines();
            loop {
                let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
                if let Some(lost) = line["lost"].as_u64() {
                    return lost;
                }
            }
        });
        while !reads.is_finished() {
            console.say(&json!({ "text": "again" }));
            tokio::task::yield_now().await;
        }
        assert!(reads.await.unwrap() > 100);
    }
}
