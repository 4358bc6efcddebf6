//! The log of a daemon as it is written: what comes again and again, what libraries say, and a filter that is none.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use kiosk_core::logging;

const CHILD: &str = "KIOSK_TEST_OF_LOGGING";

/// What the part `name` of [`child`] writes, with this filter.
fn written(name: &str, filter: Option<&str>) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, name)
        .env_remove("RUST_LOG")
        .env_remove("JOURNAL_STREAM");
    if let Some(filter) = filter {
        command.env("RUST_LOG", filter);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect()
}

/// Not a test of its own: the process in which a log is written.
#[test]
fn child() {
    let Ok(part) = std::env::var(CHILD) else { return };
    logging::start("info");
    match part.as_str() {
        "flood" => {
            for number in 0..100_000 {
                tracing::warn!(number, "flood");
            }
            tracing::warn!("something else");
        }
        "libwayland" => {
            for _ in 0..100_000 {
                log::error!(target: "wayland_backend::sys::server_impl", "error in client communication (pid 1)\n");
            }
            log::error!(target: "another", "of another library");
        }
        _ => tracing::debug!("the details"),
    }
}

#[test]
fn a_flood_is_a_hundred_lines_and_one_that_says_so() {
    let lines = written("flood", None);
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!((with("flood"), with("are counted only"), with("something else")), (100, 1, 1), "{lines:#?}");
}

#[test]
fn what_clients_do_to_libwayland_is_a_warning_and_no_flood() {
    let lines = written("libwayland", None);
    let of_clients: Vec<_> = lines.iter().filter(|line| line.contains("error in client communication")).collect();
    assert_eq!(of_clients.len(), 100);
    assert!(of_clients.iter().all(|line| line.contains("WARN") && !line.contains("ERROR")), "{of_clients:?}");
    assert!(lines.iter().any(|line| line.contains("ERROR") && line.contains("of another library")), "{lines:?}");
}

#[test]
fn a_filter_that_is_none_is_told() {
    assert!(written("filter", None).is_empty());
    assert!(written("filter", Some("debug")).iter().any(|line| line.contains("the details")));
    let lines = written("filter", Some("kioskd=loud"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("RUST_LOG is no filter") && lines[0].contains("kioskd=loud"), "{lines:?}");
}
