//! Whether a screen's frames have a period more from a client's commit to the display. No I/O and no clock.
//!
//! Clients draw right after a page flip, and their frame is drawn at once: it is on the screen at the next one. Where
//! both take longer than a period now and then, as beside other work, each such frame leaves the screen a period without
//! a new picture. So after one the client gets its frame callback at once and not only at the late flip, and from then
//! on the screen draws at a flip what was committed before it: the client has a whole period, and drawing the next. That
//! ends when for a while no frame would have been late without it.

use std::time::Duration;

use crate::frame_times::Moments;

/// How long frames are watched before the slack is given up.
const WATCHED: Duration = Duration::from_secs(2);

/// A client that is so many periods late has not been drawing all the time.
const PAUSE: u32 = 3;

/// The slack of one screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slack {
    watch: Option<Watch>,
    /// From the last flip to the first commit after it.
    answer: Option<Duration>,
}

/// What frames with slack have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Watch {
    since: Duration,
    /// The client's answer and drawing together.
    longest: Duration,
}

impl Slack {
    /// Whether a frame that is due is drawn right after a flip, without waiting for clients.
    pub fn is_taken(&self) -> bool {
        self.watch.is_some()
    }

    /// A client drew at `at`, monotonic.
    pub fn client_drew(&mut self, at: Duration, last_flip: Option<Duration>) {
        if self.watch.is_some() && self.answer.is_none() {
            self.answer = last_flip.map(|flip| at.saturating_sub(flip));
        }
    }

    /// A frame was queued after `last_flip`. Returns whether it missed a vertical blank: clients are to draw on meanwhile.
    /// `period`: of the mode, not zero.
    #[must_use]
    pub fn queued(&mut self, moments: Moments, last_flip: Option<Duration>, period: Duration) -> bool {
        let Moments { begun, queued, .. } = moments;
        let Some(last_flip) = last_flip else { return false };
        let taken = self.answer.take().unwrap_or_default() + queued.saturating_sub(begun);
        let since = queued.saturating_sub(last_flip);
        if since > period && since <= period * PAUSE {
            self.watch = Some(Watch { since: queued, longest: Duration::ZERO });
            return true;
        }
        if let Some(watch) = self.watch.as_mut().filter(|_| since <= period) {
            watch.longest = watch.longest.max(taken);
            if queued.saturating_sub(watch.since) >= WATCHED {
                let late = watch.longest > period;
                self.watch = late.then_some(Watch { since: queued, longest: Duration::ZERO });
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(10);

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// A frame whose flip before was at `flip`, committed and queued so many milliseconds after it; drawing takes one.
    fn frame(slack: &mut Slack, flip: u64, committed: u64, queued: u64) -> bool {
        slack.client_drew(ms(flip + committed), Some(ms(flip)));
        let queued = ms(flip + queued);
        let begun = queued - ms(1);
        slack.queued(Moments { woken: begun, begun, queued }, Some(ms(flip)), PERIOD)
    }

    #[test]
    fn frames_in_time_need_none() {
        let mut slack = Slack::default();
        for flip in 0..1000 {
            assert!(!frame(&mut slack, flip * 10, 2, 9));
            assert!(!slack.is_taken());
        }
    }

    #[test]
    fn a_frame_that_misses_its_vertical_blank_takes_it_and_quiet_frames_give_it_back() {
        let mut slack = Slack::default();
        assert!(frame(&mut slack, 0, 2, 11));
        assert!(slack.is_taken());
        let frames = (2..).take_while(|number| !frame(&mut slack, number * 10, 9, 1) && slack.is_taken()).count();
        assert_eq!(frames, 199, "two seconds at 100 Hz");
    }

    #[test]
    fn it_stays_while_frames_would_be_late_without_it() {
        let mut slack = Slack::default();
        assert!(frame(&mut slack, 0, 2, 11));
        for number in 2..2000 {
            let committed = if number % 150 == 0 { 10 } else { 2 };
            assert!(!frame(&mut slack, number * 10, committed, 1));
            assert!(slack.is_taken(), "{number}");
        }
    }

    #[test]
    fn what_begins_after_a_pause_is_not_late() {
        let mut slack = Slack::default();
        assert!(!frame(&mut slack, 0, 31, 32));
        assert!(!slack.is_taken());
        // Nor does it count as a long one with slack.
        assert!(frame(&mut slack, 100, 2, 11));
        assert!(!frame(&mut slack, 110, 9000, 9001));
        for number in 2000.. {
            let _ = frame(&mut slack, number * 10, 2, 1);
            if !slack.is_taken() {
                break;
            }
            assert!(number < 2300);
        }
        // The first frame of all.
        assert!(!slack.queued(Moments { woken: ms(5), begun: ms(5), queued: ms(20) }, None, PERIOD));
    }
}
