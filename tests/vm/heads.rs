//! Two monitors whose cables are plugged and unplugged. The machine was started with neither: see `Kiosk::boot`.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::{Picture, Rgb};

use super::input::{REACTION, ensure_at};
use super::kiosk::{BOOT, Kiosk};
use super::looks::{is_console, is_logo, is_page};
use super::screens::{RELAYOUT, rotation_of};
use super::terminals::SWITCH;

/// Preferred sizes of the monitors, pixels.
pub const FIRST: (u16, u16) = (1280, 800);
pub const SECOND: (u16, u16) = (1024, 768);
/// From a cable to a picture.
pub const APPEARS: Duration = Duration::from_secs(20);
/// Number of unplugs in a storm.
const PULLS: usize = 20;
/// Limit of processor time that a browser uses for a still page that is not shown, clock ticks (100 a second) in 10
/// seconds of an emulated machine. A busy loop, as Chromium has without an output, uses 1000 and more.
const STILL_TICKS: i64 = 400;

impl Kiosk {
    /// The browser is the same process, and the page was not fetched since `mark`.
    pub fn undisturbed_since(&self, mark: usize, browser: i64) -> Result<()> {
        ensure!(self.browser()? == browser, "the browser was restarted");
        self.not_loaded_since(mark)
    }

    /// The page was not loaded again since `mark`.
    pub fn not_loaded_since(&self, mark: usize) -> Result<()> {
        let events = self.events(mark)?;
        ensure!(!events.iter().any(|event| event["event"] == "load"), "the page was loaded again: {events:?}");
        Ok(())
    }

    /// Processor time of all browser processes in 10 seconds, clock ticks: the least of up to three measurements. A
    /// busy loop is in each, and work for the change itself is not in the last.
    fn browser_ticks(&self) -> Result<i64> {
        // A process that ends meanwhile is skipped.
        let ticks = "pgrep chromium | sed 's|.*|/proc/&/stat|' | xargs cat 2>/dev/null | \
            awk '{ sum += $14 + $15 } END { print sum + 0 }'";
        let mut least = i64::MAX;
        for _ in 0..3 {
            self.sh("sleep 3")?;
            let before: i64 = self.sh(ticks)?.parse()?;
            self.sh("sleep 10")?;
            least = least.min(self.sh(ticks)?.parse::<i64>()? - before);
            if least < STILL_TICKS {
                break;
            }
        }
        Ok(least)
    }

    /// Connects both monitors; connected ones stay as they are.
    pub fn plug_both(&self) -> Result<()> {
        for (cable, (width, height)) in self.machine.cables.iter().zip([FIRST, SECOND]) {
            cable.plug(width, height)?;
        }
        Ok(())
    }

    /// Connects both monitors until the kernel has noticed both. Its driver can lose the event of a cable that is moved
    /// while it handles the last one, and then no program gets it: such a monitor is plugged again.
    fn plug_both_after_a_storm(&self) -> Result<()> {
        let known = "for look in $(seq 50); do \
            [ \"$(cat /sys/class/drm/card*-*/status | grep -cx connected)\" = 2 ] && exit; sleep 0.1; done; exit 1";
        for _ in 0..3 {
            self.plug_both()?;
            if self.sh(known).is_ok() {
                return Ok(());
            }
            eprintln!("the kernel lost the news of a cable");
            self.pull_all()?;
        }
        bail!("the kernel does not know that both displays are connected")
    }

    /// Waits until the kiosk reports this number of connected monitors.
    fn wait_for_displays(&self, count: usize) -> Result<()> {
        self.wait_for_status(&format!("of {count} displays"), APPEARS, |status| {
            let outputs = status["compositor"]["outputs"].as_array().into_iter().flatten();
            outputs.filter(|output| output["connected"] == true).count() == count
        })
    }

    fn pull_all(&self) -> Result<()> {
        self.machine.cables.iter().try_for_each(kiosk_tests::vm::Cable::pull)
    }
}

pub fn a_kiosk_switched_on_without_a_display_shows_its_page_when_one_comes(kiosk: &Kiosk) -> Result<()> {
    // The boot of this machine did it: this checks the result.
    let events = kiosk.events(0)?;
    let loads: Vec<_> = events.iter().filter(|event| event["event"] == "load").collect();
    ensure!(loads.len() == 1, "the page was loaded {} times: {events:?}", loads.len());
    ensure!(loads[0]["height"] != FIRST.1, "the page was to be loaded before there was a display: {}", loads[0]);
    let resized = kiosk.wait_for_event(0, "resize", REACTION)?;
    ensure!(resized["height"] == FIRST.1, "the page was told another size than its display's: {resized}");
    kiosk.machine.save(&kiosk.machine.screen()?, "appeared").map(drop)
}

pub fn a_second_display_shows_the_logo_and_takes_nothing_from_the_first(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, browser) = (&kiosk.machine, kiosk.mark()?, kiosk.browser()?);
    kiosk.plug_both()?;
    let picture = machine.wait_for_screen_at(1, "the logo", APPEARS, is_logo)?;
    machine.save(&picture, "second")?;
    ensure!((picture.width, picture.height) == (SECOND.0.into(), SECOND.1.into()), "not in its preferred mode");
    ensure!(is_page(&machine.screen()?), "the first display lost its page");
    kiosk.undisturbed_since(mark, browser)
}

pub fn cables_may_be_pulled_as_often_as_one_likes(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, browser) = (&kiosk.machine, kiosk.mark()?, kiosk.browser()?);
    kiosk.plug_both()?;
    let compositor = kiosk.main_pid("kiosk")?;
    for pull in 0..PULLS {
        kiosk.pull_all()?;
        // Some unplugs take longer; the guest answers in between, so that they are separate events.
        if pull % 4 == 0 {
            kiosk.sh("cat /sys/class/drm/card*-*/status")?;
        }
        kiosk.plug_both()?;
    }
    kiosk.plug_both_after_a_storm()?;
    machine.wait_for_screen("the page after a storm", APPEARS, is_page)?;
    machine.wait_for_screen_at(1, "the logo after a storm", APPEARS, is_logo)?;
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    machine.chord(&["p"])?;
    kiosk.wait_for_event(mark, "keydown", REACTION)?;
    kiosk.undisturbed_since(mark, browser)
}

pub fn with_no_display_or_a_dark_one_the_browser_rests(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, browser) = (&kiosk.machine, kiosk.mark()?, kiosk.browser()?);
    kiosk.plug_both()?;
    kiosk.pull_all()?;
    let unplugged = kiosk.browser_ticks()?;
    ensure!(unplugged < STILL_TICKS, "with no display the browser used {unplugged} ticks in 10 s");
    kiosk.plug_both()?;
    machine.wait_for_screen("the page", APPEARS, is_page)?;
    kiosk.sh("kioskctl screen off")?;
    let dark = kiosk.browser_ticks()?;
    ensure!(dark < STILL_TICKS, "with the screen off the browser used {dark} ticks in 10 s");
    kiosk.sh("kioskctl screen on")?;
    machine.wait_for_screen("the page after switching on", APPEARS, is_page)?;
    eprintln!("processor of the browser in 10 s: {unplugged} ticks unplugged, {dark} dark");
    kiosk.undisturbed_since(mark, browser)
}

pub fn rotation_is_kept_over_a_replug(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, browser) = (&kiosk.machine, kiosk.mark()?, kiosk.browser()?);
    let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(90);
    let first = kiosk.status()?["compositor"]["outputs"][0]["name"].as_str().context("no output")?.to_owned();
    kiosk.sh(&format!("kioskctl rotate 90 -o {first}"))?;
    machine.wait_for_screen("the rotated page", RELAYOUT, rotated)?;
    for _ in 0..3 {
        machine.cables[0].pull()?;
        kiosk.sh("kioskctl outputs")?;
        machine.cables[0].plug(FIRST.0, FIRST.1)?;
    }
    let picture = machine.wait_for_screen("the page rotated as before", RELAYOUT, rotated)?;
    machine.save(&picture, "rotated-after-replug")?;
    kiosk.sh(&format!("kioskctl rotate 0 -o {first}"))?;
    kiosk.undisturbed_since(mark, browser)
}

/// Switches to tty2, which is on the first connected monitor.
fn go_to_the_console(kiosk: &Kiosk) -> Result<()> {
    kiosk.machine.chord(&["ctrl", "alt", "f2"])?;
    kiosk.machine.wait_for_screen("tty2's login", SWITCH, is_console).map(drop)
}

pub fn cables_moved_behind_another_terminal_are_noticed_on_the_way_back(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, browser) = (&kiosk.machine, kiosk.mark()?, kiosk.browser()?);
    let compositor = kiosk.main_pid("kiosk")?;
    let come_back = || machine.chord(&["ctrl", "alt", "f1"]);
    kiosk.plug_both()?;
    machine.wait_for_screen_at(1, "the logo", APPEARS, is_logo)?;

    // The second one is unplugged: its picture is not shown elsewhere, and its removal is noticed.
    go_to_the_console(kiosk)?;
    machine.cables[1].pull()?;
    kiosk.sh("cat /sys/class/drm/card*-*/status")?;
    come_back()?;
    machine.wait_for_screen("the page after an unplug", APPEARS, is_page)?;
    kiosk.wait_for_displays(1)?;

    // It is plugged in again.
    go_to_the_console(kiosk)?;
    machine.cables[1].plug(SECOND.0, SECOND.1)?;
    come_back()?;
    machine.wait_for_screen_at(1, "the logo after a plug", APPEARS, is_logo)?;
    machine.wait_for_screen("the page after a plug", APPEARS, is_page)?;

    // The first one is replaced by another size.
    go_to_the_console(kiosk)?;
    let exchange = kiosk.mark()?;
    machine.cables[0].plug(SECOND.0, SECOND.1)?;
    come_back()?;
    let exchanged = |picture: &Picture| is_page(picture) && picture.height == usize::from(SECOND.1);
    let picture = machine.wait_for_screen("the page on another display", APPEARS, exchanged)?;
    machine.save(&picture, "exchanged-behind-terminal")?;
    let resized = kiosk.wait_for_event(exchange, "resize", REACTION)?;
    ensure!(resized["height"] == SECOND.1, "the page was told another size than its display's: {resized}");

    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    kiosk.undisturbed_since(mark, browser)
}

pub fn a_finger_that_is_down_while_the_picture_is_rotated_is_cancelled(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark) = (&kiosk.machine, kiosk.mark()?);
    let first = kiosk.status()?["compositor"]["outputs"][0]["name"].as_str().context("no output")?.to_owned();
    let finger = machine.finger(0, 300.0, 300.0)?;
    kiosk.wait_for_event(mark, "touchstart", REACTION)?;
    kiosk.sh(&format!("kioskctl rotate 180 -o {first}"))?;
    kiosk.wait_for_event(mark, "touchcancel", REACTION)?;
    let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(180);
    machine.wait_for_screen("the page rotated by 180", RELAYOUT, rotated)?;
    finger.slide(400.0, 400.0)?;
    finger.lift()?;
    let mark = kiosk.mark()?;
    machine.tap(100.0, 200.0)?;
    let event = kiosk.wait_for_event(mark, "touchstart", REACTION)?;
    ensure_at(&event, f64::from(FIRST.0) - 100.0, f64::from(FIRST.1) - 200.0)?;
    kiosk.sh(&format!("kioskctl rotate 0 -o {first}"))?;
    kiosk.page()
}

/// Share of black pixels.
fn black(picture: &Picture) -> f64 {
    picture.share(|[r, g, b]: Rgb| r < 4 && g < 4 && b < 4)
}

pub fn a_mirror_shows_the_same_page_letterboxed(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, browser) = (&kiosk.machine, kiosk.mark()?, kiosk.browser()?);
    kiosk.plug_both()?;
    let outputs = kiosk.status()?["compositor"]["outputs"].clone();
    let name = |index: usize| outputs[index]["name"].as_str().context("an output is missing").map(str::to_owned);
    let (first, second) = (name(0)?, name(1)?);
    kiosk.sh(&format!("kioskctl mirror {first} -o {second}"))?;
    // 1280 by 800 on 1024 by 768 is 1024 by 640: bars of 64 above and below.
    let bar = 64;
    let (width, height) = (usize::from(SECOND.0), usize::from(SECOND.1));
    let letterboxed = |picture: &Picture| {
        is_page(&picture.part(0, bar + 1, width, height - 2 * bar - 2))
            && black(&picture.part(0, 0, width, bar - 1)) > 0.99
            && black(&picture.part(0, height - bar + 1, width, bar - 1)) > 0.99
    };
    let picture = machine.wait_for_screen_at(1, "the page letterboxed", APPEARS, letterboxed)?;
    machine.save(&picture, "mirror")?;
    ensure!(is_page(&machine.screen()?), "the first display lost its page");
    kiosk.sh(&format!("kioskctl mirror none -o {second}"))?;
    machine.wait_for_screen_at(1, "the logo again", APPEARS, is_logo)?;
    kiosk.undisturbed_since(mark, browser)
}

/// Two shells, each with its own page on its own monitor.
const TWO_SHELLS: &str = "[[shells]]\noutput = \"Virtual-1\"\n[[shells]]\noutput = \"Virtual-2\"\n\
    url = \"http://localhost:3000/?second\"\n";

pub fn two_shells_have_a_display_each(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark) = (&kiosk.machine, kiosk.mark()?);
    kiosk.plug_both()?;
    let file = "50-two-shells";
    kiosk.configure(file, TWO_SHELLS)?;
    kiosk.sh("systemctl restart kiosk kiosk-session")?;
    for head in [0, 1] {
        let picture = machine.wait_for_screen_at(head, "a page of its own", BOOT, is_page)?;
        machine.save(&picture, &format!("shell-{head}"))?;
    }
    let pages = kiosk.events(mark)?;
    let second = pages.iter().any(|event| event["path"] == "/?second");
    ensure!(second, "the second page was not fetched: {pages:?}");
    // One dies: its monitor shows the splash, the other keeps its page.
    let status = kiosk.status()?;
    let browser = status["shells"][1]["browser-pid"].as_i64().with_context(|| format!("no browser: {status}"))?;
    kiosk.sh(&format!("kill -9 {browser}"))?;
    machine.wait_for_screen_at(1, "the logo", APPEARS, is_logo)?;
    ensure!(is_page(&machine.screen()?), "the first display lost its page with the second");
    machine.wait_for_screen_at(1, "its page again", BOOT, is_page)?;
    kiosk.deconfigure(file)?;
    kiosk.sh("systemctl restart kiosk kiosk-session")?;
    kiosk.page()
}
