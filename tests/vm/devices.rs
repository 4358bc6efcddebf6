//! Input devices of all kinds that are plugged and unplugged, created by the guest's kernel: their settings in the
//! configuration and in udev's rules take effect in the page's events and in the picture.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use evdev::KeyCode;
use kiosk_tests::vm::{Gadget, Picture, Plugged, Stage};
use serde_json::Value;

use super::heads::FIRST;
use super::input::{REACTION, ensure_at};
use super::kiosk::Kiosk;
use super::looks::{PAGE, is_page};
use super::screens::{RELAYOUT, on_panel, rotation_of};

/// Settings for the devices below, not for the machine's own.
const RULES: &str = "[input.device.\"Test Pad\"]\ntap = true\nnatural-scroll = true\n\
    [input.device.\"Slow *\"]\naccel-profile = \"flat\"\naccel-speed = -0.5\n\
    [input.device.\"Unknown\"]\ntrust = false\n\
    [input.device.\"dead:beef\"]\ndisable = true\n\
    [input.device.\"Crooked Panel\"]\ncalibration = [-1, 0, 1, 0, -1, 1]\n";
const UDEV_RULES: &str = "SUBSYSTEM==\"input\", KERNEL==\"event*\", ATTRS{name}==\"Ruled Panel\", \
    ENV{WL_OUTPUT}=\"Virtual-2\"\n";
/// From plug to list, in an emulated machine.
const APPEARS: Duration = Duration::from_secs(20);
/// A pointer is hidden after 3 seconds of rest.
const HIDES: Duration = Duration::from_secs(20);

/// Writes the rules to the disk.
pub fn stage(stage: &Stage) -> Result<()> {
    stage.file("/etc/kiosk/config.d/40-devices.toml", RULES)?;
    stage.file("/etc/udev/rules.d/80-ruled-panel.rules", UDEV_RULES)?;
    stage.file("/etc/modules-load.d/uinput.conf", "uinput\nuhid\n")
}

impl Kiosk {
    /// Plugs a device in, and waits until the kiosk lists it under this id.
    fn plug_as(&self, gadget: &Gadget, id: &str) -> Result<Plugged<'_>> {
        let plugged = self.machine.agent().plug(gadget)?;
        self.wait_for_input(id, |_| true)?;
        Ok(plugged)
    }

    fn plug(&self, gadget: &Gadget) -> Result<Plugged<'_>> {
        self.plug_as(gadget, &gadget.name)
    }

    /// Waits until the device with this id is listed and as `wanted`.
    fn wait_for_input(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let deadline = Instant::now() + APPEARS;
        loop {
            // It is missing while it is restarted.
            let output = self.machine.agent().run("kioskctl inputs --json")?;
            let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let of_id = |input: &&Value| input["id"] == id;
            if list.as_array().into_iter().flatten().filter(of_id).any(&wanted) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{id:?} is not listed as it should be: {list}");
            }
        }
    }

    fn lies_on(&self, id: &str, output: &str) -> Result<()> {
        self.wait_for_input(id, |input| input["output"] == output).with_context(|| format!("not on {output}"))
    }

    /// Number of events of this kind that the page has reported since `mark`.
    fn count(&self, mark: usize, event: &str) -> Result<usize> {
        Ok(self.events(mark)?.iter().filter(|entry| entry["event"] == event).count())
    }

    /// Waits until the page has reported scrolling up.
    fn wait_for_wheel_up(&self, mark: usize) -> Result<()> {
        let deadline = Instant::now() + REACTION;
        loop {
            let events = self.events(mark)?;
            if events
                .iter()
                .any(|event| event["event"] == "wheel" && event["down"].as_f64().is_some_and(|down| down < 0.0))
            {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the page was never scrolled up: {events:?}");
        }
    }

    /// The page reports a touch at these fractions of its size, and no other.
    fn touched_once_at(&self, mark: usize, (u, v): (f64, f64)) -> Result<()> {
        let event = self.wait_for_event(mark, "touchstart", REACTION)?;
        ensure_at(&event, u * f64::from(FIRST.0), v * f64::from(FIRST.1))?;
        self.wait_for_event(mark, "touchend", REACTION)?;
        let count = self.count(mark, "touchstart")?;
        ensure!(count == 1, "the page was touched {count} times");
        Ok(())
    }
}

pub fn a_device_that_waits_is_silent_until_it_is_trusted(kiosk: &Kiosk) -> Result<()> {
    let unknown = kiosk.plug(&Gadget::keyboard("Unknown"))?;
    kiosk.wait_for_input("Unknown", |input| input["trusted"] == false)?;
    let told = kiosk.sh("journalctl -b -t kioskd -o cat --no-pager | grep -c \"kioskctl inputs --trust 'Unknown'\"")?;
    ensure!(told == "1", "the journal says {told} times how it is trusted");
    let types = |key: KeyCode, wanted: &str| -> Result<()> {
        let mark = kiosk.mark()?;
        unknown.press(key)?;
        // The event of the machine's own keyboard follows it.
        kiosk.machine.chord(&["t"])?;
        let event = kiosk.wait_for_event(mark, "keydown", REACTION)?;
        ensure!(event["key"] == wanted, "expected {wanted} first: {event}");
        Ok(())
    };
    types(KeyCode::KEY_Q, "t").context("the unknown keyboard types")?;
    kiosk.sh("kioskctl inputs --trust Unknown")?;
    types(KeyCode::KEY_W, "w").context("a keyboard that is trusted")?;
    kiosk.sh("kioskctl inputs --untrust Unknown")?;
    types(KeyCode::KEY_E, "t").context("a keyboard that is not trusted any more types")
}

pub fn pads_and_mice_are_as_their_rules_say(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    let (plain, pad) = (kiosk.plug(&Gadget::touchpad("Plain Pad"))?, kiosk.plug(&Gadget::touchpad("Test Pad"))?);
    machine.point(300.0, 300.0)?;
    let mark = kiosk.mark()?;
    plain.tap((0.5, 0.5))?;
    pad.tap((0.5, 0.5))?;
    kiosk.wait_for_event(mark, "click", REACTION).context("a tap on a pad that clicks by taps")?;
    // An event after both taps is reported after both.
    machine.chord(&["t"])?;
    kiosk.wait_for_event(mark, "keydown", REACTION)?;
    ensure!(kiosk.count(mark, "click")? == 1, "a tap clicks on a pad of which nothing was said");
    let mark = kiosk.mark()?;
    plain.scroll(0.3, 0.7)?;
    let down = kiosk.wait_for_event(mark, "wheel", REACTION)?["down"].as_f64().unwrap_or(0.0);
    ensure!(down > 0.0, "a pad of which nothing was said went down by {down}");
    // The browser continues scrolling for a while.
    pad.scroll(0.3, 0.7)?;
    kiosk.wait_for_wheel_up(mark)?;

    let mouse = kiosk.plug(&Gadget::mouse("Slow Mouse"))?;
    let mark = kiosk.mark()?;
    machine.click(400.0, 300.0)?;
    kiosk.wait_for_event(mark, "click", REACTION)?;
    let mark = kiosk.mark()?;
    mouse.shove(100, 60)?;
    mouse.press(KeyCode::BTN_LEFT)?;
    // Half the distance, at any speed.
    ensure_at(&kiosk.wait_for_event(mark, "click", REACTION)?, 450.0, 330.0)
}

/// Position of the pointer in pictures: there is only the page's colour.
const CORNER: f64 = 200.0;

fn no_cursor(picture: &Picture) -> bool {
    picture.part(150, 150, 120, 120).share_of(PAGE, 6) == 1.0
}

pub fn what_is_no_pointer_shows_no_cursor(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    let remote = kiosk.plug(&Gadget::remote_control("Test HDMI CEC"))?;
    let glass = kiosk.plug(&Gadget::touch_panel("Test Glass").of_model(0x222a, 1))?;
    let twin = kiosk.plug(&Gadget::mouse("Test Glass Mouse").of_model(0x222a, 1))?;
    let mouse = kiosk.plug(&Gadget::mouse("Real Mouse"))?;
    machine.point(CORNER, CORNER)?;
    machine.wait_for_screen("a cursor", REACTION, |picture| !no_cursor(picture))?;
    // The area where the page shows its events.
    let text = |picture: &Picture| picture.part(80, 390, 530, 190);
    let before = text(&machine.wait_for_screen("no cursor after a rest", HIDES, no_cursor)?);
    for device in [&remote, &twin] {
        device.shove(3, 3)?;
    }
    let mark = kiosk.mark()?;
    remote.press(KeyCode::KEY_K)?;
    kiosk.wait_for_event(mark, "keydown", REACTION).context("the remote control's keys are real")?;
    // The event after the movements is on the screen.
    let told = |picture: &Picture| text(picture).difference(&before, 8) > 0.0;
    let picture = machine.wait_for_screen("the key in the page's words", REACTION, told)?;
    machine.save(&picture, "no-cursor")?;
    ensure!(no_cursor(&picture), "there is a cursor, and no mouse was moved");
    let mark = kiosk.mark()?;
    glass.tap((0.6, 0.7))?;
    kiosk.touched_once_at(mark, (0.6, 0.7))?;
    mouse.shove(3, 3)?;
    let picture = machine.wait_for_screen("the cursor of a mouse", REACTION, |picture| !no_cursor(picture))?;
    machine.save(&picture, "cursor").map(drop)
}

pub fn touches_land_as_calibrated_and_a_disabled_panel_is_dead(kiosk: &Kiosk) -> Result<()> {
    let dead = kiosk.plug(&Gadget::touch_panel("Dead Panel").of_model(0xdead, 0xbeef))?;
    let crooked = kiosk.plug(&Gadget::touch_panel("Crooked Panel"))?;
    let mark = kiosk.mark()?;
    dead.tap((0.5, 0.5))?;
    crooked.tap((0.25, 0.25))?;
    kiosk.touched_once_at(mark, (0.75, 0.75))?;
    let object = "$(busctl tree --list org.kioskd.Compositor1 | grep -m1 inputs/Crooked)";
    let property = "org.kioskd.Input1 Calibration";
    kiosk.sh(&format!("busctl set-property org.kioskd.Compositor1 {object} {property} ad 6 0.5 0 0 0 1 0"))?;
    let mark = kiosk.mark()?;
    crooked.tap((0.5, 0.25))?;
    kiosk.touched_once_at(mark, (0.25, 0.25)).context("calibrated over D-Bus")
}

pub fn a_pen_lands_where_it_is_also_on_a_rotated_picture(kiosk: &Kiosk) -> Result<()> {
    let pen = kiosk.plug(&Gadget::pen("Test Pen"))?;
    let panel = (f64::from(FIRST.0), f64::from(FIRST.1));
    for degrees in [90, 0] {
        kiosk.sh(&format!("kioskctl rotate {degrees}"))?;
        let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(degrees);
        kiosk.machine.wait_for_screen(&format!("the page rotated by {degrees}"), RELAYOUT, rotated)?;
        let place = (120.0, 210.0);
        let (x, y) = on_panel(place, degrees, panel);
        let mark = kiosk.mark()?;
        pen.pen_tap((x / panel.0, y / panel.1))?;
        let event = kiosk.wait_for_event(mark, "click", REACTION).with_context(|| format!("at {degrees}°"))?;
        ensure_at(&event, place.0, place.1).with_context(|| format!("at {degrees}°"))?;
    }
    Ok(())
}

pub fn a_panel_that_is_pulled_out_takes_its_finger_along(kiosk: &Kiosk) -> Result<()> {
    let gadget = Gadget::touch_panel("Loose Panel");
    for _ in 0..2 {
        let panel = kiosk.plug(&gadget)?;
        let mark = kiosk.mark()?;
        panel.tap((0.3, 0.6))?;
        kiosk.touched_once_at(mark, (0.3, 0.6))?;
        let mark = kiosk.mark()?;
        panel.finger_down((0.5, 0.6))?;
        let event = kiosk.wait_for_event(mark, "touchstart", REACTION)?;
        ensure!(event["touches"] == 1, "a finger was left behind: {event}");
        panel.pull();
        kiosk.wait_for_event(mark, "touchcancel", REACTION)?;
    }
    Ok(())
}

pub fn a_rule_of_udev_lays_a_panel_on_its_output(kiosk: &Kiosk) -> Result<()> {
    kiosk.plug_both()?;
    let panel = kiosk.plug(&Gadget::touch_panel("Ruled Panel"))?;
    kiosk.lies_on("Ruled Panel", "Virtual-2")?;
    // There it touches the splash. The page is on the other one.
    let mark = kiosk.mark()?;
    panel.tap((0.5, 0.5))?;
    kiosk.machine.tap(f64::from(FIRST.0) / 4.0, f64::from(FIRST.1) / 4.0)?;
    kiosk.touched_once_at(mark, (0.25, 0.25))
}

pub fn two_equal_panels_are_told_apart_for_good(kiosk: &Kiosk) -> Result<()> {
    kiosk.plug_both()?;
    let gadget = |port: &str| Gadget::usb_touch_panel("Twin Panel", &format!("{port}/input0"));
    let (left, right) = ("Twin Panel@usb-1", "Twin Panel@usb-2");
    let one = kiosk.plug(&gadget("usb-1"))?;
    let other = kiosk.plug_as(&gadget("usb-2"), right)?;
    kiosk.wait_for_input(left, |_| true)?;
    // Opposite to the automatic mapping, which is by the port.
    kiosk.sh(&format!("kioskctl touch-map '{right}' Virtual-1 && kioskctl touch-map '{left}' Virtual-2"))?;
    let right_is_the_pages = |one: &Plugged<'_>, other: &Plugged<'_>, when: &str| -> Result<()> {
        kiosk.lies_on(right, "Virtual-1").context(when.to_owned())?;
        kiosk.lies_on(left, "Virtual-2").context(when.to_owned())?;
        let mark = kiosk.mark()?;
        one.tap((0.5, 0.5))?;
        other.tap((0.25, 0.75))?;
        kiosk.touched_once_at(mark, (0.25, 0.75)).context(when.to_owned())
    };
    right_is_the_pages(&one, &other, "mapped")?;
    one.pull();
    other.pull();
    let other = kiosk.machine.agent().plug(&gadget("usb-2"))?;
    let one = kiosk.plug_as(&gadget("usb-1"), left)?;
    right_is_the_pages(&one, &other, "plugged in again in another order")?;
    kiosk.sh("systemctl restart kiosk")?;
    kiosk.page()?;
    right_is_the_pages(&one, &other, "after a restart")?;
    kiosk.sh(&format!("kioskctl touch-map '{left}' auto && kioskctl touch-map '{right}' auto")).map(drop)
}
