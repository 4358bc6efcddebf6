//! How a client is told that it wants too much, and how often the log is: once for the first, then with a count.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use smithay::reexports::wayland_server::Resource;

/// The code of a protocol error for a limit of ours. Protocols number their own errors from 0, and have no such one.
pub const LIMIT: u32 = 1000;

/// Refusals are written to the log at most so often; those between are counted.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Ends the client with this sentence. libwayland cuts it at 127 bytes, and takes it for a format.
pub fn post(resource: &impl Resource, code: impl Into<u32>, sentence: &str) {
    static LOG: Repeated = Repeated::new();
    if let Some(more) = LOG.count() {
        tracing::warn!(object = %resource.id(), reason = sentence, more, "a client was disconnected");
    }
    resource.post_error(code, sentence.replace('%', "%%"));
}

/// Counts what would be written too often.
#[derive(Debug)]
pub struct Repeated {
    state: Mutex<(Option<Instant>, u64)>,
}

impl Repeated {
    /// Nothing has been written yet.
    pub const fn new() -> Self {
        Self { state: Mutex::new((None, 0)) }
    }

    /// It happened. `Some`: write it down, and that it happened so many times more since the last was.
    pub fn count(&self) -> Option<u64> {
        self.count_at(Instant::now())
    }

    fn count_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, more) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < LOG_INTERVAL) {
            *more += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(more))
    }
}

impl Default for Repeated {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_refusals_are_counted_and_not_written() {
        let (log, start) = (Repeated::new(), Instant::now());
        assert_eq!(log.count_at(start), Some(0));
        for second in 1..10 {
            assert_eq!(log.count_at(start + Duration::from_secs(second)), None);
        }
        assert_eq!(log.count_at(start + Duration::from_secs(10)), Some(9));
        assert_eq!(log.count_at(start + Duration::from_secs(20)), Some(0));
    }
}
