//! The power is cut while a device boots and while it is updated: the next boot comes to its page, as the same device and
//! with all that was kept.
//!
//! Six cuts, and with `CUTS=20` as many more as that says: by turns at a moment of a boot, another one each time, and when
//! something was just kept.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan, Login, has_dots, is_demo, is_splash};

use crate::updates::{MOUNT, STICK, update};
use crate::{BLESSED_TIMEOUT, PAGE_TIMEOUT, images, kernels, out, page, run};

/// What the device is, and what it was told to keep: printed by a line of shell, in one moment.
const KEPT: &str = "cat /etc/machine-id; hostname; cat /var/lib/kiosk/state.toml; cat /var/lib/kept";

/// How many cuts, in all.
const CUTS_ENV: &str = "CUTS";
/// The fewest.
const CUTS: usize = 6;
/// Two moments of boots are apart by this share of the time to the page, which is that of the golden section: so few or
/// many, they are spread over all of it.
const NEXT_MOMENT: f64 = 0.618_034;

/// Six cuts: when the boot is counted; when /var has just grown, at the first boot; when something is kept; in the middle of an
/// update; at its end; and in the first boot of what it brought, or of the one before.
pub fn cuts() -> Result<()> {
    let wanted = std::env::var(CUTS_ENV).map_or(Ok(CUTS), |wanted| wanted.parse()).context(CUTS_ENV)?;
    ensure!(wanted >= CUTS, "{CUTS_ENV} is at least {CUTS}");
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let (key, public) = card.make_key()?;
    card.write(
        &format!("[device]\nname = \"kiosk-cut\"\nssh-key = \"{public}\"\nupdates = \"{STICK}/none/\"\n"),
        "/kiosk.toml",
    )?;
    let key = Login::Key(&key);
    let (disk, stick) = (card.disk(), images()?.join("stick.raw"));
    let start = |film: &str| {
        let film = out(&format!("cuts-{film}"));
        // The page need not be watched for half a minute here.
        let short = "[Service]\nExecStart=\nExecStart=/usr/bin/kioskctl wait page-visible --stable 5s --timeout 5m\n";
        let credentials = [("systemd.unit-dropin.kiosk-health.service", short)];
        Flashed::start(&FlashedPlan {
            stick: Some(&stick),
            credentials: &credentials,
            ..FlashedPlan::new(&disk, &film)
        })
    };

    let mut machine = start("counted")?;
    machine.wait("counted", PAGE_TIMEOUT, |_| Ok(card.kernels()? == ["kiosk_1+2-1.efi"]))?;
    machine.cut();

    let before = card.partition("var")?.size;
    let mut machine = start("grown")?;
    machine.wait("grown", PAGE_TIMEOUT, |_| Ok(card.partition("var")?.size > before))?;
    machine.cut();

    let mut machine = start("kept")?;
    page(&mut machine, "page after two cuts")?;
    let upright = machine.screen()?;
    kernels(&mut machine, &card, &["kiosk_1.efi"])?;
    machine.log_in(&key)?;
    let rotated = "echo kept >/var/lib/kept && sync /var/lib/kept /var/lib && kioskctl rotate 180";
    let kept = run(&machine, &key, &format!("{rotated} >&2 && {KEPT}"))?;
    machine.cut();
    ensure!(kept.contains("\nkiosk-cut\n") && kept.contains("180") && kept.ends_with("\nkept\n"), "kept: {kept:?}");
    let is_kept = |machine: &Flashed| -> Result<()> {
        let found = run(machine, &key, KEPT)?;
        ensure!(found == kept, "{kept:?} was kept, and now it is {found:?}");
        Ok(())
    };

    let mut machine = start("writing")?;
    let after = machine.wait("page rotated", PAGE_TIMEOUT, |picture| {
        Ok(is_demo(picture) && picture.rotated(180).difference(&upright, 48) < picture.difference(&upright, 48) / 2.0)
    })?;
    eprintln!("page, rotated, after {} s", after.as_secs());
    machine.log_in(&key)?;
    is_kept(&machine)?;
    run(&machine, &key, MOUNT)?;
    ensure!(!card.other_slot_is_written()?, "the other slot is not empty");
    run(
        &machine,
        &key,
        &format!("echo {STICK}/rotated/ >/run/kiosk-device/updates; systemctl start --no-block kiosk-update"),
    )?;
    machine.wait("writing", BLESSED_TIMEOUT, |_| card.other_slot_is_written())?;
    machine.cut();
    ensure!(card.kernels()? == ["kiosk_1.efi"], "cut in the middle of an update: {:?}", card.kernels()?);

    let mut machine = start("written")?;
    page(&mut machine, "page after half an update")?;
    machine.log_in(&key)?;
    is_kept(&machine)?;
    run(&machine, &key, MOUNT)?;
    update(&machine, &key, "rotated")?;
    machine.cut();
    let left = card.kernels()?;
    eprintln!("cut at the end of an update: {left:?}");
    ensure!(left.contains(&"kiosk_1.efi".to_owned()), "the version that is good has gone: {left:?}");

    let mut machine = start("tried")?;
    machine.wait("boot splash", PAGE_TIMEOUT, |picture| Ok(is_splash(picture) && has_dots(picture)))?;
    machine.cut();

    let mut machine = start("last")?;
    page(&mut machine, "page after six cuts")?;
    let to_page = machine.uptime();
    machine.log_in(&key)?;
    is_kept(&machine)?;
    let running = run(&machine, &key, "cat /proc/cmdline")?;
    let updated = running.contains("root=PARTLABEL=kiosk_3 ");
    ensure!(updated || running.contains("root=PARTLABEL=kiosk_1 "), "neither version: {running}");
    if updated {
        kernels(&mut machine, &card, &["kiosk_1.efi", "kiosk_3.efi"])?;
    } else {
        // Whatever the cut left, an update goes on.
        run(&machine, &key, MOUNT)?;
        update(&machine, &key, "rotated").context("after the cuts")?;
        kernels(&mut machine, &card, &["kiosk_1.efi", "kiosk_3+3-0.efi"])?;
    }
    machine.power_off()?;
    more(wanted, to_page, kept, &key, &start)?;
    card.check_var()
}

/// Cuts until there were as many as `wanted`, and a last boot. A boot takes about `to_page` to its page; what is kept is
/// `kept`.
fn more(
    wanted: usize,
    to_page: Duration,
    mut kept: String,
    key: &Login,
    start: &dyn Fn(&str) -> Result<Flashed>,
) -> Result<()> {
    let mut share = 0.0;
    let is_kept = |machine: &mut Flashed, what: &str, kept: &str| -> Result<()> {
        page(machine, what)?;
        machine.log_in(key)?;
        let found = run(machine, key, KEPT)?;
        ensure!(found == kept, "{what}: {kept:?} was kept, and now it is {found:?}");
        Ok(())
    };
    for cut in CUTS + 1..=wanted {
        if (cut - CUTS) % 2 == 1 {
            share = (share + NEXT_MOMENT) % 1.0;
            let (begun, at) = (Instant::now(), to_page.mul_f64(share));
            let mut machine = start(&format!("{cut}-booting"))?;
            machine.wait("cut", PAGE_TIMEOUT, |_| Ok(begun.elapsed() >= at))?;
            eprintln!("cut {cut} at {share:.2} of a boot, after {} s", at.as_secs());
            machine.cut();
        } else {
            let mut machine = start(&format!("{cut}-kept"))?;
            is_kept(&mut machine, &format!("page before cut {cut}"), &kept)?;
            let turn = if cut % 4 == 0 { 0 } else { 180 };
            let keep = format!("echo kept {cut} >/var/lib/kept && sync /var/lib/kept && kioskctl rotate {turn} >&2");
            kept = run(&machine, key, &format!("{keep} && {KEPT}"))?;
            machine.cut();
        }
    }
    if wanted == CUTS {
        return Ok(());
    }
    let mut machine = start("more-last")?;
    is_kept(&mut machine, &format!("page after {wanted} cuts"), &kept)?;
    run(&machine, key, "kioskctl status --slots; systemctl --failed --no-legend")?;
    machine.power_off()
}
