//! The real Chromium in kioskd's window, by the page's own words: the page has the focus, and the field in it what is
//! typed, when the page has come and after everything that takes the keyboard away has gone.

use std::sync::mpsc::Receiver;

use super::{host::Host, telling_page, x11::X};

/// `KEY_A`, as X counts.
const KEY_A: u8 = 30 + 8;
/// The centres of the page's buttons.
const SELECT: (i16, i16) = (300, 230);
const POPUP: (i16, i16) = (300, 330);
const ALERT: (i16, i16) = (300, 430);
const IN_FIELD: (i16, i16) = (300, 130);
const ELSEWHERE: (i16, i16) = (1000, 600);

/// Reports whether it has the focus, what in it has, and how much was typed. Its buttons leave the focus where it is. The
/// popup closes by itself.
const PAGE: &str = "<!doctype html><body style='background:#ddeeff;margin:0'>\
    <style>* { position: fixed; left: 100px; width: 400px; height: 60px } body { left: 0; width: 100%; height: 100% }</style>\
    <input id=field autofocus style='top:100px'><select id=select style='top:200px'><option>1<option>2</select>\
    <button id=popup style='top:300px'>popup</button><button id=ask style='top:400px'>alert</button><script>\
    const said = word => fetch('/said/' + (word || '') + '/' + (document.hasFocus() ? 'focus' : 'blur') + '/' + \
    (document.activeElement.id || 'none') + '/' + field.value.length);\
    for (const event of ['focus', 'blur', 'focusin', 'input']) addEventListener(event, () => said(event));\
    for (const button of [popup, ask]) button.onmousedown = event => event.preventDefault();\
    popup.onclick = () => { const w = open('', '', 'width=400,height=300'); w.document.write('<body style=\"background:#c63\">');\
      setTimeout(() => { w.close(); said('closed'); }, 1500); };\
    ask.onclick = () => { alert('!'); said('answered'); };\
    select.onpointerdown = () => said('opened');\
    setInterval(() => said('tick'), 500);</script>";

struct Stand {
    host: Host,
    _kioskd: super::process::Running,
    said: Receiver<String>,
    x: X,
    window: u32,
    typed: usize,
}

impl Stand {
    fn start(more: &str) -> Self {
        let host = Host::xvfb();
        let (port, said) = telling_page::serve(PAGE);
        let kioskd =
            host.page(&format!("[shell]\nurl = \"http://localhost:{port}/\"\n[keyboard]\nuse = \"never\"\n{more}"));
        let x = X::new(&host);
        let window = x.window();
        x.focus(window);
        Self { host, _kioskd: kioskd, said, x, window, typed: 0 }
    }

    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&[&str]) -> bool) {
        telling_page::until(&self.said, what, |words| {
            let parts: Vec<&str> = words.split('/').collect();
            wanted(&parts).then_some(())
        });
    }

    /// A key arrives in the field of a page that has the focus, without anything being touched before.
    #[track_caller]
    fn types(&mut self, when: &str) {
        self.until(&format!("the focus {when}"), |words| words[0] == "tick" && words[1] == "focus");
        self.x.key(KEY_A);
        self.typed += 1;
        let length = self.typed.to_string();
        self.until(&format!("the letter {when}"), |words| {
            words[1] == "focus" && words[2] == "field" && words[3] == length
        });
    }
}

#[test]
fn a_page_has_the_focus_again_after_what_took_it() {
    let mut stand = Stand::start("[browser]\nnew-windows = \"popup\"\ndialogs = { after = \"1s\" }\n");
    stand.types("when the page has come");

    stand.x.click(stand.window, POPUP);
    stand.until("the popup", |words| words[1] == "blur");
    stand.until("the popup's end", |words| words[0] == "closed");
    stand.types("after a popup");

    stand.x.click(stand.window, ALERT);
    stand.until("the dialog's end", |words| words[0] == "answered");
    stand.types("after a dialog");

    assert!(stand.host.kioskctl(&["message", "Back at 14:00"]).status.success());
    // Keys are not for the page meanwhile.
    stand.x.key(KEY_A);
    assert!(stand.host.kioskctl(&["dismiss"]).status.success());
    stand.types("after a system screen");

    // A list takes the keyboard by a grab.
    stand.x.click(stand.window, SELECT);
    stand.until("the list", |words| words[0] == "opened");
    // A click beside a list does nothing but close it.
    stand.x.click(stand.window, ELSEWHERE);
    stand.until("the page's next words", |words| words[0] == "tick");
    stand.until("the page's next words", |words| words[0] == "tick");
    stand.x.click(stand.window, IN_FIELD);
    stand.until("the field", |words| words[2] == "field");
    stand.types("after a list");

    assert!(stand.host.kioskctl(&["reload"]).status.success());
    stand.typed = 0;
    stand.types("after a reload");
    stand.x.click(stand.window, POPUP);
    stand.until("the popup", |words| words[1] == "blur");
    assert!(stand.host.kioskctl(&["home"]).status.success());
    stand.typed = 0;
    stand.types("after a popup that home has closed");
    assert!(stand.host.kioskctl(&["clear-data"]).status.success());
    stand.typed = 0;
    stand.types("after the visitor's data was deleted");
}

#[test]
fn a_page_has_the_focus_after_an_idle_reset() {
    let mut stand = Stand::start("[idle]\nreset = \"4s\"\n");
    stand.types("when the page has come");
    stand.until("the page anew", |words| words[3] == "0");
    stand.typed = 0;
    stand.types("after the reset");
}
