//! Protocol errors for exceeded limits, and their log messages: the first is written at once, later ones with a count.

use std::{
    ffi::CString,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use smithay::reexports::wayland_server::{DataInit, New, Resource};
use wayland_sys::server::{wayland_server_handle, wl_resource};

use crate::kiosk::Kiosk;

/// The protocol error code for our limits. Protocols number their own errors from 0 and do not reach it.
pub const LIMIT: u32 = 1000;

/// Refusals are written to the log at most so often; those between are counted.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// libwayland's limit for the message, bytes without the terminator: it cuts longer ones, even within a character.
const MAX_MESSAGE: usize = 127;

/// Disconnects the client with this message. This file is the only place that does so: libwayland takes the text as a
/// format string, and would read missing arguments (`clippy.toml` forbids direct calls).
#[allow(clippy::disallowed_methods)]
pub fn post(resource: &impl Resource, code: impl Into<u32>, sentence: &str) {
    log(&resource.id(), sentence);
    resource.post_error(code, format_of(sentence));
}

/// The same from within libwayland, with [`LIMIT`].
///
/// # Safety
///
/// `display` is the display object of a client that is alive.
#[allow(unsafe_code)]
pub(super) unsafe fn post_raw(display: *mut wl_resource, sentence: &str) {
    log(&"wl_display", sentence);
    // It has no NUL.
    let Ok(message) = CString::new(format_of(sentence)) else { return };
    // SAFETY: the caller's; the message has no conversions, so that no more arguments are read.
    unsafe { (wayland_server_handle().wl_resource_post_error)(display, LIMIT, message.as_ptr()) };
}

fn log(object: &dyn fmt::Display, sentence: &str) {
    static LOG: Repeated = Repeated::new();
    if let Some(more) = LOG.count() {
        tracing::warn!(%object, reason = sentence, more, "client disconnected for exceeding a limit");
    }
}

/// The same for an object that is not created yet.
#[allow(clippy::disallowed_methods)]
pub fn post_for_new<I: Resource + 'static>(
    init: &mut DataInit<'_, Kiosk>,
    resource: New<I>,
    code: impl Into<u32>,
    sentence: &str,
) {
    init.post_error(resource, code, format_of(sentence));
}

/// The message as a safe format string: within the limit, with % doubled and without NUL.
fn format_of(sentence: &str) -> String {
    let mut text = sentence.replace('\0', "");
    if text.len() > MAX_MESSAGE {
        let room = MAX_MESSAGE - '…'.len_utf8();
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text.replace('%', "%%")
}

/// Limits log messages.
#[derive(Debug)]
pub struct Repeated {
    state: Mutex<(Option<Instant>, u64)>,
}

impl Repeated {
    /// Nothing has been written yet.
    pub const fn new() -> Self {
        Self { state: Mutex::new((None, 0)) }
    }

    /// Counts an event. `Some`: write it, with the number of events since the last written one.
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
    fn a_message_arrives_as_it_was_given() {
        assert_eq!(format_of("100 % of %s and %n"), "100 %% of %%s and %%n");
        assert_eq!(format_of("a\0b"), "ab");
        let longest = "é".repeat(63);
        assert_eq!(format_of(&longest), longest);
        let cut = format_of(&"é".repeat(64));
        assert_eq!(cut, format!("{}…", "é".repeat(62)));
        assert!(cut.len() <= MAX_MESSAGE);
        // A doubled % is printed as one.
        assert_eq!(format_of(&"%".repeat(127)).len(), 254);
    }

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
