//! The real Chromium in kioskd's window, from its flags to the page's script: a field is clicked, the keyboard appears,
//! typed text arrives, and the keyboard disappears after a click elsewhere.

use std::{
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use kioskd::keyboard::{
    board::Board,
    field::Field,
    keymap::{Keymap, Names},
    page::Cap,
};
use rustix::process::Signal;

use super::{host::Host, process::PATIENCE, telling_page, x11::X};

const WIDTH: i32 = 1280;
const HEIGHT: i32 = 800;
/// A position in the page's field, and one outside.
const IN_FIELD: (i16, i16) = (300, 130);
const ELSEWHERE: (i16, i16) = (1000, 300);
const PAGE_COLOR: [u8; 3] = [0xdd, 0xee, 0xff];

/// Reports to its server its height, what has the focus, and the field's content, as the letters' codes.
const PAGE: &str = "<!doctype html><meta charset=utf-8><body style='background:#ddeeff;margin:0'>\
    <input id=field style='position:fixed;left:100px;top:100px;width:400px;height:60px'>\
    <script>const said = () => fetch('/said/' + innerHeight + '/' + (document.activeElement.id || 'none') + '/' + \
    [...field.value].map(c => c.codePointAt(0)).join('-'));\
    for (const event of ['load', 'resize', 'focusin', 'focusout', 'input']) addEventListener(event, said);</script>";

/// A report of the page.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    height: i32,
    focused: bool,
    text: String,
}

impl Said {
    fn read(words: &str) -> Self {
        let parts: Vec<&str> = words.split('/').collect();
        let [height, focused, letters] = parts[..] else { panic!("the page said {words}") };
        let letters = letters.split('-').filter(|letter| !letter.is_empty());
        let text = letters.map(|letter| char::from_u32(letter.parse().unwrap()).unwrap()).collect();
        Self { height: height.parse().unwrap(), focused: focused == "field", text }
    }
}

#[track_caller]
fn until(said: &Receiver<String>, what: &str, wanted: impl Fn(&Said) -> bool) -> Said {
    telling_page::until(said, what, |words| Some(Said::read(words)).filter(&wanted))
}

/// The position of a character's key when this is the keyboard's top edge in the window.
fn key(board: &Board, top: i32, wanted: impl Fn(Cap) -> bool) -> (i16, i16) {
    let area = board.cells().iter().find(|cell| wanted(cell.key.cap)).expect("there is such a key").area;
    ((area.x + area.w / 2) as i16, (top + area.y + area.h / 2) as i16)
}

#[test]
fn what_is_typed_on_the_screen_arrives_in_a_page() {
    let host = Host::xvfb();
    let (port, said) = telling_page::serve(PAGE);
    let mut kioskd = host.page(&format!(
        "[shell]\nurl = \"http://localhost:{port}/\"\n[keyboard]\nuse = \"always\"\n[input.keyboard]\nlayout = \"de\"\n"
    ));
    let x = X::new(&host);
    let window = x.window();

    x.click(window, IN_FIELD);
    let top = until(&said, "a smaller page", |said| said.focused && said.height < HEIGHT).height;
    let names = Names { rules: "", model: "", layout: "de", variant: "", options: "" };
    let mut board = Board::new(Keymap::compile(&names));
    board.resize(WIDTH, HEIGHT - top);
    board.set_field(Field::default(), true);
    let letter = |c: char| key(&board, top, |cap| board.character(cap) == Some(c));
    x.click(window, key(&board, top, |cap| cap == Cap::Shift));
    for c in ['m', 'ü', 'ß', 'c', 'a', 'f'] {
        x.click(window, letter(c));
    }
    let e = letter('e');
    x.button(window, e, true);
    // The row of accents is over the page, above the key.
    let above = (e.0, top as i16 - 20);
    let deadline = Instant::now() + PATIENCE;
    while x.pixel(window, above.0, above.1) == PAGE_COLOR {
        assert!(Instant::now() < deadline, "no accents are offered");
        std::thread::sleep(Duration::from_millis(20));
    }
    x.button(window, e, false);
    until(&said, "the word", |said| said.text == "Müßcafé");

    x.click(window, ELSEWHERE);
    let after = until(&said, "the whole page", |said| !said.focused && said.height == HEIGHT);
    assert_eq!(after.text, "Müßcafé");
    kioskd.signal(Signal::INT);
    assert_eq!(kioskd.end().code(), Some(0), "{}", kioskd.log());
}
