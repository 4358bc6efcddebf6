//! A visitor uploads a file of a stick that was put in while the page was up: the page's input is touched, kioskd's list
//! comes in its place, a row of it is touched, and the page reads the file. The session that looks at the stick and the
//! browser that reads the file are in the sandbox of their unit.

use anyhow::{Context, Result, ensure};
use kiosk_splash::{Target, places};

use super::input::REACTION;
use super::kiosk::{BOOT, Kiosk};
use super::looks::is_page;
use super::screens::RELAYOUT;

const FILE: &str = "60-uploads";
const CONFIG: &str = "[shell]\nurl = \"http://localhost:3000/?upload=1\"\n[browser]\nuploads = \"/media/kiosk\"\n";
/// As an automounter does it.
const PUT_IN: &str = "mount -t tmpfs -o nosuid,nodev,noexec,mode=755 stick /media/kiosk && mkdir /media/kiosk/DCIM && \
    printf 'Dear all' >/media/kiosk/DCIM/letter.txt && ln -s /etc/passwd /media/kiosk/passwd.txt";

pub fn a_file_of_a_stick_is_chosen_on_the_screen_and_reaches_the_page(kiosk: &Kiosk) -> Result<()> {
    let mark = kiosk.mark()?;
    kiosk.configure(FILE, CONFIG)?;
    kiosk.sh("mkdir -p /media/kiosk && systemctl restart kiosk-session")?;
    let done = upload(kiosk, mark);
    let mark = kiosk.mark()?;
    kiosk.deconfigure(FILE)?;
    kiosk.sh("umount /media/kiosk; systemctl restart kiosk-session")?;
    done?;
    kiosk.wait_for_event(mark, "load", BOOT)?;
    kiosk.page()
}

#[allow(clippy::cast_possible_truncation)] // screens are small
fn upload(kiosk: &Kiosk, mark: usize) -> Result<()> {
    let machine = &kiosk.machine;
    let told = kiosk.wait_for_report(mark, "where its input is", BOOT, |event| event["place"].is_array())?;
    kiosk.page()?;
    let number = |index: usize| told["place"][index].as_f64().context("four numbers");
    let (x, y) = (number(0)? + number(2)? / 4.0, number(1)? + number(3)? / 2.0);
    kiosk.sh(PUT_IN)?;

    let mark = kiosk.mark()?;
    machine.finger(0, x, y)?.lift()?;
    kiosk.wait_for_status("the list", REACTION, |status| status["compositor"]["stage"] == "system-screen")?;
    let list = machine.wait_for_screen("the list", RELAYOUT, |picture| !is_page(picture))?;
    machine.save(&list, "uploads")?;
    let (width, height) = machine.size();
    let row = places(width as u32, height as u32, 1.0).area(Target::Row(0)).context("no row")?;
    machine.finger(0, f64::from(row.x + row.width / 2), f64::from(row.y + row.height / 2))?.lift()?;

    let got = kiosk.wait_for_report(mark, "a file", REACTION, |event| event["event"] == "upload")?;
    ensure!(got["name"] == "letter.txt" && got["text"] == "Dear all", "the page got {got}");
    machine.wait_for_screen("the page again", RELAYOUT, is_page).map(drop)
}
