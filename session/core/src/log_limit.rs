//! Limits repeated log messages, so that a client, a page or a caller that provokes warnings cannot fill the disk.
//! [`crate::logging`] puts it in front of both daemons' logs.
//!
//! Messages are counted by where in the program they come from. When one place has used up its burst, one line says so,
//! and later messages are counted, with an example written now and then. The count is written with the next message
//! from anywhere, more rarely the longer it goes on. Debug messages are never held back. [`Counts`] is the rule,
//! without a clock or a log.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Messages of one place that are written at once: more than a configuration has errors.
const BURST: u32 = 100;
/// After the burst one message in this time is written as an example: some 3000 a day.
const REFILL: Duration = Duration::from_secs(30);
/// Time until the first count is written. Doubled while messages are held back, up to [`MAX_WINDOW`].
const WINDOW: Duration = Duration::from_secs(10);
const MAX_WINDOW: Duration = Duration::from_secs(600);
/// Most places counted at a time: more than the program has. Libraries could add any number.
const MAX_PLACES: usize = 1024;
/// Our own lines about what is held back; they are never held back themselves.
const TARGET: &str = "kiosk_core::log_limit";
/// libwayland logs clients' protocol errors as its own errors; here they are warnings.
const OF_CLIENTS: &str = "wayland_backend";

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Write,
    /// It is written, with a note that later ones are held back.
    WriteAsLast,
    Hold,
}

/// A place in the program; of libraries that use the crate `log`, a module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Origin {
    callsite: Identifier,
    module: u64,
}

#[derive(Debug)]
struct Count {
    target: String,
    /// Messages that may be written now, and when that number was last refilled.
    left: u32,
    refilled: Duration,
    /// The note that messages are held back was written.
    told: bool,
    held: u64,
    /// When the first of these came, and when they are told.
    since: Duration,
    window: Duration,
}

impl Count {
    fn new(target: &str, now: Duration) -> Self {
        let target = target.to_owned();
        Self { target, left: BURST, refilled: now, told: false, held: 0, since: now, window: WINDOW }
    }

    fn refill(&mut self, now: Duration) {
        let more = (now.saturating_sub(self.refilled).as_secs() / REFILL.as_secs()).min(BURST.into()) as u32;
        if more == 0 {
            return;
        }
        self.left = (self.left + more).min(BURST);
        self.refilled = if self.left == BURST { now } else { self.refilled + REFILL * more };
        if self.left == BURST && self.held == 0 {
            (self.told, self.window) = (false, WINDOW);
        }
    }

    fn at_rest(&self) -> bool {
        self.left == BURST && self.held == 0
    }
}

/// What was held back of one place.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    target: String,
    count: u64,
    seconds: u64,
}

#[derive(Debug)]
struct Counts<P> {
    places: HashMap<P, Count>,
    /// Before then nothing can be due.
    next: Duration,
}

impl<P> Default for Counts<P> {
    fn default() -> Self {
        Self { places: HashMap::new(), next: Duration::ZERO }
    }
}

impl<P: Eq + std::hash::Hash> Counts<P> {
    fn take(&mut self, place: P, target: &str, now: Duration) -> Verdict {
        if self.places.len() >= MAX_PLACES && !self.places.contains_key(&place) {
            self.places.retain(|_, count| {
                count.refill(now);
                !count.at_rest()
            });
            if self.places.len() >= MAX_PLACES {
                return Verdict::Hold;
            }
        }
        let count = self.places.entry(place).or_insert_with(|| Count::new(target, now));
        count.refill(now);
        if count.left == 0 {
            if count.held == 0 {
                count.since = now;
            }
            count.held += 1;
            return Verdict::Hold;
        }
        count.left -= 1;
        if count.left > 0 || std::mem::replace(&mut count.told, true) { Verdict::Write } else { Verdict::WriteAsLast }
    }

    /// The counts of all windows that have ended.
    fn due(&mut self, now: Duration) -> Vec<Held> {
        if now < self.next {
            return Vec::new();
        }
        self.next = now + WINDOW / 10;
        let over = self.places.values_mut().filter(|count| count.held > 0 && now >= count.since + count.window);
        let held = over.map(|count| {
            let told = Held { target: count.target.clone(), count: count.held, seconds: (now - count.since).as_secs() };
            count.window = (count.window * 2).min(MAX_WINDOW);
            count.held = 0;
            told
        });
        held.collect()
    }
}

/// The layer. To be put directly over the registry.
#[derive(Debug)]
pub(crate) struct Limiter {
    start: Instant,
    counts: Mutex<Counts<Origin>>,
    hasher: RandomState,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), counts: Mutex::default(), hasher: RandomState::new() }
    }
}

impl<S: Subscriber> Layer<S> for Limiter {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let bridged = event.normalized_metadata();
        let metadata = bridged.as_ref().unwrap_or_else(|| event.metadata());
        let target = metadata.target();
        if target == TARGET || *metadata.level() > Level::INFO {
            return true;
        }
        let module = if bridged.is_some() { self.hasher.hash_one(target) } else { 0 };
        let place = Origin { callsite: event.metadata().callsite(), module };
        let (held, verdict) = {
            let now = self.start.elapsed();
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            (counts.due(now), counts.take(place, target, now))
        };
        // The lock must be free: these events come through this layer again.
        for Held { target: of, count, seconds } in held {
            tracing::warn!(target: TARGET, of, count, seconds, "similar messages held back");
        }
        if verdict == Verdict::WriteAsLast {
            tracing::warn!(target: TARGET, of = target, "further messages from this place are counted only");
        }
        if verdict != Verdict::Hold && *metadata.level() == Level::ERROR && target.starts_with(OF_CLIENTS) {
            let mut text = Text(String::new());
            event.record(&mut text);
            tracing::warn!(target: TARGET, "libwayland: {}", text.0.trim_end());
            return false;
        }
        verdict != Verdict::Hold
    }
}

/// The message of an event.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_flood_is_written_a_few_times_counted_and_told() {
        let mut counts = Counts::default();
        let verdicts: Vec<Verdict> = (0..10_000).map(|_| counts.take("flood", "t", SECOND)).collect();
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Write).count(), BURST as usize - 1);
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::WriteAsLast).count(), 1);
        assert_eq!(counts.take("other", "t", SECOND), Verdict::Write, "no other origin is held back");
        assert_eq!(counts.due(SECOND * 2), []);
        let told = |count, seconds| [Held { target: "t".into(), count, seconds }];
        assert_eq!(counts.due(SECOND * 11), told(10_000 - u64::from(BURST), 10));
        // It goes on: an example now and then, and only the count, ever more rarely.
        assert_eq!(counts.take("flood", "t", SECOND * 12), Verdict::Hold);
        assert_eq!(counts.due(SECOND * 31), []);
        assert_eq!(counts.take("flood", "t", SECOND * 31), Verdict::Write);
        assert_eq!(counts.take("flood", "t", SECOND * 31), Verdict::Hold);
        assert_eq!(counts.due(SECOND * 33), told(2, 21));
        // It is over: all is as it was.
        let later = SECOND * 5000;
        let last = (0..BURST).map(|_| counts.take("flood", "t", later)).last();
        assert_eq!((last, counts.take("flood", "t", later)), (Some(Verdict::WriteAsLast), Verdict::Hold));
    }

    #[test]
    fn a_day_of_a_flood_is_a_few_thousand_lines_however_slow_it_is() {
        for pause in [100, 1000, 10_000] {
            let mut counts = Counts::default();
            let mut lines = 0;
            for now in (0..24 * 3_600_000 / pause).map(|tick| Duration::from_millis(tick * pause)) {
                lines += counts.due(now).len();
                lines += usize::from(counts.take("flood", "t", now) != Verdict::Hold);
            }
            assert!((2900..3300).contains(&lines), "{lines} at one in {pause} ms");
        }
    }

    proptest! {
        #[test]
        fn the_number_of_limited_call_sites_is_bounded(places in prop::collection::vec(any::<u16>(), 1..4000)) {
            let mut counts = Counts::default();
            for (tick, place) in places.iter().enumerate() {
                counts.take(*place, "t", Duration::from_millis(tick as u64));
                prop_assert!(counts.places.len() <= MAX_PLACES);
            }
        }
    }
}
