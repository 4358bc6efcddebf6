//! File descriptors, of which the process has a number that ends. Some are kept in reserve for what must always work:
//! the control socket, D-Bus, screenshots, input devices that are plugged in.

use std::{
    os::fd::{AsFd, AsRawFd},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// Descriptors that no client gets. A D-Bus caller takes one, a screenshot two, each input device one.
const RESERVE: u64 = 128;

/// More are never needed: 128 clients with 800 pools each, and some.
const WANTED: u64 = 131_072;

/// What the process started with, for the programs that it starts.
static INHERITED: AtomicU64 = AtomicU64::new(0);

/// Raises the soft limit as far as the hard one allows. Once, at the start.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(soft) = current else { return };
    INHERITED.store(soft, Relaxed);
    let wanted = maximum.map_or(WANTED, |hard| hard.min(WANTED)).max(soft);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        tracing::warn!(%error, soft, "the limit of open files could not be raised");
    }
}

/// Gives a program that we started the limit that we were started with: programs that use `select` break with more
/// than 1024.
pub fn restore_limit(child: Pid) {
    let inherited = INHERITED.load(Relaxed);
    if inherited == 0 {
        return;
    }
    let maximum = getrlimit(Resource::Nofile).maximum;
    // It may have ended already.
    let _ = prlimit(Some(child), Resource::Nofile, Rlimit { current: Some(inherited), maximum });
}

/// Whether a client's descriptor is one of the reserve. The kernel gives out the lowest number that is free, so its
/// number says how many there are.
pub fn is_of_reserve(descriptor: impl AsFd) -> bool {
    let limit = getrlimit(Resource::Nofile).current;
    let number = u64::try_from(descriptor.as_fd().as_raw_fd()).unwrap_or(u64::MAX);
    limit.is_some_and(|limit| number >= limit.saturating_sub(RESERVE.min(limit / 4)))
}

/// What a client is told whose descriptor cannot be kept.
pub const NONE_LEFT: &str = "too many open files: the few that are left are kept in reserve";
