//! Pauses that are not the same for all devices, so that a fleet does not come in one moment. No clock and no I/O but for
//! [`random`].

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A random number: the standard library seeds its hashers with those of the system.
pub fn random() -> u64 {
    RandomState::new().hash_one(0u8)
}

/// From zero to less than the whole.
pub fn part(most: Duration, random: u64) -> Duration {
    most.mul_f64(share(random))
}

/// From a half of it to the whole.
pub fn spread(most: Duration, random: u64) -> Duration {
    most.mul_f64(0.5 + share(random) / 2.0)
}

/// From 0 to less than 1.
fn share(random: u64) -> f64 {
    (random >> 11) as f64 / (1u64 << 53) as f64
}
