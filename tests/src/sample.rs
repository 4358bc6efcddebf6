//! What the benchmark's probe in the machine tells the benchmark on the host.

use serde::{Deserialize, Serialize};

use crate::frames::Frames;

/// From exec to the first own framebuffer on a plane.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Start {
    pub milliseconds: f64,
}

/// The kernel's counters at one moment.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Reading {
    /// Nanoseconds of the monotonic clock.
    pub at: u64,
    /// Nanoseconds on a processor, all threads.
    pub processor: u64,
    /// Wake-ups (voluntary context switches), all threads.
    pub switches: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Memory {
    pub pss_kib: u64,
    pub rss_kib: u64,
}

/// What a compositor did between two moments.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sample {
    pub before: Reading,
    pub after: Reading,
    pub memory: Memory,
}

#[allow(clippy::cast_precision_loss)] // counters of a few seconds
impl Sample {
    pub fn wakeups_per_second(&self) -> f64 {
        (self.after.switches - self.before.switches) as f64 * 1e9 / (self.after.at - self.before.at).max(1) as f64
    }

    /// Milliseconds on a processor for each frame of the client that was presented meanwhile.
    pub fn processor_ms_per_frame(&self, frames: &Frames) -> f64 {
        let presented = frames.within(self.before.at..=self.after.at).presented.len().max(1);
        (self.after.processor - self.before.processor) as f64 / 1e6 / presented as f64
    }
}
