//! A card that is set up on another computer: wrong at first, then right, with a name, a logo and two ways to log in.

use anyhow::{Result, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan, Login, Picture, is_demo};

use crate::{PAGE_TIMEOUT, images, kernels, out, page, run, told_on_screen};

/// Of the customer's logo, which no screen of ours has.
const LOGO: [u8; 3] = [0xff, 0x00, 0xcc];
const PASSWORD: &str = "correct horse";

/// From power-on to what is wrong on the card, in words, and to the page behind it; to a name without a counter; off by the
/// button; and up again as the same device, as the card says now.
pub fn boots() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    ensure!(card.kernels()? == ["kiosk_1+3.efi"], "fresh from the build: {:?}", card.kernels()?);
    card.write("[output.\"*\"]\nrotation = 45\n", "/kiosk.toml")?;
    let before = card.partition("var")?;

    let disk = card.disk();
    let mut machine = Flashed::start(&FlashedPlan::new(&disk, &out("boots")))?;
    told_on_screen(&mut machine)?;
    page(&mut machine, "page")?;
    kernels(&mut machine, &card, &["kiosk_1.efi"])?;
    machine.power_off()?;

    let after = card.partition("var")?;
    ensure!(after.start == before.start && after.size > before.size + (1 << 30), "/var: {before:?} became {after:?}");
    let file_system = card.var_file_system()?;
    ensure!(file_system + (8 << 20) > after.size, "/var's file system has {file_system} of {} bytes", after.size);
    let id = card.in_var("/lib/kiosk-device/machine-id")?;
    ensure!(id.trim().len() == 32 && id.trim().bytes().all(|c| c.is_ascii_hexdigit()), "the machine id is {id:?}");

    let (key, public) = card.make_key()?;
    card.write(
        &format!(
            "[device]\nname = \"kiosk-hall\"\nlogo = \"mine.svg\"\nssh-key = \"{public}\"\npassword = \"{PASSWORD}\"\n"
        ),
        "/kiosk.toml",
    )?;
    let logo = format!("#{:02x}{:02x}{:02x}", LOGO[0], LOGO[1], LOGO[2]);
    card.write(
        &format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path fill='{logo}' d='M0 0h9v9H0z'/></svg>"
        ),
        "/mine.svg",
    )?;
    let again = out("boots-again");
    let mut machine = Flashed::start(&FlashedPlan { memory: "2G", ..FlashedPlan::new(&disk, &again) })?;
    let has_logo = |picture: &Picture| picture.share_of(LOGO, 12) > 0.002;
    let logo = machine.wait("logo", PAGE_TIMEOUT, |picture| {
        ensure!(!is_demo(picture), "the page is there, and the logo never was");
        Ok(has_logo(picture))
    })?;
    eprintln!("logo after {} s", logo.as_secs());
    page(&mut machine, "page")?;
    let by_key = Login::Key(&key);
    machine.log_in(&by_key)?;
    let name = run(&machine, &by_key, "hostname; cat /etc/machine-id; id -u")?;
    ensure!(name == format!("kiosk-hall\n{}\n0\n", id.trim()), "by the key: {name:?}");
    let boot = run(&machine, &by_key, "kioskctl status --boot | grep Boot")?;
    // In a virtual machine systemd takes no times of firmware and boot loader.
    for stage in ["kernel", "initrd", "system", "page after"] {
        ensure!(boot.contains(stage), "the start is told without {stage}: {boot}");
    }
    run(&machine, &by_key, "free -m; systemd-analyze; systemctl --failed --no-legend; df -h /var /efi")?;
    ensure!(run(&machine, &Login::Password(PASSWORD), "hostname")? == "kiosk-hall\n", "by the password");
    let wrong = machine.run(&Login::Password("correct horses"), "hostname");
    ensure!(wrong.is_err(), "a wrong password lets in");
    let kept = run(&machine, &by_key, "grep -rl 'correct horse' /var/lib/kiosk-device /run/kiosk-device || true")?;
    ensure!(kept.is_empty(), "the password itself is kept in {kept}");
    machine.power_off()?;
    ensure!(card.in_var("/lib/kiosk-device/machine-id")? == id, "the machine id has changed");
    ensure!(card.in_var("/lib/kiosk-device/name")? == "kiosk-hall\n", "its name");
    ensure!(card.kernels()? == ["kiosk_1.efi"], "after a second boot: {:?}", card.kernels()?);
    Ok(())
}
