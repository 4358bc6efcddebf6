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

/// A key, and what a client has drawn when it came. Times as in [`Frame`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Answer {
    pub pressed: u64,
    /// The client has the event.
    pub heard: u64,
    pub presented: u64,
}

/// All frames of one run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Frames {
    pub presented: Vec<Frame>,
    /// Committed and never shown.
    pub discarded: usize,
    /// The display's period, nanoseconds, as it was told with the last frame; 0: not told.
    pub refresh: u64,
    /// To the keys that were pressed.
    pub answers: Vec<Answer>,
}

impl Frames {
    /// Only what was presented in this time.
    pub fn within(&self, time: RangeInclusive<u64>) -> Self {
        let presented = self.presented.iter().filter(|frame| time.contains(&frame.presented)).copied().collect();
        let answers = self.answers.iter().filter(|answer| time.contains(&answer.pressed)).copied().collect();
        Self { presented, answers, ..*self }
    }

    pub fn zero_copy(&self) -> usize {
        self.presented.iter().filter(|frame| frame.zero_copy).count()
    }

    /// Median time between two presentations, milliseconds.
    pub fn period_ms(&self) -> f64 {
        median(self.presented.windows(2).map(|pair| millis(pair[1].presented.saturating_sub(pair[0].presented))))
    }

    /// How many of a thousand of the display's periods had no new frame; none where its period is not told.
    pub fn dropped_of_1000(&self) -> Option<f64> {
        let (first, last) = (self.presented.first()?, self.presented.last()?);
        let length = last.presented.saturating_sub(first.presented);
        // To the nearest: the period is a rounded one.
        let periods =
            length.saturating_add(self.refresh / 2).checked_div(self.refresh).filter(|periods| *periods > 0)?;
        let shown = self.presented.len() as u64 - 1;
        Some(float(periods.saturating_sub(shown)) / float(periods) * 1e3)
    }

    /// Median time from a key to its event, milliseconds.
    pub fn to_event_ms(&self) -> f64 {
        median(self.answers.iter().map(|answer| millis(answer.heard.saturating_sub(answer.pressed))))
    }

    /// Median time from a key to the picture that a client draws at once, milliseconds.
    pub fn to_picture_ms(&self) -> f64 {
        median(self.answers.iter().map(|answer| millis(answer.presented.saturating_sub(answer.pressed))))
    }

    /// Median time from commit to presented, milliseconds.
    pub fn latency_ms(&self) -> f64 {
        median(self.presented.iter().map(|frame| millis(frame.presented.saturating_sub(frame.committed))))
    }
}

fn millis(nanoseconds: u64) -> f64 {
    float(nanoseconds) / 1e6
}

#[allow(clippy::cast_precision_loss)] // differences of seconds at most
fn float(number: u64) -> f64 {
    number as f64
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

    #[test]
    fn periods_without_a_new_frame_are_counted() {
        let frame = |n: u64| Frame { committed: 0, presented: n * 13_300_100, zero_copy: false };
        let frames = |shown: &[u64]| Frames {
            presented: shown.iter().map(|n| frame(*n)).collect(),
            refresh: 13_300_000,
            ..Frames::default()
        };
        assert_eq!(frames(&[0, 1, 2, 3, 4]).dropped_of_1000(), Some(0.0));
        assert_eq!(frames(&[0, 1, 3, 4]).dropped_of_1000(), Some(250.0));
        assert_eq!(frames(&[0]).dropped_of_1000(), None);
        assert_eq!(Frames { refresh: 0, ..frames(&[0, 1]) }.dropped_of_1000(), None);
    }

    #[test]
    fn answers_are_measured_from_the_key() {
        let answer = |n: u64| Answer { pressed: n, heard: n + 2_000_000, presented: n + 14_000_000 };
        let frames = Frames { answers: vec![answer(0), answer(100), answer(1_000_000_000)], ..Frames::default() };
        assert!((frames.to_event_ms() - 2.0).abs() < 1e-6 && (frames.to_picture_ms() - 14.0).abs() < 1e-6);
        assert_eq!(frames.within(0..=200).answers.len(), 2);
    }
}
