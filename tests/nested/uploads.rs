//! An upload with the real Chromium and kioskd's list in its window: the page's input is clicked, then a row of the
//! list, and the page reads the file.

use std::time::{Duration, Instant};

use kiosk_splash::{Target, places};
use rustix::process::Signal;

use super::{
    host::Host,
    process::PATIENCE,
    telling_page::{serve, until},
    x11::X,
};

/// On the input's button.
const IN_INPUT: (i16, i16) = (130, 120);
const PAGE_COLOR: [u8; 3] = [0xdd, 0xee, 0xff];

/// Reports its files to its server.
const PAGE: &str = "<!doctype html><meta charset=utf-8><body style='background:#ddeeff;margin:0'>\
    <input id=file type=file style='position:fixed;left:100px;top:100px;width:400px;height:60px'>\
    <script>file.onchange = async () => fetch('/said/' + file.files[0].name + '/' + await file.files[0].text());\
    file.oncancel = () => fetch('/said/cancelled');</script>";

#[test]
fn a_file_chosen_in_the_list_on_the_screen_reaches_the_page() {
    let host = Host::xvfb();
    let (port, said) = serve(PAGE);
    let stick = host.directory.path().join("stick");
    std::fs::create_dir(&stick).unwrap();
    std::fs::write(stick.join("letter.txt"), "Dear").unwrap();
    let mut kioskd = host
        .page(&format!("[shell]\nurl = \"http://localhost:{port}/\"\n[browser]\nuploads = \"{}\"\n", stick.display()));
    let x = X::new(&host);
    let window = x.window();
    let shows = |what: &str, page: bool| {
        let deadline = Instant::now() + PATIENCE;
        while (x.pixel(window, 2, 2) == PAGE_COLOR) != page {
            assert!(Instant::now() < deadline, "in vain waited for {what}\n{}", kioskd.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    shows("the page", true);

    x.click(window, IN_INPUT);
    shows("the list", false);
    let row = places(1280, 800, 1.0).area(Target::Row(0)).unwrap();
    x.click(window, ((row.x + row.width / 2) as i16, (row.y + row.height / 2) as i16));
    let got = until(&said, "the file", |words| Some(words.to_owned()));
    assert_eq!(got, "letter.txt/Dear");
    shows("the page again", true);
    kioskd.signal(Signal::INT);
    assert_eq!(kioskd.end().code(), Some(0), "{}", kioskd.log());
}
