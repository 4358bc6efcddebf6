//! What a client learnt about its frames, and what follows from it. The measuring client writes it, the tests
//! and the benchmark read it.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// One presented frame; times are nanoseconds of the monotonic clock.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Frame {
    pub committed: u64,
    pub presented: u64,
    /// The client's buffer was put on a plane as it is.
    pub zero_copy: bool,
}

/// All frames of one run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Frames {
    pub presented: Vec<Frame>,
    /// Committed and never shown.
    pub discarded: usize,
}

impl Frames {
    /// Only what was presented in this time.
    pub fn within(&self, time: RangeInclusive<u64>) -> Self {
        let presented = self.presented.iter().filter(|frame| time.contains(&frame.presented)).copied().collect();
        Self { presented, discarded: self.discarded }
    }

    pub fn zero_copy(&self) -> usize {
        self.presented.iter().filter(|frame| frame.zero_copy).count()
    }

    /// Median time between two presentations, milliseconds.
    pub fn period_ms(&self) -> f64 {
        median(self.presented.windows(2).map(|pair| millis(pair[1].presented.saturating_sub(pair[0].presented))))
    }

    /// Median time from commit to presented, milliseconds.
    pub fn latency_ms(&self) -> f64 {
        median(self.presented.iter().map(|frame| millis(frame.presented.saturating_sub(frame.committed))))
    }
}

#[allow(clippy::cast_precision_loss)] // differences of seconds at most
fn millis(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

/// The middle one, 0 when there are none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_and_period_are_those_of_the_frames_within_the_time() {
        let mut frames = Frames::default();
        for n in 0..20 {
            let committed = n * 12_000_000;
            // The second half is slower.
            let latency = if n < 10 { 5_000_000 } else { 11_000_000 };
            frames.presented.push(Frame { committed, presented: committed + latency, zero_copy: n % 2 == 0 });
        }
        let first = frames.within(0..=115_000_000);
        assert_eq!((first.presented.len(), first.zero_copy()), (10, 5));
        assert!((first.period_ms() - 12.0).abs() < 1e-6);
        assert!((first.latency_ms() - 5.0).abs() < 1e-6);
        assert!((frames.within(130_000_000..=u64::MAX).latency_ms() - 11.0).abs() < 1e-6);
        assert!(Frames::default().latency_ms().abs() < 1e-6);
    }
}
