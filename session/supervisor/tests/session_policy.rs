//! The browser's managed policy, as the unit sets it: written from the configuration, and bind-mounted over the
//! system's folder for the session alone. With the real Chromium.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::path::Path;
use std::process::Command;

use kiosk_core::api::State;
use session_support::server::{self, Server};
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, last_failure, until};

/// The policy that `kiosk-session --write-policy` makes of this configuration, with these files of the system beside
/// it.
fn policy(base: &Path, config: &str, others: &[(&str, &str)]) -> String {
    let (file, folder) = (base.join("policy.toml"), base.join("policies"));
    std::fs::write(&file, config).unwrap();
    let written = Command::new(env!("CARGO_BIN_EXE_kiosk-session"))
        .arg("--config")
        .args([&file, Path::new("--write-policy"), &folder])
        .status()
        .unwrap();
    assert!(written.success());
    for (name, text) in others {
        std::fs::write(folder.join(name), text).unwrap();
    }
    folder.display().to_string()
}

fn start(config: &str, others: &[(&str, &str)]) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let folder = policy(base.path(), config, others);
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start_with_policies(base, config, &folder);
    compositor.accept();
    (compositor, session)
}

#[test]
fn a_page_anywhere_is_shown_with_no_policy_written_by_hand() {
    let server = Server::start(|_| server::page("#0a0"));
    let config = headless(&format!("http://127.0.0.2:{}/x", server.port), "");
    let (mut compositor, _session) = start(&config, &[]);
    compositor.until_state(State::Ready, BROWSER);
}

#[test]
fn a_policy_of_the_system_s_own_that_blocks_the_page_is_named() {
    let server = Server::start(|_| server::page("#0a0"));
    let url = format!("http://127.0.0.2:{}/x", server.port);
    let (mut compositor, session) = start(&headless(&url, ""), &[("z.json", "{\"URLBlocklist\":[\"*\"]}")]);
    compositor.until_state(State::Offline, BROWSER);
    let reason = last_failure(&session);
    let said = format!("managed/z.json blocks {url} by \"*\" in URLBlocklist");
    assert!(reason.contains(&said), "{reason}");
}

#[test]
fn a_file_is_shown_where_it_is_the_page() {
    let base = tempfile::tempdir().unwrap();
    let page = base.path().join("a.html");
    std::fs::write(&page, "<body style='background:#00f'>file").unwrap();
    let (mut compositor, _session) = start(&headless(&format!("file://{}", page.display()), ""), &[]);
    compositor.until_state(State::Ready, BROWSER);
}

#[test]
fn a_download_lands_in_its_directory() {
    let page = "<body style='background:#264'><a href=/file download>file</a><script>
        setTimeout(() => document.querySelector('a').click(), 500);</script>";
    let site = Site::start(&[("/", page)]);
    site.answer("/file", 200, "Content-Disposition: attachment; filename=order.txt\r\n", "an order");
    let directory = tempfile::tempdir().unwrap();
    let downloads = format!("[browser]\ndownloads = \"{}\"\n", directory.path().display());
    let (mut compositor, _session) = start(&headless(&site.url("/"), &downloads), &[]);
    compositor.until_state(State::Ready, BROWSER);
    let file = directory.path().join("order.txt");
    until("the file", SOON, || std::fs::read_to_string(&file).is_ok_and(|text| text == "an order"));
}
