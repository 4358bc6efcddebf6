//! What a process holds, as `/proc` tells it, over time.

use std::time::Duration;

use crate::kiosk::Daemon;

/// What is looked at, with its unit.
pub const QUANTITIES: [(&str, &str); 5] =
    [("memory", "KiB"), ("heap", "KiB"), ("descriptors", ""), ("threads", ""), ("timers", "")];
/// Of two daemons.
pub type Row = [[u64; QUANTITIES.len()]; 2];

/// Samples in the order in which they were taken.
pub struct Series {
    pub daemons: [Daemon; 2],
    pub rows: Vec<(Duration, Row)>,
}

impl Series {
    pub fn new(daemons: &[Daemon; 2]) -> Self {
        Self { daemons: *daemons, rows: Vec::new() }
    }

    /// Takes a sample at `now` since the beginning.
    pub fn take(&mut self, now: Duration) {
        self.rows.push((now, self.daemons.map(|daemon| look(daemon.pid))));
    }

    pub fn last(&self) -> Option<Duration> {
        self.rows.last().map(|(at, _)| *at)
    }

    /// One quantity of one daemon.
    pub fn of(&self, daemon: usize, quantity: usize) -> Vec<(f64, f64)> {
        self.rows.iter().map(|(at, row)| (at.as_secs_f64(), row[daemon][quantity] as f64)).collect()
    }

    pub fn csv(&self) -> String {
        let mut text = String::from("seconds");
        for daemon in self.daemons {
            QUANTITIES.iter().for_each(|(name, _)| text.push_str(&format!(",{} {name}", daemon.name)));
        }
        for (at, row) in &self.rows {
            text.push_str(&format!("\n{:.1}", at.as_secs_f64()));
            row.as_flattened().iter().for_each(|value| text.push_str(&format!(",{value}")));
        }
        text + "\n"
    }
}

/// Its own share of memory, what of that is no file's, its descriptors, threads and timers.
fn look(pid: u32) -> [u64; QUANTITIES.len()] {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let field = |text: &str, name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
        line.unwrap_or(0)
    };
    let rollup = read("smaps_rollup");
    let files: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .map(|entries| entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()))
        .map(|links| links.map(|link| link.display().to_string()).collect())
        .unwrap_or_default();
    let timers = files.iter().filter(|file| file.contains("[timerfd]")).count();
    // POSIX timers, of which each begins so.
    let timers = timers + read("timers").matches("ID: ").count();
    let threads = field(&read("status"), "Threads:");
    [field(&rollup, "Pss:"), field(&rollup, "Pss_Anon:"), files.len() as u64, threads, timers as u64]
}
