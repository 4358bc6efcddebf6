//! What became of a screen's frames, and where the time of the last ones went: counters and a ring of fixed size, which
//! `kioskctl status --frames` asks for. Written when a frame is queued and when its page flip comes, by [`crate::draw`];
//! nothing is summed up before somebody asks ([`FrameTimes::summary`]). No I/O and no clock.

use std::time::Duration;

/// Frames whose times are kept: two seconds at 60 Hz.
const KEPT: usize = 120;

/// A flip may be this share of a frame's time late and still be that of the vertical blank it was drawn for: drivers tell
/// times of their own, and a mode's rate is rounded.
const LATE_SHARE: u32 = 2;

/// With the last flip longer ago than this, rounding of the mode's rate hides where the next vertical blank is.
const PHASE_KNOWN: Duration = Duration::from_secs(1);

/// The times of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times {
    handling: Duration,
    draw: Duration,
    flip: Duration,
}

/// A frame that waits for its page flip.
#[derive(Debug, Clone, Copy)]
struct Queued {
    at: Duration,
    handling: Duration,
    draw: Duration,
}

/// The moments of a frame that was queued, monotonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// The loop woke for the turn in which it was drawn.
    pub woken: Duration,
    /// Drawing began.
    pub begun: Duration,
    /// It was queued.
    pub queued: Duration,
}

/// The last value, the middle one and the largest one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spread {
    /// Of the last frame.
    pub last: Duration,
    /// Half of the frames took no longer.
    pub median: Duration,
    /// The longest.
    pub max: Duration,
}

/// What is told of a screen's frames. The counters are since the screen is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Page flips that did not come within a second.
    pub lost_flips: u64,
    /// Frames that were on the screen later than at the vertical blank after they were queued.
    pub missed_latches: u64,
    /// How many of the last frames the times are of, at most 120.
    pub frames: u32,
    /// From the wake-up to the begin of drawing: input, and clients' requests and commits.
    pub handling: Spread,
    /// From the begin of drawing until the frame was queued.
    pub draw: Spread,
    /// From there to the page flip.
    pub flip: Spread,
}

/// The counters and the ring.
#[derive(Debug, Default)]
pub struct FrameTimes {
    lost_flips: u64,
    missed_latches: u64,
    queued: Option<Queued>,
    /// At most [`KEPT`]; made with the first frame.
    ring: Vec<Times>,
    /// Where the next one goes.
    next: usize,
}

impl FrameTimes {
    /// A frame was queued.
    pub fn queued(&mut self, moments: Moments) {
        let Moments { woken, begun, queued } = moments;
        let (handling, draw) = (begun.saturating_sub(woken), queued.saturating_sub(begun));
        self.queued = Some(Queued { at: queued, handling, draw });
    }

    /// Its page flip came. `last`: the flip before; `period`: of the mode; `exact`: the time is the hardware's.
    pub fn flipped(&mut self, at: Duration, last: Option<Duration>, period: Duration, exact: bool) {
        let Some(Queued { at: queued, handling, draw }) = self.queued.take() else { return };
        if at > latest(queued, last.filter(|_| exact), period) {
            self.missed_latches += 1;
        }
        let times = Times { handling, draw, flip: at.saturating_sub(queued) };
        match self.ring.get_mut(self.next) {
            Some(oldest) => *oldest = times,
            None => self.ring.push(times),
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// The page flip was given up.
    pub fn lost(&mut self) {
        self.queued = None;
        self.lost_flips += 1;
    }

    /// All of it.
    pub fn summary(&self) -> Summary {
        let last = (self.next + KEPT - 1) % KEPT;
        let spread = |time: fn(&Times) -> Duration| {
            let mut times: Vec<Duration> = self.ring.iter().map(time).collect();
            times.sort_unstable();
            Spread {
                last: self.ring.get(last).map(time).unwrap_or_default(),
                median: times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default(),
                max: times.last().copied().unwrap_or_default(),
            }
        };
        Summary {
            lost_flips: self.lost_flips,
            missed_latches: self.missed_latches,
            frames: self.ring.len() as u32,
            handling: spread(|times| times.handling),
            draw: spread(|times| times.draw),
            flip: spread(|times| times.flip),
        }
    }
}

/// When a frame that was queued at this moment is on the screen at the latest, if it missed nothing. Vertical blanks
/// follow the last flip in periods; where that says nothing, the frame has a whole period.
fn latest(queued: Duration, last: Option<Duration>, period: Duration) -> Duration {
    let since = last.and_then(|last| queued.checked_sub(last)).filter(|since| *since < PHASE_KNOWN);
    let phase = since.map_or(0, |since| since.as_nanos() % period.as_nanos().max(1));
    let gone = Duration::from_nanos(u64::try_from(phase).unwrap_or(0));
    queued.saturating_sub(gone).saturating_add(period).saturating_add(period / LATE_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERIOD: Duration = Duration::from_millis(10);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn frame(times: &mut FrameTimes, queued: u64, flip: u64, last: Option<u64>) {
        times.queued(Moments { woken: ms(queued - 3), begun: ms(queued - 2), queued: ms(queued) });
        times.flipped(ms(flip), last.map(ms), PERIOD, true);
    }

    #[test]
    fn each_part_of_a_frame_has_its_last_its_middle_and_its_longest_time() {
        let mut times = FrameTimes::default();
        assert_eq!(times.summary(), Summary::default());
        for (queued, flip) in [(1002, 1010), (1013, 1020), (1021, 1030), (1033, 1040)] {
            frame(&mut times, queued, flip, Some(1000));
        }
        let summary = times.summary();
        assert_eq!((summary.frames, summary.missed_latches, summary.lost_flips), (4, 0, 0));
        assert_eq!(summary.handling, Spread { last: ms(1), median: ms(1), max: ms(1) });
        assert_eq!(summary.draw, Spread { last: ms(2), median: ms(2), max: ms(2) });
        assert_eq!(summary.flip, Spread { last: ms(7), median: ms(7), max: ms(9) });
    }

    #[test]
    fn a_frame_that_is_shown_a_period_late_has_missed_its_latch() {
        let mut times = FrameTimes::default();
        // Queued 1 ms before the vertical blank, and shown at the one after.
        frame(&mut times, 1019, 1030, Some(1010));
        assert_eq!(times.summary().missed_latches, 1);
        // Queued right after one, and shown at the next.
        frame(&mut times, 1031, 1040, Some(1030));
        // After a long rest a whole period is fair.
        frame(&mut times, 9009, 9019, Some(1040));
        frame(&mut times, 9109, 9119, None);
        assert_eq!(times.summary().missed_latches, 1);
        frame(&mut times, 9209, 9225, None);
        assert_eq!(times.summary().missed_latches, 2);
    }

    #[test]
    fn a_lost_flip_counts_and_leaves_no_time() {
        let mut times = FrameTimes::default();
        times.queued(Moments { woken: ms(1), begun: ms(2), queued: ms(3) });
        times.lost();
        times.flipped(ms(2000), None, PERIOD, true);
        let summary = times.summary();
        assert_eq!((summary.lost_flips, summary.missed_latches, summary.frames), (1, 0, 0));
    }

    #[test]
    fn only_the_last_frames_are_kept() {
        let mut times = FrameTimes::default();
        for number in 0..1000 {
            frame(&mut times, 1000 + number * 10, 1001 + number * 10 + number / 500, None);
        }
        let summary = times.summary();
        assert_eq!(summary.frames as usize, KEPT);
        assert_eq!(summary.flip, Spread { last: ms(2), median: ms(2), max: ms(2) }, "the early ones are forgotten");
    }

    proptest! {
        /// Whatever clocks say: no panic, and a median between nothing and the longest.
        #[test]
        fn no_clock_does_harm(frames in prop::collection::vec(any::<(u64, u64, u64, u64, u64, u64)>(), 0..300)) {
            let mut times = FrameTimes::default();
            let at = Duration::from_nanos;
            for (woken, begun, queued, flip, last, period) in frames {
                times.queued(Moments { woken: at(woken), begun: at(begun), queued: at(queued) });
                times.flipped(at(flip), Some(at(last)), at(period), true);
            }
            let summary = times.summary();
            prop_assert!(summary.frames as usize <= KEPT);
            prop_assert!(summary.flip.median <= summary.flip.max && summary.flip.last <= summary.flip.max);
        }
    }
}
