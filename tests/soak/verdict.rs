//! Whether what was sampled at rest has grown: the second half of the time after the warm-up against the first.

use crate::sample::{QUANTITIES, Series};

/// Of the samples, at the beginning, that are not looked at: caches fill, and each kind of event is there for the first
/// time.
const WARM_UP: f64 = 0.3;
/// Fewer samples at rest say nothing.
const LEAST: usize = 6;
/// What a quantity may grow by, as [`QUANTITIES`] has them: what an allocator keeps of a busier moment; a connection or
/// a worker that comes or goes. It is the same for twenty minutes and for days: who looks for longer sees less.
const MOST: [f64; QUANTITIES.len()] = [3072.0, 2048.0, 3.0, 2.0, 1.0];

pub struct Verdict {
    pub flat: bool,
    /// All the numbers.
    pub text: String,
}

pub fn judge(at_rest: &Series) -> Verdict {
    let mut verdict = Verdict { flat: true, text: String::new() };
    if at_rest.rows.len() < LEAST {
        return Verdict {
            flat: false,
            text: format!("only {} samples at rest, {LEAST} are needed", at_rest.rows.len()),
        };
    }
    for (number, daemon) in at_rest.daemons.iter().enumerate() {
        for (index, ((name, unit), most)) in QUANTITIES.iter().zip(MOST).enumerate() {
            let values: Vec<f64> = at_rest.of(number, index).iter().map(|(_, value)| *value).collect();
            let (before, after) = halves(&values);
            let grown = after - before;
            let leaks = grown > most;
            verdict.flat &= !leaks;
            let mark = if leaks { " GREW" } else { "" };
            let part = format!("{} {name} {before:.0} → {after:.0} {unit} (at most +{most:.0}){mark}; ", daemon.name);
            verdict.text.push_str(&part);
        }
    }
    verdict
}

/// The medians of both halves of what follows the warm-up.
fn halves(values: &[f64]) -> (f64, f64) {
    let warm = &values[(values.len() as f64 * WARM_UP) as usize..];
    let (first, second) = warm.split_at(warm.len() / 2);
    (median(first), median(second))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kiosk::Daemon;

    fn judged(value: impl Fn(u64) -> u64) -> Verdict {
        let daemon = |name| Daemon { name, pid: 1 };
        let mut series = Series::new(&[daemon("kioskd"), daemon("kiosk-session")]);
        for round in 0..60 {
            let flat = [50_000, 20_000, 40, 9, 3];
            let mut other = flat;
            other[1] = value(round);
            series.rows.push((Duration::from_secs(round * 20), [flat, other]));
        }
        judge(&series)
    }

    #[test]
    fn a_trend_distinguishes_a_plateau_from_a_leak() {
        assert!(judged(|_| 9000).flat);
        // It warms up for a quarter of the time, and is noisy.
        assert!(judged(|round| 9000 + round.min(15) * 900 + round % 3 * 500).flat);
        let leak = judged(|round| 9000 + round * 120);
        assert!(!leak.flat && leak.text.contains("kiosk-session heap") && leak.text.contains("GREW"), "{}", leak.text);
    }
}
