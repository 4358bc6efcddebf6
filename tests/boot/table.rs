//! The figures of all starts, and the table that a person reads.

use std::fmt::Write;

use kiosk_tests::frames::median;
use serde::Serialize;

use super::Start;
use super::contenders::Contender;

/// The page is to be there as soon as with cage.
const PAGE_WANTED: f64 = 1.0;
/// The logo is to be up by this share of that time.
const LOGO_WANTED: f64 = 0.4;

/// All starts that count.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    kioskd: Vec<Start>,
    cage: Vec<Start>,
}

type Moment = fn(&Start) -> f64;

const ROWS: [(&str, Moment); 6] = [
    ("kernel", |start| start.kernel),
    ("initrd", |start| start.initrd),
    ("system", |start| start.system),
    ("logo on the screen", |start| start.logo),
    ("kioskd's first frame, start of cage", |start| start.compositor),
    ("page on the screen", |start| start.page),
];

impl Figures {
    pub fn add(&mut self, contender: Contender, start: Start) {
        match contender {
            Contender::Kioskd => self.kioskd.push(start),
            Contender::Cage => self.cage.push(start),
        }
    }

    /// Medians with the least and the most.
    pub fn table(&self, cage: &str) -> String {
        let mut table = format!(
            "| s after power-on, of {} starts each | kioskd | cage {cage} |\n|---|---|---|\n",
            self.kioskd.len()
        );
        for (what, moment) in ROWS {
            let _ = writeln!(table, "| {what} | {} | {} |", spread(&self.kioskd, moment), spread(&self.cage, moment));
        }
        let [ours, theirs] = [&self.kioskd, &self.cage].map(|starts| middle(starts, |start| start.page));
        let logo = middle(&self.kioskd, |start| start.logo);
        let verdict = |is: f64, wanted: f64| {
            format!("{is:.2} (at most {wanted}: {})", if is <= wanted { "reached" } else { "not reached" })
        };
        let _ = writeln!(table, "| page, of cage's | {} | |", verdict(ours / theirs, PAGE_WANTED));
        let _ = writeln!(table, "| logo, of the time to the page | {} | |", verdict(logo / ours, LOGO_WANTED));
        table
    }
}

fn middle(starts: &[Start], moment: Moment) -> f64 {
    median(starts.iter().map(moment))
}

fn spread(starts: &[Start], moment: Moment) -> String {
    let least = starts.iter().map(moment).fold(f64::INFINITY, f64::min);
    let most = starts.iter().map(moment).fold(0.0, f64::max);
    format!("{:.1} ({least:.1} to {most:.1})", middle(starts, moment))
}
