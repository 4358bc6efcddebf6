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

/// Seconds after power-on; `None`: it never was.
type Moment = fn(&Start) -> Option<f64>;

const ROWS: [(&str, Moment); 6] = [
    ("logo on the screen", |start| Some(start.logo)),
    ("kernel", |start| Some(start.kernel)),
    ("initrd", |start| Some(start.initrd)),
    ("system", |start| Some(start.system)),
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

    /// Medians with the least and the most, of those that came.
    pub fn table(&self, cage: &str) -> String {
        let mut table = format!(
            "| s after power-on, of {} starts each | kioskd | cage {cage} |\n|---|---|---|\n",
            self.kioskd.len()
        );
        for (what, moment) in ROWS {
            let _ = writeln!(table, "| {what} | {} | {} |", spread(&self.kioskd, moment), spread(&self.cage, moment));
        }
        let never = [&self.kioskd, &self.cage].map(|starts| starts.iter().filter(|start| start.page.is_none()).count());
        if never != [0, 0] {
            let _ = writeln!(table, "| starts without a page | {} | {} |", never[0], never[1]);
        }
        let [ours, theirs] = [&self.kioskd, &self.cage].map(|starts| middle(starts, |start| start.page));
        let logo = middle(&self.kioskd, |start| Some(start.logo));
        let verdict = |is: Option<f64>, of: Option<f64>, wanted: f64| match (is, of) {
            (Some(is), Some(of)) if is / of <= wanted => format!("{:.2} (at most {wanted}: reached)", is / of),
            (Some(is), Some(of)) => format!("{:.2} (at most {wanted}: not reached)", is / of),
            _ => "not known".to_owned(),
        };
        let _ = writeln!(table, "| page, of cage's | {} | |", verdict(ours, theirs, PAGE_WANTED));
        let _ = writeln!(table, "| logo, of the time to the page | {} | |", verdict(logo, ours, LOGO_WANTED));
        table
    }
}

fn middle(starts: &[Start], moment: Moment) -> Option<f64> {
    let moments: Vec<f64> = starts.iter().filter_map(moment).collect();
    (!moments.is_empty()).then(|| median(moments.into_iter()))
}

fn spread(starts: &[Start], moment: Moment) -> String {
    let Some(middle) = middle(starts, moment) else { return "never".to_owned() };
    let least = starts.iter().filter_map(moment).fold(f64::INFINITY, f64::min);
    let most = starts.iter().filter_map(moment).fold(0.0, f64::max);
    format!("{middle:.1} ({least:.1} to {most:.1})")
}
