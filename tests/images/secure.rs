//! Secure Boot with a customer's own key: a machine without keys takes those of the disk, and starts nothing else from then on.

use anyhow::{Result, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan, Login};

use crate::{images, out, page, run};

/// The firmware's own word for it: after four bytes of attributes, 1 where it checks what it starts.
const CHECKED: &str = "od -An -tu1 -j4 /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// From the first power-on, at which the boot loader enrols its keys and restarts, to the page. Then a newer version whose
/// kernel is not signed: it is not started, the one before is, and the newer one does not count as good.
pub fn boots() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let key = card.take_key()?;
    let (disk, film) = (card.disk(), out("secure"));
    let mut machine = Flashed::start(&FlashedPlan { secure: true, ..FlashedPlan::new(&disk, &film) })?;
    page(&mut machine, "page")?;
    let key = Login::Key(&key);
    machine.log_in(&key)?;
    let checked = run(&machine, &key, CHECKED)?;
    ensure!(checked.trim() == "1", "the firmware does not check what it starts: {checked:?}");
    run(&machine, &key, "bootctl status --no-pager | head -n 12")?;
    machine.power_off()?;

    card.put(&images()?.join("not-signed.efi"), "/EFI/Linux/kiosk_2+1-0.efi")?;
    let refused = out("secure-refused");
    let mut machine = Flashed::start(&FlashedPlan { secure: true, ..FlashedPlan::new(&disk, &refused) })?;
    page(&mut machine, "page of 1 again")?;
    machine.log_in(&key)?;
    // What would take the counter away, did it go by the boot loader's word alone.
    run(&machine, &key, "systemctl start boot-complete.target systemd-bless-boot.service")?;
    let running = run(&machine, &key, "cat /proc/cmdline")?;
    ensure!(running.contains("root=PARTLABEL=kiosk_1 "), "what is not signed runs: {running}");
    let told = run(&machine, &key, "kioskctl status --slots")?;
    ensure!(told.contains("kiosk_2, bad"), "the slots are told as {told}");
    ensure!(card.kernels()?.contains(&"kiosk_2+0-1.efi".to_owned()), "the kernels are {:?}", card.kernels()?);
    machine.power_off()
}
