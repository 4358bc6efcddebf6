//! What a refusal must be, and what no text may tell.

use kiosk_core::config::masked;

/// What people read and logs keep, bytes.
const LONGEST: usize = 4200;

/// One sentence for a person: neither empty nor endless, on one line, with nothing that moves a terminal's cursor.
#[track_caller]
pub fn assert_valid_message(text: &str) {
    assert!(!text.trim().is_empty(), "a refusal says nothing");
    assert!(text.len() <= LONGEST, "a refusal has {} bytes: {:.200}", text.len(), text);
    assert!(!text.chars().any(char::is_control), "a refusal has a control character: {text:?}");
}

/// `text`, as everybody may read it, does not tell `secret`.
#[track_caller]
pub fn assert_masked(secret: &str, text: &str) {
    let shown = masked(text);
    assert!(!shown.contains(secret), "{shown:?} tells {secret:?}");
}
