//! How many requests a connection may make, and how often it is read from: a token bucket. No I/O and no clock.

use std::time::Instant;

/// Requests at once, and then a second. A page that shows the state needs one, a person's script some.
const BURST: f64 = 100.0;
const A_SECOND: f64 = 20.0;

/// Of one connection.
#[derive(Debug)]
pub struct Bucket {
    most: f64,
    a_second: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one, for requests.
    pub fn new(now: Instant) -> Self {
        Bucket::of(BURST, A_SECOND, now)
    }

    /// A full one, for so many at once and then a second.
    pub fn of(most: f64, a_second: f64, now: Instant) -> Self {
        Bucket { most, a_second, left: most, at: now }
    }

    /// Whether there is one left now.
    pub fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + since * self.a_second).min(self.most);
        self.at = now;
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_so_many_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        assert_eq!((0..200).filter(|_| bucket.take(start)).count(), 100);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..200).filter(|_| bucket.take(later)).count(), 20);
        let much_later = later + Duration::from_secs(3600);
        assert_eq!((0..200).filter(|_| bucket.take(much_later)).count(), 100);
    }
}
