//! Updates by systemd-sysupdate from a stick, as a device takes them: wrong ones, one whose page never comes, a good one.

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan, Login, is_demo};

use crate::{PAGE_TIMEOUT, images, kernels, out, page, run};

/// Where the stick is mounted in the machine.
pub const STICK: &str = "file:///run/stick";

/// Puts it in; and only the test looks for updates.
pub const MOUNT: &str =
    "systemctl stop kiosk-update.timer; mkdir /run/stick && mount -o ro /dev/disk/by-id/virtio-stick /run/stick";

/// What is wrong is refused, and nothing has changed; a newer version that boots, but never has a page, restarts by itself
/// until its boots are used up, and the one before is back; the one after it has its page, which is another.
pub fn updates() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let (key, public) = card.make_key()?;
    card.write(&format!("[device]\nssh-key = \"{public}\"\nupdates = \"{STICK}/none/\"\n"), "/kiosk.toml")?;
    let key = Login::Key(&key);
    let (disk, stick, film) = (card.disk(), images()?.join("stick.raw"), out("updates"));
    // The page need not be watched for half a minute here.
    let short = "[Service]\nExecStart=\nExecStart=/usr/bin/kioskctl wait page-visible --stable 5s --timeout 3m\n";
    let credentials = [("systemd.unit-dropin.kiosk-health.service", short)];
    let plan = FlashedPlan { stick: Some(&stick), credentials: &credentials, ..FlashedPlan::new(&disk, &film) };
    let mut machine = Flashed::start(&plan)?;
    page(&mut machine, "page of 1")?;
    kernels(&mut machine, &card, &["kiosk_1.efi"])?;
    let upright = machine.screen()?;
    machine.log_in(&key)?;
    run(&machine, &key, MOUNT)?;

    for (wrong, why) in [("unsigned", "Failed to retrieve signature file"), ("cut-off", "did not check out")] {
        let refused = update(&machine, &key, wrong);
        let said = refused.err().with_context(|| format!("an update that is {wrong} is taken"))?;
        eprintln!("{wrong}: {said:#}");
        ensure!(format!("{said:#}").contains(why), "{wrong}: {said:#}");
        slots(&machine, &key, &card, &["_empty", "kiosk_1"], &["kiosk_1.efi"])?;
    }

    update(&machine, &key, "no-page")?;
    slots(&machine, &key, &card, &["kiosk_1", "kiosk_2"], &["kiosk_1.efi", "kiosk_2+3-0.efi"])?;
    // One try in place of three: each takes minutes here.
    run(&machine, &key, "mv /efi/EFI/Linux/kiosk_2+3-0.efi /efi/EFI/Linux/kiosk_2+1-0.efi && sync -f /efi")?;
    restart(&machine, &key);
    machine.wait("tried", PAGE_TIMEOUT, |picture| {
        let tried = card.kernels()?.contains(&"kiosk_2+0-1.efi".to_owned());
        Ok(tried && !is_demo(picture))
    })?;
    page(&mut machine, "page of 1 again")?;
    machine.log_in(&key)?;
    run(&machine, &key, MOUNT)?;
    let running = run(&machine, &key, "cat /proc/cmdline")?;
    ensure!(running.contains("root=PARTLABEL=kiosk_1 "), "not the version before: {running}");
    let told = run(&machine, &key, "kioskctl status --slots")?;
    ensure!(told.contains("kiosk_2, bad"), "the slots are told as {told}");

    update(&machine, &key, "rotated")?;
    slots(&machine, &key, &card, &["kiosk_1", "kiosk_3"], &["kiosk_1.efi", "kiosk_3+3-0.efi"])?;
    restart(&machine, &key);
    let rotated = machine.wait("page of 3", PAGE_TIMEOUT, |picture| {
        Ok(is_demo(picture) && picture.rotated(180).difference(&upright, 48) < picture.difference(&upright, 48) / 2.0)
    })?;
    eprintln!("page of 3 after {} s", rotated.as_secs());
    kernels(&mut machine, &card, &["kiosk_1.efi", "kiosk_3.efi"])?;
    machine.log_in(&key)?;
    let running = run(&machine, &key, "cat /proc/cmdline; grep IMAGE_VERSION /etc/os-release")?;
    ensure!(running.contains("root=PARTLABEL=kiosk_3") && running.contains("IMAGE_VERSION=\"3\""), "not 3: {running}");
    machine.power_off()
}

/// Has the update of that directory fetched, as the timer has; fails with what the journal says.
pub fn update(machine: &Flashed, key: &Login, directory: &str) -> Result<String> {
    let address = format!("echo {STICK}/{directory}/ >/run/kiosk-device/updates");
    let journal = "journalctl -q --no-hostname -o cat -n 20 -I -u kiosk-update";
    run(machine, key, &format!("{address}; systemctl start kiosk-update && {journal} || {{ {journal} >&2; exit 1; }}"))
}

/// The two slots' names, in the machine and from outside, and the kernels.
fn slots(machine: &Flashed, key: &Login, card: &Card, names: &[&str], wanted: &[&str]) -> Result<()> {
    run(machine, key, "sync")?;
    let mut found: Vec<String> = card.partitions()?.into_iter().map(|partition| partition.name).collect();
    found.retain(|name| name != "esp" && name != "var");
    found.sort();
    ensure!(found == names, "the slots are {found:?}, not {names:?}");
    let found = card.kernels()?;
    ensure!(found == wanted, "the kernels are {found:?}, not {wanted:?}");
    Ok(())
}

/// As at night. Its end ends the login, too.
fn restart(machine: &Flashed, key: &Login) {
    if let Err(error) = machine.run(key, "systemctl reboot") {
        eprintln!("restart: {error:#}");
    }
}
