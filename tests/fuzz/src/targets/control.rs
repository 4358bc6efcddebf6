//! `control.sock`: lines are the same however they arrive, no more is kept of one than is allowed, and each is a report,
//! a page's call or a notice that is written as it was read, or none.

use kiosk_core::api::{MAX_LINE, Notice, Report};
use kiosk_core::page_calls::PageCall;
use kioskd::session_link::{Said, read_lines, said};

use super::bytes;
use crate::{Target, messages::assert_valid_message};

/// See the module.
pub const TARGET: Target = Target {
    name: "control",
    run,
    seeds: || {
        bytes(&[
            "{\"state\":\"ready\",\"message\":\"\",\"overdue\":false,\"pid\":12,\"shell\":0}\n",
            "{\"state\":\"waiting\"}\n{\"state\":\"stopped\",\"shell\":4294967295}\n",
            "{\"notice\":\"hello\",\"wayland-display\":\"wayland-0\",\"wayland-displays\":[\"wayland-0\"]}\n",
            "{\"call\":1,\"shell\":0,\"request\":{\"do\":\"message\",\"text\":\"a\"}}\n{\"call\":2,\"request\":{\"do\":\"screen\",\"on\":true}}\n",
            "{\"notice\":\"answer\",\"call\":1,\"error\":\"a\",\"info\":null}\n{\"notice\":\"keyboard\",\"number\":0,\"area\":[0,1,2,3]}\n",
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
        match said(line) {
            Ok(Said::Call(call)) => {
                let again: PageCall = serde_json::from_slice(&serde_json::to_vec(&call).unwrap()).unwrap();
                assert_eq!(again, call);
            }
            Ok(Said::Report(report)) => {
                let again: Report = serde_json::from_slice(&serde_json::to_vec(&report).unwrap()).unwrap();
                assert_eq!(again, report);
            }
            Err(error) => assert_valid_message(&error.to_string()),
        }
        if let Ok(notice) = serde_json::from_slice::<Notice>(line) {
            let again: Notice = serde_json::from_slice(&serde_json::to_vec(&notice).unwrap()).unwrap();
            assert_eq!(again, notice);
        }
    }
}
