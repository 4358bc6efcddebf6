//! The browser's managed policy, as the unit sets it: written from the configuration, and bind-mounted over the
//! system's folder for the session alone. With the real Chromium.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use kiosk_core::api::State;
use session_support::hand::Hand;
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
    let (mut compositor, session) = start(&headless(&url, ""), &[("z.json", "{\"URLBlocklist\":[\"127.0.0.2\"]}")]);
    compositor.until_state(State::Offline, BROWSER);
    let reason = last_failure(&session);
    let said = format!("managed/z.json blocks {url} by \"127.0.0.2\" in URLBlocklist");
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

/// A frame's address that is another program's goes by no script of ours. Chromium would run `xdg-open`, or ask the visitor,
/// and the page would have no input meanwhile.
#[test]
fn frames_start_no_program_and_have_no_visitor_asked() {
    let base = tempfile::tempdir().unwrap();
    let (programs, started) = (base.path().join("programs"), base.path().join("started"));
    std::fs::create_dir(&programs).unwrap();
    let opener = programs.join("xdg-open");
    std::fs::write(&opener, format!("#!/bin/sh\necho \"$@\" >>{}\n", started.display())).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();

    let page = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });
        const frame = source => { const f = document.createElement('iframe'); f.src = source; f.width = f.height = 20; document.body.append(f); return f; };
        const outer = frame(`http://127.0.0.1:${location.port}/outer`);
        outer.style = 'position:fixed;left:0;top:300px;width:400px;height:300px'; outer.onload = () => tell('loaded');
        let clicks = 0;
        onclick = () => { tell('click ' + ++clicks);
          if (clicks === 1) { frame('mailto:a@b.example'); frame('tel:1'); frame('x-unknown:y');
            // What is no other program's is shown.
            onmessage = event => tell('frame ' + event.data);
            const says = name => `<script>parent.postMessage('${name}', '*')</` + 'script>';
            frame('data:text/html,' + says('data')); frame(URL.createObjectURL(new Blob([says('blob')], { type: 'text/html' })));
            frame('about:blank').srcdoc = says('srcdoc'); } };</script>";
    let outer =
        "<body style='background:#426'><script>onclick = () => { top.location = 'mailto:outer@b.example'; };</script>";
    let site = Site::start(&[("/", page), ("/outer", outer)]);
    let config = headless(&site.url("/"), "").replace("[\"", "[\"--remote-debugging-port=0\", \"");
    let folder = policy(base.path(), &config, &[]);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start_with_policies_and(base, &config, &folder, &[("PATH", &path)]);
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    until("the frame", SOON, || site.has_told("loaded"));
    let mut hand = Hand::of(&session);
    hand.click(600, 100);
    until("the frames of the page's own", SOON, || {
        ["data", "blob", "srcdoc"].iter().all(|name| site.has_told(&format!("frame {name}")))
    });
    hand.click(600, 100);
    until("the page has its input", SOON, || site.has_told("click 2"));
    assert!(!started.exists(), "{}", std::fs::read_to_string(&started).unwrap());
    // A frame of another site sends the whole page there: it is back, and that is said.
    hand.click(200, 450);
    until("a word about it", SOON, || {
        last_failure(&session).contains("it leads to mailto:outer@b.example, which is not allowed")
    });
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
    assert!(!started.exists(), "{}", std::fs::read_to_string(&started).unwrap());
}
