//! The real Chromium in kioskd's window, by the page's own words: a page that takes the pointer for itself keeps it neither
//! from the visitor nor from the kiosk, and what is dragged about in a page leads nowhere.

use std::sync::mpsc::Receiver;

use super::{host::Host, telling_page, x11::X};

/// `KEY_ESC`, as X counts.
const KEY_ESC: u8 = 1 + 8;
/// On the page's button and its link.
const LOCK: (i16, i16) = (300, 130);
const LINK: (i16, i16) = (300, 330);
/// On nothing, some way off.
const ELSEWHERE: [(i16, i16); 4] = [(500, 400), (700, 500), (900, 550), (1000, 600)];

/// Reports what is done to it, and whether it has the pointer.
const PAGE: &str = "<!doctype html><body style='background:#ddeeff;margin:0'>\
    <style>* { position: fixed; left: 100px; width: 400px; height: 60px } body { left: 0; width: 100%; height: 100% }</style>\
    <button id=lock style='top:100px'>lock</button><a id=link style='top:300px;background:#fc8' href=/elsewhere>link</a><script>\
    const said = word => fetch('/said/' + word + '/' + (document.pointerLockElement ? 'locked' : 'free'));\
    lock.onclick = event => { event.stopPropagation(); document.body.requestPointerLock(); };\
    document.onpointerlockchange = () => said('changed');\
    onclick = () => said('click');\
    let over = false; ondragover = () => { if (!over) said('over'); over = true; };\
    ondragstart = () => said('dragged'); ondragend = () => said('dropped'); onpagehide = () => said('left');\
    setInterval(() => said('tick'), 200); said('here');</script>";

struct Stand {
    host: Host,
    _kioskd: super::process::Running,
    said: Receiver<String>,
    x: X,
    window: u32,
}

impl Stand {
    fn start() -> Self {
        let host = Host::xvfb();
        let (port, said) = telling_page::serve(PAGE);
        let kioskd = host.page(&format!("[shell]\nurl = \"http://localhost:{port}/\"\n[keyboard]\nuse = \"never\"\n"));
        let x = X::new(&host);
        let window = x.window();
        x.focus(window);
        Self { host, _kioskd: kioskd, said, x, window }
    }

    #[track_caller]
    fn until(&self, wanted: &str) {
        telling_page::until(&self.said, wanted, |words| (words == wanted).then_some(()));
    }
}

impl Stand {
    /// The page's next word beside its ticks.
    #[track_caller]
    fn next(&self) -> String {
        let other = |words: &str| (!words.starts_with("tick")).then(|| words.to_owned());
        telling_page::until(&self.said, "another word", other)
    }
}

#[test]
fn a_page_that_takes_the_pointer_lets_it_go_at_escape_and_with_home() {
    let stand = Stand::start();
    // Chromium refuses it for a second or so after Escape.
    let locks = || {
        telling_page::until(&stand.said, "the lock", |words| {
            if words == "tick/free" {
                stand.x.click(stand.window, LOCK);
            }
            (words == "changed/locked").then_some(())
        });
    };
    locks();
    stand.x.key(KEY_ESC);
    stand.until("changed/free");
    stand.x.click(stand.window, ELSEWHERE[0]);
    stand.until("click/free");

    locks();
    assert!(stand.host.kioskctl(&["home"]).status.success());
    stand.until("here/free");
    stand.x.click(stand.window, ELSEWHERE[1]);
    stand.until("click/free");
}

#[test]
fn a_link_that_is_dragged_about_leads_nowhere_and_leaves_the_page_its_input() {
    let stand = Stand::start();
    stand.until("here/free");
    stand.x.button(stand.window, LINK, true);
    let places = std::cell::RefCell::new(ELSEWHERE.iter().cycle());
    // The browser has the drag only some time after the first movement: the pointer moves until the page hears of it.
    telling_page::until(&stand.said, "the drag", |words| {
        stand.x.point(stand.window, *places.borrow_mut().next().unwrap());
        (words == "over/free").then_some(())
    });
    stand.x.button(stand.window, ELSEWHERE[3], false);
    // The next word would be another one if the page had left.
    assert_eq!(stand.next(), "dropped/free");
    stand.x.click(stand.window, ELSEWHERE[1]);
    assert_eq!(stand.next(), "click/free");
}
