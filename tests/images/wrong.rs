//! What is wrong on the device itself: no browser, a machine id that is none; and a logo on its card that is no picture. It
//! boots to a screen all the same.

use anyhow::{Result, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan, Login, is_demo, is_splash};

use crate::{LETTERS, PAGE_TIMEOUT, images, kernels, out, page, run, splash, told_on_screen};

/// Takes Chromium away before anything is started, as where its package is not there.
const NO_BROWSER: &str = "[Unit]\nDefaultDependencies=no\nBefore=kiosk.service\n\
    [Service]\nType=oneshot\nRemainAfterExit=yes\n\
    ExecStart=mkdir -p /run/no-browser/new /run/no-browser/work\n\
    ExecStart=mount -t overlay -o lowerdir=/usr/bin,upperdir=/run/no-browser/new,workdir=/run/no-browser/work overlay /usr/bin\n\
    ExecStart=rm /usr/bin/chromium\n";
/// The page is not waited for as long as people would.
const SOON: &str = "[Service]\nExecStart=\nExecStart=/usr/bin/kioskctl wait page-visible --stable 5s --timeout 2m\n";

/// An image without Chromium: the screen says what is missing, and the boot does not count as good.
pub fn no_browser() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let key = card.take_key()?;
    let key = Login::Key(&key);
    let (disk, film) = (card.disk(), out("no-browser"));
    let credentials = [
        ("systemd.extra-unit.no-browser.service", NO_BROWSER),
        ("systemd.unit-dropin.kiosk.service", "[Unit]\nRequires=no-browser.service\n"),
        ("systemd.unit-dropin.kiosk-health.service", SOON),
    ];
    let mut machine = Flashed::start(&FlashedPlan { credentials: &credentials, ..FlashedPlan::new(&disk, &film) })?;
    splash(&mut machine)?;
    // The splash goes on being there, but tells it in large letters once a minute is over.
    let told = machine.wait("told", PAGE_TIMEOUT, |picture| {
        ensure!(!is_demo(picture), "there is a page without a browser");
        Ok(picture.share_of(LETTERS, 64) > 0.002 && !is_splash(picture))
    })?;
    eprintln!("told after {} s", told.as_secs());
    machine.log_in(&key)?;
    let status = run(&machine, &key, "kioskctl status")?;
    ensure!(status.contains("chromium is not installed"), "it is not said what is missing: {status}");
    let over = "while systemctl is-active --quiet kiosk-health || [ \"$(systemctl show -P ActiveState kiosk-health)\" = activating ]; do sleep 1; done";
    run(&machine, &key, over)?;
    let health =
        run(&machine, &key, "systemctl is-failed kiosk-health; systemctl is-active boot-complete.target || true")?;
    ensure!(health == "failed\ninactive\n", "the boot counts as good: {health}");
    ensure!(card.kernels()? == ["kiosk_1+2-1.efi"], "the kernels are {:?}", card.kernels()?);
    machine.power_off()?;

    // With its browser back, so is the page.
    let again = out("no-browser-again");
    let mut machine = Flashed::start(&FlashedPlan::new(&disk, &again))?;
    page(&mut machine, "page")?;
    kernels(&mut machine, &card, &["kiosk_1.efi"])?;
    machine.power_off()
}

/// Where the image keeps the machine id, in /var.
const ID: &str = "/lib/kiosk-device/machine-id";

/// No machine id, and what is none, each in a boot of its own: the page is there, and the id that the device has is the one that
/// it keeps from then on.
pub fn machine_id() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let key = card.take_key()?;
    let key = Login::Key(&key);
    let disk = card.disk();
    // Without the folder, /etc/kiosk leads nowhere, too.
    card.remove_from_var("/lib/kiosk-device")?;
    let too_long = "0123456789abcdef".repeat(40);
    let boots =
        [("none", None), ("kept", None), ("uninitialized", Some("uninitialized\n")), ("long", Some(&*too_long))];
    let mut before = None;
    for (what, wrong) in boots {
        if let Some(wrong) = wrong {
            card.write_to_var(wrong, ID)?;
        }
        let film = out(&format!("machine-id-{what}"));
        let mut machine = Flashed::start(&FlashedPlan::new(&disk, &film))?;
        page(&mut machine, &format!("page-{what}"))?;
        machine.log_in(&key)?;
        let id = run(&machine, &key, "cat /etc/machine-id")?;
        ensure!(id.trim().len() == 32 && id.trim().bytes().all(|c| c.is_ascii_hexdigit()), "{what}: the id is {id:?}");
        if what == "kept" {
            ensure!(before.as_ref() == Some(&id), "{before:?} was kept, and now the id is {id:?}");
        } else {
            ensure!(before.as_ref() != Some(&id), "{what}: the id is that which was taken away");
        }
        let settings = run(&machine, &key, "hostname; ls -d /etc/kiosk/config.d; systemctl --failed --no-legend")?;
        ensure!(settings.contains("/etc/kiosk/config.d"), "{what}: /etc/kiosk leads nowhere");
        machine.power_off()?;
        let kept = card.in_var(ID)?;
        ensure!(kept == id, "{what}: {id:?} was in force, and {kept:?} is kept");
        before = Some(id);
    }
    Ok(())
}

/// A `kiosk.toml` with a logo that is no picture, on a device that was set up before: the screen says so, nothing of the file is
/// taken, and what was kept is in force.
pub fn no_picture() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let (key, public) = card.make_key()?;
    card.write_to_var(&format!("{public}\n"), "/lib/kiosk-device/ssh-key")?;
    card.write_to_var("kiosk-kept\n", "/lib/kiosk-device/name")?;
    card.write("[device]\nname = \"kiosk-new\"\nlogo = \"mine.png\"\n", "/kiosk.toml")?;
    card.write("no picture", "/mine.png")?;
    let (disk, film) = (card.disk(), out("no-picture"));
    let mut machine = Flashed::start(&FlashedPlan::new(&disk, &film))?;
    told_on_screen(&mut machine)?;
    page(&mut machine, "page")?;
    let key = Login::Key(&key);
    machine.log_in(&key)?;
    let name = run(&machine, &key, "hostname")?;
    ensure!(name == "kiosk-kept\n", "it is called {name:?}");
    let status = run(&machine, &key, "kioskctl status")?;
    ensure!(status.contains("kiosk.toml: mine.png: "), "the logo is not told: {status}");
    kernels(&mut machine, &card, &["kiosk_1.efi"])?;
    machine.power_off()?;
    ensure!(card.in_var("/lib/kiosk-device/logo").is_err(), "what is no picture was kept");
    ensure!(card.in_var("/lib/kiosk-device/name")? == "kiosk-kept\n", "its name");
    Ok(())
}
