//! `control.sock`: lines are the same however they arrive, no more is kept of one than is allowed, and each is a report
//! or notice that is written as it was read, or none.

use kiosk_core::api::{MAX_LINE, Notice, Report};
use kioskd::session_link::{read_lines, report};

use super::bytes;
use crate::{Target, sentence::assert_sentence};

/// See the module.
pub const TARGET: Target = Target {
    name: "control",
    run,
    seeds: || {
        bytes(&[
            "{\"state\":\"ready\",\"message\":\"\",\"overdue\":false,\"pid\":12,\"shell\":0}\n",
            "{\"state\":\"waiting\"}\n{\"state\":\"stopped\",\"shell\":4294967295}\n",
            "{\"notice\":\"hello\",\"wayland-display\":\"wayland-0\",\"wayland-displays\":[\"wayland-0\"]}\n",
            "{\"notice\":\"visible\",\"shell\":true,\"number\":1}\n\n{",
        ])
    },
    words: &["\"state\":", "\"notice\":", "\"ready\"", "\"pid\":-1", "1e999", "\\ud800", "[[[[[[[[", "\n"],
    longest: 2048,
};

/// As they arrive in pieces of `size` bytes.
fn lines(input: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (mut pending, mut lines) = (Vec::new(), Vec::new());
    for mut piece in input.chunks(size) {
        while !piece.is_empty()
            && read_lines(&mut piece, &mut pending, |line| {
                lines.push(line.to_vec());
                true
            })
        {
            assert!(pending.len() <= MAX_LINE);
        }
    }
    lines
}

fn run(input: &[u8]) {
    let whole = lines(input, 4096);
    for size in [1, 7] {
        assert_eq!(lines(input, size), whole, "in pieces of {size}");
    }
    for line in &whole {
        match report(line) {
            Ok(report) => {
                let again: Report = serde_json::from_slice(&serde_json::to_vec(&report).unwrap()).unwrap();
                assert_eq!(again, report);
            }
            Err(error) => assert_sentence(&error.to_string()),
        }
        if let Ok(notice) = serde_json::from_slice::<Notice>(line) {
            let again: Notice = serde_json::from_slice(&serde_json::to_vec(&notice).unwrap()).unwrap();
            assert_eq!(again, notice);
        }
    }
}
