//! commit-timing: a commit has a target time, and is shown with the first frame at that time or after it. If page flips
//! are known, it is applied right after the flip before, so that there is time to draw it; else at the time itself. A
//! time in the past does not delay a commit. One timer serves all.
//!
//! Implemented without smithay's support, whose barriers have no timer, and which accepts times with more than a second
//! of nanoseconds.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use smithay::{
    reexports::{
        wayland_protocols::wp::commit_timing::v1::server::{
            wp_commit_timer_v1::{self, Error as TimerError, WpCommitTimerV1},
            wp_commit_timing_manager_v1::{self, Error, WpCommitTimingManagerV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource, Weak, backend::ObjectId,
            protocol::wl_surface::WlSurface,
        },
    },
    wayland::compositor::{Barrier, add_pre_commit_hook, is_sync_subsurface, with_states},
};

use super::{attached::attach, blocked};
use crate::{
    deadline_timer::DeadlineTimer,
    kiosk::Kiosk,
    limits::refusal,
    privilege::ClientState,
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
const NANOSECONDS: u32 = 1_000_000_000;
/// A commit is applied this long after the flip before its target, as a fraction (1/8) of the frame time: too late for
/// that flip, in time for the next.
const MARGIN: u32 = 8;
/// How long a flip predicts later ones: a monitor's refresh rate is not known exactly.
const FLIP_COUNTS: Duration = Duration::from_secs(1);

/// The state of the protocol: pending commits by the monotonic time of their application, then by arrival. Their number
/// is limited ([`crate::limits::table::WAITING_UPDATES`]).
#[derive(Default)]
pub struct CommitTiming {
    waiting: BTreeMap<(Duration, u64), Held>,
    made: u64,
    pub(crate) timer: DeadlineTimer,
}

struct Held {
    surface: ObjectId,
    barrier: Barrier,
    client: Client,
}

/// Stored with a surface that has a timer.
#[derive(Default)]
struct Surface {
    /// For the next commit.
    target: Option<Duration>,
}

impl CommitTiming {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, WpCommitTimingManagerV1, ()>(VERSION, ());
        Self::default()
    }

    /// When the next commit is applied.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// Forgets the pending times of a destroyed surface.
    pub(super) fn forget(&mut self, surface: &ObjectId) {
        self.waiting.retain(|_, held| held.surface != *surface);
    }

    /// Releases all due commits; returns their clients.
    fn end_due(&mut self, now: Duration) -> Vec<Client> {
        let later = self.waiting.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.waiting, later);
        due.into_values()
            .map(|held| {
                held.barrier.signal();
                held.client
            })
            .collect()
    }
}

/// When to apply a commit to be shown at `target`. `flip`: the last one, and the time between two.
fn applied_at(target: Duration, now: Duration, flip: Option<(Duration, Duration)>) -> Duration {
    let Some((last, period)) =
        flip.filter(|(last, period)| now.saturating_sub(*last) < FLIP_COUNTS && !period.is_zero())
    else {
        return target;
    };
    let periods = target.saturating_sub(last).as_nanos().div_ceil(period.as_nanos()).max(1);
    let Ok(before) = u32::try_from(periods - 1) else { return target };
    let Some(before) = period.checked_mul(before) else { return target };
    (last + before + period / MARGIN).min(target)
}

impl Kiosk {
    /// Releases the commits that are due.
    pub(crate) fn end_due_commits(&mut self) {
        let now = self.now();
        let ended = self.protocols.commit_timing.end_due(now);
        self.look_for_ready_commits(ended);
    }

    /// Called before each commit of the surface: delays it until its time.
    fn hold_until_its_time(&mut self, surface: &WlSurface) {
        let target = with_states(surface, |states| {
            let own = states.data_map.get::<Mutex<Surface>>()?;
            own.lock().unwrap_or_else(PoisonError::into_inner).target.take()
        });
        let (Some(target), Some(client)) = (target, surface.client()) else { return };
        let now = self.now();
        let screen = self.screens.screen_for(ClientState::shell_of(surface));
        let flip = screen.and_then(|screen| screen.last_flip.map(|last| (last, screen.frame_time())));
        let at = applied_at(target, now, flip);
        // A synchronised subsurface's commit is applied with its parent's.
        if at <= now || is_sync_subsurface(surface) {
            return;
        }
        let barrier = Barrier::new(false);
        let timing = &mut self.protocols.commit_timing;
        timing.made += 1;
        timing.waiting.insert((at, timing.made), Held { surface: surface.id(), barrier: barrier.clone(), client });
        blocked::wait_for(surface, barrier);
        self.arm_commit_timing();
    }
}

impl Dispatch<WpCommitTimingManagerV1, (), Kiosk> for CommitTiming {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        manager: &WpCommitTimingManagerV1,
        request: wp_commit_timing_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let wp_commit_timing_manager_v1::Request::GetTimer { id, surface } = request else { return };
        let timer = init.init(id, surface.downgrade());
        if !attach(&surface, &timer) {
            refusal::post(manager, Error::CommitTimerExists, "the surface has a wp_commit_timer_v1 already");
            return;
        }
        let first =
            with_states(&surface, |states| states.data_map.insert_if_missing_threadsafe(Mutex::<Surface>::default));
        if first {
            add_pre_commit_hook::<Kiosk, _>(&surface, |kiosk, _, surface| kiosk.hold_until_its_time(surface));
        }
    }
}

impl Dispatch<WpCommitTimerV1, Weak<WlSurface>, Kiosk> for CommitTiming {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        timer: &WpCommitTimerV1,
        request: wp_commit_timer_v1::Request,
        surface: &Weak<WlSurface>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let wp_commit_timer_v1::Request::SetTimestamp { tv_sec_hi, tv_sec_lo, tv_nsec } = request else { return };
        let Ok(surface) = surface.upgrade() else {
            refusal::post(timer, TimerError::SurfaceDestroyed, "the surface of the wp_commit_timer_v1 is gone");
            return;
        };
        if tv_nsec >= NANOSECONDS {
            let sentence = format!("{tv_nsec} nanoseconds are a second or more");
            refusal::post(timer, TimerError::InvalidTimestamp, &sentence);
            return;
        }
        let target = Duration::new(u64::from(tv_sec_hi) << 32 | u64::from(tv_sec_lo), tv_nsec);
        let set = with_states(&surface, |states| {
            let own = states.data_map.get::<Mutex<Surface>>()?;
            own.lock().unwrap_or_else(PoisonError::into_inner).target.replace(target)
        });
        if set.is_some() {
            refusal::post(timer, TimerError::TimestampExists, "the next commit has a time already");
        }
    }
}

plain! {
    WpCommitTimingManagerV1 => CommitTiming;
}
objects! {
    WpCommitTimingManagerV1, () => CommitTiming;
    WpCommitTimerV1, Weak<WlSurface> => CommitTiming;
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(16);

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_commit_is_applied_after_the_flip_before_the_one_that_is_to_show_it() {
        // Flips are at 1000, 1016, 1032, 1048.
        let flip = Some((at(1000), PERIOD));
        assert_eq!(applied_at(at(1040), at(1001), flip), at(1034));
        assert_eq!(applied_at(at(1048), at(1001), flip), at(1034));
        assert_eq!(applied_at(at(1049), at(1001), flip), at(1049), "right after a flip, for the next one");
        assert_eq!(applied_at(at(1051), at(1001), flip), at(1050));
        assert_eq!(applied_at(at(1010), at(1001), flip), at(1002));
    }

    #[test]
    fn without_flips_a_commit_is_applied_at_its_time() {
        assert_eq!(applied_at(at(1040), at(1001), None), at(1040));
        assert_eq!(applied_at(at(5040), at(5001), Some((at(1000), PERIOD))), at(5040), "the flip is too long ago");
        assert_eq!(applied_at(at(900), at(1001), Some((at(1000), PERIOD))), at(900), "it has passed");
        assert_eq!(applied_at(Duration::MAX, at(1001), Some((at(1000), PERIOD))), Duration::MAX);
        assert_eq!(applied_at(at(1040), at(1001), Some((at(1000), Duration::ZERO))), at(1040));
    }
}
