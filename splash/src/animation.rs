//! The movement of the progress dots: a function of time, in steps, with rests. The compositor asks for the poses
//! when it draws and for the next change when it sets its timer. Nothing is repainted: the dots are pictures of
//! their own, and only their opacity changes.

use std::{f32::consts::PI, time::Duration};

/// The position and opacity of an animated piece at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Index into [`crate::Scene::pieces`].
    pub piece: usize,
    /// Offset to the piece's own place, physical pixels.
    pub dx: i32,
    /// Down, pixels.
    pub dy: i32,
    /// 0.0 to 1.0.
    pub alpha: f32,
}

/// Dots in the row.
pub(crate) const DOTS: usize = 3;
/// Time between two pictures: about 16 a second look smooth in a slow pulse, and leave the processor to the start
/// of the browser.
pub(crate) const STEP: Duration = Duration::from_millis(60);
/// Steps until the pattern repeats. The last ones are a pause without wake-ups.
pub(crate) const STEPS: u32 = 28;
/// Steps that one dot's pulse takes.
pub(crate) const PULSE: u32 = 12;
/// Steps from one dot's pulse to the next one's.
pub(crate) const LAG: u32 = 4;
/// Opacity of a dot between its pulses.
pub(crate) const REST: f32 = 0.25;

/// The animated pieces, by time since the view was first shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Animation {
    /// The first dot's piece; the others follow it.
    first: usize,
}

impl Animation {
    /// Pulses the pieces `first` to `first + DOTS - 1` in turn.
    pub(crate) fn dots(first: usize) -> Self {
        Self { first }
    }

    /// The poses of all animated pieces after `elapsed`; pieces not named are at rest and opaque.
    pub fn at(&self, elapsed: Duration) -> Vec<Pose> {
        let step = step(elapsed).0;
        (0..DOTS).map(|dot| Pose { piece: self.first + dot, dx: 0, dy: 0, alpha: alpha(dot, step) }).collect()
    }

    /// The time from `elapsed` until the poses next differ: never zero, so a caller can't spin.
    pub fn next_change(&self, elapsed: Duration) -> Option<Duration> {
        let (now, into) = step(elapsed);
        let differs = |later: &u32| (0..DOTS).any(|dot| alpha(dot, now + later) != alpha(dot, now));
        let later = (1..=STEPS).find(differs)?;
        Some(STEP * later - into)
    }
}

/// The step of the pattern at `elapsed` and the time since it began, which is less than [`STEP`].
fn step(elapsed: Duration) -> (u32, Duration) {
    let period = (STEP * STEPS).as_nanos();
    // Both fit: the remainder is less than a period of a few seconds.
    let into_period = Duration::from_nanos((elapsed.as_nanos() % period) as u64);
    let step = (into_period.as_nanos() / STEP.as_nanos()) as u32;
    (step, into_period - STEP * step)
}

/// Opacity of `dot` in `step`: a smooth rise and fall, then rest.
fn alpha(dot: usize, step: u32) -> f32 {
    let phase = (step + STEPS - dot as u32 * LAG) % STEPS;
    if phase >= PULSE {
        return REST;
    }
    let rise = (PI * phase as f32 / PULSE as f32).sin().powi(2);
    REST + (1.0 - REST) * rise
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ten years, in nanoseconds.
    const DECADE: u64 = 10 * 365 * 24 * 3600 * 1_000_000_000;

    proptest! {
        #[test]
        fn poses_are_constant_until_the_next_change_and_differ_after_it(nanos in 0..DECADE, part in 0.0f64..1.0) {
            let animation = Animation::dots(1);
            let now = Duration::from_nanos(nanos);
            let wait = animation.next_change(now).unwrap();
            prop_assert!(wait > Duration::ZERO && wait < STEP * STEPS);
            let poses = animation.at(now);
            let between = now + Duration::from_nanos((part * (wait.as_nanos() - 1) as f64) as u64);
            prop_assert_eq!(&animation.at(between), &poses);
            prop_assert_eq!(&animation.at(now + wait - Duration::from_nanos(1)), &poses);
            prop_assert_ne!(&animation.at(now + wait), &poses);
        }

        #[test]
        fn only_the_opacity_of_the_dots_changes(nanos in 0..DECADE) {
            for (dot, pose) in Animation::dots(7).at(Duration::from_nanos(nanos)).iter().enumerate() {
                prop_assert_eq!((pose.piece, pose.dx, pose.dy), (7 + dot, 0, 0));
                prop_assert!((REST..=1.0).contains(&pose.alpha));
            }
        }
    }

    #[test]
    fn every_dot_is_fully_bright_once_a_period_and_in_turn() {
        let animation = Animation::dots(0);
        let brightest = |dot: usize| (0..STEPS).position(|step| animation.at(STEP * step)[dot].alpha == 1.0).unwrap();
        assert!((1..DOTS).all(|dot| brightest(dot - 1) < brightest(dot)));
    }

    #[test]
    fn it_wakes_up_at_most_sixteen_times_a_second() {
        let animation = Animation::dots(0);
        let (mut now, mut changes) = (Duration::ZERO, 0);
        while now < Duration::from_secs(168) {
            now += animation.next_change(now).unwrap();
            changes += 1;
        }
        assert!(changes <= 16 * 168, "{changes} changes in 168 s");
        assert!(changes >= 8 * 168, "{changes} changes in 168 s: it does not look alive");
    }

    #[test]
    fn the_largest_duration_is_accepted() {
        let animation = Animation::dots(0);
        assert_eq!(animation.at(Duration::MAX).len(), DOTS);
        assert!(animation.next_change(Duration::MAX).unwrap() > Duration::ZERO);
    }
}
