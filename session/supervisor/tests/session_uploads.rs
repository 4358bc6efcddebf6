//! kiosk-session with the real Chromium, headless, and pages with file inputs. The compositor is a substitute; the
//! files are in a directory "stick" beside the session.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::time::Duration;

use kiosk_core::api::{Chooser, Nothing, Notice, Report, State};
use session_support::hand::Hand;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, until};

/// The port is for the test's own DevTools connection.
const ARGUMENTS: &str =
    "extra-args = [\"--headless=new\", \"--ozone-platform=headless\", \"--remote-debugging-port=0\"]\n";

/// An input at the top left corner that reports its files and events.
fn input(attributes: &str) -> String {
    format!(
        "<body style='margin:0;background:#264'>
        <input id=file type=file {attributes} style='position:absolute;left:0;top:0;width:200px;height:60px'>
        <script>const tell = text => fetch('/tell', {{ method: 'POST', body: text }});
        file.onchange = async () => tell('got ' + (await Promise.all([...file.files].map(async f => f.name + '=' + await f.text()))).join());
        file.oncancel = () => tell('cancel');
        onpointerdown = () => tell('touched');
        </script>"
    )
}

fn start(site: &Site, uploads: &str, more: &str) -> (Compositor, Session, Hand) {
    let base = tempfile::tempdir().unwrap();
    let stick = base.path().join("stick");
    std::fs::create_dir_all(stick.join("photos")).unwrap();
    std::fs::write(stick.join("letter.txt"), "Dear all").unwrap();
    std::fs::write(stick.join("photos/cat.jpg"), "cat").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", stick.join("passwd.txt")).unwrap();
    let mut compositor = Compositor::listen(base.path());
    let uploads = uploads.replace("STICK", stick.to_str().unwrap());
    let page = site.url("/");
    let config = format!("[shell]\nurl = \"{page}\"\n{ARGUMENTS}[browser]\nuploads = \"{uploads}\"\n{more}");
    let session = Session::start(base, &config);
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    let hand = Hand::of(&session);
    (compositor, session, hand)
}

/// The list that the compositor is to show.
#[track_caller]
fn chooser(compositor: &mut Compositor) -> Chooser {
    compositor.until(SOON, |report| report.chooser.is_some()).pop().and_then(|report| report.chooser).unwrap()
}

fn names(chooser: &Chooser) -> Vec<&str> {
    let mut names: Vec<&str> = chooser.files.iter().map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    names
}

fn choose(compositor: &mut Compositor, chooser: &Chooser, names: &[&str]) {
    let place = |name: &&str| chooser.files.iter().position(|file| file.name == **name).unwrap() as u32;
    let files = names.iter().map(place).collect();
    compositor.notify(&Notice::Chosen { number: chooser.number, files });
}

fn is_gone(report: &Report) -> bool {
    report.chooser.is_none()
}

#[test]
fn a_page_gets_the_file_that_was_chosen_and_uploads_it() {
    let site = Site::start(&[("/", &input(""))]);
    let (mut compositor, _session, mut hand) = start(&site, "STICK", "");
    hand.click(40, 20);
    let chooser = chooser(&mut compositor);
    assert_eq!(names(&chooser), ["letter.txt", "photos/cat.jpg"], "no link, and no folder by itself");
    assert!(!chooser.multiple);
    choose(&mut compositor, &chooser, &["letter.txt"]);
    compositor.until(SOON, is_gone);
    until("the file's content", SOON, || site.has_told("got letter.txt=Dear all"));
}

#[test]
fn several_files_of_the_kinds_that_the_page_takes() {
    let site = Site::start(&[("/", &input("multiple accept='image/*,.txt'"))]);
    let (mut compositor, session, mut hand) = start(&site, "STICK", "");
    std::fs::write(session.runtime_dir.join("stick/program.exe"), "x").unwrap();
    hand.click(40, 20);
    let chooser = chooser(&mut compositor);
    assert!(chooser.multiple);
    assert_eq!(names(&chooser), ["letter.txt", "photos/cat.jpg"]);
    choose(&mut compositor, &chooser, &["photos/cat.jpg", "letter.txt"]);
    until("both", SOON, || site.has_told("got cat.jpg=cat,letter.txt=Dear all"));
}

#[test]
fn without_uploads_the_page_goes_on_and_nobody_is_asked() {
    let site = Site::start(&[("/", &input(""))]);
    let (mut compositor, session, mut hand) = start(&site, "none", "");
    hand.click(40, 20);
    until("the page's own life", SOON, || site.has_told("cancel"));
    is_refused(&session);
    compositor.stays_silent(Duration::from_millis(300));
}

/// The session refused it: for a page a headless browser's own chooser looks the same.
#[track_caller]
fn is_refused(session: &Session) {
    until("the refusal in the log", SOON, || session.log().contains("choose a file"));
}

/// From another site, so that it has a process of its own.
fn framed() -> (Site, String) {
    let site = Site::start(&[("/frame", &input(""))]);
    let frame = format!("http://127.0.0.1:{}", site.port);
    let page = format!("<body style='margin:0;background:#264'><iframe src='{frame}/frame' style='border:0'></iframe>");
    site.answer("/", 200, "", &page);
    (site, format!("allow = [\"{frame}/*\"]\n"))
}

/// Waits until the browser has the frame's position, which takes a while after it has loaded.
#[track_caller]
fn is_felt(site: &Site, hand: &mut Hand) {
    until("the frame feels a hand", SOON, || {
        // Beside the input.
        hand.click(250, 120);
        site.has_told("touched")
    });
}

#[test]
fn a_frame_in_a_process_of_its_own_has_no_native_file_chooser() {
    let (site, allow) = framed();
    let (mut compositor, session, mut hand) = start(&site, "none", &allow);
    is_felt(&site, &mut hand);
    hand.click(40, 20);
    until("the frame's own life", SOON, || site.has_told("cancel"));
    is_refused(&session);
    compositor.stays_silent(Duration::from_millis(300));
    let (site, allow) = framed();
    let (mut compositor, _session, mut hand) = start(&site, "STICK", &allow);
    is_felt(&site, &mut hand);
    hand.click(40, 20);
    let chooser = chooser(&mut compositor);
    choose(&mut compositor, &chooser, &["letter.txt"]);
    until("the file's content", SOON, || site.has_told("got letter.txt=Dear all"));
}

#[test]
fn the_list_goes_with_home_and_with_the_page_and_the_page_hears_of_a_visitor_who_cancels() {
    let script = "<script>setTimeout(() => location.hash == '#leave' && (location = '/?left'), 6000);</script>";
    let site = Site::start(&[("/", &(input("") + script)), ("/?left", &input(""))]);
    let (mut compositor, session, mut hand) = start(&site, "STICK", "");
    hand.click(40, 20);
    let first = chooser(&mut compositor);
    session.kioskctl(&["home"]);
    compositor.until(SOON, is_gone);
    // An answer that was sent before.
    compositor.notify(&Notice::Chosen { number: first.number, files: vec![0] });
    hand.click(40, 20);
    let second = chooser(&mut compositor);
    assert_ne!(second.number, first.number);
    choose(&mut compositor, &second, &[]);
    compositor.until(SOON, is_gone);
    until("the page's own life", SOON, || site.has_told("cancel"));
    assert!(!site.told().iter().any(|told| told.starts_with("got")), "{:?}", site.told());
    session.kioskctl(&["open", &site.url("/#leave")]);
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
    hand.click(40, 20);
    chooser(&mut compositor);
    compositor.until(SOON, is_gone);
}

#[test]
fn a_page_that_asks_again_and_again_gets_no_second_list() {
    let again = "<script>let n = 0; setInterval(() => { file.click(); tell('asked ' + ++n); }, 100);
        file.addEventListener('cancel', () => file.click());</script>";
    let site = Site::start(&[("/", &(input("") + again))]);
    let (mut compositor, _session, mut hand) = start(&site, "STICK", "");
    compositor.stays_silent(Duration::from_millis(500));
    hand.click(300, 300);
    let chooser = chooser(&mut compositor);
    // The visitor waits as long as the browser allows a page to ask after a touch.
    let asked = site.told().len();
    until("more questions", SOON, || site.told().len() > asked + 60);
    choose(&mut compositor, &chooser, &[]);
    compositor.until(SOON, is_gone);
    compositor.stays_silent(Duration::from_secs(2));
}

#[test]
fn a_stick_that_is_not_there_and_a_file_that_has_gone_are_told() {
    let site = Site::start(&[("/", &input(""))]);
    let (mut compositor, session, mut hand) = start(&site, "STICK/photos", "");
    hand.click(40, 20);
    let chooser = chooser(&mut compositor);
    std::fs::remove_dir_all(session.runtime_dir.join("stick/photos")).unwrap();
    choose(&mut compositor, &chooser, &["cat.jpg"]);
    until("the page's own life", SOON, || site.has_told("cancel"));
    // Immediately, and not after the pause that follows a list.
    session.kioskctl(&["home"]);
    hand.click(40, 20);
    compositor
        .until(SOON, |report| report.chooser.as_ref().is_some_and(|chooser| chooser.nothing == Nothing::NotThere));
}
