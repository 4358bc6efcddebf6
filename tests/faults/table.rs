//! What was measured, as a table.

use std::fmt::Write;
use std::time::Duration;

use crate::fault::Fault;

/// One fault, done again and again.
pub struct Row {
    pub fault: &'static Fault,
    /// What a cold start took just before.
    pub cold: Duration,
    pub noticed: Vec<Duration>,
    /// Empty: the page's picture stayed.
    pub picture: Vec<Duration>,
    pub page: Vec<Duration>,
}

pub fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

pub fn text(rows: &[Row], repeat: usize) -> String {
    let mut text = format!(
        "Each {repeat} times, median and worst, seconds; a cold start is measured just before each.\n\n\
         | fault | noticed after | splash after | page after | cold start |\n|---|---|---|---|---|\n"
    );
    for row in rows {
        let [noticed, picture, page] = [&row.noticed, &row.picture, &row.page].map(|times| cell(times));
        let cold = row.cold.as_secs_f64();
        let _ = writeln!(text, "| {} | {noticed} | {picture} | {page} | {cold:.1} |", row.fault.name);
    }
    text
}

fn cell(times: &[Duration]) -> String {
    let worst = times.iter().max().copied().unwrap_or_default();
    if times.is_empty() {
        return "the page stays".into();
    }
    format!("{:.2} ({:.2})", median(times).as_secs_f64(), worst.as_secs_f64())
}
