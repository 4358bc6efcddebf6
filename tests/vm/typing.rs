//! Typing with the on-screen keyboard: a field of the page is touched, the keyboard appears, touches on it arrive in
//! the page, and a touch elsewhere ends it. Upright, rotated, at another scale, and with other layouts.
//!
//! The keys' positions are computed by kioskd's own layout, within the keyboard's area on the screen.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_core::config::OnScreenKeyboard;
use kiosk_tests::vm::{Finger, Picture};
use kioskd::keyboard::{
    board::{Board, LONG, Shift},
    field::Field,
    geometry::Rect,
    keymap::{Keymap, Names},
    page::{Cap, Page, alternatives},
};
use serde_json::Value;

use super::input::REACTION;
use super::kiosk::Kiosk;
use super::looks::is_page;
use super::screens::{RELAYOUT, on_panel, rotation_of};

/// From a touch to the keyboard, or to the page without it: the browser lays the page out again.
const KEYBOARD: Duration = RELAYOUT;
/// For a letter to reach the page, which is waited for before the next key is touched.
const LETTER: Duration = REACTION;
const FILE: &str = "60-typing";
/// Unplugs every keyboard that the kernel has a driver for, and plugs it in again.
const PULL: &str = "cd /sys/bus/virtio/drivers/virtio_input && for device in virtio*; do \
    grep -q Keyboard $device/input/input*/name && echo $device >>/run/keyboards && echo $device >unbind; done; \
    cd /sys/bus/serio/drivers/atkbd 2>/dev/null && for device in serio*; do \
    [ -e $device ] && echo $device >>/run/ps2 && echo $device >unbind; done; true";
const PUT_IN: &str = "for device in $(cat /run/keyboards); do echo $device >/sys/bus/virtio/drivers/virtio_input/bind; \
    done; for device in $(cat /run/ps2 2>/dev/null); do echo $device >/sys/bus/serio/drivers/atkbd/bind; done; \
    rm -f /run/keyboards /run/ps2";

/// A test case.
struct Writing {
    degrees: u32,
    scale: u32,
    layouts: &'static str,
    text: &'static str,
}

const WRITINGS: [Writing; 4] = [
    // Neither character is on an American keyboard.
    Writing { degrees: 0, scale: 1, layouts: "us", text: "Köln, café 7" },
    Writing { degrees: 90, scale: 1, layouts: "de", text: "Grüße, André" },
    Writing { degrees: 0, scale: 2, layouts: "ru", text: "Привет, объём" },
    // Narrower than the browser's narrowest window.
    Writing { degrees: 90, scale: 2, layouts: "de,ru", text: "größer è ёж" },
];

pub fn a_sentence_is_typed_on_the_screen_and_arrives_in_the_page(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh(PULL)?;
    let written = WRITINGS.iter().try_for_each(|writing| {
        let told = format!("{:?} at {}°, scale {}", writing.text, writing.degrees, writing.scale);
        write(kiosk, writing).context(told)
    });
    kiosk.deconfigure(FILE)?;
    kiosk.sh(&format!("{PUT_IN}; kioskctl scale auto && kioskctl rotate 0 && systemctl reload kiosk"))?;
    written?;
    // Restores the state: no field has the focus, and the page has the whole screen.
    kiosk.sh("kioskctl reload")?;
    kiosk.page()
}

fn write(kiosk: &Kiosk, writing: &Writing) -> Result<()> {
    let Writing { degrees, scale, layouts, text } = writing;
    let mark = kiosk.mark()?;
    kiosk.configure(FILE, &format!("[input]\nkeyboard = {{ layout = \"{layouts}\" }}\n"))?;
    kiosk.sh(&format!(
        "systemctl reload kiosk && kioskctl rotate {degrees} && kioskctl scale {scale} && kioskctl reload"
    ))?;
    let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(*degrees);
    kiosk.machine.wait_for_screen(&format!("the page rotated by {degrees}"), RELAYOUT, rotated)?;
    let mut hand = Hand::new(kiosk, writing, mark)?;

    hand.touch_field()?;
    hand.find_keyboard()?;
    hand.save("keyboard")?;
    for c in text.chars() {
        hand.write(c).with_context(|| format!("at {c:?}, after {:?}", hand.written))?;
    }
    hand.save("typed")?;
    hand.erase()?;
    hand.touch_elsewhere()
}

/// Types on the keyboard.
struct Hand<'a> {
    kiosk: &'a Kiosk,
    writing: &'a Writing,
    /// A copy of kioskd's, without the field's state.
    board: Board,
    /// Its own clock, with long times between touches.
    now: Duration,
    /// Size of the upright picture, pixels.
    size: (usize, usize),
    /// The keyboard's top edge in it.
    top: usize,
    /// The page's log position when the typing began.
    mark: usize,
    written: String,
}

impl<'a> Hand<'a> {
    fn new(kiosk: &'a Kiosk, writing: &'a Writing, mark: usize) -> Result<Self> {
        let names = Names { rules: "", model: "", layout: writing.layouts, variant: "", options: "" };
        let mut hand = Self {
            kiosk,
            writing,
            board: Board::new(Keymap::compile(&names)),
            now: Duration::ZERO,
            size: (0, 0),
            top: 0,
            mark,
            written: String::new(),
        };
        let picture = hand.look()?;
        hand.size = (picture.width, picture.height);
        Ok(hand)
    }

    /// The screen's upright picture.
    fn look(&self) -> Result<Picture> {
        Ok(self.upright(&self.kiosk.machine.screen()?))
    }

    fn upright(&self, screen: &Picture) -> Picture {
        screen.rotated((360 - self.writing.degrees) % 360)
    }

    fn save(&self, what: &str) -> Result<()> {
        let Writing { degrees, scale, layouts, .. } = self.writing;
        let name = format!("{what}-{degrees}-{scale}-{layouts}");
        self.kiosk.machine.save(&self.look()?, &name).map(drop)
    }

    /// A touch at a position of the upright picture, pixels.
    #[allow(clippy::cast_precision_loss)] // screens are small
    fn finger(&self, at: (f64, f64)) -> Result<Finger<'a>> {
        let (x, y) = self.on_panel(at);
        self.kiosk.machine.finger(0, x, y)
    }

    #[allow(clippy::cast_precision_loss)]
    fn on_panel(&self, at: (f64, f64)) -> (f64, f64) {
        let (width, height) = self.kiosk.machine.size();
        on_panel(at, self.writing.degrees, (width as f64, height as f64))
    }

    /// The last such report of the page since the typing began.
    fn last(&self, wanted: impl Fn(&Value) -> bool) -> Result<Option<Value>> {
        Ok(self.kiosk.events(self.mark)?.into_iter().rfind(wanted))
    }

    /// Waits for the page to report this height and the screen's width; both in pixels of the screen.
    fn page_of_height(&self, mark: usize, pixels: usize) -> Result<()> {
        let scale = self.writing.scale as usize;
        let is =
            |length: &Value, pixels: usize| length.as_u64().is_some_and(|length| length == (pixels / scale) as u64);
        let whole = |event: &Value| is(&event["width"], self.size.0) && is(&event["height"], pixels);
        let resized = |event: &Value| event["event"] == "resize" && whole(event);
        self.kiosk.wait_for_report(mark, "its new height", KEYBOARD, resized).map(drop)
    }

    /// Touches the page's field.
    fn touch_field(&mut self) -> Result<()> {
        let place = self.last(|event| event["field"].is_array())?.context("the page did not say where its field is")?;
        let number = |index: usize| place["field"][index].as_f64().context("four numbers");
        let (x, y, width, height) = (number(0)?, number(1)?, number(2)?, number(3)?);
        let scale = f64::from(self.writing.scale);
        let mark = self.kiosk.mark()?;
        self.finger(((x + width / 2.0) * scale, (y + height / 2.0) * scale))?.lift()?;
        self.kiosk.wait_for_event(mark, "focus", REACTION)?;
        self.mark = mark;
        Ok(())
    }

    /// Waits for the keyboard, and for the page to make room for it.
    fn find_keyboard(&mut self) -> Result<()> {
        let found = |screen: &Picture| top_of_keyboard(&self.upright(screen)).is_some();
        let screen = self.kiosk.machine.wait_for_screen("the keyboard", KEYBOARD, found)?;
        self.top = top_of_keyboard(&self.upright(&screen)).context("no keyboard")?;
        self.page_of_height(self.mark, self.top)?;
        let height = self.size.1 - self.top;
        ensure!(height * 10 > self.size.1, "a keyboard {height} pixels high");
        self.board.resize(i32::try_from(self.size.0)?, i32::try_from(height)?);
        self.board.set_field(Field::default(), true);
        Ok(())
    }

    /// The centre of a part of the keyboard, in the keyboard's pixels.
    fn middle(area: Rect) -> (f64, f64) {
        (f64::from(area.x) + f64::from(area.w) / 2.0, f64::from(area.y) + f64::from(area.h) / 2.0)
    }

    /// A position of the keyboard in the upright picture.
    #[allow(clippy::cast_precision_loss)]
    fn in_picture(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (x, y + self.top as f64)
    }

    fn key(&self, wanted: impl Fn(Cap) -> bool) -> Option<Rect> {
        self.board.cells().iter().find(|cell| wanted(cell.key.cap)).map(|cell| cell.area)
    }

    /// Touches a key, in the copy and on the screen.
    fn tap(&mut self, key: Rect) -> Result<()> {
        self.now += LONG * 4;
        self.board.down(0, Self::middle(key), self.now);
        self.board.up(0, self.now);
        self.finger(self.in_picture(Self::middle(key)))?.lift()
    }

    fn tap_key(&mut self, cap: Cap) -> Result<()> {
        let key = self.key(|other| other == cap).with_context(|| format!("no key {cap:?}"))?;
        self.tap(key)
    }

    /// Types one character by any way that the keyboard has, and waits for the page to have it.
    fn write(&mut self, c: char) -> Result<()> {
        let mark = self.kiosk.mark()?;
        self.seek(c)?;
        if let Some(key) = self.key(|cap| self.board.character(cap) == Some(c)) {
            self.tap(key)?;
        } else {
            let offers = |cap| self.board.character(cap).is_some_and(|base| alternatives(base).contains(c));
            let key = self.key(offers).with_context(|| format!("nothing gives {c:?}"))?;
            self.touch_long(key, c)?;
        }
        self.written.push(c);
        let written = self.written.clone();
        let arrived = move |event: &Value| event["event"] == "input" && event["text"] == written.as_str();
        self.kiosk.wait_for_report(mark, &format!("{:?}", self.written), LETTER, arrived)?;
        if self.key(|cap| cap == Cap::Page(Page::Letters)).is_some() {
            self.tap_key(Cap::Page(Page::Letters))?;
        }
        Ok(())
    }

    /// Switches the keyboard to the letter: its layout, its page, its shift state.
    fn seek(&mut self, c: char) -> Result<()> {
        let has = |board: &Board| {
            let letters = board.layout().into_iter().flat_map(|layout| layout.rows.iter().flatten());
            letters.flat_map(|(plain, shifted)| [*plain, *shifted]).any(|l| l == c || alternatives(l).contains(c))
        };
        if c.is_alphabetic() {
            for _ in 0..self.board.keymap().layouts.len() {
                if has(&self.board) {
                    break;
                }
                self.tap_key(Cap::NextLayout)?;
            }
            let wanted = if c.is_uppercase() { Shift::Once } else { Shift::Off };
            if self.board.shift() != wanted {
                self.tap_key(Cap::Shift)?;
            }
        } else if self.key(|cap| self.board.character(cap) == Some(c)).is_none() {
            self.tap_key(Cap::Page(Page::Symbols))?;
        }
        Ok(())
    }

    /// Holds a key until it offers other letters, slides to the wanted one, and lifts.
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)] // within the screen
    fn touch_long(&mut self, key: Rect, c: char) -> Result<()> {
        self.now += LONG * 4;
        self.board.down(0, Self::middle(key), self.now);
        self.board.tick(self.now + LONG);
        let offer = self.board.offer().context("nothing is offered")?.clone();
        let (area, chosen) = (offer.area(), offer.characters().position(|other| other == c).context("not offered")?);
        let (x, y) = self.in_picture((area.x.into(), area.y.into()));
        let part = |picture: &Picture| {
            picture.part(x.max(0.0) as usize, y.max(0.0) as usize, area.w as usize, area.h as usize)
        };
        let before = part(&self.look()?);
        let finger = self.finger(self.in_picture(Self::middle(key)))?;
        let offered = |screen: &Picture| part(&self.upright(screen)).difference(&before, 8) > OFFERED;
        self.kiosk.machine.wait_for_screen(&format!("what is offered beside {c:?}"), REACTION, offered)?;
        self.save(&format!("offer-{}", name_of(c)))?;
        let place = Self::middle(offer.cells[chosen].0);
        if chosen != 0 {
            let (x, y) = self.on_panel(self.in_picture(place));
            finger.slide(x, y)?;
            self.board.motion(0, place);
        }
        finger.lift()?;
        self.board.up(0, self.now + LONG);
        Ok(())
    }

    /// Holds Backspace until nothing is left.
    fn erase(&mut self) -> Result<()> {
        let mark = self.kiosk.mark()?;
        let key = self.key(|cap| cap == Cap::Backspace).context("no Backspace")?;
        let finger = self.finger(self.in_picture(Self::middle(key)))?;
        let empty = |event: &Value| event["event"] == "input" && event["text"] == "";
        self.kiosk.wait_for_report(mark, "an empty field", REACTION * 2, empty)?;
        finger.lift()
    }

    /// Touches outside the field: the keyboard disappears, and the page has the whole screen.
    #[allow(clippy::cast_precision_loss)]
    fn touch_elsewhere(&mut self) -> Result<()> {
        let mark = self.kiosk.mark()?;
        self.finger((self.size.0 as f64 * 0.06, self.top as f64 * 0.12))?.lift()?;
        self.kiosk.wait_for_event(mark, "touchend", REACTION)?;
        self.kiosk.wait_for_event(mark, "blur", REACTION)?;
        self.page_of_height(mark, self.size.1)?;
        let gone = |screen: &Picture| {
            let upright = self.upright(screen);
            is_page(&upright) && top_of_keyboard(&upright).is_none()
        };
        self.kiosk.machine.wait_for_screen("the page without a keyboard", KEYBOARD, gone).map(drop)
    }
}

/// Least changed part of the area of choices when they are shown.
const OFFERED: f64 = 0.25;

/// A character's file name.
fn name_of(c: char) -> String {
    let mut name = String::new();
    let _ = write!(name, "{:04x}", u32::from(c));
    name
}

/// The keyboard's top edge: up to it the picture's left edge has its background.
fn top_of_keyboard(upright: &Picture) -> Option<usize> {
    let background = OnScreenKeyboard::default().background;
    let rows = (0..upright.height).rev().take_while(|y| upright.pixel(0, *y) == background).count();
    (rows > 0).then(|| upright.height - rows)
}
