//! The limit of file descriptors. Some are reserved for what must always work: the control socket, D-Bus, screenshots,
//! new input devices.

use std::{
    os::fd::{AsFd, AsRawFd},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// Reserved descriptors. A D-Bus caller takes one, a screenshot two, each input device one.
const RESERVE: u64 = 128;

/// The soft limit to set: enough for 128 clients with 800 pools each.
const WANTED: u64 = 131_072;

/// The soft limit that the process started with, for its child processes.
static INHERITED: AtomicU64 = AtomicU64::new(0);

/// Raises the soft limit as far as the hard one allows. Once, at the start.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(soft) = current else { return };
    INHERITED.store(soft, Relaxed);
    let wanted = maximum.map_or(WANTED, |hard| hard.min(WANTED)).max(soft);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        tracing::warn!(%error, soft, "limit of open files not raised");
    }
}

/// Restores the inherited limit for a child process: programs that use `select` break with more than 1024.
pub fn restore_limit(child: Pid) {
    let inherited = INHERITED.load(Relaxed);
    if inherited == 0 {
        return;
    }
    let maximum = getrlimit(Resource::Nofile).maximum;
    // The child may have exited already.
    let _ = prlimit(Some(child), Resource::Nofile, Rlimit { current: Some(inherited), maximum });
}

/// What a client's descriptor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A new client: refused first.
    Connection,
    /// A buffer of a connected client.
    Buffer,
}

/// Whether a client's descriptor reaches into the reserve. The kernel assigns the lowest free number, so the number
/// tells how many are in use.
pub fn is_of_reserve(descriptor: impl AsFd, what_for: Use) -> bool {
    let number = u64::try_from(descriptor.as_fd().as_raw_fd()).unwrap_or(u64::MAX);
    getrlimit(Resource::Nofile).current.is_some_and(|limit| number >= for_clients(limit, what_for))
}

/// The first descriptor number that this use may not have. With a low limit, clients get half of them, and buffers a
/// quarter more.
fn for_clients(limit: u64, what_for: Use) -> u64 {
    limit
        - match what_for {
            Use::Connection => (2 * RESERVE).min(limit / 2),
            Use::Buffer => RESERVE.min(limit / 4),
        }
}

/// The protocol error's text when a client's descriptor cannot be kept.
pub const NONE_LEFT: &str = "too many open files: the few that are left are kept in reserve";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_a_fixed_number_is_kept_and_of_few_a_part() {
        let both = |limit| (for_clients(limit, Use::Connection), for_clients(limit, Use::Buffer));
        assert_eq!(both(131_072), (130_816, 130_944));
        assert_eq!(both(1024), (768, 896));
        assert_eq!(both(256), (128, 192));
        assert_eq!(both(0), (0, 0));
    }
}
